package eval_test

import (
	"encoding/json"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/guidon-flags/guidon/internal/dates"
	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/eval/evaltest"
	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/wire/filters"
	"github.com/guidon-flags/guidon/internal/wire/jsonval"
)

const conformanceDir = "../../conformance/"

func TestEvaluationVectors(t *testing.T) {
	cases, err := evaltest.Load(conformanceDir + "vectors/*evaluation_*.json")
	if err != nil {
		t.Fatal(err)
	}
	runCases(t, cases)
}

func TestV1Corpus(t *testing.T) {
	cases, err := evaltest.LoadCorpus(conformanceDir + "rules_v2/corpus/v1_evaluation.json")
	if err != nil {
		t.Fatal(err)
	}
	runCases(t, cases)
}

// everything is all stored data that may be there without being needed. Hash
// keys that are not needed do not count (8.2).
var everything = eval.Needs{Person: true, Groups: [feature.MaxGroupTypes]bool{true, true, true, true, true}}

// runCases runs each case with the stored data that are needed, and with all
// that there are.
func runCases(t *testing.T, cases []evaltest.Case) {
	in, out := new(eval.Input), new(eval.Results) // reused on purpose
	for i := range cases {
		c := &cases[i]
		p, _ := eval.Compile(c.Definitions())
		sel := c.Selection(p)
		t.Run(c.ID, func(t *testing.T) {
			for _, all := range []bool{false, true} {
				if err := c.SetRequest(p, in); err != nil {
					t.Fatal(err)
				}
				need := p.Needs(in, sel)
				if all {
					asked := need.Overrides
					need = everything
					need.Overrides = asked
				}
				if err := c.SetStored(p, in, need); err != nil {
					t.Fatal(err)
				}
				p.Decide(in, sel, out)
				checkAnswer(t, c, evaltest.Answer(p, out))
			}
		})
	}
	t.Logf("%d cases", len(cases))
}

func checkAnswer(t *testing.T, c *evaltest.Case, got evaltest.Expected) {
	t.Helper()
	for key, want := range c.Expected.Flags {
		if want.Failed && want.ReasonCode == nil {
			g := got.Flags[key]
			g.ReasonCode = nil
			got.Flags[key] = g
		}
	}
	jsonEqual := cmp.Transformer("JSON", func(raw json.RawMessage) string {
		v, err := jsonval.Parse(raw)
		if err != nil {
			return "null"
		}
		return string(v.AppendJSON(nil))
	})
	opts := []cmp.Option{jsonEqual, cmpopts.IgnoreFields(evaltest.Expected{}, "Omitted", "OverridesAfter")}
	if diff := cmp.Diff(c.Expected, got, opts...); diff != "" {
		t.Errorf("%s\nresults (-want +got):\n%s", c.Note, diff)
	}
	for _, key := range c.Expected.Omitted {
		if _, ok := got.Flags[key]; ok {
			t.Errorf("%s is in the results", key)
		}
	}
}

// ruleCase is a case of rules_v2_evaluation.json.
type ruleCase struct {
	ID      string          `json:"id"`
	Config  json.RawMessage `json:"config"`
	Context struct {
		Identifier string                     `json:"identifier"`
		Properties map[string]json.RawMessage `json:"properties"`
		Complete   bool                       `json:"properties_complete"`
		TimeZone   string                     `json:"timezone"`
		Explicit   bool                       `json:"explicit_exact_matching"`
		Now        time.Time                  `json:"now"`
	} `json:"context"`
	Expected struct {
		Status  string          `json:"status"`
		Error   string          `json:"error"`
		Value   json.RawMessage `json:"value"`
		Reason  string          `json:"reason"`
		Variant string          `json:"variant"`
		Rule    *struct {
			Index int `json:"index"`
		} `json:"rule"`
	} `json:"expected"`
	Legacy *struct {
		Enabled bool            `json:"enabled"`
		Variant *string         `json:"variant"`
		Payload json.RawMessage `json:"payload"`
	} `json:"legacy"`
	HashEvidence []struct {
		Prefix string  `json:"prefix"`
		Salt   string  `json:"salt"`
		Hash   float64 `json:"hash01"`
	} `json:"hash_evidence"`
	WhiteBox *float64 `json:"white_box_hash01"`
}

