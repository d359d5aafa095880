package filters

import "github.com/guidon-flags/guidon/internal/feature"

// ReadCohort reads the definition of a dynamic cohort from the columns filters
// and groups, as they are stored; either may be nil. Groups, the older form, is
// looked at only if filters is missing or null (6.2).
//
// Root is nil if there is no definition. Malformed reports that there is one
// that cannot be read (6.3).
func ReadCohort(filters, groups []byte) (root *feature.CohortNode, malformed bool) {
	doc, ok := parseOptional(filters)
	if !ok {
		return nil, true
	}
	if doc.kind == kindNone {
		return readLegacyCohort(groups)
	}
	r := cohortReader{}
	tree := r.root(doc.get("properties"))
	if r.err != nil {
		return nil, true
	}
	return &tree, false
}

// CohortKind tells the kind of a cohort from its cohort_type (6.2).
func CohortKind(cohortType string) feature.CohortKind {
	if cohortType == "realtime" || cohortType == "behavioral" {
		return feature.CohortLive
	}
	return feature.CohortPlain
}

// parseOptional parses a column that may be missing or null, for which it
// returns the zero node.
func parseOptional(raw []byte) (node, bool) {
	if len(raw) == 0 {
		return node{}, true
	}
	doc, err := parse(raw)
	if err != nil {
		return node{}, false
	}
	if doc.kind == kindNull {
		doc = node{}
	}
	return doc, true
}

// cohortReader reads a cohort's tree and keeps the first error.
type cohortReader struct {
	err error
}

func (r *cohortReader) fail(path, problem string) {
	if r.err == nil {
		r.err = undecodable(path, "%s", problem)
	}
}

// root reads the root, of which only AND and OR are known.
func (r *cohortReader) root(n node) feature.CohortNode {
	t := n.get("type").text()
	if t != "AND" && t != "OR" {
		r.fail("type", "is neither AND nor OR")
		return feature.CohortNode{}
	}
	return r.group(n, 0)
}

// group reads {type, values}; its entries have the depth given.
func (r *cohortReader) group(n node, depth int) feature.CohortNode {
	values := n.get("values")
	if values.kind != kindList {
		r.fail("values", "is not a list")
		return feature.CohortNode{}
	}
	out := feature.CohortNode{}
	switch n.get("type").text() {
	case "AND", "property":
		out.Op = feature.CohortAnd
	case "OR":
		out.Op = feature.CohortOr
	default:
		return feature.CohortNode{Op: feature.CohortBroken}
	}
	for _, v := range values.items {
		out.Children = append(out.Children, r.entry(v, depth))
	}
	return out
}

// entry reads what stands in a list of values: a group or a leaf.
func (r *cohortReader) entry(n node, depth int) feature.CohortNode {
	switch {
	case depth > feature.MaxCohortDepth:
		return feature.CohortNode{Op: feature.CohortBroken}
	case n.kind != kindObject:
		r.fail("values", "holds something else than objects")
		return feature.CohortNode{}
	case n.get("values").kind != kindNone:
		return r.group(n, depth+1)
	}
	typ := n.get("type").text()
	switch typ {
	case "":
		r.fail("type", "is missing")
		return feature.CohortNode{}
	case "AND", "OR", "property":
		r.fail("values", "is missing")
		return feature.CohortNode{}
	}
	return r.leaf(n, typ)
}

// leaf reads a property filter of the type given (6.4).
func (r *cohortReader) leaf(n node, typ string) feature.CohortNode {
	switch typ {
	case "":
		r.fail("type", "is not a text")
		return feature.CohortNode{}
	case "person", "person_metadata", "cohort":
	case "group", "flag":
		return feature.CohortNode{Op: feature.CohortNever} // a cohort is about persons alone
	default:
		return feature.CohortNode{Op: feature.CohortEvents}
	}
	p, err := readPropertyOf(n, propertyTypes[typ])
	if err != nil {
		r.err = err
		return feature.CohortNode{}
	}
	if p.Type == feature.CohortMembership {
		if _, ok := n.get("value").integer(); !ok {
			r.fail("value", "is not the id of a cohort")
		}
	}
	return feature.CohortNode{Op: feature.CohortLeaf, Property: p}
}
