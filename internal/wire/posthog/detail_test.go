package posthog

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/feature"
)

// TestConditions: detailed analysis shows each condition with its filters, one
// of them at most as the winner (8.6).
func TestConditions(t *testing.T) {
	prop := func(key string, op feature.Operator, v feature.Value) feature.Property {
		return feature.Property{Key: key, Operator: op, Value: v, GroupType: feature.NoGroup}
	}
	targeting := &feature.Targeting{GroupType: feature.NoGroup, Conditions: []feature.Condition{
		{Rollout: 100, GroupType: feature.NoGroup, Properties: []feature.Property{
			prop("plan", feature.Exact, feature.Array([]feature.Value{feature.Text("free")})),
			prop("seats", feature.GT, feature.Number("5")),
		}},
		{Rollout: 0, GroupType: feature.NoGroup},
		{Rollout: 100, Variant: "a", GroupType: feature.NoGroup, Properties: []feature.Property{
			prop("plan", feature.Exact, feature.Text("pro")),
			{Key: "created_at", Type: feature.PersonMetadata, Operator: feature.IsNotSet, GroupType: feature.NoGroup},
		}},
		{Rollout: 12.5, GroupType: feature.NoGroup},
	}, Variants: []feature.Variant{{Key: "a", Weight: 50}, {Key: "b", Weight: 50}}}
	prog, faults := eval.Compile(&feature.Project{Flags: []feature.Flag{
		{ID: 1, Key: "f", Active: true, Targeting: targeting},
		{ID: 2, Key: "rules", Active: true, Rules: &feature.Ruleset{Default: feature.Bool(true)}},
	}})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	var in eval.Input
	var res eval.Results
	in.Reset(prog)
	in.DistinctID = "u"
	in.SetPerson(prog.PersonSlot([]byte("plan")), feature.Text("pro"))
	in.StoreNoPerson()
	prog.Decide(&in, eval.Selection{}, &res)
	meta := Meta{}
	for i := range res.Items {
		meta.Traces = append(meta.Traces, prog.Explain(&in, eval.Selection{}, res.Items[i].Flag))
	}
	answers := NewAnswers(prog)
	plain := answers.Append(nil, V2, &res, &Meta{})
	var got, without struct {
		Flags map[string]map[string]json.RawMessage `json:"flags"`
	}
	if err := json.Unmarshal(answers.Append(nil, V2, &res, &meta), &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(plain, &without); err != nil {
		t.Fatal(err)
	}
	want := `[
		{"index":0,"properties":[
			{"key":"plan","operator":"exact","value":["free"],"type":"person","actual_value":"pro","matched":false,"explanation":"Does not hold."},
			{"key":"seats","operator":"gt","value":5,"type":"person","actual_value":null,"matched":false,"explanation":"Not evaluated: an earlier filter does not hold."}],
		 "rollout_percentage":100,"variant":null,"matched":false,"properties_matched":false,"rollout_excluded":false,"explanation":"A filter does not hold."},
		{"index":1,"properties":[],"rollout_percentage":0,"variant":null,"matched":false,"properties_matched":true,"rollout_excluded":true,
		 "explanation":"All filters hold, but the rollout excludes this subject."},
		{"index":2,"properties":[
			{"key":"plan","operator":"exact","value":"pro","type":"person","actual_value":"pro","matched":true,"explanation":"Holds."},
			{"key":"created_at","operator":"is_not_set","value":null,"type":"person","actual_value":null,"matched":true,"explanation":"Holds."}],
		 "rollout_percentage":100,"variant":"a","matched":true,"properties_matched":true,"rollout_excluded":false,
		 "explanation":"All filters hold and the rollout includes this subject: this condition decided."},
		{"index":3,"properties":[],"rollout_percentage":12.5,"variant":null,"matched":false,"properties_matched":false,"rollout_excluded":false,
		 "explanation":"Not evaluated: an earlier condition decided."}]`
	if diff := cmp.Diff(canonical(t, []byte(want)), canonical(t, got.Flags["f"]["conditions"])); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	if c := string(got.Flags["rules"]["conditions"]); c != "[]" {
		t.Errorf("conditions of rules v2 = %s, want []", c)
	}
	for key := range got.Flags {
		delete(got.Flags[key], "conditions")
	}
	if diff := cmp.Diff(without.Flags, got.Flags); diff != "" {
		t.Errorf("besides conditions, the detailed answer differs:\n%s", diff)
	}
}
