package evaltest

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/wire/jsonval"
)

// everything is all stored data that may be there without being needed. Hash
// keys that are not needed do not count (8.2).
var everything = eval.Needs{Person: true, Groups: [feature.MaxGroupTypes]bool{true, true, true, true, true}}

// Run decides the case, with the stored data that are needed and with all that
// there are, and compares the results. In and out may have served other cases.
func (c *Case) Run(t testing.TB, in *eval.Input, out *eval.Results) {
	t.Helper()
	p, _ := eval.Compile(c.Definitions())
	sel := c.Selection(p)
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
		c.Check(t, Answer(p, out))
	}
}

// Check compares an answer with what the case expects, but for the overrides
// that are there afterwards. It changes got where the case leaves the reason
// of a failure open.
func (c *Case) Check(t testing.TB, got Expected) {
	t.Helper()
	for key, want := range c.Expected.Flags {
		if g, ok := got.Flags[key]; ok && want.Failed && want.ReasonCode == nil {
			g.ReasonCode = nil
			got.Flags[key] = g
		}
	}
	sameJSON := cmp.Transformer("JSON", func(raw json.RawMessage) string {
		v, err := jsonval.Parse(raw)
		if err != nil {
			return "null"
		}
		return string(v.AppendJSON(nil))
	})
	unchecked := cmpopts.IgnoreFields(Expected{}, "Omitted", "OverridesAfter")
	if diff := cmp.Diff(c.Expected, got, sameJSON, cmpopts.EquateEmpty(), unchecked); diff != "" {
		t.Errorf("%s\nresults (-want +got):\n%s", c.Note, diff)
	}
	for _, key := range c.Expected.Omitted {
		if _, ok := got.Flags[key]; ok {
			t.Errorf("%s is in the results", key)
		}
	}
}
