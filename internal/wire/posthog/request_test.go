package posthog

import (
	"fmt"
	"strings"
	"testing"

	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/feature"
)

// readingFlags returns a Program that reads the given person properties and
// one property of the group type company.
func readingFlags(names ...string) *eval.Program {
	condition := feature.Condition{Rollout: 100, GroupType: feature.NoGroup}
	for _, n := range names {
		condition.Properties = append(condition.Properties, feature.Property{
			Key: n, Type: feature.PersonProperty, Operator: feature.Exact, Value: feature.Text("x"), GroupType: feature.NoGroup,
		})
	}
	group := feature.Condition{Rollout: 100, GroupType: 1, Properties: []feature.Property{
		{Key: "plan", Type: feature.GroupProperty, Operator: feature.Exact, Value: feature.Text("pro"), GroupType: 1},
	}}
	prog, _ := eval.Compile(&feature.Project{
		GroupTypes: [feature.MaxGroupTypes]string{1: "company"},
		Flags: []feature.Flag{
			{
				ID: 1, Key: "person", Active: true,
				Targeting: &feature.Targeting{Conditions: []feature.Condition{condition}, GroupType: feature.NoGroup},
			},
			{
				ID: 2, Key: "group", Active: true,
				Targeting: &feature.Targeting{Conditions: []feature.Condition{group}, GroupType: 1},
			},
		},
	})
	return prog
}

func TestFill(t *testing.T) {
	tests := []struct {
		name, body    string
		person, group bool // whether the flags match
		key           string
	}{
		{"properties", `{"distinct_id":"u","person_properties":{"a":"X"},"groups":{"company":"acme"},"group_properties":{"company":{"plan":"pro"}}}`, true, true, "acme"},
		{"escaped", `{"distinct_id":"u","person_properties":{"\u0061":"\u0078"},"groups":{"comp\u0061ny":"acme"},"group_properties":{"\u0063ompany":{"pl\u0061n":"pro"}}}`, true, true, "acme"},
		{"last duplicate", `{"distinct_id":"u","person_properties":{"a":"x","a":"y"},"groups":{"company":"acme"},"group_properties":{"company":{"plan":"pro","plan":1}}}`, false, false, "acme"},
		{"numeric key", `{"distinct_id":"u","groups":{"company":12.0},"group_properties":{"company":{"plan":"pro"}}}`, false, true, "12.0"},
		{"unusable key", `{"distinct_id":"u","groups":{"company":true},"group_properties":{"company":{"plan":"pro"}}}`, false, false, ""},
		{"null group properties", `{"distinct_id":"u","groups":{"company":"acme"},"group_properties":{"company":null}}`, false, false, "acme"},
		{"other group type", `{"distinct_id":"u","groups":{"team":"acme"},"group_properties":{"team":{"plan":"pro"}}}`, false, false, ""},
		{"NUL in key", `{"distinct_id":"u","groups":{"company":"ac\u0000me"},"group_properties":{"company":{"plan":"pro"}}}`, false, true, "acme"},
		{"nothing", `{"distinct_id":"u"}`, false, false, ""},
	}
	prog := readingFlags("a")
	var r FlagsRequest
	var in eval.Input
	var res eval.Results
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := r.Decode([]byte(tt.body), BodyHints{}); err != nil {
				t.Fatal(err)
			}
			for range 2 { // Fill may be repeated
				in.Reset(prog)
				in.DistinctID = r.DistinctID
				r.Fill(prog, &in)
				if got := in.GroupKey(1); got != tt.key {
					t.Errorf("GroupKey = %q, want %q", got, tt.key)
				}
				in.StoreNoPerson()
				in.StoreGroup(1)
				prog.Decide(&in, eval.Selection{}, &res)
				if got := res.Items[0].Enabled; got != tt.person {
					t.Errorf("flag on the person = %v, want %v", got, tt.person)
				}
				if got := res.Items[1].Enabled; got != tt.group {
					t.Errorf("flag on the group = %v, want %v", got, tt.group)
				}
			}
		})
	}
}

