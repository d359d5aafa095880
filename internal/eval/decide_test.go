package eval_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/feature"
)

// everybody is a condition that admits all.
func everybody() feature.Condition { return feature.Condition{Rollout: 100} }

func dependsOn(key string, value feature.Value) feature.Property {
	return feature.Property{
		Key: key, Type: feature.FlagDependency, Operator: feature.FlagEvaluatesTo, Value: value, GroupType: feature.NoGroup,
	}
}

func inCohort(id string) feature.Property {
	return feature.Property{
		Key: "id", Type: feature.CohortMembership, Operator: feature.In, Value: feature.Number(id), GroupType: feature.NoGroup,
	}
}

// on makes a flag whose conditions have one filter each.
func on(id int, filters ...feature.Property) feature.Flag {
	t := &feature.Targeting{}
	for _, f := range filters {
		t.Conditions = append(t.Conditions, feature.Condition{Rollout: 100, Properties: []feature.Property{f}})
	}
	return flagOf(id, t)
}

// decide compiles and decides for somebody of whom nothing is stored.
func decide(def *feature.Project, sel eval.Selection) map[string]string {
	p, _ := eval.Compile(def)
	in, out := new(eval.Input), new(eval.Results)
	in.Reset(p)
	in.DistinctID, in.Now = "user-1", now
	in.StoreNoPerson()
	p.Decide(in, sel, out)
	return summary(p, out)
}

// summary gives, by flag key, the value (or the code of a failure), and under
// "errors" the error bit if it is set.
func summary(p *eval.Program, out *eval.Results) map[string]string {
	got := make(map[string]string)
	for i := range out.Items {
		r := &out.Items[i]
		v := "off"
		switch {
		case r.Failure != nil:
			v = r.Failure.Code
		case r.Enabled && r.Variant != "":
			v = r.Variant
		case r.Enabled:
			v = "on"
		}
		got[strings.TrimPrefix(p.Flag(r.Flag).Key, "flag-number-")] = v
	}
	if out.Errors {
		got["errors"] = "set"
	}
	return got
}

// variants makes f multivariate and pins its conditions to the given variants.
func variants(f feature.Flag, pinned ...string) feature.Flag {
	f.Targeting.Variants = []feature.Variant{{Key: "x", Weight: 50}, {Key: "y", Weight: 50}}
	for i, v := range pinned {
		f.Targeting.Conditions[i].Variant = v
	}
	return f
}

func TestDependencies(t *testing.T) {
	yes, noValue := feature.Bool(true), feature.Bool(false)
	broken := on(1, inCohort("404"))
	off := on(2)
	off.Active = false
	tests := map[string]struct {
		flags []feature.Flag
		sel   eval.Selection
		want  map[string]string
	}{
		"two guesses with different variants, the first as the answer": {
			flags: []feature.Flag{broken, variants(flagOf(3, &feature.Targeting{Conditions: []feature.Condition{
				{Rollout: 100, Properties: []feature.Property{dependsOn("1", yes)}},
				{Rollout: 100, Properties: []feature.Property{dependsOn("1", noValue)}},
				everybody(),
			}}), "x", "y", "x")},
			want: map[string]string{"1": "dependency_not_found_cohort", "3": "dependency_failed", "errors": "set"},
		},
		"variants that nobody reads do not count": {
			flags: []feature.Flag{broken, variants(flagOf(3, &feature.Targeting{Conditions: []feature.Condition{
				{Rollout: 100, Properties: []feature.Property{dependsOn("1", yes)}}, everybody(),
			}}), "x", "y"), on(4, dependsOn("3", yes))},
			sel:  eval.Selection{Wanted: []bool{false, false, true}},
			want: map[string]string{"1": "dependency_not_found_cohort", "3": "y", "4": "on", "errors": "set"},
		},
		"a variant that somebody compares counts": {
			flags: []feature.Flag{broken, variants(flagOf(3, &feature.Targeting{Conditions: []feature.Condition{
				{Rollout: 100, Properties: []feature.Property{dependsOn("1", yes)}}, everybody(),
			}}), "x", "y"), on(4, dependsOn("3", feature.Text("y")))},
			sel: eval.Selection{Wanted: []bool{false, false, true}},
			want: map[string]string{
				"1": "dependency_not_found_cohort", "3": "dependency_failed", "4": "dependency_failed", "errors": "set",
			},
		},
		"filters that no value satisfies do not match": {
			flags: []feature.Flag{broken, flagOf(3, &feature.Targeting{Conditions: []feature.Condition{
				{Rollout: 100, Properties: []feature.Property{dependsOn("1", yes), dependsOn("1", noValue)}},
			}})},
			want: map[string]string{"1": "dependency_not_found_cohort", "3": "off", "errors": "set"},
		},
		"excluding a member opens a circle": {
			flags: []feature.Flag{on(1, dependsOn("3", yes)), on(3, dependsOn("1", noValue))},
			sel:   eval.Selection{Excluded: []bool{true, false}},
			want:  map[string]string{"3": "on"},
		},
		"excluding a flag spares others its missing dependency": {
			flags: []feature.Flag{on(1, dependsOn("404", yes)), on(3, dependsOn("1", noValue))},
			sel:   eval.Selection{Excluded: []bool{true, false}},
			want:  map[string]string{"3": "on"},
		},
		"a circle elsewhere sets the error bit": {
			flags: []feature.Flag{on(1, dependsOn("1", yes)), on(3), off},
			sel:   eval.Selection{Wanted: []bool{false, true, true}},
			want:  map[string]string{"3": "off", "errors": "set"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := decide(&feature.Project{Flags: tt.flags}, tt.sel)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("results (-want +got):\n%s", diff)
			}
		})
	}
}

