package eval

import (
	"slices"

	"github.com/guidon-flags/guidon/internal/dates"
	"github.com/guidon-flags/guidon/internal/feature"
)

// Compile turns definitions into a Program. It always returns one; faults name
// what could not be compiled and will fail, or never match, by the rules. The
// Program keeps def.
func Compile(def *feature.Project) (*Program, []Fault) {
	c := newCompiler(def, matchOptions{explicit: def.ExplicitMatching, location: dates.LoadLocation(def.TimeZone)})
	p := c.p
	p.byKey = make(map[string]int, len(def.Flags))
	for i := range def.Flags {
		if _, taken := p.byKey[def.Flags[i].Key]; !taken {
			p.byKey[def.Flags[i].Key] = i
		}
	}
	p.byGroup = make(map[string]feature.GroupIndex)
	for g, name := range def.GroupTypes {
		if name != "" {
			p.byGroup[name] = feature.GroupIndex(g)
		}
	}
	p.flags = make([]flag, len(def.Flags))
	c.link()
	// What inactive flags read must cost a request nothing: they are compiled
	// for their faults only.
	checker := newCompiler(def, c.options)
	for i := range def.Flags {
		if f := &p.flags[i]; def.Flags[i].Active {
			c.flag(i, f)
		} else {
			checker.flag(i, &flag{deps: f.deps})
		}
	}
	c.faults = append(c.faults, checker.faults...)
	c.cohortFaults(checker)
	c.finish()
	return p, c.faults
}

// compiler is the state of one compilation.
type compiler struct {
	def     *feature.Project
	options matchOptions
	p       *Program
	byID    map[int64]int32 // flags
	cohorts map[int64]int   // definitions by id
	done    map[int64]int32 // compiled cohorts by id
	faults  []Fault

	tests      map[testKey]int32
	testFaults []string // by test
}

// testKey is what makes two property filters the same test.
type testKey struct {
	slot     Slot
	operator feature.Operator
	kind     feature.Kind
	text     string
}

func newCompiler(def *feature.Project, o matchOptions) *compiler {
	c := &compiler{
		def:     def,
		options: o,
		p:       &Program{project: def},
		tests:   make(map[testKey]int32),
		byID:    make(map[int64]int32, len(def.Flags)),
		cohorts: make(map[int64]int, len(def.Cohorts)),
		done:    make(map[int64]int32),
	}
	for i := range c.p.names {
		c.p.names[i] = make(map[string]Slot)
	}
	c.p.derive = noDerivations()
	for i := range def.Flags {
		if _, taken := c.byID[def.Flags[i].ID]; !taken {
			c.byID[def.Flags[i].ID] = int32(i)
		}
	}
	for i := range def.Cohorts {
		c.cohorts[def.Cohorts[i].ID] = i
	}
	return c
}

// finish computes what depends on all flags.
func (c *compiler) finish() {
	p := c.p
	for i := range p.flags {
		f := &p.flags[i]
		f.outcomes = f.numberOutcomes()
		if f.active && c.def.Flags[i].Continuity {
			p.continuity = append(p.continuity, c.def.Flags[i].Key)
		}
	}
	for i := range p.cohorts {
		if p.cohorts[i].byMembership {
			p.members = append(p.members, p.cohorts[i].id)
		}
	}
	slices.Sort(p.members)
	c.deriveProperties()

	state := make([]selected, len(p.flags))
	for i := range state {
		if !p.flags[i].active {
			state[i] = excluded
		}
	}
	p.plan.make(p.flags, state)
	for i := range p.flags {
		switch {
		case !p.flags[i].active:
		case p.plan.status[i] == circular:
			c.flagFault(i, "its flag dependencies are circular, or lead to such flags")
		case p.plan.status[i] == missing:
			c.flagFault(i, "a flag that it depends on does not exist")
		}
	}
}

func (c *compiler) flagFault(i int, reason string) {
	c.faults = append(c.faults, Fault{Flag: c.def.Flags[i].Key, Reason: reason})
}

// slot returns the slot of a property name and makes one if there is none.
func (c *compiler) slot(s scope, name string) Slot {
	names := c.p.names[s]
	if n, ok := names[name]; ok {
		return n
	}
	n := Slot(len(c.p.scopes))
	names[name] = n
	c.p.scopes = append(c.p.scopes, s)
	return n
}

// test returns the test of a property filter that reads in scope s and its
// fault, empty if there is none. Equal filters share one test.
func (c *compiler) test(s scope, p feature.Property) (index int32, fault string) {
	slot := NoSlot
	if s != nowhere {
		slot = c.slot(s, p.LookupKey())
	}
	key := testKey{slot: slot, operator: p.Operator, kind: p.Value.Kind(), text: p.Value.Text()}
	if index, ok := c.tests[key]; ok {
		return index, c.testFaults[index]
	}
	m, fault := compileMatcher(p, c.options)
	index = int32(len(c.p.tests))
	c.tests[key] = index
	c.testFaults = append(c.testFaults, fault)
	c.p.tests = append(c.p.tests, test{matcher: m, slot: slot, scope: s, badPattern: patternFault(m)})
	return index, fault
}
