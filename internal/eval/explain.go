package eval

import "github.com/guidon-flags/guidon/internal/feature"

// Trace tells how one flag came to its result.
type Trace struct {
	Result     Result
	Omitted    bool             // the flag has no result: it is inactive, excluded or depends on itself
	BucketedBy string           // "distinct_id", "device_id", "anon_distinct_id", "hash_key_override", "group:<type>"; empty: nothing was hashed
	Holdout    *Draw            // of a v1 flag; nil: nothing was hashed for it
	Conditions []ConditionTrace // conditions or rules in stored order; those after the deciding one have Reached false
}

// ConditionTrace tells how one condition (or rule) did.
type ConditionTrace struct {
	Index       int
	Reached     bool // false: an earlier one decided
	Matched     bool // it decided in favour
	FiltersHold bool // all its filters held
	Reason      Reason
	Filters     []FilterTrace // in stored order
	Holdout     *Draw         // of a rule; nil: nothing was hashed for it
	Rollout     *Draw         // nil: nothing was hashed
	VariantDraw *Draw         // nil: pinned, or nothing was hashed
	Variant     string
}

// FilterTrace tells how one filter did.
type FilterTrace struct {
	Property feature.Property
	Actual   feature.Value // what it saw, of cohorts the membership, of flags the value; absent: not set
	Source   Source        // of a property's value
	Reached  bool          // false: an earlier filter failed
	Held     bool
	Error    string // an operator error, which counts as not held in v1; or that what it depends on failed
}

// Draw is a hash with what it was held against.
type Draw struct {
	Identifier string
	Hash       float64 // 0 to 1
	Threshold  float64 // percentage/100; for variants the upper bound of the chosen one
	In         bool
}

// Explain decides flag i, and what it depends on, as Decide would within a
// request for sel, and tells how. A flag that sel does not ask for is explained
// as if it did, unless it is excluded. Explain allocates freely.
func (p *Program) Explain(in *Input, sel Selection, i int) Trace {
	t := Trace{Result: Result{Flag: i, Condition: -1, Outcome: -1}}
	r := run{p: p, in: in, sel: sel, out: new(Results)}
	in.begin()
	r.choose()
	r.needs, r.needsKnown = r.need(), true // those of the whole request
	r.narrow(int32(i))
	if in.state[i]&chosen == 0 || r.plan.status[i] == circular {
		t.Omitted = true
		return t
	}
	t.Conditions = p.untouched(i)
	r.traced, r.traceOf = &t, int32(i)
	r.decide()
	t.Result = r.out.Items[i]
	t.name(p)
	return t
}

// narrow leaves nothing chosen but flag i and what it depends on.
func (r *run) narrow(i int32) {
	state := r.in.state
	keep := state[i] & (requested | variantRead)
	if state[i]&chosen == 0 {
		keep = requested | variantRead
	}
	for k := range state {
		state[k] &^= chosen
	}
	r.visit(i)
	if state[i]&chosen != 0 {
		state[i] |= keep
	}
}

// untouched returns the traces of flag i's conditions or rules before anything
// is evaluated.
func (p *Program) untouched(i int) []ConditionTrace {
	def := &p.project.Flags[i]
	var lists [][]feature.Property
	if def.Targeting != nil {
		for _, c := range def.Targeting.Conditions {
			lists = append(lists, c.Properties)
		}
	} else if def.Rules != nil {
		for _, ru := range def.Rules.Rules {
			lists = append(lists, ru.Properties)
		}
	}
	out := make([]ConditionTrace, len(lists))
	for k, properties := range lists {
		out[k] = ConditionTrace{Index: k, Filters: make([]FilterTrace, len(properties))}
		for n, pr := range properties {
			out[k].Filters[n].Property = pr
		}
	}
	return out
}

// name fills in the variant of the condition that matched.
func (t *Trace) name(p *Program) {
	if t.Result.Failure != nil || t.Result.Condition < 0 || t.Result.Condition >= len(t.Conditions) {
		return
	}
	ct := &t.Conditions[t.Result.Condition]
	switch t.Result.Reason {
	case ConditionMatch:
		ct.Variant = t.Result.Variant
	case RuleMatch:
		ct.Variant = p.Rule(&t.Result).Variant
	}
}
