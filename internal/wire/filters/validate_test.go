package filters_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/guidon-flags/guidon/internal/wire/filters"
)

type generated struct {
	Filters     json.RawMessage
	FiltersText string `json:"filters_text"`
	Replace     struct {
		Char  string
		Count int
	} `json:"replace_at_with"`
}

func (g *generated) document() []byte {
	doc := string(g.Filters)
	if g.FiltersText != "" {
		doc = g.FiltersText
	}
	return []byte(strings.Replace(doc, "@", strings.Repeat(g.Replace.Char, g.Replace.Count), 1))
}

type validationCase struct {
	ID             string
	Filters        json.RawMessage
	FiltersText    string `json:"filters_text"`
	Generate       *generated
	Enforcement    string
	Create         bool
	GroupTypes     []int `json:"group_types"`
	OpaquePayloads bool  `json:"opaque_payloads"`
	Warnings       []string
	Expected       struct {
		Status, Code, Path, Detail string
		Filters                    json.RawMessage
	}
}

func (c validationCase) document() []byte {
	switch {
	case c.FiltersText != "":
		return []byte(c.FiltersText)
	case c.Generate != nil:
		return c.Generate.document()
	case c.Filters == nil: // the JSON null
		return []byte("null")
	}
	return c.Filters
}

func (c validationCase) options(warn func(filters.Violation)) filters.Options {
	opt := filters.Options{
		Create: c.Create, GroupTypes: c.GroupTypes, OpaquePayloads: c.OpaquePayloads, Warn: warn,
	}
	if c.Enforcement == "safety" {
		opt.Enforcement = filters.EnforceSafety
	}
	return opt
}

func validationCases(t testing.TB, file string) []validationCase {
	var cases []validationCase
	loadJSON(t, "management/"+file, &cases)
	return cases
}

func TestValidateCases(t *testing.T) {
	for _, c := range validationCases(t, "filters.json") {
		t.Run(c.ID, func(t *testing.T) {
			var warnings []string
			opt := c.options(func(v filters.Violation) {
				if v.Code != "structural.unknown_key" {
					warnings = append(warnings, v.Code)
				}
			})
			got, v := filters.Validate(c.document(), opt)
			checkOutcome(t, c, got, v)
			if !slices.Equal(warnings, c.Warnings) {
				t.Errorf("warnings %q, want %q", warnings, c.Warnings)
			}
			if v == nil {
				checkStored(t, got, opt)
			}
		})
	}
}

// checkOutcome compares what validation gave with what the case expects.
func checkOutcome(t *testing.T, c validationCase, got []byte, v *filters.Violation) {
	t.Helper()
	if v == nil {
		v = &filters.Violation{}
	}
	if v.Code != c.Expected.Code || v.Path != c.Expected.Path {
		t.Fatalf("violation %q at %q (%s), want %q at %q", v.Code, v.Path, v.Detail, c.Expected.Code, c.Expected.Path)
	}
	if c.Expected.Detail != "" && v.Detail != c.Expected.Detail {
		t.Errorf("detail %q, want %q", v.Detail, c.Expected.Detail)
	}
	if v.Code != "" && (v.Detail == "" || got != nil) {
		t.Errorf("refused with detail %q and document %.80q", v.Detail, got)
	}
	if c.Expected.Filters == nil {
		return
	}
	// Not cmp: its time grows exponentially with the depth of lists.
	if !reflect.DeepEqual(decodeAsWritten(t, c.Expected.Filters), decodeAsWritten(t, got)) {
		t.Errorf("stored form\n got %s\nwant %s", got, c.Expected.Filters)
	}
}

// decodeAsWritten decodes JSON and keeps how numbers are written.
func decodeAsWritten(t *testing.T, raw []byte) any {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return v
}

