package posthog

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/feature"
)

// answerCase is a case of flags_answers.json.
type answerCase struct {
	ID, Rule, Note string
	Errors, Fixed  bool
	Quota          []string
	Config         *struct {
		HasFlags bool `json:"has_flags"`
		Object   json.RawMessage
	}
	Flags []struct {
		Key           string
		ID            int64
		Version       int64
		HasExperiment bool `json:"has_experiment"`
		Enabled       bool
		Variant       string
		Payload       string
		Reason        string
		Condition     int
		Failure       *eval.Failure
		NotRequested  bool `json:"not_requested"`
	}
	Answers map[string]string // by format
}

var reasonNames = map[string]eval.Reason{
	"condition_match": eval.ConditionMatch, "no_condition_match": eval.NoConditionMatch,
	"groups_skipped": eval.NoConditionMatchGroupsSkipped, "out_of_rollout": eval.OutOfRollout,
	"no_group_type": eval.NoGroupType, "super_condition": eval.SuperCondition, "holdout": eval.HoldoutCondition,
	"missing_dependency": eval.MissingDependency, "failed": eval.Failed, "rule_match": eval.RuleMatch,
}

var formats = map[string]Format{"v2": V2, "legacy_v1": LegacyV1, "decide_v1": DecideV1, "decide_v2": DecideV2}

func TestAnswerCases(t *testing.T) {
	for _, c := range loadCases[answerCase](t, "flags_answers.json") {
		t.Run(c.ID, func(t *testing.T) {
			var project feature.Project
			res := eval.Results{Errors: c.Errors}
			for i, f := range c.Flags {
				project.Flags = append(project.Flags, feature.Flag{
					ID: f.ID, Key: f.Key, Version: f.Version,
					HasExperiment: f.HasExperiment, Active: true, Targeting: &feature.Targeting{},
				})
				res.Items = append(res.Items, eval.Result{
					Flag: i, Requested: !f.NotRequested, Enabled: f.Enabled,
					Variant: f.Variant, Payload: f.Payload, Reason: reasonNames[f.Reason], Condition: f.Condition,
					Failure: f.Failure, Outcome: -1,
				})
			}
			prog, _ := eval.Compile(&project)
			answers := NewAnswers(prog)
			meta := Meta{RequestID: "3f0c1f7e-4c57-4a0a-9f0e-0c5f7c2f1d11", EvaluatedAt: 1789000000123, Quota: c.Quota}
			if c.Config != nil {
				var err error
				meta.Config, err = NewConfig(ConfigOptions{Token: "phc_a", HasFlags: c.Config.HasFlags, Object: c.Config.Object})
				if err != nil {
					t.Fatal(err)
				}
			}
			for name, want := range c.Answers {
				got := answers.Append([]byte("before"), formats[name], &res, &meta)
				switch {
				case c.Fixed:
					got = AppendFixed([]byte("before"), formats[name], &meta)
				case len(c.Flags) == 0:
					empty := AppendEmpty([]byte("before"), formats[name], &meta)
					if diff := cmp.Diff(string(got), string(empty)); diff != "" {
						t.Errorf("AppendEmpty differs:\n%s", diff)
					}
				}
				if diff := cmp.Diff("before"+want, string(got)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
				if !json.Valid(got[len("before"):]) {
					t.Errorf("%s is not JSON", name)
				}
			}
		})
	}
}

// TestLegacyProjection runs the contract's corpus that says what becomes of an
// outcome in each format.
func TestLegacyProjection(t *testing.T) {
	raw, err := os.ReadFile("../../../conformance/rules_v2/corpus/legacy_projection.json")
	if err != nil {
		t.Fatal(err)
	}
	var corpus struct {
		Cases []struct {
			ID      string
			Outcome struct {
				Key         string
				FlagID      int64 `json:"flag_id"`
				FlagVersion int64 `json:"flag_version"`
				Enabled     bool
				Variant     string
				Payload     *string
				Failed      bool
				Omitted     bool
				Reason      struct {
					Code      string
					Condition *int `json:"condition_index"`
				}
			}
			Projections map[string]map[string]any
		}
	}
	if err := json.Unmarshal(raw, &corpus); err != nil {
		t.Fatal(err)
	}
	protocols := map[string]Format{"flags_v2": V2, "flags_v1": LegacyV1, "decide_v2": DecideV2, "decide_v1": DecideV1}
	reasons := map[string]eval.Reason{}
	for r := eval.ConditionMatch; r < eval.Failed; r++ {
		if _, ok := reasons[r.Code()]; !ok {
			reasons[r.Code()] = r
		}
	}
	if len(corpus.Cases) == 0 {
		t.Fatal("no cases")
	}
	for _, c := range corpus.Cases {
		t.Run(c.ID, func(t *testing.T) {
			o := c.Outcome
			prog, _ := eval.Compile(&feature.Project{Flags: []feature.Flag{{
				ID: o.FlagID, Key: o.Key,
				Version: o.FlagVersion, Active: true, Targeting: &feature.Targeting{},
			}}})
			res := eval.Results{Errors: o.Failed}
			r := eval.Result{
				Requested: true, Enabled: o.Enabled, Variant: o.Variant, Condition: -1, Outcome: -1,
				Reason: reasons[o.Reason.Code],
			}
			if o.Reason.Condition != nil {
				r.Condition = *o.Reason.Condition
			}
			if o.Payload != nil {
				r.Payload = string(feature.AppendQuoted(nil, *o.Payload))
			}
			if o.Failed {
				r.Reason, r.Failure = eval.Failed, &eval.Failure{Code: o.Reason.Code}
			}
			if !o.Omitted {
				res.Items = append(res.Items, r)
			}
			for protocol, want := range c.Projections {
				delete(want, "response_version")
				var got map[string]any
				if err := json.Unmarshal(NewAnswers(prog).Append(nil, protocols[protocol], &res, &Meta{}), &got); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(any(want), project(want, got)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", protocol, diff)
				}
			}
		})
	}
}

// project returns of got what want pins: of the top level the members of want,
// of the details of flags likewise; maps and lists of flags are compared whole.
func project(want, got any) any {
	w, ok1 := want.(map[string]any)
	g, ok2 := got.(map[string]any)
	if !ok1 || !ok2 {
		return got
	}
	out := map[string]any{}
	for name, v := range g {
		switch name {
		case "requestId", "evaluatedAt", "description", "has_experiment":
			continue
		}
		out[name] = project(w[name], v)
	}
	return out
}

// manyFlags returns a Program of n flags with variants and payloads, and the
// results in which each has one of its outcomes.
func manyFlags(n int) (*eval.Program, *eval.Results) {
	var project feature.Project
	for i := range n {
		project.Flags = append(project.Flags, feature.Flag{
			ID: int64(i), Key: fmt.Sprintf("flag-number-%d", i), Active: true,
			Targeting: &feature.Targeting{
				Conditions: []feature.Condition{
					{Rollout: 50, GroupType: feature.NoGroup}, {Rollout: 100, Variant: "control", GroupType: feature.NoGroup},
				},
				Variants:  []feature.Variant{{Key: "control", Weight: 50}, {Key: "test", Weight: 50}},
				Payloads:  []feature.Payload{{Key: "test", JSON: `"{\"steps\":2}"`}},
				GroupType: feature.NoGroup,
			},
		})
	}
	prog, _ := eval.Compile(&project)
	res := new(eval.Results)
	for i := range n {
		res.Items = append(res.Items, prog.Outcome(i, i%prog.Outcomes(i)))
	}
	return prog, res
}

// TestKeptFragments: what is kept is what is encoded directly, for every
// outcome.
func TestKeptFragments(t *testing.T) {
	prog, _ := manyFlags(3)
	kept := NewAnswers(prog)
	for i := range prog.Len() {
		for n := range prog.Outcomes(i) {
			res := eval.Results{Items: []eval.Result{prog.Outcome(i, n)}}
			direct := eval.Results{Items: []eval.Result{prog.Outcome(i, n)}}
			direct.Items[0].Outcome = -1
			for name, f := range formats {
				for range 2 {
					want := kept.Append(nil, f, &direct, &Meta{})
					if diff := cmp.Diff(string(want), string(kept.Append(nil, f, &res, &Meta{}))); diff != "" {
						t.Errorf("flag %d, outcome %d, %s:\n%s", i, n, name, diff)
					}
				}
			}
		}
	}
}

// TestConcurrentAppend: whoever comes first makes a fragment, all get the same.
func TestConcurrentAppend(t *testing.T) {
	prog, res := manyFlags(50)
	want := string(NewAnswers(prog).Append(nil, V2, res, &Meta{}))
	a := NewAnswers(prog)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if got := string(a.Append(nil, V2, res, &Meta{})); got != want {
				t.Error("answers differ")
			}
		})
	}
	wg.Wait()
}

