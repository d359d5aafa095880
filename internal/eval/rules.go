package eval

import (
	"time"

	"github.com/guidon-flags/guidon/internal/feature"
)

// RuleContext is what a decision by rules v2 depends on besides the rules.
type RuleContext struct {
	Identifier string // the distinct id; cut to its first 200 Unicode scalar values

	// Properties are the person's merged properties by name; nil: unavailable.
	// Nothing is derived from them. Complete says that what is not among them
	// is not set; otherwise it is unknown.
	Properties map[string]feature.Value
	Complete   bool

	Location *time.Location // nil: UTC
	Explicit bool           // exact compares booleans by their text (4.3)
	Now      time.Time

	// Draw replaces Hash01 if it is not nil.
	Draw func(prefix, identifier, salt string) float64
}

// RuleOutcome is a decision by rules v2.
type RuleOutcome struct {
	Error   RuleError     // empty unless the evaluation failed; the rest is zero then
	Value   feature.Value // of the return type, or null
	Reason  Reason        // one of those of rules v2
	Rule    int           // index of the rule that ended it; -1: none
	Variant string        // key of the experiment's variant; empty: none
}

// RuleError is why an evaluation of rules failed (10.7).
type RuleError string

// The rule errors.
const (
	RuleMissingContext  RuleError = "missing_context"
	RuleInvalidProperty RuleError = "invalid_property"
	RuleInvalidRegex    RuleError = "invalid_regex"
)

// DecideRules evaluates rs alone, as Decide does within a project. It compiles
// rs each time.
func DecideRules(rs *feature.Ruleset, rc RuleContext) RuleOutcome {
	def := &feature.Project{Flags: []feature.Flag{{Active: true, Rules: rs}}}
	c := newCompiler(def, matchOptions{explicit: rc.Explicit, location: rc.Location})
	c.p.flags = make([]flag, 1)
	c.flag(0, &c.p.flags[0])
	c.finish()

	in := &Input{DistinctID: rc.Identifier, Now: rc.Now}
	in.Reset(c.p)
	in.DistinctID, in.Now = rc.Identifier, rc.Now
	in.begin()
	for name, s := range c.p.names[personScope] {
		in.cells[s] = cell{} // nothing is derived
		if v, ok := rc.Properties[name]; ok {
			in.SetPerson(s, v)
		}
	}
	in.personLoaded = rc.Complete && rc.Properties != nil
	r := run{p: c.p, in: in, draw: rc.Draw, needs: Needs{Person: true}, needsKnown: true}
	n, failed := r.walkRules(c.p.flags[0].rules)
	if failed != "" {
		return RuleOutcome{Error: failed}
	}
	return c.p.flags[0].rules.result(n)
}

// rules is the compiled form of a feature.Ruleset. Its outcomes are numbered:
// 0 is that no rule matches; then come, for each rule, its hits and, unless it
// is a targeted release, its misses.
type rules struct {
	def      *feature.Ruleset
	fallback projection
	rules    []rule
	outcomes int32
}

// rule is the compiled form of a feature.Rule.
type rule struct {
	def         *feature.Rule
	predicates  []predicate
	prefix      string    // of rollout and variant hashes: the seed and a dot
	bounds      []float64 // of the variants
	hits        []projection
	first       int32 // number of the first hit
	holdoutSeed string
}

// predicate is one filter of a rule.
type predicate struct {
	test    int32
	negated bool
}

// projection is a value with what it is in the terms of v1 (10.8).
type projection struct {
	value   feature.Value
	enabled bool
	variant string
	payload string
}

func project(v feature.Value) projection {
	out := projection{value: v, enabled: true}
	switch v.Kind() {
	case feature.KindText:
		out.variant = v.Text()
	case feature.KindNumber, feature.KindObject, feature.KindArray:
		out.payload = string(feature.AppendQuoted(nil, string(v.AppendJSON(nil))))
	default:
		out.enabled = v.Kind() == feature.KindTrue
	}
	return out
}

// orNull returns v, and null for no value at all.
func orNull(v feature.Value) feature.Value {
	if v.Absent() {
		return feature.Null
	}
	return v
}