// TestBrokenCohortBehindShortCircuit: dependencies of a cohort are evaluated
// before it, so that their errors show although another branch decides (6.3).
func TestBrokenCohortBehindShortCircuit(t *testing.T) {
	leaf := func(p feature.Property) feature.CohortNode {
		return feature.CohortNode{Op: feature.CohortLeaf, Property: p}
	}
	or := func(children ...feature.CohortNode) *feature.CohortNode {
		return &feature.CohortNode{Op: feature.CohortOr, Children: children}
	}
	everyone := feature.CohortNode{Op: feature.CohortAnd}
	def := &feature.Project{
		Flags: []feature.Flag{on(1, inCohort("3")), on(2, inCohort("4"))},
		Cohorts: []feature.Cohort{
			{ID: 1, Root: or(feature.CohortNode{Op: feature.CohortBroken})},
			{ID: 2, Root: or(everyone, leaf(inCohort("1")))},
			{ID: 3, Root: or(everyone, leaf(inCohort("2")))},
			{ID: 4, Root: or(everyone, feature.CohortNode{Op: feature.CohortBroken})}, // not reached
		},
	}
	got := decide(def, eval.Selection{})
	want := map[string]string{"1": "cohort_filters_parsing_error", "2": "on", "errors": "set"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}

// TestInputGrows: an Input may get more between two decisions.
func TestInputGrows(t *testing.T) {
	text := func(s string) feature.Value { return feature.Text(s) }
	p, _ := eval.Compile(&feature.Project{Flags: []feature.Flag{
		on(1, personFilter("$initial_os", feature.Exact, text("Linux"))),
		on(2, personFilter("$os_name", feature.Exact, text("Linux"))),
		on(3, personFilter("distinct_id", feature.Exact, text("user-1"))),
	}})
	set := func(in *eval.Input, name, value string) { in.SetStoredPerson(p.PersonSlot([]byte(name)), text(value)) }
	in, out := new(eval.Input), new(eval.Results)
	in.Reset(p)
	in.DistinctID = "user-1"
	steps := []struct {
		set  func()
		want map[string]string
	}{
		{func() { set(in, "$os", "Linux") }, map[string]string{"1": "on", "2": "on", "3": "on"}},
		{func() { set(in, "$os", "Mac") }, map[string]string{"1": "off", "2": "off", "3": "on"}},
		{func() { set(in, "$os", "Linux") }, map[string]string{"1": "on", "2": "on", "3": "on"}},
		{func() { set(in, "$os_name", "Windows") }, map[string]string{"1": "on", "2": "off", "3": "on"}},
		{func() { set(in, "$initial_os", "Mac"); in.DistinctID = "x" }, map[string]string{"1": "off", "2": "off", "3": "off"}},
		{func() { in.Reset(p) }, map[string]string{"1": "off", "2": "off", "3": "off"}},
		{func() { set(in, "$os_name", "Linux") }, map[string]string{"1": "on", "2": "on", "3": "off"}},
	}
	for i, s := range steps {
		s.set()
		in.StoreNoPerson()
		p.Decide(in, eval.Selection{}, out)
		if diff := cmp.Diff(s.want, summary(p, out)); diff != "" {
			t.Errorf("step %d (-want +got):\n%s", i, diff)
		}
	}
}

func TestProgramLists(t *testing.T) {
	inactive := on(4, personFilter("unread", feature.IsSet, feature.Value{}), inCohort("8"))
	inactive.Active, inactive.Continuity = false, true
	sticky := on(5, dependsOn("2", feature.Bool(true)))
	sticky.Continuity = true
	tier := personFilter("tier", feature.IsSet, feature.Value{})
	tier.Type, tier.GroupType = feature.GroupProperty, 1
	leaf := feature.CohortNode{Op: feature.CohortLeaf, Property: inCohort("6")}
	def := &feature.Project{
		GroupTypes: [feature.MaxGroupTypes]string{1: "organization"},
		Flags: []feature.Flag{
			on(1, personFilter("$initial_browser", feature.IsSet, feature.Value{}), tier),
			on(2, dependsOn("1", feature.Bool(true)), inCohort("7")),
			on(3, dependsOn("3", feature.Bool(true))),
			inactive, sticky,
		},
		Cohorts: []feature.Cohort{{ID: 6, Static: true}, {ID: 7, Root: &leaf}, {ID: 8, Static: true}, {ID: 9, Malformed: true}},
	}
	p, faults := eval.Compile(def)
	for name, want := range map[string]bool{"$initial_browser": true, "$browser": true, "unread": false, "tier": false} {
		if got := p.PersonSlot([]byte(name)) != eval.NoSlot; got != want {
			t.Errorf("PersonSlot(%s) is a slot: %v, want %v", name, got, want)
		}
	}
	if p.GroupSlot(1, []byte("tier")) == eval.NoSlot || p.GroupSlot(0, []byte("tier")) != eval.NoSlot ||
		p.GroupSlot(-1, []byte("tier")) != eval.NoSlot || p.GroupSlot(9, []byte("tier")) != eval.NoSlot {
		t.Error("GroupSlot finds tier elsewhere than in group type 1")
	}
	if g, ok := p.GroupIndex("organization"); g != 1 || !ok {
		t.Errorf("GroupIndex(organization) = %d, %v", g, ok)
	}
	if _, ok := p.GroupIndex(""); ok {
		t.Error("GroupIndex of the empty name is known")
	}
	checks := map[string]struct{ got, want any }{
		"StaticCohorts":      {p.StaticCohorts(), []int64{6}},
		"ContinuityKeys":     {p.ContinuityKeys(), []string{"flag-number-5"}},
		"DependencyChain(4)": {p.DependencyChain(4), []string{"flag-number-1", "flag-number-2", "flag-number-5"}},
		"DependencyChain(0)": {p.DependencyChain(0), []string{"flag-number-1"}},
		"DependencyChain(2)": {p.DependencyChain(2), []string(nil)},
		"Dependencies":       {eval.Dependencies(&def.Flags[1]), []int64{1}},
		"faults": {faults, []eval.Fault{
			{Cohort: 9, Reason: "The cohort's filters cannot be read"},
			{Flag: "flag-number-3", Reason: "its flag dependencies are circular, or lead to such flags"},
		}},
	}
	for name, c := range checks {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestFaults(t *testing.T) {
	inactive := on(3, personFilter("n", feature.Regex, feature.Text("[")))
	inactive.Active = false
	_, faults := eval.Compile(&feature.Project{Flags: []feature.Flag{
		on(1, personFilter("n", feature.GT, feature.Text("many"))),
		on(2, inCohort("404"), dependsOn("99", feature.Bool(true))),
		inactive,
		{ID: 4, Key: "flag-number-4", Active: true, Fault: "version 3 is not known"},
		{ID: 5, Key: "flag-number-5", Active: true},
	}})
	var flags []string
	for _, f := range faults {
		if f.Reason == "" {
			t.Errorf("%+v has no reason", f)
		}
		flags = append(flags, strings.TrimPrefix(f.Flag, "flag-number-"))
	}
	slices.Sort(flags)
	if want := []string{"1", "2", "2", "3", "4", "5"}; !slices.Equal(flags, want) {
		t.Errorf("faults of flags %v, want %v: %+v", flags, want, faults)
	}
}

// TestDescriptions has one result for each text of 3.9 that cases do not pin.
func TestDescriptions(t *testing.T) {
	events := feature.CohortNode{Op: feature.CohortEvents}
	group := everybody()
	group.GroupType = 0
	mixed := flagOf(1, &feature.Targeting{Conditions: []feature.Condition{
		{Rollout: 100}, {Rollout: 100, Properties: []feature.Property{personFilter("plan", feature.IsSet, feature.Value{})}},
	}})
	mixed.Targeting.Conditions[0].GroupType = 0
	p, _ := eval.Compile(&feature.Project{
		GroupTypes: [feature.MaxGroupTypes]string{"organization"},
		Flags:      []feature.Flag{mixed, on(2, inCohort("1")), flagOf(3, &feature.Targeting{Conditions: []feature.Condition{everybody()}})},
		Cohorts:    []feature.Cohort{{ID: 1, Root: &events}},
	})
	in, out := new(eval.Input), new(eval.Results)
	in.Reset(p)
	in.StoreNoPerson()
	p.Decide(in, eval.Selection{}, out)
	want := []string{
		"No matching condition set (group conditions were not evaluated because no group type was provided)",
		"This condition targets a behavioral or realtime cohort. Its membership is not fully evaluated here, " +
			"so this result can differ from the cohort's member list.",
		"Matched condition set 1",
	}
	for i := range want {
		if got := out.Items[i].Description(); got != want[i] {
			t.Errorf("description of %d = %q, want %q", i, got, want[i])
		}
	}
}
