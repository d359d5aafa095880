package eval

import (
	"slices"
)

// selected says what a request wants of a flag.
type selected uint8

// The marks of a flag in a request.
const (
	excluded    selected = 1 << iota // filtered out or inactive: stands for false
	chosen                           // to be evaluated
	requested                        // not only for the sake of others
	variantRead                      // somebody reads its variant (7.7)
	decided                          // has its result
)

// run is one Decide or Explain.
type run struct {
	p    *Program
	in   *Input
	sel  Selection
	out  *Results
	plan *plan

	needs      Needs // of the request; see partial
	needsKnown bool

	draw func(prefix, identifier, salt string) float64 // nil: hash01

	traced  *Trace // what Explain wants to know; nil: nothing
	traceOf int32  // about this flag
	trace   *Trace // traced while that flag is evaluated, otherwise nil
}

// Decide evaluates the selected flags for in into out, whose previous content
// is overwritten. It allocates nothing per flag for programs without patterns.
func (p *Program) Decide(in *Input, sel Selection, out *Results) {
	r := run{p: p, in: in, sel: sel, out: out}
	in.begin()
	r.choose()
	r.decide()
	out.Items = r.compact()
}

// choose finds out which flags are to be evaluated.
func (r *run) choose() {
	flags, state := r.p.flags, r.in.state
	everything := selected(0)
	if r.sel.Wanted == nil {
		everything = chosen | requested | variantRead
	}
	for i := range flags {
		state[i] = everything
		if !flags[i].active || marked(r.sel.Excluded, i) {
			state[i] = excluded
		}
	}
	for i, wanted := range r.sel.Wanted {
		if wanted && i < len(flags) && state[i]&excluded == 0 {
			r.visit(int32(i))
			state[i] |= requested | variantRead
		}
	}
	r.plan = &r.p.plan
	if r.sel.Excluded != nil && (r.plan.circular || r.plan.missing) {
		// Excluding a flag can open a circle, or spare others its missing
		// dependency.
		r.plan = &r.in.plan
		r.plan.make(flags, state)
	}
}

// visit chooses flag i and what it depends on.
func (r *run) visit(i int32) {
	state := r.in.state
	if state[i]&(chosen|excluded) != 0 {
		return
	}
	state[i] |= chosen
	f := &r.p.flags[i]
	for _, d := range f.deps {
		r.visit(d)
	}
	if f.targeting != nil {
		for _, d := range f.targeting.variantsRead {
			state[d] |= variantRead
		}
	}
}

func marked(marks []bool, i int) bool { return i < len(marks) && marks[i] }

// decide evaluates the chosen flags; out.Items is by flag afterwards.
func (r *run) decide() {
	in, out := r.in, r.out
	out.Items = sized(out.Items[:0], len(r.p.flags))
	out.Panic = nil
	out.Errors = r.plan.circular || in.failedStore != nil || in.failedOverrides != nil || r.unmapped()
	for k := 0; k < len(r.plan.order); {
		k = r.from(k)
	}
}

// unmapped reports whether group types are unknown and a flag refers to one
// (9.1).
func (r *run) unmapped() bool {
	if !r.p.project.GroupTypesUnknown {
		return false
	}
	for i := range r.p.flags {
		if r.p.flags[i].usesGroups && r.in.state[i]&excluded == 0 {
			return true
		}
	}
	return false
}

// from evaluates the flags from place k of the order on. If one panics it fails
// alone, and from returns the next place.
func (r *run) from(k int) (next int) {
	defer func() {
		if v := recover(); v != nil {
			r.out.Panic = v
			i := r.plan.order[k]
			r.start(i).fail(failInternal)
			r.in.state[i] |= decided
			r.out.Errors = true
			next = k + 1
		}
	}()
	for ; k < len(r.plan.order); k++ {
		i := r.plan.order[k]
		if r.in.state[i]&chosen == 0 {
			continue
		}
		res := r.start(i)
		r.flag(i, res)
		r.in.state[i] |= decided
		if res.Failure != nil {
			r.out.Errors = true
		}
	}
	return k
}

// start empties the result of flag i.
func (r *run) start(i int32) *Result {
	res := &r.out.Items[i]
	*res = Result{Flag: int(i), Requested: r.in.state[i]&requested != 0, Condition: -1, Outcome: -1}
	return res
}

// flag evaluates flag i, whose dependencies are decided, into res.
func (r *run) flag(i int32, res *Result) {
	f := &r.p.flags[i]
	r.trace = nil
	if i == r.traceOf {
		r.trace = r.traced
	}
	switch {
	case r.plan.status[i] == missing:
		f.settle(res, MissingDependency, -1, noVariant)
	case f.unsupported != nil:
		res.fail(f.unsupported)
	case r.in.failedOverrides != nil && f.continuity:
		res.fail(r.in.failedOverrides)
	case r.in.failedStore != nil && r.lacks(&f.needs):
		res.fail(r.in.failedStore)
	case f.rules != nil:
		r.rules(f, res)
	default:
		r.targeting(f, res)
	}
}

func (res *Result) fail(f *Failure) {
	res.Enabled, res.Variant, res.Payload = false, "", ""
	res.Reason, res.Condition, res.Failure, res.Outcome = Failed, -1, f, -1
}

// compact returns the results of the decided flags in the project's order.
func (r *run) compact() []Result {
	items, state := r.out.Items, r.in.state
	n := slices.IndexFunc(state, func(s selected) bool { return s&decided == 0 })
	if n < 0 {
		return items
	}
	for i := n + 1; i < len(items); i++ {
		if state[i]&decided != 0 {
			items[n] = items[i]
			n++
		}
	}
	return items[:n]
}
