package eval_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/feature"
)

// TestExplain pins the whole story of one flag of each format. That traces
// agree with decisions is for TestMetamorphic.
func TestExplain(t *testing.T) {
	plan := personFilter("plan", feature.Exact, feature.Text("pro"))
	age := personFilter("age", feature.GT, feature.Number("18"))
	browser := personFilter("$initial_browser", feature.IsSet, feature.Value{})
	dep := dependsOn("1", feature.Bool(true))
	v1 := variants(flagOf(2, &feature.Targeting{Holdout: &feature.Holdout{ID: 3, Exclusion: 1}, Conditions: []feature.Condition{
		{Rollout: 100, Properties: []feature.Property{plan, age, browser}},
		{Rollout: 60, Properties: []feature.Property{dep, inCohort("1"), browser}},
		everybody(),
	}}))
	v2 := feature.Flag{ID: 3, Key: "v2", Active: true, Rules: &feature.Ruleset{Rules: []feature.Rule{{
		Type: feature.Experiment, Rollout: 100, Seed: "seed", Properties: []feature.Property{plan},
		Variants: []feature.RuleVariant{{Key: "a", Weight: 50, Value: feature.Text("A")}, {Key: "b", Weight: 50, Value: feature.Text("B")}},
		Holdout:  &feature.RuleHoldout{Seed: "out", Exclusion: 1},
	}}}}
	p, _ := eval.Compile(&feature.Project{
		Flags:   []feature.Flag{on(1, plan), v1, v2},
		Cohorts: []feature.Cohort{{ID: 1, Root: &feature.CohortNode{Op: feature.CohortAnd}}},
	})
	in := new(eval.Input)
	in.Reset(p)
	in.DistinctID, in.Now = "user-5", now
	in.SetPerson(p.PersonSlot([]byte("age")), feature.Text("young"))
	in.StorePerson(now)
	in.SetStoredPerson(p.PersonSlot([]byte("plan")), feature.Text("PRO"))
	in.SetStoredPerson(p.PersonSlot([]byte("$browser")), feature.Text("Firefox"))

	hash := func(prefix, salt string) float64 { return eval.Hash01(prefix, "user-5", salt) }
	roll, pick := hash("flag-number-2.", ""), hash("flag-number-2.", "variant")
	want := eval.Trace{
		Result:     p.Outcome(1, outcomeOf(p, in, 1)),
		BucketedBy: "distinct_id",
		Holdout:    &eval.Draw{Identifier: "user-5", Hash: hash("holdout-", ""), Threshold: 0.01},
		Conditions: []eval.ConditionTrace{
			{Index: 0, Reached: true, Reason: eval.NoConditionMatch, Filters: []eval.FilterTrace{
				{Property: plan, Actual: feature.Text("PRO"), Source: eval.FromStore, Reached: true, Held: true},
				{Property: age, Actual: feature.Text("young"), Source: eval.FromRequest, Reached: true, Error: eval.ErrInvalidProperty.Error()},
				{Property: browser},
			}},
			{
				Index: 1, Reached: true, Matched: true, FiltersHold: true, Reason: eval.ConditionMatch, Variant: "x",
				Filters: []eval.FilterTrace{
					{Property: dep, Actual: feature.Bool(true), Reached: true, Held: true},
					{Property: inCohort("1"), Actual: feature.Bool(true), Reached: true, Held: true},
					{Property: browser, Actual: feature.Text("Firefox"), Source: eval.Derived, Reached: true, Held: true},
				},
				Rollout:     &eval.Draw{Identifier: "user-5", Hash: roll, Threshold: 0.6, In: true},
				VariantDraw: &eval.Draw{Identifier: "user-5", Hash: pick, Threshold: 0.5, In: true},
			},
			{Index: 2, Filters: []eval.FilterTrace{}},
		},
	}
	if diff := cmp.Diff(want, p.Explain(in, eval.Selection{}, 1)); diff != "" {
		t.Errorf("v1 (-want +got):\n%s", diff)
	}
	split := hash("seed.", "variant")
	want = eval.Trace{
		Result:     p.Outcome(2, outcomeOf(p, in, 2)),
		BucketedBy: "distinct_id",
		Conditions: []eval.ConditionTrace{{
			Reached: true, Matched: true, FiltersHold: true, Reason: eval.RuleMatch, Variant: "b",
			Filters:     []eval.FilterTrace{{Property: plan, Actual: feature.Text("PRO"), Source: eval.FromStore, Reached: true, Held: true}},
			Holdout:     &eval.Draw{Identifier: "user-5", Hash: hash("out", ""), Threshold: 0.01},
			VariantDraw: &eval.Draw{Identifier: "user-5", Hash: split, Threshold: 1, In: true},
		}},
	}
	if diff := cmp.Diff(want, p.Explain(in, eval.Selection{}, 2)); diff != "" {
		t.Errorf("v2 (-want +got):\n%s", diff)
	}
	if tr := p.Explain(in, eval.Selection{Excluded: []bool{false, true, false}}, 1); !tr.Omitted {
		t.Error("an excluded flag is explained")
	}
}

func outcomeOf(p *eval.Program, in *eval.Input, i int) int {
	out := new(eval.Results)
	p.Decide(in, eval.Selection{}, out)
	return out.Items[i].Outcome
}
