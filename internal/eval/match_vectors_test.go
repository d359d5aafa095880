package eval

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "time/tzdata" // cases name time zones; the machine may have none

	"github.com/guidon-flags/guidon/internal/dates"
	"github.com/guidon-flags/guidon/internal/feature"
)

const vectorDir = "../../conformance/vectors/"

// vectors reads the cases of every file whose name begins with prefix or with
// own_prefix.
func vectors[T any](t testing.TB, prefix string) []T {
	t.Helper()
	var all []T
	for _, glob := range []string{prefix + "*.json", "own_" + prefix + "*.json"} {
		files, err := filepath.Glob(vectorDir + glob)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			var cases []T
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(data, &cases); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			all = append(all, cases...)
		}
	}
	if len(all) == 0 {
		t.Fatalf("no cases in %s%s*.json", vectorDir, prefix)
	}
	return all
}

// value is a feature.Value that cases can hold.
type value struct{ feature.Value }

func (v *value) UnmarshalJSON(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var a any
	if err := d.Decode(&a); err != nil {
		return err
	}
	v.Value = valueOf(a)
	return nil
}

func valueOf(a any) feature.Value {
	switch a := a.(type) {
	case nil:
		return feature.Null
	case bool:
		return feature.Bool(a)
	case string:
		return feature.Text(a)
	case json.Number:
		return feature.Number(a.String())
	case int:
		return feature.Number(fmt.Sprint(a))
	case float64:
		return feature.Number(feature.FloatText(a))
	case []any:
		items := make([]feature.Value, len(a))
		for i := range a {
			items[i] = valueOf(a[i])
		}
		return feature.Array(items)
	case map[string]any:
		var members []feature.Member
		for name := range a {
			members = append(members, feature.Member{Name: name, Value: valueOf(a[name])})
		}
		return feature.Object(members)
	}
	panic(fmt.Sprintf("no JSON value: %T", a))
}

// instant is a time as cases write it.
func instant(t *testing.T, s, otherwise string) time.Time {
	t.Helper()
	if s == "" {
		s = otherwise
	}
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	loc := dates.LoadLocation(name)
	if name != "" && loc.String() != name {
		t.Fatalf("LoadLocation(%q) = %s", name, loc)
	}
	return loc
}

type propertyCase struct {
	ID     string
	Filter struct {
		Key, Type, Operator string
		Value               value
	}
	Properties map[string]value
	Partial    bool
	Timezone   string
	Now        string
	ExactMode  string `json:"exact_mode"`
	Expected   any    // true, false or "error"
}

func (c *propertyCase) property() feature.Property {
	p := feature.Property{
		Key:      c.Filter.Key,
		Operator: feature.Operator(c.Filter.Operator),
		Value:    c.Filter.Value.Value,
	}
	if c.Filter.Operator == "" {
		p.Operator = feature.Exact
	}
	if c.Filter.Type == "person_metadata" {
		p.Type = feature.PersonMetadata
	}
	return p
}

func TestPropertyVectors(t *testing.T) {
	ran := 0
	for _, c := range vectors[propertyCase](t, "properties_") {
		t.Run(c.ID, func(t *testing.T) {
			props := map[string]feature.Value{}
			for name, v := range c.Properties {
				props[name] = v.Value
			}
			for _, explicit := range []bool{false, true} {
				if c.ExactMode != "" && explicit != (c.ExactMode == "explicit") {
					continue
				}
				ran++
				got, err := MatchProperty(c.property(), props, c.Partial, explicit,
					zone(t, c.Timezone), instant(t, c.Now, "2024-03-31T12:00:00Z"))
				var outcome any = got
				if err != nil {
					outcome = "error"
				}
				if outcome != c.Expected {
					t.Errorf("explicit %t: %s %v on %v = %v (%v), want %v",
						explicit, c.Filter.Operator, c.Filter.Value, c.Properties, outcome, err, c.Expected)
				}
			}
		})
	}
	t.Logf("%d matches", ran)
}

func TestVersionVectors(t *testing.T) {
	type versionCase struct {
		ID       string
		Input    value
		Expected *string
	}
	for _, c := range vectors[versionCase](t, "semver_parse") {
		got, ok := propertyVersion(c.Input.Value)
		if ok != (c.Expected != nil) || ok && got.String() != *c.Expected {
			t.Errorf("%s: propertyVersion(%v) = %v, %t", c.ID, c.Input, &got, ok)
		}
	}
}

func TestDateVectors(t *testing.T) {
	type dateCase struct {
		ID, Side, Timezone, Now string
		Input                   value
		Expected                *string
	}
	for _, c := range vectors[dateCase](t, "date_parse") {
		got, ok := ParseDate(c.Input.Value, c.Side == "filter", zone(t, c.Timezone), instant(t, c.Now, ""))
		if ok != (c.Expected != nil) || ok && !got.Equal(instant(t, *c.Expected, "")) {
			t.Errorf("%s: ParseDate(%v) = %v, %t", c.ID, c.Input, got, ok)
		}
	}
}

// TestOwnCasesHaveNewIDs keeps ids unique over all files.
func TestOwnCasesHaveNewIDs(t *testing.T) {
	files, err := filepath.Glob(vectorDir + "*.json")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var cases []struct{ ID string }
		if err := json.Unmarshal(data, &cases); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, c := range cases {
			if other, ok := seen[c.ID]; ok && strings.Contains(file+other, "own_") {
				t.Errorf("%s: %s is also in %s", file, c.ID, other)
			}
			seen[c.ID] = file
		}
	}
}
