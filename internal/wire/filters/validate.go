package filters

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/guidon-flags/guidon/internal/feature"
)

// DefaultFiltersBytes is how large a v1 document or a cohort's definition may
// be, as compact JSON, if Options does not say otherwise (M6.3).
const DefaultFiltersBytes = 512 << 10

// Options says how Validate looks at a document. The zero value enforces all
// rules on a document of a flag that exists, in a project without group types.
type Options struct {
	Enforcement Enforcement

	// Create: the flag is new, so that it needs at least one condition.
	Create bool

	// GroupTypes are the indices of the project's group types. If there are
	// none, conditions about groups are let through with a warning.
	GroupTypes []int

	// OpaquePayloads: payload texts are cipher texts, which are not JSON.
	OpaquePayloads bool

	// Warn, if not nil, is called with what is let through: keys that are
	// dropped (code "structural.unknown_key") and group types that nobody knows
	// yet. It is called for accepted and refused documents alike.
	Warn func(Violation)

	MaxBytes int // 0: DefaultFiltersBytes
}

func (o Options) maxBytes() int {
	if o.MaxBytes == 0 {
		return DefaultFiltersBytes
	}
	return o.MaxBytes
}

// Validate checks the filters that a flag shall have (M6.1, M6.2 and what of
// M6.3 needs nothing but the document) and returns their stored form. For an
// update raw is the merged document, see Merge. If several rules are broken it
// reports the first in the order of M6; only the size comes before all others.
//
// The stored form is compact and keeps the order of members and the way numbers
// are written, but for percentages that are whole: those become integers. In it
// operators have their present names, payloads are JSON texts, each condition
// names its group type, what is for display only (see Decorate) and the legacy
// keys are gone, and, if all rules are enforced, keys that nothing reads. The
// stored form is accepted again and does not change any more, and Read decodes
// it.
//
// What depends on other definitions of the project (cohorts, flags that others
// depend on, patterns that compile) is for the caller; see References.
func Validate(raw []byte, opt Options) ([]byte, *Violation) {
	c := &checker{opt: opt}
	if c.size(raw); !c.ok() {
		return nil, c.first
	}
	doc, err := parse(raw)
	if err == nil && !utf8.Valid(raw) {
		err = errors.New("invalid UTF-8")
	}
	if err != nil {
		return nil, &Violation{Code: "structural.filters.invalid", Detail: fmt.Sprintf("Filters must be valid JSON: %v.", err)}
	}
	c.structure(doc)
	if c.ok() && opt.Enforcement == EnforceAll {
		for _, rule := range crossFieldRules {
			if rule(c, doc); !c.ok() {
				break
			}
		}
	}
	if !c.ok() {
		return nil, c.first
	}
	out := c.normalise(doc)
	if c.size(out); !c.ok() {
		return nil, c.first
	}
	return out, nil
}

// size refuses documents that are too large.
func (c *checker) size(raw []byte) {
	limit := c.opt.maxBytes()
	if len(raw) <= limit {
		return
	}
	if n := compactLen(raw); n > limit {
		c.violate("invalid", "", fmt.Sprintf("Feature flag filters exceed maximum size of %.1f KB. Current size: %.1f KB. "+
			"Please simplify conditions or reduce payload sizes.", float64(limit)/1024, float64(n)/1024))
	}
}

// variants returns the variants of a flag whose structure is sound.
func variants(doc node) []node { return doc.get("multivariate").get("variants").items }

// condition is a condition set of a document, with its place and what it is
// about.
type condition struct {
	node
	path  string
	group node // the group type index that applies; unset: persons
}

// conditions returns the condition sets of a document whose structure is sound.
func conditions(doc node) []condition {
	groups := doc.get("groups").items
	out := make([]condition, len(groups))
	for i, g := range groups {
		out[i] = condition{node: g, path: index("groups", i), group: g.get("aggregation_group_type_index")}
		if out[i].group.kind == kindNone {
			out[i].group = doc.get("aggregation_group_type_index")
		}
	}
	return out
}

// filter is a property filter of a document, with its place.
type filter struct {
	node
	path string
	cond condition
}

func (f filter) typ() string { return f.get("type").text() }

// operator is the filter's operator under its present name.
func (f filter) operator() feature.Operator {
	if op := f.get("operator").text(); op != "" {
		return operators[op]
	}
	return feature.Exact
}

// eachFilter calls fn for the property filters of a document whose structure
// is sound, in order.
func eachFilter(doc node, fn func(filter)) {
	for _, cond := range conditions(doc) {
		for i, p := range cond.get("properties").items {
			fn(filter{node: p, path: index(join(cond.path, "properties"), i), cond: cond})
		}
	}
}