// The misses of a rule, as they are numbered after its hits.
const (
	missedRollout = iota
	missedPaused
	missedHoldout
	misses
)

var missReasons = [misses]Reason{RuleRolloutMiss, RulePaused, RuleHoldout}

func (c *compiler) rules(i int, def *feature.Ruleset, needs *flagNeeds) *rules {
	rs := &rules{def: def, fallback: project(orNull(def.Default)), rules: make([]rule, len(def.Rules)), outcomes: 1}
	for k := range def.Rules {
		d := &def.Rules[k]
		r := rule{def: d, prefix: d.Seed + ".", first: rs.outcomes}
		for _, p := range d.Properties {
			s := personScope
			if p.Type != feature.PersonProperty && p.Type != feature.PersonMetadata {
				s = nowhere // the reader of documents refuses these
			}
			index, fault := c.test(s, p)
			if fault != "" {
				c.flagFault(i, "rule "+d.ID+", "+p.Key+": "+fault)
			}
			if s == personScope && p.LookupKey() != nameDistinctID {
				needs.property(c.p.tests[index].slot)
			}
			r.predicates = append(r.predicates, predicate{index, p.Negation})
		}
		if d.Type == feature.Experiment {
			weights := make([]float64, len(d.Variants))
			for v := range d.Variants {
				weights[v] = d.Variants[v].Weight
				r.hits = append(r.hits, project(d.Variants[v].Value))
			}
			r.bounds = variantBoundaries(weights)
		} else {
			r.hits = []projection{project(d.Value)}
		}
		rs.outcomes += int32(len(r.hits))
		if d.Type != feature.TargetedRelease {
			rs.outcomes += misses
		}
		if d.Holdout != nil {
			r.holdoutSeed = d.Holdout.Seed
		}
		rs.rules[k] = r
	}
	return rs
}

// rules evaluates the v2 flag f into res.
func (r *run) rules(f *flag, res *Result) {
	n, failed := r.walkRules(f.rules)
	if failed != "" {
		res.fail(failRules[failed])
		return
	}
	f.rules.outcome(res, n)
}

// walkRules returns the number of the outcome, or why there is none (10.4).
func (r *run) walkRules(rs *rules) (int32, RuleError) {
	for k := range rs.rules {
		ru := &rs.rules[k]
		ct := r.reached(k)
		holds, failed := r.predicatesHold(ru, ct)
		if failed != "" {
			ct.end(Failed)
			return 0, failed
		}
		if !holds {
			ct.end(NoRuleMatch)
			continue
		}
		ct.hold()
		if n, ended := r.apply(ru, ct); ended {
			return n, ""
		}
		ct.end(RuleRolloutMiss)
	}
	return 0, ""
}

func (r *run) predicatesHold(ru *rule, ct *ConditionTrace) (bool, RuleError) {
	for k, p := range ru.predicates {
		v := verdictPattern
		if !r.p.tests[p.test].badPattern {
			v = r.test(p.test)
		}
		holds := !v.isError() && (v == yes) != p.negated
		r.tested(ct, int32(k), p.test, v, holds)
		switch v {
		case no, yes:
		case verdictMissing:
			return false, RuleMissingContext
		case verdictPattern, verdictBudget:
			return false, RuleInvalidRegex
		default:
			return false, RuleInvalidProperty
		}
		if !holds {
			return false, ""
		}
	}
	return true, ""
}

