package ofrep

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/feature"
)

// Whoever adds a reason to the evaluator has to say what it is here.
func TestEveryReasonIsMapped(t *testing.T) {
	for r := range eval.Reason(len(reasons)) {
		if (reasons[r] == "") != (r == eval.Failed) {
			t.Errorf("reason %d (%s) is %q", r, r.Code(), reasons[r])
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("the evaluator has reasons that the table lacks")
		}
	}()
	_ = eval.Reason(len(reasons)).Code()
}

func TestResults(t *testing.T) {
	filter := []feature.Property{{Type: feature.PersonProperty, Key: "plan", Operator: "is_set"}}
	conditions := []feature.Condition{
		{Rollout: 100}, {Rollout: 50}, {Rollout: 50, Properties: filter}, {Rollout: 100, Variant: "a"}, {Rollout: 100, Variant: "gone"},
	}
	boolean := &feature.Flag{ID: 7, Key: "flag", Version: 3, Active: true, Targeting: &feature.Targeting{Conditions: conditions}}
	multivariate := &feature.Flag{ID: 7, Key: "flag", Version: 3, Active: true, Targeting: &feature.Targeting{
		Conditions: conditions, Variants: []feature.Variant{{Key: "a", Weight: 50}, {Key: "b", Weight: 50}},
	}}
	rules := func(kind feature.ReturnType) *feature.Flag {
		return &feature.Flag{ID: 7, Key: "flag", Version: 3, Active: true, Rules: &feature.Ruleset{Return: kind, Rules: []feature.Rule{
			{Type: feature.TargetedRelease}, {Type: feature.PercentageRollout}, {Type: feature.Experiment, Properties: filter},
		}}}
	}
	for _, c := range []struct {
		name  string
		flag  *feature.Flag
		r     eval.Result
		value string // empty: none
		as    Reason
		is    string // the variant
	}{
		{"everybody", boolean, eval.Result{Enabled: true, Condition: 0}, `true`, TargetingMatch, "true"},
		{"rollout", boolean, eval.Result{Enabled: true, Condition: 1}, `true`, Split, "true"},
		{"rollout among those targeted", boolean, eval.Result{Enabled: true, Condition: 2}, `true`, TargetingMatch, "true"},
		{"pin that boolean flags do not have", boolean, eval.Result{Enabled: true, Condition: 4}, `true`, TargetingMatch, "true"},
		{"drawn variant", multivariate, eval.Result{Enabled: true, Condition: 0, Variant: "b"}, `"b"`, Split, "b"},
		{"pinned variant", multivariate, eval.Result{Enabled: true, Condition: 3, Variant: "a"}, `"a"`, TargetingMatch, "a"},
		{"pin of a variant that is gone", multivariate, eval.Result{Enabled: true, Condition: 4, Variant: "a"}, `"a"`, Split, "a"},
		{"on without a variant", multivariate, eval.Result{Enabled: true, Condition: 0}, `true`, TargetingMatch, "true"},
		{"no match", boolean, eval.Result{Reason: eval.NoConditionMatch}, `false`, Default, "false"},
		{"no match among variants", multivariate, eval.Result{Reason: eval.NoConditionMatch}, ``, Disabled, "false"},
		{"enrolled, whatever the rollout", boolean, eval.Result{Reason: eval.SuperCondition, Enabled: true, Condition: 1}, `true`, TargetingMatch, "true"},
		{"opted out", boolean, eval.Result{Reason: eval.SuperCondition}, `false`, Default, "false"},
		{"holdout", multivariate, eval.Result{Reason: eval.HoldoutCondition, Enabled: true, Variant: "holdout-1", Condition: -1}, `"holdout-1"`, Split, "holdout-1"},

		{"rule", rules(feature.ReturnString), eval.Result{Reason: eval.RuleMatch, Enabled: true, Variant: "x"}, `"x"`, TargetingMatch, "x"},
		{"rule of a percentage", rules(feature.ReturnString), eval.Result{Reason: eval.RuleMatch, Enabled: true, Variant: "x", Condition: 1}, `"x"`, Split, "x"},
		{"experiment among those targeted", rules(feature.ReturnString), eval.Result{Reason: eval.RuleMatch, Enabled: true, Variant: "x", Condition: 2}, `"x"`, TargetingMatch, "x"},
		{"empty text", rules(feature.ReturnString), eval.Result{Reason: eval.RuleMatch, Enabled: true}, `""`, TargetingMatch, "true"},
		{"null text", rules(feature.ReturnString), eval.Result{Reason: eval.NoRuleMatch, Condition: -1}, ``, Disabled, "false"},
		{"number", rules(feature.ReturnNumber), eval.Result{Reason: eval.RuleMatch, Enabled: true, Payload: `"1.50"`}, `1.50`, TargetingMatch, "true"},
		{"object", rules(feature.ReturnObject), eval.Result{Reason: eval.NoRuleMatch, Enabled: true, Payload: `"{\"a\":\"\\\"\"}"`, Condition: -1}, `{"a":"\""}`, Default, "true"},
		{"null object", rules(feature.ReturnObject), eval.Result{Reason: eval.RuleHoldout, Condition: 2}, ``, Disabled, "false"},
		{"default of a held-out subject", rules(feature.ReturnBoolean), eval.Result{Reason: eval.RuleHoldout, Condition: 2}, `false`, Split, "false"},
		{"false by a rule", rules(feature.ReturnBoolean), eval.Result{Reason: eval.RuleMatch}, `false`, TargetingMatch, "false"},
		{"paused", rules(feature.ReturnBoolean), eval.Result{Reason: eval.RulePaused, Enabled: true}, `true`, Default, "true"},
	} {
		t.Run(c.name, func(t *testing.T) {
			value := ""
			if c.value != "" {
				value = `"value":` + c.value + `,`
			}
			want := fmt.Sprintf(`{"key":"flag",%s"reason":%q,"variant":%q,"metadata":{"flagId":7,"version":3,"reasonCode":%q}}`,
				value, c.as, c.is, c.r.Code())
			if got := string(appendResult([]byte("before"), c.flag, &c.r)); got != "before"+want {
				t.Errorf("got  %s\nwant before%s", got, want)
			}
		})
	}
}

