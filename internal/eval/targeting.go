package eval

import (
	"slices"
	"strconv"

	"github.com/guidon-flags/guidon/internal/feature"
)

// targeting is the compiled form of a feature.Targeting.
type targeting struct {
	prefix     string // of rollout and variant hashes: the flag's key and a dot
	conditions []condition
	variants   []variant
	bounds     []float64 // of the variants
	certain    int32     // the variant that everybody gets; -1: it takes a hash
	payload    string    // of the key "true"
	enrollment Slot      // NoSlot: the flag is no early access feature
	holdout    *holdout
	earlyExit  bool
	byDevice   bool
	groupType  feature.GroupIndex
	place      int32 // of the hash key in the Input; -1: the flag is not eligible for continuity

	variantsRead []int32 // flags whose variant the conditions compare with, each once
}

// variant is what a subject can get. Of several variants with one key all
// stand for the first.
type variant struct {
	key     string
	payload string
	same    int32 // index of the first variant with this key
}

// noVariant is the index of no variant at all.
const noVariant = -1

type holdout struct {
	exclusion float64 // percent, 0 to 100
	variant   string
	payload   string
}

// condition is the compiled form of a feature.Condition.
type condition struct {
	group   feature.GroupIndex
	rollout float64
	pinned  int32 // noVariant: none
	filters []conditionFilter
	cohorts []cohortFilter // evaluated after the others (3.5a)

	hashMatters bool // the answer depends on the identifier (3.4.2)
	groupFilter bool // a filter is about a group
	behavioural bool // a cohort is not fully evaluable (6.5)
}

// conditionFilter is a filter that is not about a cohort.
type conditionFilter struct {
	kind     filterKind
	conflict bool  // no value of the flag satisfies all filters of the condition on it (7.7)
	at       int32 // its place in the definition
	index    int32 // of a test or of a flag
	text     string
}

// filterKind says how a filter is tested.
type filterKind uint8

// The filter kinds.
const (
	never       filterKind = iota // a dependency that cannot hold (7.2)
	property                      // test number index
	flagTrue                      // flag number index is on
	flagFalse                     // it is off
	flagVariant                   // it has the variant text
)

// cohortFilter is a filter about a cohort.
type cohortFilter struct {
	at     int32
	index  int32    // of the cohort
	failed *Failure // the filter cannot be evaluated; index has no meaning
	want   cohortWant
}

// cohortWant says which membership a filter or leaf asks for.
type cohortWant uint8

// What filters about cohorts ask for.
const (
	wantNothing cohortWant = iota // an operator that never matches (6.1)
	wantIn
	wantNotIn
)

func (w cohortWant) holds(member bool) bool {
	return w == wantIn && member || w == wantNotIn && !member
}

// flag compiles definition i into f, which has its dependencies already.
func (c *compiler) flag(i int, f *flag) {
	def := &c.def.Flags[i]
	f.active = def.Active
	switch {
	case def.Fault != "":
		f.unsupported = failData
		c.flagFault(i, def.Fault)
	case def.Targeting != nil:
		f.continuity = def.Continuity
		f.targeting = c.targeting(i, f)
	case def.Rules != nil:
		f.rules = c.rules(i, def.Rules, &f.needs)
	default:
		f.unsupported = failData
		c.flagFault(i, "it has no configuration")
	}
}

func (c *compiler) targeting(i int, f *flag) *targeting {
	flagDef := &c.def.Flags[i]
	def := flagDef.Targeting
	t := &targeting{
		prefix:     flagDef.Key + ".",
		payload:    def.Payload("true"),
		enrollment: NoSlot,
		earlyExit:  def.EarlyExit,
		byDevice:   flagDef.BucketByDevice,
		groupType:  compiledGroup(def.GroupType),
		place:      -1,
	}
	f.usesGroups = def.GroupType != feature.NoGroup
	if def.Enrollment {
		t.enrollment = c.slot(personScope, prefixEnrollment+flagDef.Key)
		f.needs.property(t.enrollment)
	}
	if h := def.Holdout; h != nil {
		name := "holdout-" + strconv.FormatInt(h.ID, 10)
		t.holdout = &holdout{exclusion: min(max(h.Exclusion, 0), 100), variant: name, payload: def.Payload(name)}
	}
	dependent := t.addVariants(def)
	t.conditions = make([]condition, len(def.Conditions))
	needsHash := dependent
	for k := range def.Conditions {
		t.conditions[k] = c.condition(i, k, f, t, dependent)
		needsHash = needsHash || def.Conditions[k].Rollout < 100
	}
	if flagDef.Continuity && def.GroupType == feature.NoGroup && !flagDef.BucketByDevice {
		t.place = int32(c.p.eligible)
		c.p.eligible++
		f.needs.hashKey = needsHash
	}
	return t
}

