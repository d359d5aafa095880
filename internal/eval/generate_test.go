package eval_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/guidon-flags/guidon/internal/feature"
)

// generator makes random projects and subjects. The vocabularies are small so
// that filters, subjects and flags meet.
type generator struct{ r *rand.Rand }

func (g generator) chance(percent int) bool { return g.r.IntN(100) < percent }

func pick[T any](g generator, from ...T) T { return from[g.r.IntN(len(from))] }

var (
	personNames = []string{
		"plan", "email", "n", "version", "joined", "$os", "$os_name", "$browser", "$initial_browser", "utm_source",
		"$initial_utm_source", "$initial_os", "distinct_id", "$feature_enrollment/f1", "_kx", "$initial__kx",
	}
	groupNames = []string{"tier", "seats", "$group_key"}
	texts      = []string{"pro", "Pro", "free", "a@b.c", "acme", "", "true", "false", "5", "1.2.3", "2024-01-05", "-3d", "null"}
	numbers    = []string{"0", "1", "5", "5.0", "-1", "1e3", "1704067200"}
	ids        = []string{"user-1", "user-2", "user-3", "anon-1", "", "dev-1", "dev-2", "7"}
	rollouts   = []float64{100, 100, 100, 0, 50, 33.34, 99, 1, 110, -5}
	patterns   = []string{"^p", "o$", "[", "(?i)PRO", "[0-9]+", "(?=p)p"}
	now        = time.Date(2024, 3, 31, 12, 0, 0, 0, time.UTC)
)

func (g generator) value() feature.Value {
	switch g.r.IntN(12) {
	case 0:
		return feature.Null
	case 1:
		return feature.Bool(g.chance(50))
	case 2, 3, 4:
		return feature.Number(pick(g, numbers...))
	case 5:
		return feature.Array([]feature.Value{feature.Text(pick(g, texts...)), feature.Number(pick(g, numbers...))})
	}
	return feature.Text(pick(g, texts...))
}

// comparable is a value that suits the operator most of the time.
func (g generator) comparable(op feature.Operator) feature.Value {
	if g.chance(10) {
		return g.value()
	}
	switch op {
	case feature.Regex, feature.NotRegex:
		return feature.Text(pick(g, patterns...))
	case feature.Between, feature.NotBetween:
		return feature.Array([]feature.Value{feature.Number("0"), feature.Number(pick(g, numbers...))})
	case feature.GT, feature.GTE, feature.LT, feature.LTE:
		return feature.Number(pick(g, numbers...))
	case feature.Exact, feature.IsNot, feature.IContainsMulti, feature.NotIContainsMulti:
		if g.chance(40) {
			return feature.Array([]feature.Value{feature.Text(pick(g, texts...)), feature.Text(pick(g, texts...))})
		}
	case feature.IsDateAfter, feature.IsDateBefore, feature.IsDateExact:
		return feature.Text(pick(g, "2024-01-05", "-3d", "2024-03-01T10:00:00Z", "bad"))
	}
	if strings.HasPrefix(string(op), "semver") {
		return feature.Text(pick(g, "1.2.3", "1.2", "2.0.0-beta", "1.*", "x"))
	}
	return feature.Text(pick(g, texts...))
}

// operator prefers those that decide something.
func (g generator) operator() feature.Operator {
	if g.chance(50) {
		return pick(g, feature.Exact, feature.IsNot, feature.IsSet, feature.IsNotSet, feature.IContains, feature.NotIContains)
	}
	if g.chance(85) {
		return pick(g, feature.GT, feature.LT, feature.StartsWith, feature.EndsWith, feature.NotStartsWith, feature.Between,
			feature.NotBetween, feature.IContainsMulti, feature.SemverGT, feature.SemverTilde, feature.IsDateAfter, feature.IsDateBefore)
	}
	return pick(g, feature.Operators()...)
}

func (g generator) personFilter() feature.Property {
	op := g.operator()
	p := feature.Property{
		Key: pick(g, personNames...), Type: feature.PersonProperty, Operator: op,
		Value: g.comparable(op), GroupType: feature.NoGroup, Negation: g.chance(15),
	}
	if g.chance(5) {
		p.Key, p.Type = pick(g, "created_at", "other"), feature.PersonMetadata
		p.Operator, p.Value = pick(g, feature.IsDateAfter, feature.IsSet, feature.IsNotSet), feature.Text("2024-01-15")
	}
	return p
}

func (g generator) filter(flags, cohorts int) feature.Property {
	p := g.personFilter()
	switch g.r.IntN(24) {
	case 0, 1, 2:
		p.Type, p.Key, p.GroupType = feature.GroupProperty, pick(g, groupNames...), g.groupType()
	case 3, 4, 5:
		return g.cohortFilter(cohorts)
	case 6, 7, 8, 9, 10, 11:
		p = feature.Property{
			Key: strconv.Itoa(1 + g.r.IntN(flags)), Type: feature.FlagDependency, Operator: feature.FlagEvaluatesTo,
			Value:     pick(g, feature.Bool(true), feature.Bool(false), feature.Bool(true), feature.Text("a"), feature.Text("b")),
			GroupType: feature.NoGroup,
		}
		switch g.r.IntN(40) {
		case 0:
			p.Key = pick(g, "x", "99", "f1")
		case 1:
			p.Operator = feature.Exact
		case 2:
			p.Value = g.value()
		}
	}
	return p
}

