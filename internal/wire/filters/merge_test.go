package filters_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/guidon-flags/guidon/internal/wire/filters"
)

func TestMerge(t *testing.T) {
	for _, c := range []struct{ stored, patch, want, code string }{
		{`{"groups": [{"a": 1}], "early_exit": true}`, `{}`, `{"groups":[{"a":1}],"early_exit":true}`, ""},
		{`{"groups":[{"a":1}],"early_exit":true}`, `{"groups": []}`, `{"groups":[],"early_exit":true}`, ""},
		{`{"groups":[]}`, `{"holdout":null,"x":[40, 33.30]}`, `{"groups":[],"holdout":null,"x":[40,33.30]}`, ""},
		{`{"version":1.0,"groups":[]}`, `{}`, `{"groups":[]}`, ""},
		{`null`, `{"groups":[]}`, `{"groups":[]}`, ""},
		{``, `{"groups":[],"groups":[1]}`, `{"groups":[1]}`, ""},
		{`{}`, `[]`, ``, "structural.filters.not_a_dict"},
		{`{}`, `{`, ``, "structural.filters.invalid"},
		{`{}`, `{"version":1}`, ``, "reserved_config_version"},
		{`{"version":2,"rules":[]}`, `{}`, ``, "unsupported_config_version"},
		{`{"version":null}`, `{}`, ``, "unsupported_config_version"},
		{`[]`, `{}`, ``, "unsupported_config_version"},
	} {
		got, v := filters.Merge([]byte(c.stored), []byte(c.patch))
		code := ""
		if v != nil {
			code = v.Code
		}
		if string(got) != c.want || code != c.code {
			t.Errorf("Merge(%s, %s) = %s, %v; want %s, %s", c.stored, c.patch, got, v, c.want, c.code)
		}
	}
}

func TestDecorate(t *testing.T) {
	names := filters.Display{
		Cohort: func(id int64) string { return map[int64]string{5: `The "five"`}[id] },
		Group:  func(index int, key string) string { return map[string]string{"a": "Acme"}[key] },
	}
	prefix, suffix := `{"groups":[{"properties":[`, `],"rollout_percentage":33.30}],"early_exit":null}`
	for _, c := range []struct{ property, want string }{
		{`{"key":"id","type":"cohort","value":5,"cohort_name":"old"}`, `{"key":"id","type":"cohort","value":5,"cohort_name":"The \"five\""}`},
		{`{"key":"id","type":"cohort","value":6,"cohort_name":"old"}`, `{"key":"id","type":"cohort","value":6}`},
		{`{"key":"id","type":"cohort","value":"5"}`, `{"key":"id","type":"cohort","value":"5"}`},
		{
			`{"key":"$group_key","type":"group","group_type_index":0,"value":["a","b","a",7]}`,
			`{"key":"$group_key","type":"group","group_type_index":0,"value":["a","b","a",7],"group_key_names":{"a":"Acme"}}`,
		},
		{
			`{"key":"$group_key","type":"group","group_type_index":0,"value":"a"}`,
			`{"key":"$group_key","type":"group","group_type_index":0,"value":"a","group_key_names":{"a":"Acme"}}`,
		},
		{`{"key":"plan","type":"group","group_type_index":0,"value":"a"}`, `{"key":"plan","type":"group","group_type_index":0,"value":"a"}`},
		{`7`, `7`},
	} {
		if got, want := string(filters.Decorate([]byte(prefix+c.property+suffix), names)), prefix+c.want+suffix; got != want {
			t.Errorf("Decorate(%s)\n got %s\nwant %s", c.property, got, want)
		}
	}
	for _, doc := range []string{`{`, `{"version":2,"rules":[]}`, `{"groups":5}`, `{}`} {
		if got := filters.Decorate([]byte(doc), names); string(got) != doc {
			t.Errorf("Decorate(%s) = %s", doc, got)
		}
	}
	if got := string(filters.Decorate([]byte(`{"groups":[{"properties":[{"type":"cohort","value":5,"cohort_name":"x"}]}]}`), filters.Display{})); strings.Contains(got, "cohort_name") {
		t.Errorf("without names: %s", got)
	}
}

func TestReadReferences(t *testing.T) {
	doc := `{"aggregation_group_type_index":2,"groups":[
		{"properties":[{"key":"id","type":"cohort","value":5},{"key":"id","type":"cohort","value":"7"},
			{"key":"12","type":"flag"},{"key":13,"type":"flag"},{"key":"beta","type":"flag"},{"key":"-1","type":"flag"}],
			"aggregation_group_type_index":null},
		{"properties":[{"key":"a","type":"group","operator":"not_regex","value":"^x"},{"key":"a","type":"person","operator":"regex","value":7}]},
		{"aggregation_group_type_index":0}]}`
	want := filters.References{
		Cohorts: []filters.Reference{
			{Path: "groups[0].properties[0].value", Text: "5", ID: 5, OK: true},
			{Path: "groups[0].properties[1].value", Text: "7"},
		},
		Flags: []filters.Reference{
			{Path: "groups[0].properties[2].key", Text: "12", ID: 12, OK: true},
			{Path: "groups[0].properties[3].key", Text: "13", ID: 13, OK: true},
			{Path: "groups[0].properties[4].key", Text: "beta"},
			{Path: "groups[0].properties[5].key", Text: "-1"},
		},
		Patterns:   []filters.Pattern{{Path: "groups[1].properties[0].value", Source: "^x"}},
		GroupTypes: []int{0, 2},
	}
	if diff := cmp.Diff(want, filters.ReadReferences([]byte(doc))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if refs := filters.ReadReferences([]byte(`{"groups":[{"aggregation_group_type_index":1}]}`)); !refs.AllGroups {
		t.Error("AllGroups is false for a document with group conditions alone")
	}
	for _, doc := range []string{`{`, `[]`, `{"groups":{}}`, `{"groups":[5]}`, `{"version":2,"groups":[{"properties":[{"type":"flag","key":"1"}]}]}`} {
		if refs := filters.ReadReferences([]byte(doc)); len(refs.Cohorts)+len(refs.Flags)+len(refs.Patterns) > 0 {
			t.Errorf("ReadReferences(%s) = %v", doc, refs)
		}
	}
}
