package eval_test

import (
	"errors"
	"fmt"

	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/feature"
)

// rules is 10.4 to 10.8 for a flag of a project.
func (o *oracle) rules(rs *feature.Ruleset) answer {
	subject := firstScalars(o.sub.distinctID)
	among := func(prefix string, percent float64) bool {
		return subject != "" && (percent == 100 || eval.Hash01(prefix, subject, "") <= percent/100)
	}
	for k := range rs.Rules {
		r := &rs.Rules[k]
		holds, failure := o.predicates(r)
		if failure != "" {
			return failed(&eval.Failure{Code: "flag_evaluation_error", Description: failure})
		}
		if !holds {
			continue
		}
		end := func(v feature.Value, code, format string) answer {
			a := projected(v)
			a.Code, a.Description, a.Condition = code, fmt.Sprintf(format, k+1), k
			return a
		}
		if r.Type == feature.TargetedRelease {
			return end(r.Value, "condition_match", "Matched rule %d")
		}
		if r.Paused {
			return end(rs.Default, "no_condition_match", "Rule %d is paused")
		}
		if r.Holdout != nil && among(r.Holdout.Seed, r.Holdout.Exclusion) {
			return end(rs.Default, "holdout_condition_value", "Rule %d holdout")
		}
		if among(r.Seed+".", r.Rollout) {
			v := r.Value
			if r.Type == feature.Experiment {
				v = assigned(r, subject)
			}
			return end(v, "condition_match", "Matched rule %d")
		}
		if r.ReturnDefault {
			return end(rs.Default, "out_of_rollout_bound", "Rule %d rollout miss")
		}
	}
	a := projected(rs.Default)
	a.Code, a.Description, a.Condition = "no_condition_match", "No rule matched", -1
	return a
}

func (o *oracle) predicates(r *feature.Rule) (holds bool, failure string) {
	for _, p := range r.Properties {
		if (p.Operator == feature.Regex || p.Operator == feature.NotRegex) && badPattern(p) {
			return false, "A rule's pattern is invalid or took too many steps"
		}
		ok, err := o.match(p, o.props, o.personPartial())
		switch {
		case errors.Is(err, eval.ErrMissingProperty):
			return false, "A rule needs a property that is not known"
		case errors.Is(err, eval.ErrPatternBudget):
			return false, "A rule's pattern is invalid or took too many steps"
		case err != nil:
			return false, "A rule cannot compare the value of a property"
		}
		if ok == p.Negation {
			return false, ""
		}
	}
	return true, ""
}

// badPattern knows the invalid patterns that the generator makes.
func badPattern(p feature.Property) bool { return p.Value.Text() == "[" }

func assigned(r *feature.Rule, subject string) feature.Value {
	h, bound := eval.Hash01(r.Seed+".", subject, "variant"), 0.0
	for _, v := range r.Variants {
		bound += v.Weight / 100
		if h < bound {
			return v.Value
		}
	}
	return r.Variants[len(r.Variants)-1].Value
}

// projected is the table of 10.8.
func projected(v feature.Value) answer {
	switch v.Kind() {
	case feature.KindTrue, feature.KindFalse, feature.KindNull, feature.KindNone:
		return answer{Enabled: v.Kind() == feature.KindTrue}
	case feature.KindText:
		return answer{Enabled: true, Variant: v.Text()}
	}
	return answer{Enabled: true, Payload: string(feature.Text(string(v.AppendJSON(nil))).AppendJSON(nil))}
}