func (g generator) cohortFilter(cohorts int) feature.Property {
	p := feature.Property{
		Key: "id", Type: feature.CohortMembership, Operator: pick(g, feature.In, feature.In, feature.NotIn),
		Value: feature.Number(strconv.Itoa(1 + g.r.IntN(max(cohorts, 1)))), GroupType: feature.NoGroup, Negation: g.chance(20),
	}
	switch g.r.IntN(30) {
	case 0:
		p.Value = pick(g, feature.Number("404"), feature.Text("1"), feature.Number("1.5"))
	case 1:
		p.Operator = feature.Exact
	}
	return p
}

func (g generator) groupType() feature.GroupIndex {
	return pick[feature.GroupIndex](g, feature.NoGroup, 0, 1, 1, 0, 3, 4, 7)
}

func (g generator) tree(depth, cohorts int) feature.CohortNode {
	switch {
	case depth > 0 && g.chance(60):
		n := feature.CohortNode{Op: pick(g, feature.CohortAnd, feature.CohortOr)}
		for range g.r.IntN(4) {
			n.Children = append(n.Children, g.tree(depth-1, cohorts))
		}
		return n
	case g.chance(20):
		return feature.CohortNode{Op: feature.CohortLeaf, Property: g.cohortFilter(cohorts)}
	case g.chance(8):
		return feature.CohortNode{Op: pick(g, feature.CohortEvents, feature.CohortEvents, feature.CohortNever, feature.CohortBroken)}
	}
	return feature.CohortNode{Op: feature.CohortLeaf, Property: g.personFilter()}
}

func (g generator) cohort(id, cohorts int) feature.Cohort {
	c := feature.Cohort{ID: int64(id), Static: g.chance(25), Malformed: g.chance(3)}
	if g.chance(20) {
		c.Kind = feature.CohortLive
	}
	if !c.Malformed && g.chance(95) {
		root := g.tree(2, max(id, cohorts/2)) // mostly to earlier ones
		if g.chance(70) {
			root = feature.CohortNode{Op: feature.CohortOr, Children: []feature.CohortNode{root}}
		}
		c.Root = &root
	}
	return c
}

func (g generator) targeting(flags, cohorts int) *feature.Targeting {
	t := &feature.Targeting{GroupType: feature.NoGroup, Enrollment: g.chance(10), EarlyExit: g.chance(20)}
	if g.chance(15) {
		t.GroupType = g.groupType()
	}
	for range g.r.IntN(4) * g.r.IntN(2) {
		t.Variants = append(t.Variants, feature.Variant{
			Key: pick(g, "a", "b", "c"), Weight: pick[float64](g, 100, 50, 50, 33.3, 0, 20),
		})
	}
	for _, key := range []string{"true", "a", "b", "holdout-7"} {
		if g.chance(30) {
			t.Payloads = append(t.Payloads, feature.Payload{Key: key, JSON: strconv.Quote("payload of " + key)})
		}
	}
	if g.chance(10) {
		t.Holdout = &feature.Holdout{ID: 7, Exclusion: pick[float64](g, 0, 10, 50, 100, 120, -3)}
	}
	for range g.r.IntN(5) {
		c := feature.Condition{Rollout: pick(g, rollouts...), GroupType: t.GroupType, Variant: pick(g, "", "", "", "a", "b", "nope")}
		if g.chance(15) {
			c.GroupType = g.groupType()
		}
		for range g.r.IntN(3) + g.r.IntN(2) {
			c.Properties = append(c.Properties, g.filter(flags, cohorts))
		}
		t.Conditions = append(t.Conditions, c)
	}
	return t
}

func (g generator) ruleset() *feature.Ruleset {
	values := []feature.Value{
		feature.Bool(true), feature.Bool(false), feature.Text("a"), feature.Text("false"), feature.Number("2.50"),
		feature.Object([]feature.Member{{Name: "k", Value: feature.Text(`"`)}}),
	}
	rs := &feature.Ruleset{Default: pick(g, append(values, feature.Null)...)}
	for k := range g.r.IntN(4) {
		r := feature.Rule{
			ID: fmt.Sprintf("%08d-0000-4000-8000-000000000000", k), Type: pick(g, feature.TargetedRelease, feature.PercentageRollout, feature.Experiment),
			Value: pick(g, values...), Rollout: 100,
		}
		for range g.r.IntN(3) {
			r.Properties = append(r.Properties, g.personFilter())
		}
		if r.Type != feature.TargetedRelease {
			r.Rollout, r.Seed, r.ReturnDefault = pick[float64](g, 0, 50, 100, 33.33), pick(g, "seed", "f2"), g.chance(40)
		}
		if r.Type == feature.Experiment {
			r.Paused = g.chance(15)
			r.Value = feature.Value{}
			r.Variants = []feature.RuleVariant{{Key: "a", Weight: 40, Value: pick(g, values...)}, {Key: "b", Weight: 60, Value: pick(g, values...)}}
			if g.chance(30) {
				r.Holdout = &feature.RuleHoldout{Seed: "holdout-", Exclusion: pick[float64](g, 0, 30, 100)}
			}
		}
		rs.Rules = append(rs.Rules, r)
	}
	return rs
}

