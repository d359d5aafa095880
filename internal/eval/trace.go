package eval

import "github.com/guidon-flags/guidon/internal/feature"

// The evaluation tells a Trace what happens by what is in this file. All of it
// does nothing, at the cost of a comparison with nil, when there is no Trace.

// reached returns the trace of condition i, nil if there is none.
func (r *run) reached(i int) *ConditionTrace {
	if r.trace == nil {
		return nil
	}
	ct := &r.trace.Conditions[i]
	ct.Reached = true
	return ct
}

// end notes what a condition came to, and returns it.
func (ct *ConditionTrace) end(reason Reason) Reason {
	if ct != nil {
		ct.Reason = reason
	}
	return reason
}

// hold notes that all filters held.
func (ct *ConditionTrace) hold() {
	if ct != nil {
		ct.FiltersHold = true
	}
}

// match notes that the condition decides in favour.
func (ct *ConditionTrace) match() {
	if ct != nil {
		ct.Matched = true
	}
}

// tested notes the verdict of a filter on a property.
func (r *run) tested(ct *ConditionTrace, at, test int32, v verdict, held bool) {
	if ct == nil {
		return
	}
	ft := &ct.Filters[at]
	ft.Reached, ft.Held = true, held
	if s := r.p.tests[test].slot; s != NoSlot && r.in.set(s) {
		ft.Actual, ft.Source = r.in.cells[s].value, r.in.cells[s].source
	}
	if v.isError() {
		ft.Error = v.String()
	}
}

// depended notes how a filter on a flag did.
func (r *run) depended(ct *ConditionTrace, fl *conditionFilter, held, failed bool) {
	if ct == nil {
		return
	}
	ft := &ct.Filters[fl.at]
	ft.Reached, ft.Held = true, held
	switch {
	case failed:
		ft.Error = "the flag failed"
	case fl.index < 0:
		ft.Error = "this names no flag"
	case r.in.state[fl.index]&excluded != 0:
		ft.Actual = feature.Bool(false)
	default:
		res := &r.out.Items[fl.index]
		ft.Actual = feature.Bool(res.Enabled)
		if res.Enabled && res.Variant != "" {
			ft.Actual = feature.Text(res.Variant)
		}
	}
}

// resolved notes how a filter about a cohort did.
func (ct *ConditionTrace) resolved(fl *cohortFilter, member, held bool, failed *Failure) {
	if ct == nil {
		return
	}
	ft := &ct.Filters[fl.at]
	ft.Reached, ft.Held = true, held
	if failed != nil {
		ft.Error = failed.Description
		return
	}
	ft.Actual = feature.Bool(member)
}

// unresolved notes that filters about cohorts could not be looked at.
func (ct *ConditionTrace) unresolved(filters []cohortFilter) {
	if ct == nil {
		return
	}
	for k := range filters {
		ft := &ct.Filters[filters[k].at]
		ft.Reached, ft.Error = true, "the person could not be loaded"
	}
}

// drewHoldout notes the hash that decided about a v1 flag's holdout.
func (r *run) drewHoldout(id string, kind identifierKind, hash, exclusion float64, in bool) {
	if r.trace != nil {
		r.trace.Holdout = &Draw{id, hash, exclusion / 100, in}
		r.bucketedBy(kind)
	}
}

// drewRollout notes the hash that decided about the rollout of condition i.
func (w *walk) drewRollout(i int, c *condition, hash float64, in bool) {
	if w.trace != nil {
		id, kind := w.identifier(c.group)
		w.trace.Conditions[i].Rollout = &Draw{id, hash, c.rollout / 100, in}
		w.bucketedBy(kind)
	}
}

// drewVariant notes the hash that picked a variant for condition i.
func (w *walk) drewVariant(i int, c *condition, hash float64, picked int) {
	if w.trace == nil {
		return
	}
	id, kind := w.identifier(c.group)
	d := &Draw{Identifier: id, Hash: hash, In: picked >= 0}
	if picked >= 0 {
		d.Threshold = w.t.bounds[picked]
	}
	w.trace.Conditions[i].VariantDraw = d
	w.bucketedBy(kind)
}

// bucketedBy notes what kind of identifier was hashed last.
func (r *run) bucketedBy(kind identifierKind) {
	switch kind {
	case byDistinctID:
		r.trace.BucketedBy = "distinct_id"
	case byDeviceID:
		r.trace.BucketedBy = "device_id"
	case byAnonID:
		r.trace.BucketedBy = "anon_distinct_id"
	case byHashKey:
		r.trace.BucketedBy = "hash_key_override"
	default:
		r.trace.BucketedBy = "group"
		if g := int(kind - byGroup); g < feature.MaxGroupTypes {
			r.trace.BucketedBy = "group:" + r.p.project.GroupTypes[g]
		}
	}
}

// drewForRule returns the Draw of a hash that a rule was decided by.
func (r *run) drewForRule(hash, threshold float64, in bool) *Draw {
	r.bucketedBy(byDistinctID)
	return &Draw{r.in.subject, hash, threshold, in}
}
