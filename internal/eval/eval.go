// Package eval is the heart of Guidon: it compiles the definitions of a project
// into a Program and decides with it which flags a subject gets.
//
// The package is pure. It does no I/O, starts no goroutine, reads no clock and
// writes no log; the time and everything known about the subject come in with
// the Input. A Program is immutable and may be used by any number of goroutines;
// an Input and a Results belong to one request at a time and may be reused for
// the next one.
//
// How regular expressions, versions and dates are read is for the packages
// pattern, semver and dates; what operators make of them is here.
//
// What a decision is follows PostHog's flags service; the rules are numbered in
// docs/evaluation.md, and comments that cite a section (for example "3.4") mean
// that document. Faulty definitions never make a decision fail as a whole: a
// fault is an outcome of its flag.
package eval

import "github.com/guidon-flags/guidon/internal/feature"

// Fault is a definition that Compile could not turn into something that can be
// evaluated. The flag or cohort is part of the Program all the same and yields
// the outcome that the rules give for it.
type Fault struct {
	Flag   string // the flag's key; empty for a cohort
	Cohort int64  // the cohort's id; 0 for a flag
	Reason string // one sentence for the person who wrote it
}

// Failure is why a flag failed (9.3): a code for machines and a sentence. It is
// shared and not to be changed.
type Failure struct {
	Code        string
	Description string
}

// Result is the decision on one flag.
type Result struct {
	Flag      int    // index in the Program
	Requested bool   // false: evaluated only because another flag depends on it
	Enabled   bool   //
	Variant   string // empty: none; of a v2 flag its text value
	Payload   string // JSON text as it goes into answers; empty: none
	Reason    Reason
	Condition int      // index of the condition or rule; -1: none
	Failure   *Failure // set if and only if Reason is Failed

	// Outcome numbers the result among all that the flag can have, from 0 to
	// Program.Outcomes(Flag)-1, so that encoded answers can be kept per
	// outcome; -1 for failures. Equal outcomes of one flag in one Program have
	// equal results, but for Requested; Program.Outcome gives it.
	Outcome int
}

// Results is what Decide fills in. The zero value is ready; reusing one keeps
// its memory.
type Results struct {
	Items []Result // in the order of the project's flags; omitted flags have none

	// Errors is the bit errorsWhileComputingFlags (9.1).
	Errors bool

	// Panic is what the evaluation of a flag panicked with: a defect to be
	// counted and logged. That flag failed with internal_error, the others are
	// evaluated. Of several panics the last one is kept; nil: none.
	Panic any
}

// Selection says which flags a request is about. The zero value means all.
type Selection struct {
	// Excluded, if not nil, marks by flag index what the request layer has
	// filtered out (1.8): not evaluated, false for those that depend on it.
	// Inactive flags are excluded without being marked.
	Excluded []bool

	// Wanted, if not nil, marks the flags asked for by key; flags that they
	// depend on are evaluated too.
	Wanted []bool
}

// Needs says which stored data a decision depends on, given what the request
// brings (5.6, 8.2). Nothing is needed when all fields are zero.
type Needs struct {
	Person    bool                        // stored person properties and cohort memberships
	Groups    [feature.MaxGroupTypes]bool // stored properties of these groups
	Overrides bool                        // hash-key overrides: some continuity flag depends on them
}

// Any reports whether anything is needed.
func (n Needs) Any() bool {
	return n.Person || n.Overrides || n.Groups != [feature.MaxGroupTypes]bool{}
}

// Source says where a property value came from.
type Source uint8

// The sources.
const (
	NotSet      Source = iota
	FromRequest        // the caller sent it
	FromStore          // stored with the person or group
	Derived            // filled in by 5.2: $os alias, $initial_ twin, distinct_id, $group_key
)

// Slot addresses a property name that some flag of a Program reads. Names that
// nothing reads have no slot, and their values need not be decoded.
type Slot int32

// NoSlot is what names get that no flag reads.
const NoSlot Slot = -1
