package eval

import "github.com/guidon-flags/guidon/internal/feature"

// outcomes numbers what an active flag can come to, besides failures.
//
// For v1 flags the matches come first, by condition and variant (none before
// the others), then the misses by reason and condition, then what is decided
// before or without conditions. Reasons that the flag cannot have take no
// numbers. For v2 flags see rules.
type outcomes struct {
	base  [Failed]int32 // by reason of v1; -1: impossible
	count int32
}

// numberOutcomes makes the outcomes of f.
func (f *flag) numberOutcomes() outcomes {
	var o outcomes
	for i := range o.base {
		o.base[i] = -1
	}
	if f.rules != nil {
		o.count = f.rules.outcomes
	}
	t := f.targeting
	if t == nil {
		return o
	}
	add := func(reason Reason, possible bool, n int) {
		if possible && n > 0 {
			o.base[reason] = o.count
			o.count += int32(n)
		}
	}
	n := len(t.conditions)
	rollout, group, behavioural := t.byDevice, false, false
	for i := range t.conditions {
		c := &t.conditions[i]
		rollout = rollout || c.rollout < 100
		group = group || c.group != feature.NoGroup
		behavioural = behavioural || c.behavioural
	}
	add(ConditionMatch, true, n*(1+len(t.variants)))
	add(NoConditionMatch, true, n)
	add(NoConditionMatchGroupsSkipped, group, n)
	add(NoConditionMatchCohort, behavioural, n)
	add(OutOfRollout, rollout, n)
	add(NoGroupType, group || n == 0, max(n, 1))
	add(SuperCondition, t.enrollment != NoSlot, 2)
	add(HoldoutCondition, t.holdout != nil, 1)
	add(MissingDependency, len(f.deps) > 0 || f.missing, 1)
	return o
}

// settle fills in the result of a v1 flag: reason, the condition it is about
// (-1: none) and the variant (noVariant: none). For SuperCondition, variant 0
// says that the subject is enrolled.
func (f *flag) settle(res *Result, reason Reason, condition int, variant int32) {
	t := f.targeting
	res.Reason, res.Condition = reason, condition
	number := f.outcomes.base[reason]
	switch reason {
	case ConditionMatch:
		res.Enabled, res.Payload = true, t.payload
		if variant != noVariant {
			res.Variant, res.Payload = t.variants[variant].key, t.variants[variant].payload
		}
		number += int32(condition*(1+len(t.variants))) + variant + 1
	case SuperCondition:
		res.Enabled, res.Payload = variant == 0, t.payload
		number += variant + 1
	case HoldoutCondition:
		res.Enabled, res.Variant, res.Payload = true, t.holdout.variant, t.holdout.payload
	case MissingDependency:
	default:
		number += int32(max(condition, 0))
	}
	res.Outcome = int(number)
}

// Outcomes is how many outcomes flag i can have besides failures. An inactive
// flag has none.
func (p *Program) Outcomes(i int) int { return int(p.flags[i].outcomes.count) }

// Outcome returns the result of flag i that is numbered n, from 0 to
// Outcomes(i)-1, as Decide gives it, with Requested true.
func (p *Program) Outcome(i, n int) Result {
	f := &p.flags[i]
	res := Result{Flag: i, Requested: true, Condition: -1}
	if f.rules != nil {
		f.rules.outcome(&res, int32(n))
		return res
	}
	reason := ConditionMatch
	for r, base := range f.outcomes.base {
		if base >= 0 && base <= int32(n) && base >= f.outcomes.base[reason] {
			reason = Reason(r)
		}
	}
	left := n - int(f.outcomes.base[reason])
	switch reason {
	case ConditionMatch:
		perCondition := 1 + len(f.targeting.variants)
		f.settle(&res, reason, left/perCondition, int32(left%perCondition)-1)
	case SuperCondition:
		f.settle(&res, reason, 0, int32(left)-1)
	case HoldoutCondition, MissingDependency:
		f.settle(&res, reason, -1, noVariant)
	case NoGroupType:
		if len(f.targeting.conditions) == 0 {
			left = -1
		}
		fallthrough
	default:
		f.settle(&res, reason, left, noVariant)
	}
	return res
}
