package eval

import "github.com/guidon-flags/guidon/internal/feature"

// test comes to the verdict of test i, which is worked out once per request.
func (r *run) test(i int32) verdict {
	in := r.in
	memo := &in.tested[i]
	if *memo>>verdictBits == in.round {
		return verdict(*memo & (1<<verdictBits - 1))
	}
	t := &r.p.tests[i]
	var value feature.Value
	if t.slot != NoSlot && in.set(t.slot) {
		value = in.cells[t.slot].value
	}
	v := verdictMissing
	if !value.Absent() || !r.partial(t.scope) {
		v = t.matcher.match(value, &in.moment)
	}
	*memo = in.round<<verdictBits | uint32(v)
	return v
}

// What memos of cohorts hold besides no and yes.
const cohortFailed = verdictInvalid

// isIn tells whether the person is in cohort i, or why that cannot be told
// (6.2). It is worked out once per request.
func (r *run) isIn(i int32) (bool, *Failure) {
	memo := &r.in.visited[i]
	if *memo>>verdictBits != r.in.round {
		*memo = r.in.round<<verdictBits | uint32(r.resolve(&r.p.cohorts[i]))
	}
	switch verdict(*memo & (1<<verdictBits - 1)) {
	case yes:
		return true, nil
	case no:
		return false, nil
	}
	if f := r.p.cohorts[i].failed; f != nil {
		return false, f
	}
	return false, failCohortFilters
}

func (r *run) resolve(co *cohort) verdict {
	switch {
	case co.byMembership:
		return of(r.in.isMember(co.id))
	case co.failed != nil:
		return cohortFailed
	case co.root == nil:
		return no
	}
	if co.fragile { // then it matters that dependencies go first (6.3)
		for _, d := range co.deps {
			if _, failed := r.isIn(d); failed != nil {
				return cohortFailed
			}
		}
	}
	return r.node(co.root)
}

// node decides a node of a cohort's tree (6.4).
func (r *run) node(n *node) verdict {
	switch n.kind {
	case nodeAnd, nodeOr:
		ends := of(n.kind == nodeOr)
		for i := range n.children {
			if v := r.node(&n.children[i]); v == ends || v.isError() {
				return v
			}
		}
		return of(n.kind == nodeAnd)
	case nodeTest: // an operator error is no match, before it is negated
		return of((r.test(n.index) == yes) != n.negated)
	case nodeCohort:
		member, failed := r.isIn(n.index)
		if failed != nil {
			return cohortFailed
		}
		return of(n.want.holds(member) != n.negated)
	case nodeBroken:
		return cohortFailed
	}
	return no
}