// addVariants compiles the variants of def and reports whether they are
// hash-dependent (3.5).
func (t *targeting) addVariants(def *feature.Targeting) (dependent bool) {
	first := make(map[string]int32, len(def.Variants))
	weights := make([]float64, len(def.Variants))
	t.variants = make([]variant, len(def.Variants))
	t.certain = noVariant
	sum, counted := 0.0, 0
	for i, v := range def.Variants {
		weights[i] = v.Weight
		same, ok := first[v.Key]
		if !ok {
			same = int32(i)
			first[v.Key] = same
		}
		t.variants[i] = variant{key: v.Key, payload: def.Payload(v.Key), same: same}
		if sum < 100 {
			sum += v.Weight
			if v.Weight > 0 {
				counted++
			}
		}
	}
	t.bounds = variantBoundaries(weights)
	// A first variant of 100 percent is everybody's: a hash of exactly 1, which
	// it does not reach, is one in 2⁵⁴.
	for i, b := range t.bounds {
		if b > 0 {
			if b >= 1 {
				t.certain = t.variants[i].same
			}
			break
		}
	}
	return counted > 1
}

func (c *compiler) condition(i, k int, f *flag, t *targeting, dependent bool) condition {
	def := &c.def.Flags[i].Targeting.Conditions[k]
	out := condition{group: compiledGroup(def.GroupType), rollout: def.Rollout, pinned: noVariant}
	if def.Variant != "" {
		for v := range t.variants {
			if t.variants[v].key == def.Variant {
				out.pinned = int32(v)
				break
			}
		}
	}
	out.hashMatters = def.Rollout < 100 || out.pinned == noVariant && dependent
	if def.GroupType != feature.NoGroup {
		f.usesGroups = true
	}
	needs := &f.needs
	if def.Rollout <= 0 {
		needs = new(flagNeeds) // 5.6: such a condition does not count
	}
	for at, p := range def.Properties {
		switch p.Type {
		case feature.CohortMembership:
			cf := c.cohortFilter(p, at)
			if cf.failed != nil {
				c.flagFault(i, "condition "+strconv.Itoa(k+1)+": "+cf.failed.Description)
			} else {
				co := &c.p.cohorts[cf.index]
				out.behavioural = out.behavioural || co.events && !co.byMembership
				needs.members = needs.members || co.needsMembers
			}
			needs.cohorts = true
			out.cohorts = append(out.cohorts, cf)
		case feature.FlagDependency:
			fl := c.dependency(p, at)
			if fl.kind == flagVariant && !slices.Contains(t.variantsRead, fl.index) {
				t.variantsRead = append(t.variantsRead, fl.index)
			}
			out.filters = append(out.filters, fl)
		default:
			fl, fault := c.property(p, at, def.GroupType, needs)
			if fault != "" {
				c.flagFault(i, "condition "+strconv.Itoa(k+1)+", "+p.Key+": "+fault)
			}
			out.groupFilter = out.groupFilter || p.Type == feature.GroupProperty
			out.filters = append(out.filters, fl)
		}
	}
	f.usesGroups = f.usesGroups || out.groupFilter
	out.markConflicts()
	return out
}

// property compiles a filter on a property; group is its condition's (5.1).
func (c *compiler) property(p feature.Property, at int, group feature.GroupIndex, needs *flagNeeds) (conditionFilter, string) {
	s := personScope
	if p.Type == feature.GroupProperty {
		if p.GroupType != feature.NoGroup {
			group = p.GroupType
		}
		s = nowhere
		if validGroup(group) {
			s = groupScope(group)
		}
	}
	index, fault := c.test(s, p)
	switch {
	case s == personScope && p.LookupKey() != nameDistinctID:
		needs.property(c.p.tests[index].slot)
	case s > personScope && p.Key != nameGroupKey && c.def.GroupTypes[group] != "":
		needs.group(group, c.p.tests[index].slot)
	}
	return conditionFilter{kind: property, at: int32(at), index: index}, fault
}

// dependency compiles a filter on a flag (7.2).
func (c *compiler) dependency(p feature.Property, at int) conditionFilter {
	out := conditionFilter{kind: never, at: int32(at), index: -1}
	if id, ok := dependencyID(p); ok {
		if i, ok := c.byID[id]; ok {
			out.index = i
		}
	}
	if p.Operator != feature.FlagEvaluatesTo || out.index < 0 {
		return out
	}
	switch p.Value.Kind() {
	case feature.KindTrue:
		out.kind = flagTrue
	case feature.KindFalse:
		out.kind = flagFalse
	case feature.KindText:
		out.kind, out.text = flagVariant, p.Value.Text()
	}
	return out
}

// markConflicts finds filters on one flag that no value of it satisfies
// together (7.7).
func (c *condition) markConflicts() {
	for i := range c.filters {
		a := &c.filters[i]
		if a.kind < flagTrue {
			continue
		}
		for k := range c.filters {
			b := &c.filters[k]
			if b.kind < flagTrue || a.index != b.index {
				continue
			}
			if (a.kind == flagFalse) != (b.kind == flagFalse) ||
				a.kind == flagVariant && b.kind == flagVariant && a.text != b.text {
				a.conflict = true
			}
		}
	}
}