// TestFillUnknownGroupTypes: without the project's group types, what a request
// says of groups makes flags about them fail (9.4). A usable key in groups is
// one for group conditions; a group property, even $group_key, is context alone.
func TestFillUnknownGroupTypes(t *testing.T) {
	inPerson := feature.Condition{Rollout: 100, GroupType: feature.NoGroup, Properties: []feature.Property{
		{Key: "plan", Type: feature.GroupProperty, Operator: feature.IsNotSet, GroupType: 1},
	}}
	prog, _ := eval.Compile(&feature.Project{GroupTypesUnknown: true, Flags: []feature.Flag{
		{ID: 1, Key: "person", Active: true, Targeting: &feature.Targeting{
			Conditions: []feature.Condition{inPerson}, GroupType: feature.NoGroup,
		}},
		{ID: 2, Key: "group", Active: true, Targeting: &feature.Targeting{
			Conditions: []feature.Condition{{Rollout: 100, GroupType: 1}}, GroupType: 1,
		}},
	}})
	tests := []struct {
		name, body    string
		person, group bool // whether the flags fail
	}{
		{"nothing", `{"distinct_id":"u"}`, false, false},
		{"key", `{"distinct_id":"u","groups":{"company":"acme"}}`, true, true},
		{"number", `{"distinct_id":"u","groups":{"company":0}}`, true, true},
		{"unusable key", `{"distinct_id":"u","groups":{"company":true,"team":""}}`, false, false},
		{"property", `{"distinct_id":"u","group_properties":{"company":{"plan":null}}}`, true, false},
		{"key as property", `{"distinct_id":"u","group_properties":{"company":{"$group_key":"acme"}}}`, true, false},
		{"number as property", `{"distinct_id":"u","group_properties":{"company":{"$group_key":7}}}`, true, false},
		{"unusable key as property", `{"distinct_id":"u","group_properties":{"company":{"$group_key":true},"team":{"$group_key":""}}}`, false, false},
		{"no properties", `{"distinct_id":"u","group_properties":{"company":{}}}`, false, false},
	}
	var r FlagsRequest
	var in eval.Input
	var res eval.Results
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := r.Decode([]byte(tt.body), BodyHints{}); err != nil {
				t.Fatal(err)
			}
			in.Reset(prog)
			r.Fill(prog, &in)
			prog.Decide(&in, eval.Selection{}, &res)
			if got := res.Items[0].Failure != nil; got != tt.person {
				t.Errorf("the flag on the person fails: %v, want %v", got, tt.person)
			}
			if got := res.Items[1].Failure != nil; got != tt.group {
				t.Errorf("the flag on the group fails: %v, want %v", got, tt.group)
			}
			if !res.Errors {
				t.Error("no error bit")
			}
		})
	}
}

// browserBody is a request as posthog-js makes it, with n person properties.
func browserBody(n int) []byte {
	var b strings.Builder
	b.WriteString(`{"token":"phc_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG","distinct_id":"0195c7c1-8f3b-7a60-b9a3-8d3bfa4ae5a1",` +
		`"groups":{"company":"acme"},"$anon_distinct_id":"0195c7c1-8f3b-7a60-b9a3-8d3bfa4ae5a2","person_properties":{`)
	for i := range n {
		fmt.Fprintf(&b, `"$initial_property_%d":"https://example.com/%d",`, i, i)
	}
	b.WriteString(`"plan":"pro","seats":12},"group_properties":{"company":{"plan":"pro"}},"timezone":"Europe/Berlin",` +
		`"$device_id":"0195c7c1-8f3b-7a60-b9a3-8d3bfa4ae5a2","sent_at":"2026-08-01T00:00:00.000Z"}`)
	return []byte(b.String())
}

// TestDecodeAllocations: a decoded request owns its few ids, and one piece of
// memory for the values that are read.
func TestDecodeAllocations(t *testing.T) {
	body := browserBody(20)
	prog := readingFlags("plan", "seats")
	var r FlagsRequest
	var in eval.Input
	run := func() {
		if err := r.Decode(body, BodyHints{}); err != nil {
			t.Fatal(err)
		}
		in.Reset(prog)
		r.Fill(prog, &in)
	}
	run()
	if n := testing.AllocsPerRun(100, run); n > 5 {
		t.Errorf("decoding allocates %v times", n)
	}
}

func BenchmarkDecode(b *testing.B) {
	prog := readingFlags("plan", "seats", "country")
	for _, n := range []int{2, 20, 60} {
		body := browserBody(n)
		b.Run(fmt.Sprintf("properties=%d", n), func(b *testing.B) {
			var r FlagsRequest
			var in eval.Input
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if err := r.Decode(body, BodyHints{}); err != nil {
					b.Fatal(err)
				}
				in.Reset(prog)
				r.Fill(prog, &in)
			}
		})
	}
}
