package eval

import "github.com/guidon-flags/guidon/internal/feature"

// This file evaluates v1 flags (section 3). A run with a trace writes down what
// happens; see trace.go.

// targeting evaluates the v1 flag f into res: early access, holdout, then the
// conditions in their order (3.1).
func (r *run) targeting(f *flag, res *Result) {
	t := f.targeting
	if t.enrollment != NoSlot && r.in.set(t.enrollment) {
		v := r.in.cells[t.enrollment].value
		enrolled := int32(noVariant)
		if v.Kind() == feature.KindTrue || v.Kind() == feature.KindText && v.Text() == "true" {
			enrolled = 0
		}
		f.settle(res, SuperCondition, 0, enrolled)
		return
	}
	if t.holdout != nil && r.heldOut(t) {
		f.settle(res, HoldoutCondition, -1, noVariant)
		return
	}
	w := walk{run: r, f: f, t: t, best: NoGroupType, bestAt: -1}
	w.conditions(res)
}

// walk is the way through the conditions of one flag.
type walk struct {
	*run
	f *flag
	t *targeting

	// The best outcome so far of conditions that do not match (3.4), and what
	// refines its description (3.9).
	best          Reason
	bestAt        int
	groupsSkipped bool
	cohortMissed  bool

	// Conditions with an unknown outcome, and whether one of them could have
	// ended the walk (9.4).
	unknown     bool
	unknownExit bool

	// What the conditions that depend on failed flags would come to (7.7).
	mayMiss    bool // one could end the walk without a match
	mayMatch   bool
	mayVariant int32 // of those that could match
	mayDiffer  bool  // they have several

	// The hashes drawn for this flag, by identifier.
	haveRollout, haveVariant   uint8
	rolloutDraws, variantDraws [1 + groupTypes]float64
}

// step is what one condition came to.
type step uint8

// The steps.
const (
	stepMiss    step = iota // go on
	stepMatch               // the flag is on
	stepExit                // the flag is off (3.6)
	stepFailed              // the flag fails
	stepUnknown             // go on; the outcome is unknown (9.4)
)

// conditions tries the conditions and fills in res.
func (w *walk) conditions(res *Result) {
	for i := range w.t.conditions {
		c := &w.t.conditions[i]
		reason, step, failure := w.condition(i, c)
		switch step {
		case stepFailed:
			res.fail(failure)
			return
		case stepMatch:
			w.match(res, i, c)
			return
		case stepUnknown:
			w.unknown = true
			w.unknownExit = w.unknownExit || w.t.earlyExit && c.rollout < 100
			continue
		}
		if reason.rank() >= w.best.rank() {
			w.best, w.bestAt = reason, i
		}
		if step == stepExit {
			break
		}
	}
	switch {
	case w.unknown:
		res.fail(failGroupTypes)
	case w.mayMatch:
		res.fail(failDependency)
	default:
		w.f.settle(res, w.missReason(), w.bestAt, noVariant)
	}
}

// match ends the walk with condition i, unless what is not known could have
// ended it otherwise before.
func (w *walk) match(res *Result, i int, c *condition) {
	v := w.variant(i, c)
	readVariant := w.in.state[res.Flag]&variantRead != 0
	switch {
	case w.unknownExit:
		res.fail(failGroupTypes)
	case w.mayMiss || w.mayMatch && readVariant && (w.mayDiffer || w.mayVariant != v):
		res.fail(failDependency)
	default:
		w.f.settle(res, ConditionMatch, i, v)
	}
}

// missReason refines the best outcome (3.9).
func (w *walk) missReason() Reason {
	switch {
	case w.best != NoConditionMatch:
		return w.best
	case w.cohortMissed:
		return NoConditionMatchCohort
	case w.groupsSkipped:
		return NoConditionMatchGroupsSkipped
	}
	return NoConditionMatch
}

