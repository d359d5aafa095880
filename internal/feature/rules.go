package feature

// Ruleset is the configuration of a flag in rules v2.
type Ruleset struct {
	Return  ReturnType
	Default Value // of the return type, or Null
	Rules   []Rule
}

// ReturnType is the type of a v2 flag's values.
type ReturnType uint8

// The return types.
const (
	ReturnBoolean ReturnType = iota
	ReturnString
	ReturnNumber
	ReturnObject
)

// RuleType says what a rule does with subjects that its targeting admits.
type RuleType uint8

// The rule types.
const (
	TargetedRelease RuleType = iota
	PercentageRollout
	Experiment
)

// Rule is one rule; rules are tried in order.
type Rule struct {
	ID            string // UUID as written
	Type          RuleType
	Properties    []Property // all must hold
	Value         Value      // absent for experiments
	Rollout       float64    // percent; 100 for a targeted release
	ReturnDefault bool       // a rollout miss ends with the default instead of going on
	Seed          string     // never leaves the server in a response
	Paused        bool
	Variants      []RuleVariant
	Holdout       *RuleHoldout
}

// RuleVariant is a variant of an experiment.
type RuleVariant struct {
	Key    string
	Weight float64 // percent
	Value  Value
}

// RuleHoldout excludes subjects from an experiment.
type RuleHoldout struct {
	Seed      string
	Exclusion float64 // percent
}