func (g generator) project() *feature.Project {
	p := &feature.Project{
		ID: 1, TimeZone: pick(g, "", "UTC", "America/New_York", "Nowhere/At_All"),
		ExplicitMatching: g.chance(50), RealtimeCohorts: g.chance(30),
	}
	if g.chance(10) {
		p.GroupTypesUnknown = true
	} else {
		p.GroupTypes[0], p.GroupTypes[1] = "organization", "project"
	}
	flags, cohorts := 1+g.r.IntN(12), g.r.IntN(6)
	for c := range cohorts {
		p.Cohorts = append(p.Cohorts, g.cohort(1+c, cohorts))
	}
	for i := range flags {
		f := feature.Flag{
			ID: int64(1 + i), Key: "f" + strconv.Itoa(i), Active: g.chance(90),
			Continuity: g.chance(20), BucketByDevice: g.chance(12),
		}
		switch {
		case g.chance(12):
			f.Rules = g.ruleset()
		case g.chance(3):
			f.Fault = "unsupported version"
		default:
			reach := flags // cycles are possible, but not the rule
			if g.chance(85) {
				reach = max(i, 1)
			}
			f.Targeting = g.targeting(reach, cohorts)
		}
		p.Flags = append(p.Flags, f)
	}
	return p
}

func (g generator) properties(names []string, percent int) map[string]feature.Value {
	m := make(map[string]feature.Value)
	for _, name := range names {
		if g.chance(percent) {
			m[name] = g.value()
		}
	}
	return m
}

func (g generator) subject(p *feature.Project) *subject {
	s := &subject{
		distinctID: pick(g, ids...), now: now.Add(time.Duration(g.r.IntN(100)) * time.Hour),
		person:    g.properties(personNames, pick(g, 0, 15, 60, 100)),
		groupKeys: make(map[feature.GroupIndex]feature.Value), groups: make(map[feature.GroupIndex]map[string]feature.Value),
		groupStored: make(map[feature.GroupIndex]map[string]feature.Value), hashKeys: make(map[int]string),
		overridesOnly: g.chance(10), created: now.AddDate(0, -g.r.IntN(6), 0),
	}
	if g.chance(3) {
		s.distinctID = strings.Repeat("ä€x", 90)
	}
	if g.chance(40) {
		s.anonID = pick(g, ids...)
	}
	if g.chance(40) {
		s.deviceID = pick(g, ids...)
	}
	if p.GroupTypesUnknown {
		if g.chance(50) {
			s.mentionedKey = g.value()
		}
		s.mentionedProperties = g.chance(30)
	} else {
		g.groupsOf(s)
	}
	g.selection(s, len(p.Flags))
	g.stored(s, p)
	return s
}

func (g generator) groupsOf(s *subject) {
	for i := range feature.GroupIndex(2) {
		if g.chance(60) {
			s.groupKeys[i] = pick(g, feature.Text("acme"), feature.Text("x"), feature.Number("7"), feature.Number("7.0"), g.value())
		}
		if g.chance(50) {
			s.groups[i] = g.properties(groupNames, 40)
		}
		if g.chance(60) {
			s.groupStored[i] = g.properties(groupNames, 60)
		}
	}
}

func (g generator) selection(s *subject, flags int) {
	marks := func(percent int) []bool {
		m := make([]bool, flags)
		for i := range m {
			m[i] = g.chance(percent)
		}
		return m
	}
	if g.chance(30) {
		s.excluded = marks(25)
	}
	if g.chance(30) {
		s.wanted = marks(40)
	}
}

// stored makes up what the store holds. What is loaded of it is decided by
// load, when the needs are known.
func (g generator) stored(s *subject, p *feature.Project) {
	if g.chance(75) {
		s.personStored = g.properties(personNames, 40)
		for i := range p.Cohorts {
			c := &p.Cohorts[i]
			if (c.Static || p.RealtimeCohorts && c.Kind == feature.CohortLive) && g.chance(50) {
				s.cohorts = append(s.cohorts, c.ID)
			}
		}
	}
	for i := range p.Flags {
		if g.chance(30) {
			s.hashKeys[i] = pick(g, ids...)
		}
	}
	s.failOverrides = g.chance(5)
}
