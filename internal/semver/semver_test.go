package semver

import (
	"encoding/json"
	"testing"

	"github.com/guidon-flags/guidon/conformance"
)

// vectors reads the cases of files of the conformance suite.
func vectors[T any](t *testing.T, names ...string) (cases []T) {
	t.Helper()
	for _, name := range names {
		data, err := conformance.Files.ReadFile("vectors/" + name)
		if err != nil {
			t.Fatal(err)
		}
		var of []T
		if err := json.Unmarshal(data, &of); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		cases = append(cases, of...)
	}
	return cases
}

func TestParseVectors(t *testing.T) {
	type parseCase struct {
		ID       string
		Input    any
		Expected *string
	}
	for _, c := range vectors[parseCase](t, "semver_parse.json", "own_semver_parse.json") {
		s, ok := c.Input.(string)
		if !ok {
			continue // properties of other kinds are for package eval
		}
		v, ok := Parse(s)
		if ok != (c.Expected != nil) || ok && v.String() != *c.Expected {
			t.Errorf("%s: Parse(%q) = %v, %t", c.ID, s, &v, ok)
		}
		if !ok && v != (Version{}) {
			t.Errorf("%s: Parse(%q) returns %v with false", c.ID, s, &v)
		}
	}
}

func TestOperatorVectors(t *testing.T) {
	type operatorCase struct {
		ID     string
		Filter struct {
			Operator string
			Value    any
		}
		Properties map[string]any
		Expected   any // true, false or "error"
	}
	order := map[string]func(int) bool{
		"semver_eq": func(c int) bool { return c == 0 }, "semver_neq": func(c int) bool { return c != 0 },
		"semver_gt": func(c int) bool { return c > 0 }, "semver_gte": func(c int) bool { return c >= 0 },
		"semver_lt": func(c int) bool { return c < 0 }, "semver_lte": func(c int) bool { return c <= 0 },
	}
	requirements := map[string]func(string) (Range, bool){
		"semver_tilde": Tilde, "semver_caret": Caret, "semver_wildcard": Wildcard,
	}
	ran := map[string]int{}
	for _, c := range vectors[operatorCase](t, "properties_semver.json", "own_properties_semver.json") {
		value, ok := c.Filter.Value.(string)
		property, ok2 := c.Properties["key"].(string)
		if !ok || !ok2 {
			continue // other kinds are for package eval
		}
		v, ok := Parse(property)
		if !ok {
			continue // the same
		}
		ran[c.Filter.Operator]++
		var got any = "error"
		if requirement := requirements[c.Filter.Operator]; requirement != nil {
			if r, ok := requirement(value); ok {
				got = r.Contains(&v)
			}
		} else if w, ok := Parse(value); ok {
			got = order[c.Filter.Operator](v.Compare(&w))
		}
		if got != c.Expected {
			t.Errorf("%s: %q %s %q = %v, want %v", c.ID, property, c.Filter.Operator, value, got, c.Expected)
		}
	}
	if len(ran) != len(order)+len(requirements) {
		t.Errorf("cases run: %v", ran)
	}
}

func TestDoesNotAllocate(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() {
		v, _ := Parse("v1.2.3-rc.1+build.7")
		w, _ := Parse("1.2")
		r, _ := Wildcard("1.2.*")
		v.Compare(&w)
		r.Contains(&v)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzVersion checks what every version must satisfy: what is canonical reads
// back as itself, is equal to what it came from, and lies in its own ranges.
func FuzzVersion(f *testing.F) {
	for _, s := range []string{"1.2.3", "v 01.2", "1.0.0-rc.1+b.007", "1.2.x", "0", "18446744073709551616", " 1-a", "1.0.0-01", "3.08", "1.2.3.4"} {
		f.Add(s, "1.0.0-0")
	}
	f.Fuzz(func(t *testing.T, s, other string) {
		v, ok := Parse(s)
		if !ok {
			return
		}
		canonical := v.String()
		w, ok := Parse(canonical)
		if !ok || w.String() != canonical {
			t.Fatalf("Parse(%q) = %v, %t", canonical, &w, ok)
		}
		if v.Compare(&w) != 0 {
			t.Errorf("%q and %q differ", s, canonical)
		}
		for name, requirement := range map[string]func(string) (Range, bool){"tilde": Tilde, "caret": Caret, "wildcard": Wildcard} {
			if r, ok := requirement(canonical); !ok || !r.Contains(&v) {
				t.Errorf("%q is not in %s %q", s, name, canonical)
			}
		}
		if o, ok := Parse(other); ok && v.Compare(&o) != -o.Compare(&v) {
			t.Errorf("order of %q and %q depends on who asks", s, other)
		}
		Wildcard(other)
	})
}