// condition tries condition i in the order of 3.4.
func (w *walk) condition(i int, c *condition) (Reason, step, *Failure) {
	ct := w.reached(i)
	if c.group == feature.NoGroup && w.t.byDevice && c.hashMatters && w.in.DeviceID == "" {
		return ct.end(OutOfRollout), stepMiss, nil
	}
	if w.p.project.GroupTypesUnknown && w.dependsOnGroupTypes(c) {
		return ct.end(Failed), stepUnknown, nil
	}
	if c.group != feature.NoGroup && w.in.groups[c.group].key == "" {
		w.groupsSkipped = true
		return ct.end(NoGroupType), stepMiss, nil
	}
	holds, supposed := w.filtersHold(c, ct)
	if holds && len(c.cohorts) > 0 {
		var failure *Failure
		if holds, failure = w.cohortsHold(c, ct); failure != nil {
			return ct.end(Failed), stepFailed, failure
		}
		w.cohortMissed = w.cohortMissed || !holds && c.behavioural
	}
	if !holds {
		return ct.end(NoConditionMatch), stepMiss, nil
	}
	ct.hold()
	if !w.inRollout(i, c) {
		switch {
		case supposed:
			w.mayMiss = w.mayMiss || w.t.earlyExit
		case w.t.earlyExit:
			return ct.end(OutOfRollout), stepExit, nil
		}
		return ct.end(OutOfRollout), stepMiss, nil
	}
	if supposed {
		w.suppose(w.variant(i, c))
		return ct.end(NoConditionMatch), stepMiss, nil
	}
	ct.match()
	return ct.end(ConditionMatch), stepMatch, nil
}

// dependsOnGroupTypes reports whether the outcome of c takes to know what the
// group types of the request are (9.4).
func (w *walk) dependsOnGroupTypes(c *condition) bool {
	return c.group != feature.NoGroup && w.in.anyKey ||
		c.group == feature.NoGroup && c.groupFilter && w.in.groupContext
}

// suppose notes that the flag could match with variant v.
func (w *walk) suppose(v int32) {
	if w.mayMatch {
		w.mayDiffer = w.mayDiffer || w.mayVariant != v
		return
	}
	w.mayMatch, w.mayVariant = true, v
}

// filtersHold tests the filters of c but for those about cohorts. supposed says
// that it had to suppose what a failed flag is (7.7).
func (w *walk) filtersHold(c *condition, ct *ConditionTrace) (holds, supposed bool) {
	for k := range c.filters {
		fl := &c.filters[k]
		ok, failed := false, false
		if fl.kind == property {
			v := w.test(fl.index)
			ok = v == yes
			w.tested(ct, fl.at, fl.index, v, ok)
		} else {
			ok, failed = w.dependency(fl)
			w.depended(ct, fl, ok, failed)
		}
		if !ok {
			return false, false
		}
		supposed = supposed || failed
	}
	return true, supposed
}

// dependency tests a filter on a flag. failed says that the flag has failed and
// the filter is supposed to hold.
func (r *run) dependency(fl *conditionFilter) (holds, failed bool) {
	if fl.kind == never {
		return false, false
	}
	var on bool
	var variant string
	if r.in.state[fl.index]&excluded == 0 {
		res := &r.out.Items[fl.index]
		if res.Failure != nil && r.p.flags[fl.index].unsupported == nil {
			return !fl.conflict, true
		}
		on, variant = res.Enabled, res.Variant
	}
	switch fl.kind {
	case flagTrue:
		return on, false
	case flagFalse:
		return !on, false
	}
	return on && variant != "" && variant == fl.text, false
}

// cohortsHold tests the filters of c about cohorts: all of them are resolved,
// and the first that cannot be fails the flag (6.1). They are not looked at,
// and do not hold, if the person was to be loaded and was not (9.5).
func (w *walk) cohortsHold(c *condition, ct *ConditionTrace) (bool, *Failure) {
	if w.partial(personScope) {
		ct.unresolved(c.cohorts)
		return false, nil
	}
	holds := true
	for k := range c.cohorts {
		fl := &c.cohorts[k]
		if fl.failed != nil {
			ct.resolved(fl, false, false, fl.failed)
			return false, fl.failed
		}
		member, failed := w.isIn(fl.index)
		if failed != nil {
			ct.resolved(fl, false, false, failed)
			return false, failed
		}
		ok := fl.want.holds(member)
		ct.resolved(fl, member, ok, nil)
		holds = holds && ok
	}
	return holds, nil
}

