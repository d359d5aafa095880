package eval

import "github.com/guidon-flags/guidon/internal/feature"

// flagNeeds says what of the stored data a flag depends on, unless the request
// brings it (5.6).
type flagNeeds struct {
	person  []Slot // person properties, each once
	groups  []groupNeed
	cohorts bool // it tests a cohort
	members bool // the answer of one of them depends on memberships
	hashKey bool // it is eligible for continuity, and its answer depends on a hash (8.2)
}

type groupNeed struct {
	group feature.GroupIndex
	slot  Slot
}

func (n *flagNeeds) property(s Slot) {
	for _, have := range n.person {
		if have == s {
			return
		}
	}
	n.person = append(n.person, s)
}

func (n *flagNeeds) group(g feature.GroupIndex, s Slot) {
	for _, have := range n.groups {
		if have.slot == s {
			return
		}
	}
	n.groups = append(n.groups, groupNeed{g, s})
}

// Needs tells which stored data the selected flags depend on, given what the
// request brought in. Call it when that is set and before anything stored is.
func (p *Program) Needs(in *Input, sel Selection) Needs {
	r := run{p: p, in: in, sel: sel}
	r.choose()
	return r.need()
}

// need computes what the chosen flags need.
func (r *run) need() Needs {
	var n Needs
	for i := range r.p.flags {
		if r.in.state[i]&chosen == 0 || r.plan.status[i] != ready {
			continue
		}
		f := &r.p.flags[i]
		n.Person = n.Person || r.needsPerson(&f.needs)
		n.Overrides = n.Overrides || f.needs.hashKey
		for _, g := range f.needs.groups {
			if !n.Groups[g.group] && r.needsGroup(g) {
				n.Groups[g.group] = true
			}
		}
	}
	return n
}

// needsPerson reports whether a flag with needs n depends on the stored person.
func (r *run) needsPerson(n *flagNeeds) bool {
	if r.in.overridesOnly {
		return n.members
	}
	if n.cohorts {
		return true
	}
	for _, s := range n.person {
		if !r.in.brought(s) {
			return true
		}
	}
	return false
}

func (r *run) needsGroup(g groupNeed) bool {
	return r.in.groups[g.group].key != "" && !r.in.brought(g.slot)
}

// lacks reports whether a flag with needs n depends on stored data that were
// not loaded.
func (r *run) lacks(n *flagNeeds) bool {
	if !r.in.personLoaded && r.needsPerson(n) {
		return true
	}
	for _, g := range n.groups {
		if !r.in.groups[g.group].loaded && r.needsGroup(g) {
			return true
		}
	}
	return false
}

// partial reports whether the properties of scope s are known in part only:
// some flag of the request needs the stored ones, and they were not loaded
// (9.5). What a request brings that needs nothing is all there is.
func (r *run) partial(s scope) bool {
	if s < personScope {
		return false
	}
	if s == personScope && r.in.personLoaded || s > personScope && r.in.groups[s-1].loaded {
		return false
	}
	if !r.needsKnown {
		r.needs, r.needsKnown = r.need(), true
	}
	if s == personScope {
		return r.needs.Person
	}
	return r.needs.Groups[s-1]
}
