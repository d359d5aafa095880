package eval_test

import (
	"slices"
	"strconv"

	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/feature"
)

var (
	errCohortMissing = &eval.Failure{Code: "dependency_not_found_cohort", Description: "Cohort dependency not found"}
	errCohortCycle   = &eval.Failure{Code: "dependency_cycle_cohort", Description: "Cohort dependency cycle detected"}
	errCohortFilters = &eval.Failure{Code: "cohort_filters_parsing_error", Description: "The cohort's filters cannot be read"}
)

// cohortFilters is 6.1: all are resolved, then and-ed. ok false comes with the
// condition's outcome.
func (o *oracle) cohortFilters(c *feature.Condition) (outcome, bool) {
	any, holds, events := false, true, false
	for _, p := range c.Properties {
		if p.Type == feature.CohortMembership {
			any = true
			if co, err := o.cohortOf(p); err == nil && !o.byMembership(co) && co.Root != nil {
				events = events || o.hasEvents(*co.Root)
			}
		}
	}
	if any && o.personPartial() {
		return outcome{reason: "no_condition_match", cohortMiss: events}, false
	}
	for _, p := range c.Properties {
		if p.Type != feature.CohortMembership {
			continue
		}
		ok, err := o.cohortFilter(p)
		if err != nil {
			return outcome{failure: err}, false
		}
		holds = holds && ok
	}
	return outcome{reason: "no_condition_match", cohortMiss: events}, holds
}

func (o *oracle) hasEvents(n feature.CohortNode) bool {
	return n.Op == feature.CohortEvents || slices.ContainsFunc(n.Children, o.hasEvents)
}

// cohortOf finds the cohort that p names (6.1, 6.2.2).
func (o *oracle) cohortOf(p feature.Property) (*feature.Cohort, *eval.Failure) {
	id, err := strconv.ParseInt(p.Value.Text(), 10, 64)
	if p.Value.Kind() != feature.KindNumber || err != nil {
		return nil, errCohortFilters
	}
	for i := len(o.def.Cohorts) - 1; i >= 0; i-- {
		if o.def.Cohorts[i].ID == id {
			return &o.def.Cohorts[i], nil
		}
	}
	return nil, errCohortMissing
}

func (o *oracle) byMembership(co *feature.Cohort) bool {
	return co.Static || o.def.RealtimeCohorts && co.Kind == feature.CohortLive
}

func (o *oracle) cohortFilter(p feature.Property) (bool, *eval.Failure) {
	co, err := o.cohortOf(p)
	if err != nil {
		return false, err
	}
	member, err := o.member(co)
	switch p.Operator {
	case feature.In:
		return member, err
	case feature.NotIn:
		return !member, err
	}
	return false, err
}

// member is 6.2 and 6.3: first the graph, then dependencies, then the tree.
func (o *oracle) member(co *feature.Cohort) (bool, *eval.Failure) {
	if o.byMembership(co) {
		return slices.Contains(o.sub.cohorts, co.ID), nil
	}
	order, err := o.cohortOrder(co)
	if err != nil {
		return false, err
	}
	known := make(map[int64]bool)
	for _, c := range order {
		if o.byMembership(c) {
			known[c.ID] = slices.Contains(o.sub.cohorts, c.ID)
			continue
		}
		if c.Root == nil {
			known[c.ID] = false
			continue
		}
		in, err := o.tree(*c.Root, known)
		if err != nil {
			return false, err
		}
		known[c.ID] = in
	}
	return known[co.ID], nil
}

// cohortOrder lists what co reaches and co itself, dependencies first.
func (o *oracle) cohortOrder(co *feature.Cohort) ([]*feature.Cohort, *eval.Failure) {
	var order, path []*feature.Cohort
	var cycle bool
	var visit func(c *feature.Cohort) *eval.Failure
	var leaves func(n feature.CohortNode) *eval.Failure
	visit = func(c *feature.Cohort) *eval.Failure {
		if slices.Contains(path, c) {
			cycle = true
			return nil
		}
		if slices.Contains(order, c) {
			return nil
		}
		if !o.byMembership(c) {
			if c.Malformed {
				return errCohortFilters
			}
			path = append(path, c)
			if c.Root != nil {
				if err := leaves(*c.Root); err != nil {
					return err
				}
			}
			path = path[:len(path)-1]
		}
		order = append(order, c)
		return nil
	}
	leaves = func(n feature.CohortNode) *eval.Failure {
		if n.Op == feature.CohortLeaf && n.Property.Type == feature.CohortMembership {
			c, err := o.cohortOf(n.Property)
			if err == nil {
				err = visit(c)
			}
			if err != nil {
				return err
			}
		}
		for _, child := range n.Children {
			if err := leaves(child); err != nil {
				return err
			}
		}
		return nil
	}
	err := visit(co)
	if err == nil && cycle {
		err = errCohortCycle
	}
	return order, err
}

// reachesMembership: the answer to p takes memberships.
func (o *oracle) reachesMembership(p feature.Property) bool {
	co, err := o.cohortOf(p)
	if err != nil {
		return false
	}
	order, err := o.cohortOrder(co)
	return err == nil && slices.ContainsFunc(order, o.byMembership)
}

// tree is 6.4.
func (o *oracle) tree(n feature.CohortNode, known map[int64]bool) (bool, *eval.Failure) {
	switch n.Op {
	case feature.CohortAnd, feature.CohortOr:
		for _, child := range n.Children {
			v, err := o.tree(child, known)
			if err != nil {
				return false, err
			}
			if v == (n.Op == feature.CohortOr) {
				return v, nil
			}
		}
		return n.Op == feature.CohortAnd, nil
	case feature.CohortLeaf:
		if n.Property.Type == feature.CohortMembership {
			co, _ := o.cohortOf(n.Property)
			in := known[co.ID]
			holds := n.Property.Operator == feature.In && in || n.Property.Operator == feature.NotIn && !in
			return holds != n.Property.Negation, nil
		}
		ok, err := o.match(n.Property, o.props, false)
		return (ok && err == nil) != n.Property.Negation, nil
	case feature.CohortBroken:
		return false, errCohortFilters
	}
	return false, nil
}
