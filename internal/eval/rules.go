package eval

import (
	"time"

	"github.com/guidon-flags/guidon/internal/feature"
)

// RuleContext is what a decision by rules v2 depends on besides the rules.
type RuleContext struct {
	Identifier string // the distinct id; cut to its first 200 Unicode scalar values

	// Properties are the person's merged properties by name; nil: unavailable.
	// Nothing is derived from them. Complete says that what is not among them
	// is not set; otherwise it is unknown.
	Properties map[string]feature.Value
	Complete   bool

	Location *time.Location // nil: UTC
	Explicit bool           // exact compares booleans by their text (4.3)
	Now      time.Time

	// Draw replaces Hash01 if it is not nil.
	Draw func(prefix, identifier, salt string) float64
}

// RuleOutcome is a decision by rules v2.
type RuleOutcome struct {
	Error   RuleError     // empty unless the evaluation failed; the rest is zero then
	Value   feature.Value // of the return type, or null
	Reason  Reason        // one of those of rules v2
	Rule    int           // index of the rule that ended it; -1: none
	Variant string        // key of the experiment's variant; empty: none
}

// RuleError is why an evaluation of rules failed (10.7).
type RuleError string

// The rule errors.
const (
	RuleMissingContext  RuleError = "missing_context"
	RuleInvalidProperty RuleError = "invalid_property"
	RuleInvalidRegex    RuleError = "invalid_regex"
)
