package eval

import (
	"github.com/guidon-flags/guidon/internal/feature"
)

// Program is a project's definitions in the form that is evaluated. It is
// immutable.
type Program struct {
	project    *feature.Project
	byKey      map[string]int // of several flags with one key the first
	byGroup    map[string]feature.GroupIndex
	flags      []flag   // as in project
	tests      []test   // property filters, each once however often it stands in flags and cohorts
	cohorts    []cohort // those that active flags reach
	plan       plan     // what dependencies allow when nothing but the inactive flags is excluded
	members    []int64
	continuity []string
	eligible   int // flags with a place for a hash key in an Input

	// Property names that something reads have a slot; the slots of all scopes
	// are numbered together.
	names  [scopes]map[string]Slot
	scopes []scope // by slot
	derive derivations
}

// Len is the number of flags.
func (p *Program) Len() int { return len(p.project.Flags) }

// Flag returns the definition of flag i, which must not be changed.
func (p *Program) Flag(i int) *feature.Flag { return &p.project.Flags[i] }

// Index finds a flag by key.
func (p *Program) Index(key string) (int, bool) {
	i, ok := p.byKey[key]
	return i, ok
}

// GroupIndex finds a group type by name.
func (p *Program) GroupIndex(name string) (feature.GroupIndex, bool) {
	if g, ok := p.byGroup[name]; ok {
		return g, true
	}
	return feature.NoGroup, false
}

// PersonSlot finds the slot of a person property, NoSlot if no flag reads it.
func (p *Program) PersonSlot(name []byte) Slot {
	if s, ok := p.names[personScope][string(name)]; ok {
		return s
	}
	return NoSlot
}

// GroupSlot finds the slot of a property of a group type, NoSlot if no flag
// reads it.
func (p *Program) GroupSlot(group feature.GroupIndex, name []byte) Slot {
	if !validGroup(group) {
		return NoSlot
	}
	if s, ok := p.names[groupScope(group)][string(name)]; ok {
		return s
	}
	return NoSlot
}

// StaticCohorts lists, in ascending order, the cohorts that active flags reach
// and whose membership the subject must bring: static ones and, if the project
// has RealtimeCohorts, live ones.
func (p *Program) StaticCohorts() []int64 { return p.members }

// ContinuityKeys lists the keys of active flags that ask for experience
// continuity: those for which overrides are written (8.2).
func (p *Program) ContinuityKeys() []string { return p.continuity }

// scope says whose properties a slot belongs to.
type scope int8

// The scopes: the person and the groups by index.
const (
	nowhere     scope = -1
	personScope scope = 0
	scopes            = 1 + feature.MaxGroupTypes
)

func groupScope(g feature.GroupIndex) scope { return scope(1 + g) }

// A group type that no project can have is compiled to noSuchGroup; nobody has
// a key for it.
const (
	noSuchGroup = feature.MaxGroupTypes
	groupTypes  = feature.MaxGroupTypes + 1
)

func compiledGroup(g feature.GroupIndex) feature.GroupIndex {
	if g != feature.NoGroup && !validGroup(g) {
		return noSuchGroup
	}
	return g
}

func validGroup(g feature.GroupIndex) bool { return g >= 0 && g < feature.MaxGroupTypes }

// test is a property filter without what its place adds to it.
type test struct {
	matcher    matcher
	slot       Slot // NoSlot: a property of no group at all, never set
	scope      scope
	badPattern bool // rules v2 fail on it before they look at the property
}

// flag is the compiled form of a feature.Flag. At most one of targeting, rules
// and unsupported is set; an inactive flag has none.
type flag struct {
	active      bool
	continuity  bool // a v1 flag with ensure_experience_continuity
	targeting   *targeting
	rules       *rules
	unsupported *Failure // the configuration cannot be evaluated; reads as false

	deps       []int32 // flags it depends on, each once
	dependents []int32 // flags that depend on it, each once
	missing    bool    // it depends on a flag that does not exist
	needs      flagNeeds
	usesGroups bool // it refers to a group type somewhere (9.4)
	outcomes   outcomes
}
