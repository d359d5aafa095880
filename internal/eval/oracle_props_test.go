package eval_test

import (
	"maps"
	"strings"
	"time"

	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/feature"
)

// needs is 5.6 and 8.2 for the whole request.
func (o *oracle) needs() eval.Needs {
	var n eval.Needs
	for i := range o.wanted {
		if o.circular(i) || o.reachable(i)[-1] {
			continue
		}
		f := o.flagNeeds(i)
		n.Person = n.Person || f.Person
		n.Overrides = n.Overrides || f.Overrides
		for g := range n.Groups {
			n.Groups[g] = n.Groups[g] || f.Groups[g]
		}
	}
	return n
}

func (o *oracle) flagNeeds(i int) eval.Needs {
	var n eval.Needs
	f := &o.def.Flags[i]
	lacks := func(name string) bool {
		_, ok := o.sub.person[name]
		return !ok && name != "distinct_id" && !o.sub.overridesOnly
	}
	if f.Rules != nil {
		for _, r := range f.Rules.Rules {
			for _, p := range r.Properties {
				n.Person = n.Person || lacks(p.LookupKey())
			}
		}
		return n
	}
	t := f.Targeting
	if t == nil {
		return n
	}
	n.Person = t.Enrollment && lacks("$feature_enrollment/"+f.Key)
	below := false
	for _, c := range t.Conditions {
		below = below || c.Rollout < 100
		if c.Rollout <= 0 {
			continue
		}
		for _, p := range c.Properties {
			switch p.Type {
			case feature.PersonProperty, feature.PersonMetadata:
				n.Person = n.Person || lacks(p.LookupKey())
			case feature.CohortMembership:
				n.Person = n.Person || !o.sub.overridesOnly || o.reachesMembership(p)
			case feature.GroupProperty:
				g := p.GroupType
				if g == feature.NoGroup {
					g = c.GroupType
				}
				if g < 0 || g > 4 || o.def.GroupTypes[g] == "" || o.groupKey(g) == "" || p.Key == "$group_key" {
					continue
				}
				if _, ok := o.sub.groups[g][p.Key]; !ok {
					n.Groups[g] = true
				}
			}
		}
	}
	n.Overrides = o.eligible(i) && (below || hashDependent(t.Variants))
	return n
}

// eligible is 8.1.
func (o *oracle) eligible(i int) bool {
	f := &o.def.Flags[i]
	return f.Continuity && f.Targeting != nil && f.Targeting.GroupType == feature.NoGroup && !f.BucketByDevice
}

// hashDependent is 3.5.
func hashDependent(variants []feature.Variant) bool {
	sum, count := 0.0, 0
	for _, v := range variants {
		if sum >= 100 {
			break
		}
		sum += v.Weight
		if v.Weight > 0 {
			count++
		}
	}
	return count > 1
}

// groupKey is the usable key of 3.4.3.
func (o *oracle) groupKey(g feature.GroupIndex) string {
	switch key := o.sub.groupKeys[g]; key.Kind() {
	case feature.KindText, feature.KindNumber:
		return key.Text()
	}
	return ""
}

var dollarTwins = strings.Fields("app_build app_name app_namespace app_version browser browser_version device_type " +
	"current_url pathname os os_version referring_domain referrer screen_height screen_width viewport_height " +
	"viewport_width raw_user_agent")

var plainTwins = strings.Fields("utm_source utm_medium utm_campaign utm_content utm_term gclid gad_source gclsrc " +
	"dclid gbraid wbraid fbclid msclkid twclid li_fat_id mc_cid igshid ttclid rdt_cid epik qclid sccid irclid _kx")

// mergedPerson is 5.2.1 to 5.2.4, 5.2.8 and 5.5.
func (o *oracle) mergedPerson() map[string]feature.Value {
	m := make(map[string]feature.Value)
	if o.sub.personLoaded && o.sub.personStored != nil && !o.sub.overridesOnly {
		maps.Copy(m, o.sub.personStored)
		m["__posthog_person_metadata__created_at"] = feature.Text(o.sub.created.UTC().Format(time.RFC3339Nano))
	}
	m["distinct_id"] = feature.Text(firstScalars(o.sub.distinctID))
	maps.Copy(m, o.sub.person)
	os, hasOS := m["$os"]
	name, hasName := m["$os_name"]
	if hasOS && !hasName {
		m["$os_name"] = os
	}
	if hasName && !hasOS {
		m["$os"] = name
	}
	fill := func(from, to string) {
		v, ok := m[from]
		if _, taken := m[to]; ok && !taken {
			m[to] = v
		}
	}
	for _, x := range dollarTwins {
		fill("$"+x, "$initial_"+x)
	}
	for _, y := range plainTwins {
		fill(y, "$initial_"+y)
	}
	return m
}