// apply decides about a subject that the rule's predicates admit; ended false
// means that the next rule is to be tried.
func (r *run) apply(ru *rule, ct *ConditionTrace) (n int32, ended bool) {
	if ru.def.Type == feature.TargetedRelease {
		return ru.hit(0, ct), true
	}
	if ru.def.Type == feature.Experiment {
		if ru.def.Paused {
			return ru.miss(missedPaused, ct), true
		}
		if h := ru.def.Holdout; h != nil {
			hash, drawn, in := r.admits(ru.holdoutSeed, h.Exclusion)
			if ct != nil && drawn {
				ct.Holdout = r.drewForRule(hash, h.Exclusion/100, in)
			}
			if in {
				return ru.miss(missedHoldout, ct), true
			}
		}
	}
	hash, drawn, in := r.admits(ru.prefix, ru.def.Rollout)
	if ct != nil && drawn {
		ct.Rollout = r.drewForRule(hash, ru.def.Rollout/100, in)
	}
	switch {
	case !in && ru.def.ReturnDefault:
		return ru.miss(missedRollout, ct), true
	case !in:
		return 0, false
	case ru.def.Type == feature.Experiment && len(ru.bounds) > 0: // the reader refuses fewer than two
		return ru.hit(r.assign(ru, ct), ct), true
	case ru.def.Type == feature.Experiment:
		return 0, false
	}
	return ru.hit(0, ct), true
}

// assign picks the variant of a subject that is in the rollout. If no bound
// exceeds the hash it is the last one (10.5).
func (r *run) assign(ru *rule, ct *ConditionTrace) int {
	hash := r.hash(ru.prefix, r.in.subject, "variant")
	v := pickVariant(hash, ru.bounds)
	if v < 0 {
		v = len(ru.bounds) - 1
	}
	if ct != nil {
		ct.VariantDraw = r.drewForRule(hash, ru.bounds[v], true)
	}
	return v
}

// admits tells whether the subject is among percentage percent, and the hash
// if one was drawn. An empty subject is among none (10.5), and everybody else
// at 100 without a hash.
func (r *run) admits(prefix string, percentage float64) (hash float64, drawn, in bool) {
	switch {
	case r.in.subject == "":
		return 0, false, false
	case percentage == 100:
		return 0, false, true
	}
	hash = r.hash(prefix, r.in.subject, "")
	return hash, true, inRollout(hash, percentage)
}

func (r *run) hash(prefix, identifier, salt string) float64 {
	if r.draw != nil {
		return r.draw(prefix, identifier, salt)
	}
	return hash01(prefix, identifier, salt)
}

func (ru *rule) hit(v int, ct *ConditionTrace) int32 {
	ct.match()
	ct.end(RuleMatch)
	return ru.first + int32(v)
}

func (ru *rule) miss(m int, ct *ConditionTrace) int32 {
	ct.end(missReasons[m])
	return ru.first + int32(len(ru.hits)+m)
}

// find returns the rule that outcome n is about, -1 for none, and its hit; a
// hit of len(hits) and more is a miss.
func (rs *rules) find(n int32) (k, hit int) {
	for k = len(rs.rules) - 1; k >= 0; k-- {
		if first := rs.rules[k].first; n >= first {
			return k, int(n - first)
		}
	}
	return -1, 0
}

// project returns what outcome n means.
func (rs *rules) project(n int32) (p *projection, reason Reason, k, hit int) {
	k, hit = rs.find(n)
	switch {
	case k < 0:
		return &rs.fallback, NoRuleMatch, k, hit
	case hit < len(rs.rules[k].hits):
		return &rs.rules[k].hits[hit], RuleMatch, k, hit
	}
	return &rs.fallback, missReasons[hit-len(rs.rules[k].hits)], k, hit
}

// outcome fills in the result number n.
func (rs *rules) outcome(res *Result, n int32) {
	p, reason, k, _ := rs.project(n)
	res.Enabled, res.Variant, res.Payload = p.enabled, p.variant, p.payload
	res.Reason, res.Condition, res.Outcome = reason, k, int(n)
}

// result is the decision number n.
func (rs *rules) result(n int32) RuleOutcome {
	p, reason, k, hit := rs.project(n)
	out := RuleOutcome{Value: p.value, Reason: reason, Rule: k}
	if reason == RuleMatch && rs.def.Rules[k].Type == feature.Experiment {
		out.Variant = rs.def.Rules[k].Variants[hit].Key
	}
	return out
}

// Rule returns the decision of a v2 flag that r, a result of p that did not
// fail, stands for.
func (p *Program) Rule(r *Result) RuleOutcome {
	return p.flags[r.Flag].rules.result(int32(r.Outcome))
}
