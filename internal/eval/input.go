package eval

import (
	"time"

	"github.com/guidon-flags/guidon/internal/feature"
)

// Input is what is known of one subject. Reset it for a Program, then set what
// the request brings, ask Needs, set what is stored, and Decide. It is for one
// goroutine; reusing it keeps its memory.
type Input struct {
	DistinctID string // may be empty; cut to its first 200 Unicode scalar values on use
	AnonID     string // $anon_distinct_id; empty: none
	DeviceID   string // empty: none
	Now        time.Time
}

// Reset empties in and prepares it for p.
func (in *Input) Reset(p *Program) {}

// SetPerson sets a person property that the request brought; a later one wins.
// A null value overrides a stored one. NoSlot is ignored.
func (in *Input) SetPerson(s Slot, v feature.Value) {}

// SetGroupKey names the subject's group of one type. Only a non-empty text or
// a number is usable (3.4.3).
func (in *Input) SetGroupKey(g feature.GroupIndex, key feature.Value) {}

// SetGroup sets a group property that the request brought.
func (in *Input) SetGroup(g feature.GroupIndex, s Slot, v feature.Value) {}

// GroupKey returns the usable key of a group type as text, empty if none.
func (in *Input) GroupKey(g feature.GroupIndex) string { return "" }

// MentionGroup says that the request names a group, by key, or brings group
// properties (other than an unusable $group_key), in a project whose group
// types could not be loaded, so that SetGroupKey and SetGroup have no index to
// go by (9.4). An absent key means that it brings properties alone.
func (in *Input) MentionGroup(key feature.Value, properties bool) {}

// OverridesOnly makes the request's person properties all there are: stored
// ones are neither needed nor looked at (5.2.8).
func (in *Input) OverridesOnly() {}

// StorePerson says that the person was looked up and found; created is its
// creation time. Properties follow with SetStoredPerson.
func (in *Input) StorePerson(created time.Time) {}

// StoreNoPerson says that the person was looked up and does not exist.
func (in *Input) StoreNoPerson() {}

// SetStoredPerson sets a stored person property; it never hides one of the
// request.
func (in *Input) SetStoredPerson(s Slot, v feature.Value) {}

// SetCohorts sets the ids of the static (and, if switched on, live) cohorts
// that the person is in. In keeps ids, which must be sorted.
func (in *Input) SetCohorts(ids []int64) {}

// StoreGroup says that the group was looked up, found or not. Properties
// follow with SetStoredGroup.
func (in *Input) StoreGroup(g feature.GroupIndex) {}

// SetStoredGroup sets a stored group property; it never hides one of the
// request.
func (in *Input) SetStoredGroup(g feature.GroupIndex, s Slot, v feature.Value) {}

// SetOverride sets the stored hash key of a flag for this person.
func (in *Input) SetOverride(flag int, hashKey string) {}

// FailStored says that stored data could not be loaded: flags that need it
// fail with f, the others go on with what is there (9.5).
func (in *Input) FailStored(f *Failure) {}

// FailOverrides says that hash-key overrides could not be read or written:
// flags with continuity fail (8.4).
func (in *Input) FailOverrides(f *Failure) {}
