package filters_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/wire/filters"
)

func leaf(key, value string) feature.CohortNode {
	return feature.CohortNode{Op: feature.CohortLeaf, Property: feature.Property{
		Key: key, Operator: feature.Exact, Value: feature.Text(value), GroupType: feature.NoGroup,
	}}
}

func all(children ...feature.CohortNode) *feature.CohortNode {
	return &feature.CohortNode{Op: feature.CohortAnd, Children: children}
}

func anyOf(children ...feature.CohortNode) *feature.CohortNode {
	return &feature.CohortNode{Op: feature.CohortOr, Children: children}
}

func TestReadCohort(t *testing.T) {
	a := leaf("a", "1")
	member := feature.CohortNode{Op: feature.CohortLeaf, Property: feature.Property{
		Key: "id", Type: feature.CohortMembership, Operator: feature.NotIn, Value: feature.Number("3"),
		GroupType: feature.NoGroup, Negation: true,
	}}
	events := feature.CohortNode{Op: feature.CohortEvents}
	never := feature.CohortNode{Op: feature.CohortNever}
	const aDoc = `{"key":"a","type":"person","value":"1"}`
	tree := func(values string) string { return `{"properties":{"type":"AND","values":[` + values + `]}}` }
	for _, c := range []struct {
		name, filters, groups string
		want                  *feature.CohortNode
	}{
		{"no definition", ``, ``, nil},
		{"null", `null`, `null`, nil},
		{"empty groups", `null`, `[]`, nil},
		{"groups that are no list", ``, `{}`, nil},
		{"filters win", tree(aDoc), `[{"properties":{"b":"2"}}]`, all(a)},
		{
			"leaf and group", tree(aDoc + `,{"type":"OR","values":[` + aDoc + `]},{"type":"property","values":[]}`), ``,
			all(a, *anyOf(a), *all()),
		},
		{"cohort", tree(`{"key":"id","type":"cohort","operator":"not_in","value":3,"negation":true}`), ``, all(member)},
		{"events", tree(`{"type":"behavioral","key":"$pageview","operator":"gte","negation":true},{"type":"lifecycle"}`), ``, all(events, events)},
		{"of groups and flags", tree(`{"type":"group","key":"a"},{"type":"flag","key":"1"}`), ``, all(never, never)},
		{"unknown inner type", tree(`{"type":"XOR","values":[` + aDoc + `]}`), ``, all(feature.CohortNode{Op: feature.CohortBroken})},
		{
			"legacy leaves", ``, `[{"properties":[{"key":"a","value":"1"},{"key":"a","type":"event","value":"1"},{"key":"a","type":null,"value":"1"}]}]`,
			anyOf(*all(a, a, a)),
		},
		{"legacy group", ``, `[{"properties":{"type":"OR","values":[` + aDoc + `]}}]`, anyOf(*anyOf(a))},
		{"legacy pairs", ``, `[{"properties":{"a":"1"}}]`, anyOf(*all(a))},
		{"legacy events", ``, `[{"action_id":7},{"event_id":"x","properties":[]}]`, anyOf(events, events)},
		{
			"legacy nothing", ``, `[{},5,{"properties":{"type":"OR"}},{"properties":{"values":[]}},{"properties":{}}]`,
			anyOf(never, never, never, never, never),
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, malformed := filters.ReadCohort([]byte(c.filters), []byte(c.groups))
			if diff := cmp.Diff(c.want, got, compareValues); diff != "" || malformed {
				t.Errorf("malformed %v (-want +got)\n%s", malformed, diff)
			}
		})
	}
}

func TestReadCohortMalformed(t *testing.T) {
	for _, doc := range []string{
		`{`, `[]`, `{}`, `{"properties":null}`, `{"properties":{}}`, `{"properties":{"type":"AND"}}`,
		`{"properties":{"type":"AND","values":{}}}`, `{"properties":{"type":"property","values":[]}}`,
		`{"properties":{"type":"and","values":[]}}`,
		`{"properties":{"type":"AND","values":[5]}}`, `{"properties":{"type":"AND","values":[{}]}}`,
		`{"properties":{"type":"AND","values":[{"type":"OR"}]}}`,
		`{"properties":{"type":"OR","values":[{"type":"person","key":"a","operator":"like"}]}}`,
		`{"properties":{"type":"OR","values":[{"type":"person"}]}}`,
		`{"properties":{"type":"OR","values":[{"type":"cohort","key":"id","value":"3"}]}}`,
		`{"properties":{"type":"OR","values":[{"type":"cohort","key":"id","value":3.0}]}}`,
		`{"properties":{"type":"OR","values":[{"type":"XOR","values":5}]}}`,
	} {
		if root, malformed := filters.ReadCohort([]byte(doc), nil); !malformed || root != nil {
			t.Errorf("ReadCohort(%s) = %v, %v", doc, root, malformed)
		}
	}
	if _, malformed := filters.ReadCohort(nil, []byte(`[{"properties":[{"key":"a","operator":"like"}]}]`)); !malformed {
		t.Error("a legacy leaf with an unknown operator can be read")
	}
}

// TestLegacyCohortFilters holds the two forms of a definition to one meaning.
func TestLegacyCohortFilters(t *testing.T) {
	for _, groups := range []string{
		`[{"properties":[{"key":"a","value":"1"},{"key":"id","type":"cohort","value":3}]},{"properties":{"a":"1","b":[1,2]}}]`,
		`[{"properties":{"type":"OR","values":[{"key":"a","type":"person","operator":"regex","value":"1"}]}}]`,
		`[{"action_id":7,"days":30}]`,
	} {
		want, _ := filters.ReadCohort(nil, []byte(groups))
		got, malformed := filters.ReadCohort(filters.LegacyCohortFilters([]byte(groups)), nil)
		if diff := cmp.Diff(want, got, compareValues); diff != "" || malformed {
			t.Errorf("%s (-want +got)\n%s", groups, diff)
		}
		a := filters.ReadCohortReferences(nil, []byte(groups))
		b := filters.ReadCohortReferences(filters.LegacyCohortFilters([]byte(groups)), nil)
		a.Patterns, b.Patterns = nil, nil // their paths differ
		if diff := cmp.Diff(a, b); diff != "" {
			t.Errorf("%s: references (-groups +filters)\n%s", groups, diff)
		}
	}
	for _, groups := range []string{``, `null`, `[]`, `{}`, `{`} {
		if got := filters.LegacyCohortFilters([]byte(groups)); got != nil {
			t.Errorf("LegacyCohortFilters(%s) = %s", groups, got)
		}
	}
}

func TestReadCohortReferences(t *testing.T) {
	doc := `{"properties":{"type":"OR","values":[{"type":"cohort","key":"id","value":3},{"type":"AND","values":[
		{"type":"cohort","key":"id","value":4,"negation":true},{"type":"cohort","key":"id","value":3},
		{"type":"behavioral","key":"$pageview","value":"performed_event"},{"type":"lifecycle","key":"x"},
		{"type":"person","key":"e","operator":"regex","value":"a+"}]}]}}`
	want := filters.CohortReferences{
		Cohorts:  []int64{3, 4},
		Patterns: []filters.Pattern{{Path: "properties.values[1].values[4].value", Source: "a+"}},
		Events:   []filters.EventCriterion{{Key: "$pageview", What: "performed_event"}, {Key: "x", What: "lifecycle"}},
	}
	if diff := cmp.Diff(want, filters.ReadCohortReferences([]byte(doc), nil)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
