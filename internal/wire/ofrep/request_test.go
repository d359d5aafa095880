package ofrep

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/feature"
)

func TestTargetingKey(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"plain", `"user-1"`, "user-1"},
		{"escaped", `"\u0041\n\ud83d\ude00"`, "A\n😀"},
		{"half a surrogate pair", `"a\ud800"`, "a\uFFFD"},
		{"U+0000", `"a\u0000b"`, "ab"},
		{"200 characters", `"` + strings.Repeat("é", 200) + `"`, strings.Repeat("é", 200)},
		{"more", `"` + strings.Repeat("é", 201) + `"`, strings.Repeat("é", 200)},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r Request
			if err := r.Decode([]byte(`{"context":{"targetingKey":` + c.text + `}}`)); err != nil {
				t.Fatal(err)
			}
			if r.TargetingKey != c.want {
				t.Errorf("%q, want %q", r.TargetingKey, c.want)
			}
		})
	}
	var r Request
	var e *Error
	if err := r.Decode([]byte(`{"context":{"targetingKey":"\u0000"}}`)); !errors.As(err, &e) || e.Code != TargetingKeyMissing {
		t.Errorf("nothing is left of the key, error %v", err)
	}
}

func TestDeviceID(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`"$device_id":"d\u0000-1"`, "d-1"},
		{`"$device_id":"d-1","$device_id":"d-2"`, "d-2"},
		{`"$device_id":"d-1","$device_id":5`, ""},
		{`"$device_id":null`, ""},
		{`"device_id":"d-1"`, ""},
	} {
		var r Request
		if err := r.Decode([]byte(`{"context":{"targetingKey":"u",` + c.text + `}}`)); err != nil {
			t.Fatal(err)
		}
		if r.DeviceID != c.want {
			t.Errorf("%s: %q, want %q", c.text, r.DeviceID, c.want)
		}
	}
}

// reading is a project with a flag that reads the person properties plan, groups
// and $device_id, and seats of companies; teams are nothing to it.
func reading(t testing.TB) *eval.Program {
	t.Helper()
	person := func(key, want string) feature.Property {
		return feature.Property{Type: feature.PersonProperty, Key: key, Operator: "exact", Value: feature.Text(want), GroupType: feature.NoGroup}
	}
	condition := func(group feature.GroupIndex, p feature.Property) feature.Targeting {
		return feature.Targeting{GroupType: group, Conditions: []feature.Condition{{
			Properties: []feature.Property{p}, Rollout: 100, GroupType: group,
		}}}
	}
	seats := feature.Property{Type: feature.GroupProperty, Key: "seats", Operator: "exact", Value: feature.Text("250"), GroupType: 0}
	key := feature.Property{Type: feature.GroupProperty, Key: "$group_key", Operator: "exact", Value: feature.Text("acme"), GroupType: 0}
	project := feature.Project{GroupTypes: [feature.MaxGroupTypes]string{"company"}, ExplicitMatching: true}
	for _, f := range []struct {
		key   string
		group feature.GroupIndex
		p     feature.Property
	}{
		{"pro", feature.NoGroup, person("plan", "pro")},
		{"device", feature.NoGroup, person("$device_id", "d-1")},
		{"reserved", feature.NoGroup, person("groups", "x")},
		{"subject", feature.NoGroup, person("distinct_id", "u")},
		{"big", 0, seats},
		{"acme", 0, key},
	} {
		targeting := condition(f.group, f.p)
		project.Flags = append(project.Flags, feature.Flag{Key: f.key, Active: true, Targeting: &targeting})
	}
	p, faults := eval.Compile(&project)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	return p
}

func TestFill(t *testing.T) {
	p := reading(t)
	var r Request
	var in eval.Input
	for _, c := range []struct {
		name, context string
		on            []string
	}{
		{"nothing", `{"targetingKey":"u"}`, []string{"subject"}},
		{"properties", `{"targetingKey":"v","plan":"pro","$device_id":"d-1","other":[1,{"a":2}]}`, []string{"pro", "device"}},
		{"escaped name", `{"targetingKey":"v","pl\u0061n":"p\u0072o"}`, []string{"pro"}},
		{"last one counts", `{"targetingKey":"v","plan":"free","plan":"pro"}`, []string{"pro"}},
		{"reserved names are no properties", `{"targetingKey":"v","groups":{"x":"x"}}`, nil},
		{"group", `{"targetingKey":"v","groups":{"company":"acme"}}`, []string{"acme"}},
		{"last groups count", `{"targetingKey":"v","groups":{"company":"acme"},"groups":{"company":"other"}}`, nil},
		{"group properties", `{"targetingKey":"v","groups":{"company":7,"team":"a"},"groupProperties":{"company":{"seats":250},"team":{"a":1}}}`, []string{"big"}},
		{"group property by text", `{"targetingKey":"v","groups":{"company":"acme"},"groupProperties":{"company":{"seats":"250"}}}`, []string{"big", "acme"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := r.Decode([]byte(`{"context":` + c.context + `}`)); err != nil {
				t.Fatal(err)
			}
			in.Reset(p)
			in.DistinctID = r.TargetingKey
			r.Fill(p, &in)
			in.StoreNoPerson()
			in.StoreGroup(0)
			var res eval.Results
			p.Decide(&in, eval.Selection{}, &res)
			var on []string
			for i := range res.Items {
				if res.Items[i].Enabled {
					on = append(on, p.Flag(res.Items[i].Flag).Key)
				}
			}
			if diff := cmp.Diff(c.on, on); diff != "" {
				t.Errorf("flags that are on (-want +got):\n%s", diff)
			}
		})
	}
}

// A decoder that is used again must not remember.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"context":{"targetingKey":"u","plan":"pro","groups":{"company":"acme"},"groupProperties":{"company":{"seats":250}},"$device_id":"d"}}`,
		`{"context":{"targetingKey":7}}`, `{"context":null}`, `{"context":{"a":[[{}]],"targetingKey":"\ud800\u0000"}}`,
		`{"context":{"groups":[]}}`, `{"context":{"targetingKey":"u","groupProperties":{"x":{"$group_key":""}}},"b":[]}`, `[]`, ``, `{"a":`,
	} {
		f.Add([]byte(seed))
	}
	p := reading(f)
	var again Request
	f.Fuzz(func(t *testing.T, text []byte) {
		var r Request
		err, second := r.Decode(text), again.Decode(text)
		var e, e2 *Error
		if errors.As(err, &e) != errors.As(second, &e2) || (err == nil) != (second == nil) || e != nil && *e != *e2 {
			t.Fatalf("first %v, again %v", err, second)
		}
		if err != nil {
			if e == nil {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		if !json.Valid(text) && !strings.Contains(string(text), `\`) {
			t.Errorf("%q is no JSON", text)
		}
		if r.TargetingKey == "" || len([]rune(r.TargetingKey)) > 200 || r.TargetingKey != again.TargetingKey || r.DeviceID != again.DeviceID {
			t.Errorf("%q, again %q", r.TargetingKey, again.TargetingKey)
		}
		var in eval.Input
		in.Reset(p)
		in.DistinctID = r.TargetingKey
		r.Fill(p, &in)
		var res eval.Results
		p.Decide(&in, eval.Selection{}, &res)
		body := NewAnswers(p).AppendAll(nil, &res, nil)
		if !json.Valid(body) {
			t.Errorf("answer %s", body)
		}
	})
}