// inRollout tells whether the subject is in the rollout of condition i (2.5,
// 2.7). A number is drawn only where it decides: at 0 percent only a hash of
// exactly 0 would be in, which is one in 2⁶⁰.
func (w *walk) inRollout(i int, c *condition) bool {
	if c.rollout >= 100 {
		return true
	}
	id, _ := w.identifier(c.group)
	if id == "" {
		return c.rollout >= 0
	}
	if c.rollout <= 0 {
		return false
	}
	at := c.group + 1
	if w.haveRollout>>at&1 == 0 {
		w.haveRollout |= 1 << at
		w.rolloutDraws[at] = hash01(w.t.prefix, id, "")
	}
	in := inRollout(w.rolloutDraws[at], c.rollout)
	w.drewRollout(i, c, w.rolloutDraws[at], in)
	return in
}

// variant returns the variant of somebody whom condition i admits (3.7).
func (w *walk) variant(i int, c *condition) int32 {
	switch {
	case c.pinned != noVariant:
		return c.pinned
	case len(w.t.variants) == 0:
		return noVariant
	case w.t.certain != noVariant:
		return w.t.certain
	}
	at := c.group + 1
	if w.haveVariant>>at&1 == 0 {
		w.haveVariant |= 1 << at
		w.variantDraws[at] = 0 // of the empty identifier
		if id, _ := w.identifier(c.group); id != "" {
			w.variantDraws[at] = hash01(w.t.prefix, id, "variant")
		}
	}
	picked := pickVariant(w.variantDraws[at], w.t.bounds)
	w.drewVariant(i, c, w.variantDraws[at], picked)
	if picked < 0 {
		return noVariant
	}
	return w.t.variants[picked].same
}

// identifierKind numbers what subjects are bucketed by.
type identifierKind uint8

// The identifiers; from byGroup on the groups by index.
const (
	byDistinctID identifierKind = iota
	byDeviceID
	byAnonID
	byHashKey
	byGroup

	identifiers = int(byGroup) + groupTypes
)

// identifier returns what a condition about group (NoGroup: persons) buckets
// by (2.6).
func (w *walk) identifier(group feature.GroupIndex) (string, identifierKind) {
	if group == feature.NoGroup && w.t.place >= 0 {
		if key := &w.in.keys[w.t.place]; key.request == w.in.request {
			return key.text, byHashKey
		}
	}
	return w.unstored(w.t, group)
}

// unstored is identifier without regard to stored hash keys.
func (r *run) unstored(t *targeting, group feature.GroupIndex) (string, identifierKind) {
	switch {
	case group != feature.NoGroup:
		return r.in.groups[group].key, byGroup + identifierKind(group)
	case t.byDevice && r.in.DeviceID != "":
		return r.in.DeviceID, byDeviceID
	case t.place >= 0 && r.in.AnonID != "":
		return r.in.AnonID, byAnonID
	}
	return r.in.subject, byDistinctID
}

// heldOut reports whether the subject is in the flag's holdout (3.3). One
// number is drawn for all flags, for it depends on the identifier alone; an
// empty one is hashed like any other (2.7).
func (r *run) heldOut(t *targeting) bool {
	h := t.holdout
	switch h.exclusion {
	case 100:
		return true
	case 0: // see inRollout of walk
		return false
	}
	id, kind := r.unstored(t, t.groupType)
	if r.in.drawn[kind] != r.in.round {
		r.in.drawn[kind] = r.in.round
		r.in.holdout[kind] = hash01(holdoutPrefix, id, "")
	}
	hash := r.in.holdout[kind]
	in := inRollout(hash, h.exclusion)
	r.drewHoldout(id, kind, hash, h.exclusion, in)
	return in
}

const holdoutPrefix = "holdout-"
