package feature

// Cohort is a set of persons: static (a list of members) or dynamic (a tree of
// filters).
type Cohort struct {
	ID   int64
	Name string
	Kind CohortKind

	// Static: members are listed; Root is not looked at.
	Static bool

	// Root is the tree of a dynamic cohort; nil: no definition, nobody is in.
	Root *CohortNode

	// Malformed: the tree cannot be read (spec: cohort_filters_parsing_error
	// whenever the cohort is reached).
	Malformed bool
}

// CohortKind is the cohort's type as far as evaluation cares.
type CohortKind uint8

// The cohort kinds. CohortLive are those whose members a stream keeps up to
// date (types realtime and behavioral).
const (
	CohortPlain CohortKind = iota
	CohortLive
)

// CohortOp says how a node of a cohort's tree decides.
type CohortOp uint8

// The node kinds.
const (
	CohortAnd    CohortOp = iota // true unless a child is false
	CohortOr                     // false unless a child is true
	CohortLeaf                   // Property, of a person or a cohort
	CohortEvents                 // needs event history: false, whatever its negation
	CohortNever                  // an entry of the legacy form that means nothing: false
	CohortBroken                 // an inner node of unknown type, or too deep: an error once it is reached
)

// CohortNode is a node of a cohort's tree.
type CohortNode struct {
	Op       CohortOp
	Children []CohortNode // of And and Or
	Property Property     // of a Leaf
}

// MaxCohortDepth is how deep groups may nest below the root's entries.
const MaxCohortDepth = 64
