package eval_test

import (
	"fmt"

	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/feature"
)

// hash is 2.1 with the shortcut of 2.7.
func hashOf(key, id, salt string) float64 {
	if id == "" {
		return 0
	}
	return eval.Hash01(key+".", id, salt)
}

// identifier is 2.6.
func (o *oracle) identifier(i int, group feature.GroupIndex, overrides bool) string {
	f := &o.def.Flags[i]
	if group != feature.NoGroup {
		return o.groupKey(group)
	}
	if f.BucketByDevice && o.sub.deviceID != "" {
		return o.sub.deviceID
	}
	if o.eligible(i) {
		if key, ok := o.sub.hashKeys[i]; ok && overrides {
			return key
		}
		if o.sub.anonID != "" {
			return o.sub.anonID
		}
	}
	return firstScalars(o.sub.distinctID)
}

// targeting is section 3.
func (o *oracle) targeting(i int) answer {
	f := &o.def.Flags[i]
	t := f.Targeting
	if t.Enrollment {
		if v, ok := o.props["$feature_enrollment/"+f.Key]; ok {
			on := v.Equal(feature.Text("true")) || v.Equal(feature.Bool(true))
			return answer{
				Enabled: on, Payload: t.Payload("true"), Code: "super_condition_value", Description: "Super condition value",
			}
		}
	}
	if h := t.Holdout; h != nil {
		percent := max(0, min(100, h.Exclusion))
		if percent == 100 || eval.Hash01("holdout-", o.identifier(i, t.GroupType, false), "") <= percent/100 {
			name := fmt.Sprintf("holdout-%d", h.ID)
			return answer{
				Enabled: true, Variant: name, Payload: t.Payload(name),
				Code: "holdout_condition_value", Description: "Holdout condition value", Condition: -1,
			}
		}
	}
	return o.conditions(i)
}

// outcome of one condition.
type outcome struct {
	reason       string // code; "" if unknown (9.4)
	variant      string
	hypothetical bool
	failure      *eval.Failure
	cohortMiss   bool // failed at its cohorts, one of which has a behavioural leaf
}

var ranks = map[string]int{"condition_match": 4, "out_of_rollout_bound": 3, "no_condition_match": 2, "no_group_type": 1}

// conditions is 3.4 to 3.8 with 7.7 and 9.4.
func (o *oracle) conditions(i int) answer {
	t := o.def.Flags[i].Targeting
	best, bestAt := "no_group_type", -1
	groupsSkipped, cohortMiss, unknown, unknownExit := false, false, false, false
	type guess struct {
		match   bool
		variant string
	}
	var guesses []guess
	final := guess{}
	at := -1
	for k := range t.Conditions {
		c := &t.Conditions[k]
		r := o.condition(i, c)
		if r.failure != nil {
			return failed(r.failure)
		}
		if r.reason == "" {
			unknown = true
			unknownExit = unknownExit || t.EarlyExit && c.Rollout < 100
			continue
		}
		if r.hypothetical {
			if r.reason == "condition_match" {
				guesses = append(guesses, guess{true, r.variant})
				continue
			}
			if t.EarlyExit {
				guesses = append(guesses, guess{})
			}
		}
		groupsSkipped = groupsSkipped || r.reason == "no_group_type"
		cohortMiss = cohortMiss || r.cohortMiss
		if ranks[r.reason] >= ranks[best] {
			best, bestAt = r.reason, k
		}
		if r.reason == "condition_match" {
			final, at = guess{true, r.variant}, k
			break
		}
		if r.reason == "out_of_rollout_bound" && t.EarlyExit && !r.hypothetical && !o.withheld(i, c) {
			break
		}
	}
	if unknown && (!final.match || unknownExit) {
		return failed(&eval.Failure{Code: "group_type_lookup_failed", Description: "The project's group types could not be loaded"})
	}
	for _, g := range guesses {
		if g.match != final.match || g.variant != final.variant && o.variantRead(i) {
			return failed(&eval.Failure{Code: "dependency_failed", Description: "The answer depends on a flag that failed"})
		}
	}
	if final.match {
		a := answer{Enabled: true, Variant: final.variant, Code: "condition_match", Condition: at}
		a.Description = fmt.Sprintf("Matched condition set %d", at+1)
		a.Payload = t.Payload("true")
		if final.variant != "" {
			a.Payload = t.Payload(final.variant)
		}
		return a
	}
	a := answer{Code: best, Condition: bestAt}
	switch {
	case best == "out_of_rollout_bound":
		a.Description = "Out of rollout bound"
	case best == "no_group_type":
		a.Description = "No group type"
	case cohortMiss:
		a.Description = "This condition targets a behavioral or realtime cohort. Its membership is not fully evaluated here, " +
			"so this result can differ from the cohort's member list."
	case groupsSkipped:
		a.Description = "No matching condition set (group conditions were not evaluated because no group type was provided)"
	default:
		a.Description = "No matching condition set"
	}
	return a
}