// checkStored holds for every stored form: it is accepted unchanged, and it
// can be read for evaluation.
func checkStored(t *testing.T, stored []byte, opt filters.Options) {
	t.Helper()
	opt.Warn = nil
	again, v := filters.Validate(stored, opt)
	if v != nil || !bytes.Equal(again, stored) {
		t.Errorf("stored form %s becomes %s (%v)", stored, again, v)
	}
	config, err := filters.Read(stored, filters.Limits{})
	if err != nil || config.Targeting == nil {
		t.Errorf("stored form %s cannot be read: %v %q", stored, err, config.Fault)
	}
}

func TestValidateCohortCases(t *testing.T) {
	for _, c := range validationCases(t, "cohort_filters.json") {
		t.Run(c.ID, func(t *testing.T) {
			got, v := filters.ValidateCohort(c.document(), 0)
			checkOutcome(t, c, got, v)
			if v == nil {
				checkStoredCohort(t, got)
			}
		})
	}
}

func checkStoredCohort(t *testing.T, stored []byte) {
	t.Helper()
	if again, v := filters.ValidateCohort(stored, 0); v != nil || !bytes.Equal(again, stored) {
		t.Errorf("stored form %s becomes %s (%v)", stored, again, v)
	}
	root, malformed := filters.ReadCohort(stored, nil)
	if malformed || root == nil || broken(root) {
		t.Errorf("stored form %s cannot be evaluated", stored)
	}
}

func TestValidateCohortSize(t *testing.T) {
	doc := []byte(`{"properties":{"type":"AND","values":[]}}`)
	if _, v := filters.ValidateCohort(doc, len(doc)); v != nil {
		t.Errorf("at the limit: %v", v)
	}
	if _, v := filters.ValidateCohort(doc, len(doc)-1); v == nil {
		t.Error("above the limit: accepted")
	}
}

// TestValidateWarns holds that dropped keys are told with their place.
func TestValidateWarns(t *testing.T) {
	var paths []string
	opt := filters.Options{Warn: func(v filters.Violation) { paths = append(paths, v.Path) }}
	doc := `{"a":1,"super_groups":[],"groups":[{"b":1,"properties":[{"key":"k","type":"person","c":1,"cohort_name":"x"}]}]}`
	if _, v := filters.Validate([]byte(doc), opt); v != nil {
		t.Fatal(v)
	}
	if want := []string{"a", "groups[0].b", "groups[0].properties[0].c"}; !slices.Equal(paths, want) {
		t.Errorf("warnings at %q, want %q", paths, want)
	}
}

func TestViolationDetails(t *testing.T) {
	for _, c := range []struct {
		doc, detail string
		safety      bool
	}{
		{`[]`, "Filters must be a dictionary, got list.", false},
		{
			`{"groups":[{"properties":[{"key":"a","type":"person","operator":"gt","value":5}]}]}`,
			"groups[0].properties[0].value: Operator gt requires a string value.", false,
		},
		{`{"groups":[{"rollout_percentage":101}]}`, "groups[0].rollout_percentage must be between 0 and 100, got 101", true},
		{`{"groups":[{"properties":[{"key":"a","type":"person","operator":"foo"}]}]}`, "Invalid operator: foo", true},
		{
			`{"multivariate":{"variants":[{"key":"a","rollout_percentage":50},{"key":"b","rollout_percentage":40}]}}`,
			"multivariate.variants: Variant rollout percentages must sum to 100, got 90.", false,
		},
		{
			`{"multivariate":{"variants":[{"key":"a","rollout_percentage":0.1},{"key":"b","rollout_percentage":0.2}]}}`,
			"multivariate.variants: Variant rollout percentages must sum to 100, got 0.3.", false,
		},
		{`{"payloads":{"true":"{"}}`, "payloads: Payload for key 'true' is not valid JSON.", false},
	} {
		opt := filters.Options{}
		if c.safety {
			opt.Enforcement = filters.EnforceSafety
		}
		_, v := filters.Validate([]byte(c.doc), opt)
		if v == nil || v.Detail != c.detail {
			t.Errorf("Validate(%s) = %v, want %s", c.doc, v, c.detail)
		}
	}
}
