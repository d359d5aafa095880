package eval

import "github.com/guidon-flags/guidon/internal/feature"

// Trace tells how one flag came to its result.
type Trace struct {
	Result     Result
	BucketedBy string           // "distinct_id", "device_id", "anon_distinct_id", "hash_key_override", "group:<type>"; empty: nothing was hashed
	Holdout    *Draw            // nil: no holdout
	Conditions []ConditionTrace // in stored order; those after the deciding one have Reached false
}

// ConditionTrace tells how one condition (or rule) did.
type ConditionTrace struct {
	Index       int
	Reached     bool // false: an earlier one decided
	Matched     bool // it decided in favour
	FiltersHold bool // all its filters held
	Reason      Reason
	Filters     []FilterTrace
	Rollout     *Draw // nil: nothing was hashed
	VariantDraw *Draw // nil: pinned, or nothing was hashed
	Variant     string
}

// FilterTrace tells how one filter did.
type FilterTrace struct {
	Property feature.Property
	Actual   feature.Value // what it saw; absent: not set
	Source   Source
	Reached  bool // false: an earlier filter failed
	Held     bool
	Error    string // an operator error; counts as not held in v1
}

// Draw is a hash with what it was held against.
type Draw struct {
	Identifier string
	Hash       float64 // 0 to 1
	Threshold  float64 // percentage/100; for variants the upper bound of the chosen one
	In         bool
}

// Explain decides flag i alone, as Decide would within a request for sel, and
// tells how. It allocates freely.
func (p *Program) Explain(in *Input, sel Selection, i int) Trace { return Trace{} }
