package filters

import (
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/guidon-flags/guidon/internal/feature"
)

// ValidateCohort checks the filters that a dynamic cohort shall have
// (management API, 7) and returns their stored form, which is compact and
// otherwise as it was sent. ReadCohort reads it without fault.
//
// Whether the cohorts that it names exist, form no loop and may be used where
// this one is used is for the caller; see ReadCohortReferences. maxBytes 0
// stands for DefaultFiltersBytes.
func ValidateCohort(raw []byte, maxBytes int) ([]byte, *Violation) {
	c := &checker{opt: Options{MaxBytes: maxBytes}}
	if n := compactLen(raw); n > c.opt.maxBytes() {
		return nil, &Violation{Code: "invalid", Detail: fmt.Sprintf("Cohort filters exceed maximum size of %.1f KB. Current size: %.1f KB.",
			float64(c.opt.maxBytes())/1024, float64(n)/1024)}
	}
	doc, err := parse(raw)
	if err == nil && !utf8.Valid(raw) {
		err = errors.New("invalid UTF-8")
	}
	switch {
	case err != nil:
		c.violate("invalid", "", fmt.Sprintf("Filters must be valid JSON: %v.", err))
	case doc.kind != kindObject || doc.get("properties").kind != kindObject:
		c.violate("invalid", "", "Must contain a 'properties' key with type and values")
	default:
		c.onlyKeys("", doc, "properties")
		c.cohortGroup("properties", doc.get("properties"), 0)
	}
	if !c.ok() {
		return nil, c.first
	}
	return appendCompact(nil, doc.raw), nil
}

// cohortGroup checks a group whose entries have the depth given (6.4).
func (c *checker) cohortGroup(path string, n node, depth int) {
	c.onlyKeys(path, n, "type", "values")
	values := n.get("values")
	if t := n.get("type").text(); (t != "AND" && t != "OR") || values.kind != kindList {
		c.cohortViolation(path, "Must contain a 'properties' key with type and values")
		return
	}
	for i, v := range values.items {
		at := index(join(path, "values"), i)
		switch {
		case depth > feature.MaxCohortDepth:
			c.cohortViolation(at, fmt.Sprintf("Groups are nested more than %d deep", feature.MaxCohortDepth))
		case v.kind != kindObject:
			c.cohortViolation(at, "Must be a filter or a group of filters")
		case v.get("values").kind != kindNone:
			c.cohortGroup(at, v, depth+1)
		default:
			c.cohortLeaf(at, v)
		}
		if !c.ok() {
			return
		}
	}
}

func (c *checker) cohortLeaf(path string, n node) {
	switch typ := n.get("type"); typ.text() {
	case "behavioral":
		c.violate("behavioral_not_supported", path, path+": Cohorts with event-based conditions cannot be created here.")
		return
	case "person":
		c.cohortPersonLeaf(path, n)
	case "cohort":
		c.requireKeys(path, n, "cohort", "key", "value")
		if _, ok := n.get("value").integer(); !ok {
			c.cohortViolation(join(path, "value"), "Must be the id of a cohort")
		}
		if op := n.get("operator"); !op.unset() && op.text() != string(feature.In) && op.text() != string(feature.NotIn) {
			c.cohortViolation(join(path, "operator"), notAChoice(op))
		}
	default:
		if typ.kind == kindNone {
			c.cohortViolation(path, "Missing required keys for filter: type")
			return
		}
		c.cohortViolation(join(path, "type"), notAChoice(typ))
		return
	}
	if _, err := readProperty(n); err != nil {
		c.cohortViolation(path, err.Error())
	}
}

// noPersonOperators are the operators that person filters of cohorts cannot
// have.
var noPersonOperators = []feature.Operator{feature.In, feature.NotIn, feature.FlagEvaluatesTo}

func (c *checker) cohortPersonLeaf(path string, n node) {
	op, known := operators[n.get("operator").text()]
	if op == feature.IsSet || op == feature.IsNotSet {
		c.requireKeys(path, n, "person", "key", "operator")
	} else {
		c.requireKeys(path, n, "person", "key", "operator", "value")
	}
	if !known || slices.Contains(noPersonOperators, op) {
		c.cohortViolation(join(path, "operator"), notAChoice(n.get("operator")))
	}
}

// requireKeys refuses a leaf that lacks some of the keys.
func (c *checker) requireKeys(path string, n node, typ string, keys ...string) {
	missing := ""
	for _, k := range keys {
		if !n.get(k).unset() {
			continue
		}
		if missing != "" {
			missing += ", "
		}
		missing += k
	}
	if missing != "" {
		c.cohortViolation(path, fmt.Sprintf("Missing required keys for %s filter: %s", typ, missing))
	}
}

func (c *checker) onlyKeys(path string, n node, keys ...string) {
	for _, m := range n.members {
		if !slices.Contains(keys, string(m.name)) {
			c.cohortViolation(join(path, string(m.name)), "This key is not known")
		}
	}
}

func (c *checker) cohortViolation(path, message string) { c.violate("invalid", path, message) }
