package evaltest

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/guidon-flags/guidon/internal/dates"
	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/wire/filters"
	"github.com/guidon-flags/guidon/internal/wire/jsonval"
)

// RuleCase is a decision by rules v2. The JSON form is described in
// conformance/README.md.
type RuleCase struct {
	ID      string          `json:"id"`
	Config  json.RawMessage `json:"config"`
	Context struct {
		Identifier string                     `json:"identifier"`
		Properties map[string]json.RawMessage `json:"properties"` // nil: unavailable
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

// Run decides the case by itself and, where it says what becomes of the value,
// as the flag of a project.
func (c *RuleCase) Run(t testing.TB) {
	t.Helper()
	rs, err := filters.ReadRules(c.Config, filters.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	rc := c.context(t)
	var drawn []float64
	rc.Draw = func(prefix, identifier, salt string) float64 {
		h := eval.Hash01(prefix, identifier, salt)
		if c.WhiteBox != nil {
			h = *c.WhiteBox
		}
		drawn = append(drawn, h)
		return h
	}
	got, want := eval.DecideRules(rs, rc), c.outcome(t)
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

func (c *RuleCase) context(t testing.TB) eval.RuleContext {
	t.Helper()
	rc := eval.RuleContext{
		Identifier: c.Context.Identifier, Complete: c.Context.Complete,
		Location: dates.LoadLocation(c.Context.TimeZone), Explicit: c.Context.Explicit, Now: c.Context.Now,
	}
	if c.Context.Properties == nil {
		return rc
	}
	rc.Properties = make(map[string]feature.Value)
	for name, raw := range c.Context.Properties {
		v, err := jsonval.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		rc.Properties[name] = v
	}
	return rc
}

func (c *RuleCase) outcome(t testing.TB) eval.RuleOutcome {
	t.Helper()
	o := eval.RuleOutcome{Error: eval.RuleError(c.Expected.Error), Variant: c.Expected.Variant}
	if c.Expected.Status != "success" {
		return o
	}
	o.Rule = -1
	if c.Expected.Rule != nil {
		o.Rule = c.Expected.Rule.Index
	}
	var err error
	if o.Value, err = jsonval.Parse(c.Expected.Value); err != nil {
		t.Fatal(err)
	}
	return o
}

// checkLegacy evaluates the rules as the flag of a project.
func (c *RuleCase) checkLegacy(t testing.TB, rs *feature.Ruleset, rc eval.RuleContext) {
	t.Helper()
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