// withheld is 3.4.2.
func (o *oracle) withheld(i int, c *feature.Condition) bool {
	f := &o.def.Flags[i]
	pinned := false
	for _, v := range f.Targeting.Variants {
		pinned = pinned || v.Key == c.Variant
	}
	matters := c.Rollout < 100 || !pinned && hashDependent(f.Targeting.Variants)
	return c.GroupType == feature.NoGroup && f.BucketByDevice && o.sub.deviceID == "" && matters
}

// condition is one round of 3.4.
func (o *oracle) condition(i int, c *feature.Condition) outcome {
	f := &o.def.Flags[i]
	if o.withheld(i, c) {
		return outcome{reason: "out_of_rollout_bound"}
	}
	if o.def.GroupTypesUnknown {
		key := o.sub.mentionedKey.Kind() == feature.KindNumber ||
			o.sub.mentionedKey.Kind() == feature.KindText && o.sub.mentionedKey.Text() != ""
		groupFilter := false
		for _, p := range c.Properties {
			groupFilter = groupFilter || p.Type == feature.GroupProperty
		}
		if c.GroupType != feature.NoGroup && key ||
			c.GroupType == feature.NoGroup && groupFilter && (key || o.sub.mentionedProperties) {
			return outcome{}
		}
	}
	if c.GroupType != feature.NoGroup && o.groupKey(c.GroupType) == "" {
		return outcome{reason: "no_group_type"}
	}
	holds, hypothetical := o.filters(c)
	if !holds {
		return outcome{reason: "no_condition_match"}
	}
	if r, ok := o.cohortFilters(c); !ok {
		return r
	}
	id := o.identifier(i, c.GroupType, true)
	if c.Rollout != 100 && hashOf(f.Key, id, "") > c.Rollout/100 {
		return outcome{reason: "out_of_rollout_bound", hypothetical: hypothetical}
	}
	return outcome{reason: "condition_match", variant: variantOf(f, c, id), hypothetical: hypothetical}
}

// variantOf is 3.7.1.
func variantOf(f *feature.Flag, c *feature.Condition, id string) string {
	for _, v := range f.Targeting.Variants {
		if v.Key == c.Variant {
			return v.Key
		}
	}
	h, bound := hashOf(f.Key, id, "variant"), 0.0
	for _, v := range f.Targeting.Variants {
		bound += v.Weight / 100
		if h < bound {
			return v.Key
		}
	}
	return ""
}

// filters tests all but the cohort filters (3.5a, 7.2, 7.7).
func (o *oracle) filters(c *feature.Condition) (holds, hypothetical bool) {
	for _, p := range c.Properties {
		switch p.Type {
		case feature.CohortMembership:
		case feature.FlagDependency:
			ok, guessed := o.dependency(c, p)
			if !ok {
				return false, false
			}
			hypothetical = hypothetical || guessed
		default:
			if !o.plain(p, c.GroupType) {
				return false, false
			}
		}
	}
	return true, hypothetical
}

func (o *oracle) dependency(c *feature.Condition, p feature.Property) (holds, guessed bool) {
	d, ok := o.target(p)
	if !ok || d < 0 {
		return false, false
	}
	if p.Operator != feature.FlagEvaluatesTo || !p.Value.IsBool() && p.Value.Kind() != feature.KindText {
		return false, false
	}
	r := feature.Bool(false)
	if !o.excluded(d) {
		a := o.answer(d)
		if a.Failed && !a.readsFalse {
			return o.satisfiable(c, p.Key), true
		}
		r = feature.Bool(a.Enabled)
		if a.Enabled && a.Variant != "" {
			r = feature.Text(a.Variant)
		}
	}
	return satisfies(r, p.Value), false
}

// satisfies is 7.2: r is what a flag gave.
func satisfies(r, want feature.Value) bool {
	switch want.Kind() {
	case feature.KindTrue:
		return r.Kind() != feature.KindFalse
	case feature.KindFalse:
		return r.Kind() == feature.KindFalse
	}
	return r.Kind() == feature.KindText && r.Text() == want.Text()
}

// satisfiable tries false, true and every variant that c names for the flag.
func (o *oracle) satisfiable(c *feature.Condition, key string) bool {
	values := []feature.Value{feature.Bool(false), feature.Bool(true)}
	var wants []feature.Value
	for _, p := range c.Properties {
		if p.Type != feature.FlagDependency || p.Key != key || p.Operator != feature.FlagEvaluatesTo {
			continue
		}
		if p.Value.IsBool() || p.Value.Kind() == feature.KindText {
			values, wants = append(values, p.Value), append(wants, p.Value)
		}
	}
	for _, v := range values {
		all := true
		for _, w := range wants {
			all = all && satisfies(v, w)
		}
		if all {
			return true
		}
	}
	return false
}