func TestRulesVectors(t *testing.T) {
	data, err := os.ReadFile(conformanceDir + "vectors/rules_v2_evaluation.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []ruleCase
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	for i := range cases {
		t.Run(cases[i].ID, func(t *testing.T) { cases[i].run(t) })
	}
	t.Logf("%d cases", len(cases))
}

func (c *ruleCase) run(t *testing.T) {
	rs, err := filters.ReadRules(c.Config, filters.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var drawn []float64
	rc := eval.RuleContext{
		Identifier: c.Context.Identifier, Complete: c.Context.Complete,
		Location: dates.LoadLocation(c.Context.TimeZone), Explicit: c.Context.Explicit, Now: c.Context.Now,
		Draw: func(prefix, identifier, salt string) float64 {
			h := eval.Hash01(prefix, identifier, salt)
			if c.WhiteBox != nil {
				h = *c.WhiteBox
			}
			drawn = append(drawn, h)
			return h
		},
	}
	if c.Context.Properties != nil {
		rc.Properties = make(map[string]feature.Value)
		for name, raw := range c.Context.Properties {
			if rc.Properties[name], err = jsonval.Parse(raw); err != nil {
				t.Fatal(err)
			}
		}
	}
	got := eval.DecideRules(rs, rc)
	want := eval.RuleOutcome{Error: eval.RuleError(c.Expected.Error), Variant: c.Expected.Variant}
	if c.Expected.Status == "success" {
		want.Rule = -1
		if c.Expected.Rule != nil {
			want.Rule = c.Expected.Rule.Index
		}
		if want.Value, err = jsonval.Parse(c.Expected.Value); err != nil {
			t.Fatal(err)
		}
	}
	if got.Error != want.Error || !got.Value.Equal(want.Value) || got.Rule != want.Rule || got.Variant != want.Variant ||
		want.Error == "" && got.Reason.RuleCode() != c.Expected.Reason {
		t.Errorf("DecideRules() = %+v (%s), want %+v (%s)", got, got.Reason.RuleCode(), want, c.Expected.Reason)
	}
	for _, e := range c.HashEvidence {
		if !slices.Contains(drawn, e.Hash) {
			t.Errorf("hash %v of %q and %q was not drawn, only %v", e.Hash, e.Prefix, e.Salt, drawn)
		}
	}
	if c.Legacy != nil && c.WhiteBox == nil && c.Context.Complete {
		c.checkLegacy(t, rs, rc)
	}
}

// checkLegacy evaluates the rules as the flag of a project.
func (c *ruleCase) checkLegacy(t *testing.T, rs *feature.Ruleset, rc eval.RuleContext) {
	p, _ := eval.Compile(&feature.Project{
		TimeZone: c.Context.TimeZone, ExplicitMatching: rc.Explicit,
		Flags: []feature.Flag{{ID: 1, Key: "f", Active: true, Rules: rs}},
	})
	in, out := new(eval.Input), new(eval.Results)
	in.Reset(p)
	in.DistinctID, in.Now = rc.Identifier, rc.Now
	in.StorePerson(rc.Now)
	for name, v := range rc.Properties {
		in.SetStoredPerson(p.PersonSlot([]byte(name)), v)
	}
	p.Decide(in, eval.Selection{}, out)
	r := &out.Items[0]
	variant := ""
	if c.Legacy.Variant != nil {
		variant = *c.Legacy.Variant
	}
	payload := ""
	if s := string(c.Legacy.Payload); s != "null" && s != "" {
		v, err := jsonval.Parse(c.Legacy.Payload)
		if err != nil {
			t.Fatal(err)
		}
		payload = string(feature.AppendQuoted(nil, string(v.AppendJSON(nil))))
	}
	if r.Enabled != c.Legacy.Enabled || r.Variant != variant || r.Payload != payload {
		t.Errorf("Decide() = %v %q %s, want %v %q %s", r.Enabled, r.Variant, r.Payload, c.Legacy.Enabled, variant, payload)
	}
	if got := p.Rule(r).Reason.RuleCode(); got != c.Expected.Reason {
		t.Errorf("Rule() has reason %s, want %s", got, c.Expected.Reason)
	}
}
