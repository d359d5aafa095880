package eval

import (
	"slices"
	"time"

	"github.com/guidon-flags/guidon/internal/feature"
)

// Input is what is known of one subject. Reset it for a Program, then set what
// the request brings, ask Needs, set what is stored, and Decide. It is for one
// goroutine; reusing it keeps its memory, and with it the values of the last
// request until they are overwritten.
type Input struct {
	DistinctID string // may be empty; cut to its first 200 Unicode scalar values on use
	AnonID     string // $anon_distinct_id; empty: none
	DeviceID   string // empty: none
	Now        time.Time

	program *Program
	request uint32 // counts Resets; what was set before the last one is void
	cells   []cell // by slot
	groups  [groupTypes]group
	cohorts []int64   // the person is in; sorted
	keys    []hashKey // by targeting.place

	overridesOnly   bool
	personLoaded    bool
	personFound     bool
	anyKey          bool // the request names a group
	groupContext    bool // it names one, or brings group properties
	failedStore     *Failure
	failedOverrides *Failure

	// What follows is worked out by each Decide.
	round   uint32   // counts Decides; what was worked out before is void
	tested  []uint32 // by test: round<<verdictBits | verdict
	visited []uint32 // by cohort: likewise
	state   []selected
	plan    plan
	subject string // DistinctID, cut
	moment  moment
	drawn   [identifiers]uint32 // by identifier: the round in which holdout was drawn
	holdout [identifiers]float64
}

// cell is the value of a property; it is set if its request is the Input's and
// its source is not NotSet.
type cell struct {
	value   feature.Value
	request uint32
	source  Source
}

// group is what is known of the subject's group of one type.
type group struct {
	raw    feature.Value // as the request names it; absent: it does not
	key    string        // usable; empty: not
	loaded bool
}

// hashKey is a stored hash key of a flag.
type hashKey struct {
	text    string
	request uint32
}

// verdictBits is what a memo needs for a verdict.
const verdictBits = 3

// Reset empties in and prepares it for p.
func (in *Input) Reset(p *Program) {
	in.DistinctID, in.AnonID, in.DeviceID, in.Now = "", "", "", time.Time{}
	if in.program != p {
		in.program = p
		in.cells = sized(in.cells, len(p.scopes))
		in.keys = sized(in.keys, p.eligible)
		in.tested = sized(in.tested, len(p.tests))
		in.visited = sized(in.visited, len(p.cohorts))
		in.state = sized(in.state, len(p.flags))
	}
	if in.request++; in.request == 0 { // what is 2³² requests old must not come back
		clear(in.cells[:cap(in.cells)])
		clear(in.keys[:cap(in.keys)])
		in.request = 1
	}
	in.groups = [groupTypes]group{}
	in.cohorts = nil
	in.overridesOnly, in.personLoaded, in.personFound = false, false, false
	in.anyKey, in.groupContext = false, false
	in.failedStore, in.failedOverrides = nil, nil
}

// sized returns s with length n. What it holds of earlier requests is told
// apart by their numbers.
func sized[E any](s []E, n int) []E {
	if cap(s) < n {
		return make([]E, n)
	}
	return s[:n]
}

// SetPerson sets a person property that the request brought; a later one wins.
// A null value overrides a stored one. NoSlot is ignored.
func (in *Input) SetPerson(s Slot, v feature.Value) {
	if in.belongs(s, personScope) {
		in.cells[s] = cell{v, in.request, FromRequest}
	}
}

// SetGroupKey names the subject's group of one type. Only a non-empty text or
// a number is usable (3.4.3); but whatever it is, it is the group's property
// $group_key, unless the request brings one (5.2.6).
func (in *Input) SetGroupKey(g feature.GroupIndex, key feature.Value) {
	if !validGroup(g) {
		return
	}
	in.groups[g].raw, in.groups[g].key = key, usableKey(key)
	in.MentionGroup(key, false)
}

func usableKey(key feature.Value) string {
	if k := key.Kind(); k == feature.KindText || k == feature.KindNumber {
		return key.Text()
	}
	return ""
}

// SetGroup sets a group property that the request brought; a later one wins.
func (in *Input) SetGroup(g feature.GroupIndex, s Slot, v feature.Value) {
	if validGroup(g) && in.belongs(s, groupScope(g)) {
		in.cells[s] = cell{v, in.request, FromRequest}
	}
}

// GroupKey returns the usable key of a group type as text, empty if none.
func (in *Input) GroupKey(g feature.GroupIndex) string {
	if !validGroup(g) {
		return ""
	}
	return in.groups[g].key
}

// MentionGroup says that the request names a group, by key, or brings group
// properties (other than an unusable $group_key), in a project whose group
// types could not be loaded, so that SetGroupKey and SetGroup have no index to
// go by (9.4). An absent key means that it brings properties alone.
func (in *Input) MentionGroup(key feature.Value, properties bool) {
	in.anyKey = in.anyKey || usableKey(key) != ""
	in.groupContext = in.groupContext || in.anyKey || properties
}

// OverridesOnly makes the request's person properties all there are: stored
// ones are neither needed nor looked at (5.2.8). Cohort memberships are no
// properties and still count. It is to be called before anything stored is set.
func (in *Input) OverridesOnly() { in.overridesOnly = true }

