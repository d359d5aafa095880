package filters

import "github.com/guidon-flags/guidon/internal/feature"

// readLegacyCohort reads the older form of a definition: a list whose entries
// are alternatives (6.6).
func readLegacyCohort(groups []byte) (root *feature.CohortNode, malformed bool) {
	doc, ok := parseOptional(groups)
	if !ok {
		return nil, true
	}
	if doc.kind != kindList || len(doc.items) == 0 {
		return nil, false
	}
	r := cohortReader{}
	tree := feature.CohortNode{Op: feature.CohortOr}
	for _, item := range doc.items {
		tree.Children = append(tree.Children, r.legacyEntry(item))
	}
	if r.err != nil {
		return nil, true
	}
	return &tree, false
}

// legacyForm is what an entry of the older form holds (6.6).
type legacyForm uint8

const (
	legacyNothing legacyForm = iota
	legacyLeaves             // properties is a list of leaves
	legacyGroup              // properties is a group {type, values}
	legacyPairs              // properties is an object of names and values
	legacyEvents             // it is about an event or action
)

func legacyFormOf(n node) legacyForm {
	properties := n.get("properties")
	hasType, hasValues := properties.get("type").kind != kindNone, properties.get("values").kind != kindNone
	switch {
	case properties.kind == kindList && len(properties.items) > 0:
		return legacyLeaves
	case hasType && hasValues:
		return legacyGroup
	case len(properties.members) > 0 && !hasType && !hasValues:
		return legacyPairs
	case n.get("action_id").kind != kindNone || n.get("event_id").kind != kindNone:
		return legacyEvents
	}
	return legacyNothing
}

func (r *cohortReader) legacyEntry(n node) feature.CohortNode {
	properties := n.get("properties")
	switch legacyFormOf(n) {
	case legacyLeaves:
		out := feature.CohortNode{Op: feature.CohortAnd}
		for _, leaf := range properties.items {
			out.Children = append(out.Children, r.legacyLeaf(leaf))
		}
		return out
	case legacyGroup:
		return r.group(properties, 1)
	case legacyPairs:
		return r.legacyPairs(properties)
	case legacyEvents:
		return feature.CohortNode{Op: feature.CohortEvents}
	}
	return feature.CohortNode{Op: feature.CohortNever}
}

// legacyLeaf reads a leaf that may lack its type.
func (r *cohortReader) legacyLeaf(n node) feature.CohortNode {
	if n.kind != kindObject {
		r.fail("properties", "holds something else than objects")
		return feature.CohortNode{}
	}
	typ := n.get("type")
	if typ.unset() || typ.text() == "event" {
		return r.leaf(n, "person")
	}
	return r.leaf(n, typ.text())
}

// legacyPairs reads an object of properties and the values they must have.
func (r *cohortReader) legacyPairs(n node) feature.CohortNode {
	out := feature.CohortNode{Op: feature.CohortAnd}
	for name, v := range n.all() {
		p := feature.Property{
			Key: name, Type: feature.PersonProperty, Operator: feature.Exact, GroupType: feature.NoGroup,
		}
		var err error
		if !v.unset() {
			if p.Value, err = v.value(); err != nil {
				r.err = err
			}
		}
		out.Children = append(out.Children, feature.CohortNode{Op: feature.CohortLeaf, Property: p})
	}
	return out
}

// LegacyCohortFilters renders a cohort's definition in the older form as
// filters, nil if there is none that means anything (6.6). Entries that nobody
// can be in are left out.
func LegacyCohortFilters(groups []byte) []byte {
	doc, ok := parseOptional(groups)
	if !ok || doc.kind != kindList || len(doc.items) == 0 {
		return nil
	}
	b := []byte(`{"properties":{"type":"OR","values":[`)
	first := true
	for _, entry := range doc.items {
		rendered := appendLegacyEntry(nil, entry)
		if rendered == nil {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, rendered...)
	}
	return append(b, "]}}"...)
}

// appendLegacyEntry renders one entry, nothing if it means nothing.
func appendLegacyEntry(b []byte, n node) []byte {
	properties := n.get("properties")
	switch legacyFormOf(n) {
	case legacyLeaves:
		b = append(b, `{"type":"AND","values":`...)
		b = appendList(b, properties, func(b []byte, _ int, leaf node) []byte { return appendLegacyLeaf(b, leaf) })
		return append(b, '}')
	case legacyGroup:
		return appendCompact(b, properties.raw)
	case legacyPairs:
		return appendLegacyPairs(b, properties)
	case legacyEvents:
		e := legacyEvent(n)
		b = append(b, `{"type":"behavioral","key":`...)
		b = append(feature.AppendQuoted(b, e.Key), `,"value":`...)
		return append(feature.AppendQuoted(b, e.What), '}')
	}
	return nil
}

func appendLegacyLeaf(b []byte, leaf node) []byte {
	if typ := leaf.get("type"); leaf.kind != kindObject || !typ.unset() && typ.text() != "event" {
		return appendCompact(b, leaf.raw)
	}
	b = append(b, `{"type":"person"}`...)
	for name, v := range leaf.all() {
		if name != "type" {
			b = appendMember(b, name, appendCompact(nil, v.raw))
		}
	}
	return b
}

func appendLegacyPairs(b []byte, properties node) []byte {
	b = append(b, `{"type":"AND","values":[`...)
	first := true
	for key, v := range properties.all() {
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, `{"type":"person","operator":"exact"}`...)
		b = appendMember(b, "key", feature.AppendQuoted(nil, key))
		b = appendMember(b, "value", appendCompact(nil, v.raw))
	}
	return append(b, "]}"...)
}
