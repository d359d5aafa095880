package eval

import (
	"slices"
	"strconv"

	"github.com/guidon-flags/guidon/internal/feature"
)

// cohort is the compiled form of a feature.Cohort.
type cohort struct {
	id           int64
	byMembership bool     // whether the subject is in comes with it (6.2.1)
	needsMembers bool     // the answer depends on memberships
	events       bool     // its own tree has a leaf that needs event history
	failed       *Failure // what it reaches cannot be evaluated (6.3)
	fragile      bool     // it reaches a node that is an error when it is met
	deps         []int32  // dynamic cohorts among its leaves, each once
	root         *node    // nil: nobody is in
}

// node is the compiled form of a feature.CohortNode.
type node struct {
	kind     nodeKind
	negated  bool
	want     cohortWant
	index    int32 // of a test or a cohort
	children []node
}

// nodeKind says how a node decides.
type nodeKind uint8

// The node kinds.
const (
	nodeFalse nodeKind = iota
	nodeAnd
	nodeOr
	nodeTest
	nodeCohort
	nodeBroken
)

// cohortFilter compiles a filter about a cohort that stands in a condition.
func (c *compiler) cohortFilter(p feature.Property, at int) cohortFilter {
	out := cohortFilter{at: int32(at), want: wanted(p)}
	id, ok := cohortID(p)
	if !ok {
		out.failed = failCohortFilters
		return out
	}
	if _, ok = c.cohorts[id]; !ok {
		out.failed = failCohortMissing
		return out
	}
	out.index = c.cohort(id)
	return out
}

// cohortID returns the id that p names; only a JSON integer is one (6.1).
func cohortID(p feature.Property) (int64, bool) {
	if p.Value.Kind() != feature.KindNumber {
		return 0, false
	}
	id, err := strconv.ParseInt(p.Value.Text(), 10, 64)
	return id, err == nil
}

func wanted(p feature.Property) cohortWant {
	switch p.Operator {
	case feature.In:
		return wantIn
	case feature.NotIn:
		return wantNotIn
	}
	return wantNothing
}

// cohort compiles the cohort with an id that exists, and those that it
// reaches, unless that is done already, and returns its index.
func (c *compiler) cohort(id int64) int32 {
	if i, ok := c.done[id]; ok {
		return i
	}
	def := &c.def.Cohorts[c.cohorts[id]]
	i := int32(len(c.p.cohorts))
	c.done[id] = i
	c.p.cohorts = append(c.p.cohorts, cohort{id: id, byMembership: c.byMembership(def)})
	if c.p.cohorts[i].byMembership {
		c.p.cohorts[i].needsMembers = true
		return i
	}
	if c.p.cohorts[i].failed = c.reach(id); c.p.cohorts[i].failed != nil {
		c.p.cohorts[i].events = def.Root != nil && hasEvents(def.Root)
		return i
	}
	co := cohort{id: id}
	if def.Root != nil {
		root := c.node(def.Root, &co)
		co.root = &root
	}
	for _, d := range co.deps {
		co.fragile = co.fragile || c.p.cohorts[d].fragile
		co.needsMembers = co.needsMembers || c.p.cohorts[d].needsMembers
	}
	c.p.cohorts[i] = co
	return i
}

func (c *compiler) byMembership(def *feature.Cohort) bool {
	return def.Static || c.def.RealtimeCohorts && def.Kind == feature.CohortLive
}

// node compiles n, which is part of co.
func (c *compiler) node(n *feature.CohortNode, co *cohort) node {
	switch n.Op {
	case feature.CohortAnd, feature.CohortOr:
		out := node{kind: nodeAnd, children: make([]node, len(n.Children))}
		if n.Op == feature.CohortOr {
			out.kind = nodeOr
		}
		for i := range n.Children {
			out.children[i] = c.node(&n.Children[i], co)
		}
		return out
	case feature.CohortLeaf:
		return c.leaf(n.Property, co)
	case feature.CohortEvents:
		co.events = true
	case feature.CohortBroken:
		co.fragile = true
		return node{kind: nodeBroken}
	}
	return node{kind: nodeFalse}
}

func (c *compiler) leaf(p feature.Property, co *cohort) node {
	switch p.Type {
	case feature.PersonProperty, feature.PersonMetadata:
		index, _ := c.test(personScope, p)
		return node{kind: nodeTest, index: index, negated: p.Negation}
	case feature.CohortMembership:
		id, _ := cohortID(p) // reach has seen to it that it is one
		index := c.cohort(id)
		if !slices.Contains(co.deps, index) {
			co.deps = append(co.deps, index)
		}
		return node{kind: nodeCohort, index: index, negated: p.Negation, want: wanted(p)}
	}
	return node{kind: nodeFalse}
}

func hasEvents(n *feature.CohortNode) bool {
	return n.Op == feature.CohortEvents || slices.ContainsFunc(n.Children, func(c feature.CohortNode) bool { return hasEvents(&c) })
}

// reach looks at all that the dynamic cohort id reaches and returns why it
// cannot be evaluated, nil if it can (6.3). Of several reasons the first on the
// way goes first, a circle last.
func (c *compiler) reach(id int64) *Failure {
	const entered, left = 1, 2
	visited := make(map[int64]int)
	var fail, circle *Failure
	var visit func(id int64)
	var leaves func(n *feature.CohortNode)
	visit = func(id int64) {
		if fail != nil || visited[id] == left {
			return
		}
		if visited[id] == entered {
			circle = failCohortCycle
			return
		}
		i, ok := c.cohorts[id]
		switch {
		case !ok:
			fail = failCohortMissing
			return
		case c.byMembership(&c.def.Cohorts[i]):
			return
		case c.def.Cohorts[i].Malformed:
			fail = failCohortFilters
			return
		}
		visited[id] = entered
		if root := c.def.Cohorts[i].Root; root != nil {
			leaves(root)
		}
		visited[id] = left
	}
	leaves = func(n *feature.CohortNode) {
		if n.Op == feature.CohortLeaf && n.Property.Type == feature.CohortMembership {
			if to, ok := cohortID(n.Property); ok {
				visit(to)
			} else if fail == nil {
				fail = failCohortFilters
			}
		}
		for i := range n.Children {
			leaves(&n.Children[i])
		}
	}
	visit(id)
	if fail == nil {
		fail = circle
	}
	return fail
}

// cohortFaults reports the faults of all cohorts. Those that no active flag
// reaches are compiled by checker to find them.
func (c *compiler) cohortFaults(checker *compiler) {
	for i := range c.def.Cohorts {
		def := &c.def.Cohorts[i]
		by := c
		if _, ok := c.done[def.ID]; !ok {
			by = checker
		}
		if co := &by.p.cohorts[by.cohort(def.ID)]; co.failed != nil {
			c.faults = append(c.faults, Fault{Cohort: def.ID, Reason: co.failed.Description})
		}
		if def.Root != nil && !c.byMembership(def) {
			c.leafFaults(def.ID, def.Root)
		}
	}
}

func (c *compiler) leafFaults(id int64, n *feature.CohortNode) {
	if n.Op == feature.CohortBroken {
		c.faults = append(c.faults, Fault{Cohort: id, Reason: "a group of its filters is of unknown type or nested too deep"})
	}
	if n.Op == feature.CohortLeaf && n.Property.Type <= feature.PersonMetadata {
		if _, fault := compileMatcher(n.Property, c.options); fault != "" {
			c.faults = append(c.faults, Fault{Cohort: id, Reason: n.Property.Key + ": " + fault})
		}
	}
	for i := range n.Children {
		c.leafFaults(id, &n.Children[i])
	}
}