func TestFragmentBudget(t *testing.T) {
	prog, res := manyFlags(10)
	a := NewAnswers(prog)
	a.kept.Store(maxFragments - 200)
	want := NewAnswers(prog).Append(nil, V2, res, &Meta{})
	for range 2 {
		if diff := cmp.Diff(string(want), string(a.Append(nil, V2, res, &Meta{}))); diff != "" {
			t.Errorf("over the budget the answer differs:\n%s", diff)
		}
	}
	if kept := a.kept.Load(); kept > maxFragments {
		t.Errorf("%d bytes are kept", kept)
	}
}

func TestAppendDoesNotAllocate(t *testing.T) {
	prog, res := manyFlags(100)
	a := NewAnswers(prog)
	config, _ := NewConfig(ConfigOptions{Token: "phc_a", HasFlags: true})
	meta := Meta{RequestID: "3f0c1f7e-4c57-4a0a-9f0e-0c5f7c2f1d11", EvaluatedAt: 1789000000123, Config: config}
	for name, f := range formats {
		b := a.Append(nil, f, res, &meta)
		if n := testing.AllocsPerRun(100, func() { b = a.Append(b[:0], f, res, &meta) }); n != 0 {
			t.Errorf("%s: Append allocates %v times", name, n)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, n := range []int{1, 100, 1000} {
		prog, res := manyFlags(n)
		a := NewAnswers(prog)
		for _, f := range []Format{V2, LegacyV1} {
			b.Run(fmt.Sprintf("%s/flags=%d", f, n), func(b *testing.B) {
				meta := Meta{RequestID: "3f0c1f7e-4c57-4a0a-9f0e-0c5f7c2f1d11", EvaluatedAt: 1789000000123}
				out := a.Append(nil, f, res, &meta)
				b.SetBytes(int64(len(out)))
				b.ReportAllocs()
				for b.Loop() {
					out = a.Append(out[:0], f, res, &meta)
				}
			})
		}
	}
}
