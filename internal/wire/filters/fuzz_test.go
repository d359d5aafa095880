package filters_test

import (
	"errors"
	"testing"

	"github.com/guidon-flags/guidon/internal/wire/filters"
)

// FuzzConfig reads any text as the filters of a flag and as the definition of
// a cohort. The outcome is exactly one of the documented ones.
func FuzzConfig(f *testing.F) {
	for _, file := range conformanceFiles(f, "vectors/evaluation_*.json") {
		var cases []evaluationCase
		loadJSON(f, file, &cases)
		for _, c := range cases {
			for _, flag := range c.Project.Flags {
				f.Add([]byte(flag.Filters))
			}
			for _, k := range c.Project.Cohorts {
				f.Add([]byte(k.Filters))
				f.Add([]byte(k.Groups))
			}
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		config, err := filters.Read(raw, filters.Limits{})
		set := 0
		for _, is := range []bool{config.Targeting != nil, config.Rules != nil, config.Fault != ""} {
			if is {
				set++
			}
		}
		if (err == nil) != (set == 1) || set > 1 {
			t.Errorf("error %v with %d fields set", err, set)
		}
		for _, pair := range [][2][]byte{{raw, nil}, {nil, raw}} {
			if root, malformed := filters.ReadCohort(pair[0], pair[1]); malformed && root != nil {
				t.Error("a malformed cohort has a tree")
			}
			filters.ReadCohortReferences(pair[0], pair[1])
		}
		filters.ReadReferences(raw)
		filters.LegacyCohortFilters(raw)
		filters.Decorate(raw, filters.Display{
			Cohort: func(int64) string { return "c" }, Group: func(int, string) string { return "g" },
		})
	})
}

// FuzzRules reads any text as a rules v2 document; errors have a kind.
func FuzzRules(f *testing.F) {
	var cases []parserCase
	loadJSON(f, "vectors/rules_v2_parser.json", &cases)
	for _, c := range cases {
		if c.Generate == nil {
			f.Add(append([]byte(c.ConfigText), c.Config...))
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		set, err := filters.ReadRules(raw, filters.Limits{})
		var re *filters.RulesError
		if (set == nil) != errors.As(err, &re) {
			t.Errorf("rules %v with error %v", set, err)
		}
	})
}

// FuzzValidate holds what is accepted to its promises: it is accepted again
// unchanged, and it can be evaluated.
func FuzzValidate(f *testing.F) {
	for _, c := range validationCases(f, "filters.json") {
		if c.Generate == nil {
			f.Add(c.document(), c.Enforcement == "safety", c.Create)
		}
	}
	for _, c := range validationCases(f, "cohort_filters.json") {
		f.Add(c.document(), false, false)
	}
	f.Fuzz(func(t *testing.T, raw []byte, safety, create bool) {
		opt := filters.Options{Create: create, GroupTypes: []int{0, 1}}
		if safety {
			opt.Enforcement = filters.EnforceSafety
		}
		stored, v := filters.Validate(raw, opt)
		if (stored == nil) == (v == nil) {
			t.Fatalf("document %q with violation %v", stored, v)
		}
		if v == nil {
			checkStored(t, stored, opt)
		}
		if stored, v := filters.ValidateCohort(raw, 0); v == nil {
			checkStoredCohort(t, stored)
		}
		if merged, v := filters.Merge(raw, raw); v == nil {
			if again, v := filters.Merge(merged, []byte("{}")); v != nil || string(again) != string(merged) {
				t.Errorf("Merge(%s, {}) = %s, %v", merged, again, v)
			}
		}
	})
}
