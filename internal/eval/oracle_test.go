package eval_test

import (
	"slices"
	"strconv"
	"time"

	"github.com/guidon-flags/guidon/internal/dates"
	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/feature"
)

// The oracle decides as the sections of docs/evaluation.md are written: it
// walks the definitions, builds maps, shares nothing between flags and keeps
// nothing. It is what the compiled program is compared with.

// subject is all that is known of one request.
type subject struct {
	distinctID, anonID, deviceID string
	now                          time.Time
	person                       map[string]feature.Value // brought by the request
	groupKeys                    map[feature.GroupIndex]feature.Value
	groups                       map[feature.GroupIndex]map[string]feature.Value // brought by the request
	overridesOnly                bool

	// Of a project whose group types are unknown: the key under a name that
	// cannot be translated, and whether there are properties.
	mentionedKey        feature.Value
	mentionedProperties bool

	excluded, wanted []bool

	personLoaded  bool
	personStored  map[string]feature.Value // nil: there is no person
	created       time.Time
	groupLoaded   [feature.MaxGroupTypes]bool
	groupStored   map[feature.GroupIndex]map[string]feature.Value
	cohorts       []int64
	hashKeys      map[int]string
	failStored    bool
	failOverrides bool
}

var (
	storeFailure    = &eval.Failure{Code: "database_unavailable", Description: "Database unavailable"}
	overrideFailure = &eval.Failure{Code: "hash_key_override_error", Description: "Hash key override error"}
)

// answer is the oracle's result for one flag.
type answer struct {
	Enabled           bool
	Variant, Payload  string
	Code, Description string
	Condition         int
	Failed, Requested bool

	readsFalse bool // failed, but false for dependents (7.8)
}

type oracle struct {
	def  *feature.Project
	sub  *subject
	done map[int]answer

	wanted   map[int]bool // to be evaluated
	need     eval.Needs
	props    map[string]feature.Value // merged
	byGroup  [feature.MaxGroupTypes]map[string]feature.Value
	location *time.Location
}

func newOracle(def *feature.Project, sub *subject) *oracle {
	o := &oracle{def: def, sub: sub, done: make(map[int]answer), location: dates.LoadLocation(def.TimeZone)}
	o.wanted = o.toEvaluate()
	o.need = o.needs()
	o.props = o.mergedPerson()
	for g := range o.byGroup {
		o.byGroup[g] = o.mergedGroup(feature.GroupIndex(g))
	}
	return o
}

// answers decides everything: by flag, and the error bit (9.1).
func (o *oracle) answers() (map[int]answer, bool) {
	out := make(map[int]answer)
	errors := o.sub.failStored || o.sub.failOverrides
	for i := range o.def.Flags {
		if o.excluded(i) {
			continue
		}
		errors = errors || o.circular(i) || o.def.GroupTypesUnknown && o.mentionsGroups(i)
		if o.wanted[i] && !o.circular(i) {
			out[i] = o.answer(i)
			errors = errors || out[i].Failed
		}
	}
	return out, errors
}

func (o *oracle) excluded(i int) bool {
	return !o.def.Flags[i].Active || i < len(o.sub.excluded) && o.sub.excluded[i]
}

func (o *oracle) requested(i int) bool { return o.sub.wanted == nil || o.sub.wanted[i] }

// dependencies lists the flags that flag i depends on (7.1); -1 stands for a
// missing one. Excluded flags have none (7.3).
func (o *oracle) dependencies(i int) []int {
	f := &o.def.Flags[i]
	if o.excluded(i) || f.Targeting == nil {
		return nil
	}
	var out []int
	for _, c := range f.Targeting.Conditions {
		for _, p := range c.Properties {
			if d, ok := o.target(p); ok {
				out = append(out, d)
			}
		}
	}
	return out
}

// target is the flag that p is about, -1 if it does not exist; false if p is
// about none.
func (o *oracle) target(p feature.Property) (int, bool) {
	id, err := strconv.ParseInt(p.Key, 10, 64)
	if p.Type != feature.FlagDependency || err != nil {
		return 0, false
	}
	return slices.IndexFunc(o.def.Flags, func(f feature.Flag) bool { return f.ID == id }), true
}

// reachable is everything that flag i depends on, directly or not.
func (o *oracle) reachable(i int) map[int]bool {
	out := make(map[int]bool)
	var add func(i int)
	add = func(i int) {
		for _, d := range o.dependencies(i) {
			if !out[d] {
				out[d] = true
				if d >= 0 {
					add(d)
				}
			}
		}
	}
	add(i)
	return out
}

// circular: part of a cycle, or dependent on one (7.5).
func (o *oracle) circular(i int) bool {
	reach := o.reachable(i)
	if reach[i] {
		return true
	}
	for d := range reach {
		if d >= 0 && o.reachable(d)[d] {
			return true
		}
	}
	return false
}

func (o *oracle) toEvaluate() map[int]bool {
	out := make(map[int]bool)
	for i := range o.def.Flags {
		if !o.requested(i) || o.excluded(i) {
			continue
		}
		out[i] = true
		for d := range o.reachable(i) {
			if d >= 0 && !o.excluded(d) {
				out[d] = true
			}
		}
	}
	return out
}

func (o *oracle) mentionsGroups(i int) bool {
	t := o.def.Flags[i].Targeting
	if t == nil {
		return false
	}
	if t.GroupType != feature.NoGroup {
		return true
	}
	for _, c := range t.Conditions {
		if c.GroupType != feature.NoGroup {
			return true
		}
		for _, p := range c.Properties {
			if p.Type == feature.GroupProperty {
				return true
			}
		}
	}
	return false
}

// answer decides flag i, which is not circular.
func (o *oracle) answer(i int) answer {
	if a, ok := o.done[i]; ok {
		return a
	}
	a := o.decide(i)
	a.Requested = o.requested(i)
	o.done[i] = a
	return a
}

func failed(f *eval.Failure) answer {
	return answer{Code: f.Code, Description: f.Description, Condition: -1, Failed: true}
}

func (o *oracle) decide(i int) answer {
	f := &o.def.Flags[i]
	if o.reachable(i)[-1] {
		return answer{
			Code: "missing_dependency", Description: "Flag cannot be evaluated due to missing dependency", Condition: -1,
		}
	}
	if f.Targeting == nil && f.Rules == nil {
		a := failed(&eval.Failure{Code: "flag_data_parsing_error", Description: "The flag's configuration cannot be read"})
		a.readsFalse = true
		return a
	}
	if o.sub.failOverrides && f.Continuity && f.Targeting != nil {
		return failed(overrideFailure)
	}
	if o.sub.failStored {
		need := o.flagNeeds(i)
		if need.Person && !o.sub.personLoaded {
			return failed(storeFailure)
		}
		for g := range need.Groups {
			if need.Groups[g] && !o.sub.groupLoaded[g] {
				return failed(storeFailure)
			}
		}
	}
	if f.Rules != nil {
		return o.rules(f.Rules)
	}
	return o.targeting(i)
}

// variantRead: somebody asked for the flag, or compares its variant (7.7).
func (o *oracle) variantRead(i int) bool {
	if o.requested(i) {
		return true
	}
	for k := range o.wanted {
		t := o.def.Flags[k].Targeting
		if t == nil {
			continue
		}
		for _, c := range t.Conditions {
			for _, p := range c.Properties {
				if p.Type == feature.FlagDependency && p.Operator == feature.FlagEvaluatesTo &&
					p.Value.Kind() == feature.KindText && p.Key == strconv.FormatInt(o.def.Flags[i].ID, 10) {
					return true
				}
			}
		}
	}
	return false
}
