package main

import (
	"fmt"
	"io"

	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/feature"
)

// explain prints how a flag came to its result: a line for each condition, and
// below it one for each filter with the value it saw.
func explain(w io.Writer, p *eval.Program, t *eval.Trace) {
	if t.Holdout != nil {
		fmt.Fprintf(w, "    holdout: %s\n", drawText(t.Holdout))
	}
	for i := range t.Conditions {
		c := &t.Conditions[i]
		fmt.Fprintf(w, "    condition %d: %s\n", c.Index+1, conditionText(c))
		for _, f := range c.Filters {
			fmt.Fprintf(w, "        %s\n", filterText(f))
		}
		if c.Rollout != nil {
			fmt.Fprintf(w, "        rollout: %s\n", drawText(c.Rollout))
		}
		switch {
		case c.VariantDraw != nil:
			fmt.Fprintf(w, "        variant %q: %s\n", c.Variant, drawText(c.VariantDraw))
		case c.Variant != "":
			fmt.Fprintf(w, "        variant %q: pinned by the condition\n", c.Variant)
		}
	}
	if t.BucketedBy != "" {
		fmt.Fprintf(w, "    bucketed by %s\n", t.BucketedBy)
	}
}

func conditionText(c *eval.ConditionTrace) string {
	switch {
	case !c.Reached:
		return "not reached"
	case c.Matched:
		return "matched"
	case c.FiltersHold:
		return "filters hold, but " + c.Reason.Code()
	}
	return c.Reason.Code()
}

func filterText(f eval.FilterTrace) string {
	p := f.Property
	name := p.Key
	switch p.Type {
	case feature.CohortMembership:
		name = "cohort"
	case feature.FlagDependency:
		name = "flag " + p.Key
	case feature.GroupProperty:
		name = "group property " + p.Key
	}
	text := fmt.Sprintf("%s %s %s", name, p.Operator, p.Value.AppendJSON(nil))
	switch {
	case !f.Reached:
		return text + ": not reached"
	case f.Held:
		text += ": holds"
	default:
		text += ": does not hold"
	}
	if f.Error != "" {
		text += " (" + f.Error + ")"
	}
	if p.Type == feature.CohortMembership || p.Type == feature.FlagDependency {
		return text
	}
	if f.Actual.Absent() {
		return text + "; the property is not set"
	}
	return text + fmt.Sprintf("; it is %s%s", f.Actual.AppendJSON(nil), sourceText(f.Source))
}

func sourceText(s eval.Source) string {
	switch s {
	case eval.FromRequest:
		return ", from the request"
	case eval.FromStore:
		return ", stored"
	case eval.Derived:
		return ", derived"
	}
	return ""
}

func drawText(d *eval.Draw) string {
	word := "out"
	if d.In {
		word = "in"
	}
	return fmt.Sprintf("%q draws %.6f against %.6g: %s", d.Identifier, d.Hash, d.Threshold, word)
}