func TestPayloads(t *testing.T) {
	f := &feature.Flag{Key: "f", Active: true, Targeting: &feature.Targeting{Conditions: []feature.Condition{{Rollout: 100}}}}
	for _, c := range []struct{ stored, want string }{
		{`"{\"a\":1}"`, `{"a":1}`}, {`{"a":"b"}`, `{"a":"b"}`}, {`5`, `5`}, {`null`, `null`}, {`"\"text\""`, `"text"`},
	} {
		var got struct{ Metadata struct{ Payload string } }
		if err := json.Unmarshal(appendResult(nil, f, &eval.Result{Enabled: true, Payload: c.stored}), &got); err != nil {
			t.Fatal(err)
		}
		if got.Metadata.Payload != c.want {
			t.Errorf("%s: %q, want %q", c.stored, got.Metadata.Payload, c.want)
		}
	}
}

// Failures are errors; hidden flags and those that nobody asked for are left out;
// what was encoded before is the same again.
func TestAppendAll(t *testing.T) {
	on := feature.Targeting{Conditions: []feature.Condition{{Rollout: 100, GroupType: feature.NoGroup}}, GroupType: feature.NoGroup}
	project := feature.Project{}
	for i, key := range []string{"a", "b", "inactive", "c", "last"} {
		project.Flags = append(project.Flags, feature.Flag{ID: int64(i), Key: key, Active: key != "inactive", Targeting: &on})
	}
	p, faults := eval.Compile(&project)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	var in eval.Input
	in.Reset(p)
	in.DistinctID = "u"
	var res eval.Results
	p.Decide(&in, eval.Selection{Excluded: []bool{false, false, false, true, false}}, &res)
	failure := &eval.Failure{Code: "database_error", Description: "Database error"}
	res.Items[len(res.Items)-1] = eval.Result{Flag: 4, Requested: true, Reason: eval.Failed, Failure: failure, Outcome: -1}
	a := NewAnswers(p)
	hidden := []bool{false, true, false, false, false}
	want := `{"flags":[{"key":"a","value":true,"reason":"TARGETING_MATCH","variant":"true","metadata":{"flagId":0,"version":0,"reasonCode":"condition_match"}},` +
		`{"key":"inactive","reason":"DISABLED","variant":"false","metadata":{"flagId":2,"version":0,"reasonCode":"inactive"}},` +
		`{"key":"last","errorCode":"GENERAL","errorDetails":"database_error: Database error"}]}`
	for range 2 {
		if diff := cmp.Diff(want, string(a.AppendAll(nil, &res, hidden))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	b := make([]byte, 0, 4096)
	res.Items = res.Items[:len(res.Items)-1] // failures are encoded each time
	if n := testing.AllocsPerRun(100, func() { a.AppendAll(b, &res, hidden) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