// StorePerson says that the person was looked up and found; created is its
// creation time. Properties follow with SetStoredPerson.
func (in *Input) StorePerson(created time.Time) {
	in.personLoaded, in.personFound = true, true
	if s := in.program.derive.created; s != NoSlot && !in.brought(s) && !in.overridesOnly {
		in.cells[s] = cell{feature.Text(created.UTC().Format(time.RFC3339Nano)), in.request, FromStore}
	}
}

// StoreNoPerson says that the person was looked up and does not exist.
func (in *Input) StoreNoPerson() { in.personLoaded = true }

// SetStoredPerson sets a stored person property; it never hides one of the
// request.
func (in *Input) SetStoredPerson(s Slot, v feature.Value) {
	if in.overridesOnly || !in.belongs(s, personScope) || in.brought(s) || s == in.program.derive.created {
		return
	}
	in.cells[s] = cell{v, in.request, FromStore}
}

// SetCohorts sets the ids of the static (and, if switched on, live) cohorts
// that the person is in. In keeps ids, which must be sorted.
func (in *Input) SetCohorts(ids []int64) { in.cohorts = ids }

// StoreGroup says that the group was looked up, found or not. Properties
// follow with SetStoredGroup.
func (in *Input) StoreGroup(g feature.GroupIndex) {
	if validGroup(g) {
		in.groups[g].loaded = true
	}
}

// SetStoredGroup sets a stored group property; it never hides one of the
// request.
func (in *Input) SetStoredGroup(g feature.GroupIndex, s Slot, v feature.Value) {
	if validGroup(g) && in.belongs(s, groupScope(g)) && !in.brought(s) {
		in.cells[s] = cell{v, in.request, FromStore}
	}
}

// SetOverride sets the stored hash key of a flag for this person. Flags that
// continuity does not apply to ignore theirs (2.6).
func (in *Input) SetOverride(flag int, key string) {
	if flag < 0 || flag >= len(in.program.flags) {
		return
	}
	if t := in.program.flags[flag].targeting; t != nil && t.place >= 0 {
		in.keys[t.place] = hashKey{key, in.request}
	}
}

// FailStored says that stored data could not be loaded: flags that need it
// fail with f, the others go on with what is there (9.5).
func (in *Input) FailStored(f *Failure) { in.failedStore = f }

// FailOverrides says that hash-key overrides could not be read or written:
// flags with continuity fail (8.4).
func (in *Input) FailOverrides(f *Failure) { in.failedOverrides = f }

// belongs reports whether s is a slot of scope sc.
func (in *Input) belongs(s Slot, sc scope) bool {
	return s >= 0 && int(s) < len(in.cells) && in.program.scopes[s] == sc
}

// set reports whether the property in slot s, which is one, has a value.
func (in *Input) set(s Slot) bool {
	c := &in.cells[s]
	return c.request == in.request && c.source != NotSet
}

// brought reports whether the request brought the property in slot s.
func (in *Input) brought(s Slot) bool {
	c := &in.cells[s]
	return c.request == in.request && c.source == FromRequest
}

// given reports whether the property was brought or is stored.
func (in *Input) given(s Slot) bool {
	c := &in.cells[s]
	return c.request == in.request && (c.source == FromRequest || c.source == FromStore)
}

// begin prepares in for a Decide: it counts the round and fills in the
// properties that come from others (5.2).
func (in *Input) begin() {
	if in.round++; in.round == 1<<(32-verdictBits) {
		clear(in.tested[:cap(in.tested)])
		clear(in.visited[:cap(in.visited)])
		in.drawn = [identifiers]uint32{}
		in.round = 1
	}
	in.subject = cut(in.DistinctID)
	in.moment = moment{now: in.Now}
	d := &in.program.derive
	if s := d.distinctID; s != NoSlot && !in.brought(s) {
		in.cells[s] = cell{feature.Text(in.subject), in.request, Derived}
	}
	for g, s := range d.groupKey {
		if s != NoSlot && !in.brought(s) && !in.groups[g].raw.Absent() {
			in.cells[s] = cell{in.groups[g].raw, in.request, Derived}
		}
	}
	if d.os != NoSlot {
		os, name := in.given(d.os), in.given(d.osName)
		in.fill(d.os, d.osName, os, name)
		in.fill(d.osName, d.os, name, os)
	}
	for _, t := range d.initial {
		in.fill(t.to, t.from, in.given(t.to), in.set(t.from))
	}
}

// fill gives the property to, unless it is given, the value of from, if that
// has one.
func (in *Input) fill(to, from Slot, given, has bool) {
	if has && !given {
		in.cells[to] = cell{in.cells[from].value, in.request, Derived}
	}
}

// maxDistinctID is how many Unicode scalar values of a distinct id count.
const maxDistinctID = 200

// cut returns the first maxDistinctID scalar values of id.
func cut(id string) string {
	if len(id) <= maxDistinctID {
		return id
	}
	count := 0
	for i := range id {
		if count == maxDistinctID {
			return id[:i]
		}
		count++
	}
	return id
}

// isMember reports whether the person is in the cohort with this id.
func (in *Input) isMember(id int64) bool {
	_, ok := slices.BinarySearch(in.cohorts, id)
	return ok
}
