package filters_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/wire/filters"
)

var compareValues = cmp.Comparer(func(a, b feature.Value) bool { return a.Equal(b) })

func TestReadTargeting(t *testing.T) {
	for _, c := range []struct {
		name, doc string
		want      feature.Targeting
	}{
		{"empty", `{}`, feature.Targeting{Conditions: []feature.Condition{}, GroupType: feature.NoGroup}},
		{
			"null everywhere", `{"version":1.0,"groups":null,"multivariate":null,"payloads":null,"aggregation_group_type_index":null,
			"feature_enrollment":null,"holdout":null,"early_exit":null,"super_groups":7,"holdout_groups":"x"}`,
			feature.Targeting{Conditions: []feature.Condition{}, GroupType: feature.NoGroup},
		},
		{
			"all members", `{"groups":[{"properties":null,"rollout_percentage":33.33,"variant":"a","description":1}],
			"multivariate":{"variants":[{"key":"a","name":null,"rollout_percentage":100.0}]},
			"payloads":{"a":"{\"x\":1}","true":{"b": [1, 2.0]},"none":null},"feature_enrollment":true,"early_exit":true,
			"holdout":{"id":9007199254740993,"exclusion_percentage":-5}}`,
			feature.Targeting{
				Conditions: []feature.Condition{{Rollout: 33.33, Variant: "a", GroupType: feature.NoGroup}},
				Variants:   []feature.Variant{{Key: "a", Weight: 100}},
				Payloads:   []feature.Payload{{Key: "a", JSON: `"{\"x\":1}"`}, {Key: "true", JSON: `{"b":[1,2.0]}`}},
				GroupType:  feature.NoGroup, Enrollment: true, EarlyExit: true,
				Holdout: &feature.Holdout{ID: 9007199254740993, Exclusion: -5},
			},
		},
		{
			"three states of the group type", `{"aggregation_group_type_index":1,"groups":[{},{"aggregation_group_type_index":null},
			{"aggregation_group_type_index":0},{"aggregation_group_type_index":-3},{"aggregation_group_type_index":7}]}`,
			feature.Targeting{GroupType: 1, Conditions: []feature.Condition{
				{Rollout: 100, GroupType: 1},
				{Rollout: 100, GroupType: feature.NoGroup},
				{Rollout: 100, GroupType: 0},
				{Rollout: 100, GroupType: feature.MaxGroupTypes},
				{Rollout: 100, GroupType: feature.MaxGroupTypes},
			}},
		},
		{
			"property filters", `{"groups":[{"properties":[
			{"key":"a","type":"person"},
			{"key":"b","type":"person","operator":null,"value":null,"negation":true,"group_type_index":3},
			{"key":"12","type":"flag","operator":"flag_evaluates_to","value":true},
			{"key":"id","type":"cohort","value":5},
			{"key":"g","type":"group","operator":"max","value":[1,"x"],"group_type_index":2},
			{"key":"created_at","type":"person_metadata","operator":"min","value":"-1d"}]}]}`,
			feature.Targeting{GroupType: feature.NoGroup, Conditions: []feature.Condition{{
				Rollout: 100, GroupType: feature.NoGroup,
				Properties: []feature.Property{
					{Key: "a", Operator: feature.Exact, GroupType: feature.NoGroup},
					{Key: "b", Operator: feature.Exact, GroupType: feature.NoGroup, Negation: true},
					{Key: "12", Type: feature.FlagDependency, Operator: feature.FlagEvaluatesTo, Value: feature.Bool(true), GroupType: feature.NoGroup},
					{Key: "id", Type: feature.CohortMembership, Operator: feature.In, Value: feature.Number("5"), GroupType: feature.NoGroup},
					{
						Key: "g", Type: feature.GroupProperty, Operator: feature.LTE, GroupType: 2,
						Value: feature.Array([]feature.Value{feature.Number("1"), feature.Text("x")}),
					},
					{Key: "created_at", Type: feature.PersonMetadata, Operator: feature.GTE, Value: feature.Text("-1d"), GroupType: feature.NoGroup},
				},
			}}},
		},
		{
			"last of equal names", `{"early_exit":false,"early_exit":true,"payloads":{"a":1,"b":2,"a":3}}`,
			feature.Targeting{
				GroupType: feature.NoGroup, EarlyExit: true, Conditions: []feature.Condition{},
				Payloads: []feature.Payload{{Key: "b", JSON: "2"}, {Key: "a", JSON: "3"}},
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := filters.Read([]byte(c.doc), filters.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&c.want, got.Targeting, compareValues); diff != "" || got.Rules != nil || got.Fault != "" {
				t.Errorf("(-want +got)\n%s%v %q", diff, got.Rules, got.Fault)
			}
		})
	}
}