func firstScalars(s string) string {
	if r := []rune(s); len(r) > 200 {
		return string(r[:200])
	}
	return s
}

// mergedGroup is 5.2.5 and 5.2.6.
func (o *oracle) mergedGroup(g feature.GroupIndex) map[string]feature.Value {
	m := make(map[string]feature.Value)
	if o.sub.groupLoaded[g] {
		maps.Copy(m, o.sub.groupStored[g])
	}
	if key, ok := o.sub.groupKeys[g]; ok {
		m["$group_key"] = key
	}
	maps.Copy(m, o.sub.groups[g])
	return m
}

// personPartial: needed and never loaded (9.5).
func (o *oracle) personPartial() bool { return o.need.Person && !o.sub.personLoaded }

// plain tests a filter on a property of a condition about group (5.1).
func (o *oracle) plain(p feature.Property, group feature.GroupIndex) bool {
	props, partial := o.props, o.personPartial()
	if p.Type == feature.GroupProperty {
		if p.GroupType != feature.NoGroup {
			group = p.GroupType
		}
		props, partial = nil, false
		if group >= 0 && group <= 4 {
			props = o.byGroup[group]
			partial = o.need.Groups[group] && !o.sub.groupLoaded[group]
		}
	}
	ok, err := o.match(p, props, partial)
	return ok && err == nil
}

// match is section 4; see matchNaively for what it does itself.
func (o *oracle) match(p feature.Property, props map[string]feature.Value, partial bool) (bool, error) {
	v, set := props[p.LookupKey()]
	if partial && !set {
		return false, eval.ErrMissingProperty
	}
	if ok, known := matchNaively(p, v, o.def.ExplicitMatching); known {
		return ok, nil
	}
	return eval.MatchProperty(p, props, partial, o.def.ExplicitMatching, o.location, o.sub.now)
}

// matchNaively does the operators that take no more than a line of Go; known is
// false for the others.
func matchNaively(p feature.Property, v feature.Value, explicit bool) (ok, known bool) {
	if !v.Absent() && p.Operator == feature.IsSet || v.Absent() && p.Operator == feature.IsNotSet {
		return true, true
	}
	if p.Operator == feature.IsSet || p.Operator == feature.IsNotSet || p.Value.Absent() || p.Value.Kind() == feature.KindNull {
		return false, true
	}
	lower := func(s string) string { // ASCII only
		return strings.Map(func(r rune) rune {
			if r >= 'A' && r <= 'Z' {
				return r + 'a' - 'A'
			}
			return r
		}, s)
	}
	has, needle := lower(v.Text()), lower(p.Value.Text())
	var positive bool
	switch p.Operator {
	case feature.Exact, feature.IsNot:
		if p.Value.Kind() == feature.KindArray || !explicit && boolLike(p.Value) {
			return false, false
		}
		positive = strings.ToLower(v.Text()) == strings.ToLower(p.Value.Text())
	case feature.IContains, feature.NotIContains:
		positive = strings.Contains(has, needle)
	case feature.StartsWith, feature.NotStartsWith:
		positive = strings.HasPrefix(has, needle)
	case feature.EndsWith, feature.NotEndsWith:
		positive = strings.HasSuffix(has, needle)
	default:
		return false, false
	}
	positive = positive && !v.Absent()
	switch p.Operator {
	case feature.IsNot, feature.NotIContains, feature.NotStartsWith, feature.NotEndsWith:
		return !positive, true
	}
	return positive, true
}

func boolLike(v feature.Value) bool {
	return v.IsBool() || v.Kind() == feature.KindText && (strings.EqualFold(v.Text(), "true") || strings.EqualFold(v.Text(), "false"))
}