func TestReadUndecodable(t *testing.T) {
	property := func(p string) string { return `{"groups":[{},{"properties":[` + p + `]}]}` }
	for _, c := range []struct{ doc, path string }{
		{`[]`, ""},
		{`null`, ""},
		{`{"groups":5}`, "groups"},
		{`{"groups":{}}`, "groups"},
		{`{"groups":[5]}`, "groups[0]"},
		{`{"groups":[{"properties":{}}]}`, "groups[0].properties"},
		{`{"groups":[{"rollout_percentage":"50"}]}`, "groups[0].rollout_percentage"},
		{`{"groups":[{"rollout_percentage":1e999}]}`, "groups[0].rollout_percentage"},
		{`{"groups":[{"variant":1}]}`, "groups[0].variant"},
		{`{"groups":[{"aggregation_group_type_index":1.0}]}`, "groups[0].aggregation_group_type_index"},
		{`{"aggregation_group_type_index":2147483648}`, "aggregation_group_type_index"},
		{`{"aggregation_group_type_index":false}`, "aggregation_group_type_index"},
		{`{"feature_enrollment":"true"}`, "feature_enrollment"},
		{`{"early_exit":1}`, "early_exit"},
		{`{"holdout":[]}`, "holdout"},
		{`{"holdout":{"exclusion_percentage":1}}`, "holdout.id"},
		{`{"holdout":{"id":1.0,"exclusion_percentage":1}}`, "holdout.id"},
		{`{"holdout":{"id":1}}`, "holdout.exclusion_percentage"},
		{`{"multivariate":[]}`, "multivariate"},
		{`{"multivariate":{"variants":{}}}`, "multivariate.variants"},
		{`{"multivariate":{"variants":[{"rollout_percentage":1}]}}`, "multivariate.variants[0].key"},
		{`{"multivariate":{"variants":[{"key":"a"}]}}`, "multivariate.variants[0].rollout_percentage"},
		{property(`7`), "groups[1].properties[0]"},
		{property(`{"key":"a"}`), "groups[1].properties[0].type"},
		{property(`{"key":"a","type":null}`), "groups[1].properties[0].type"},
		{property(`{"key":"a","type":"event"}`), "groups[1].properties[0].type"},
		{property(`{"type":"person"}`), "groups[1].properties[0].key"},
		{property(`{"key":true,"type":"person"}`), "groups[1].properties[0].key"},
		{property(`{"key":12,"type":"flag"}`), "groups[1].properties[0].key"},
		{property(`{"key":"a","type":"person","operator":"ICONTAINS"}`), "groups[1].properties[0].operator"},
		{property(`{"key":"a","type":"person","operator":""}`), "groups[1].properties[0].operator"},
		{property(`{"key":"a","type":"person","negation":"no"}`), "groups[1].properties[0].negation"},
		{property(`{"key":"a","type":"group","group_type_index":"0"}`), "groups[1].properties[0].group_type_index"},
	} {
		_, err := filters.Read([]byte(c.doc), filters.Limits{})
		var d *filters.DecodeError
		if !errors.As(err, &d) || d.Path != c.path {
			t.Errorf("Read(%s) error = %v, want one at %q", c.doc, err, c.path)
		}
	}
	deep := `{"x":` + strings.Repeat("[", 600) + strings.Repeat("]", 600) + `}`
	for _, doc := range []string{``, `{`, `{"groups":[]} x`, `{"a":NaN}`, deep} {
		if _, err := filters.Read([]byte(doc), filters.Limits{}); err == nil {
			t.Errorf("Read(%.40s) gives no error", doc)
		}
	}
}

func TestReadVersion(t *testing.T) {
	for _, c := range []struct{ version, want string }{
		{`1`, "v1"},
		{`1.0`, "v1"},
		{`2`, "v2"},
		{`2.0`, "v2"},
		{`20e-1`, "v2"},
		{`"2"`, "fault"},
		{`true`, "fault"},
		{`null`, "fault"},
		{`3`, "fault"},
		{`1.5`, "fault"},
		{`"1"`, "fault"},
	} {
		doc := `{"version":` + c.version + `,"return_type":"boolean","default_value":null,"rules":[],"groups":[]}`
		if c.want == "v2" {
			doc = strings.Replace(doc, `,"groups":[]`, "", 1)
		}
		got, err := filters.Read([]byte(doc), filters.Limits{})
		kind := map[bool]string{got.Targeting != nil: "v1", got.Rules != nil: "v2", got.Fault != "": "fault"}[true]
		if err != nil || kind != c.want {
			t.Errorf("version %s: %s (%v), want %s", c.version, kind, err, c.want)
		}
	}
}
