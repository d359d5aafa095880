package eval_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/feature"
)

// workload is a project with a request that brings all it needs.
type workload struct {
	p    *eval.Program
	sub  map[eval.Slot]feature.Value
	in   eval.Input
	out  eval.Results
	need eval.Needs
}

func newWorkload(def *feature.Project, properties map[string]feature.Value) *workload {
	w := &workload{sub: make(map[eval.Slot]feature.Value)}
	w.p, _ = eval.Compile(def)
	for name, v := range properties {
		if s := w.p.PersonSlot([]byte(name)); s != eval.NoSlot {
			w.sub[s] = v
		}
	}
	w.decide()
	return w
}

func (w *workload) decide() {
	w.in.Reset(w.p)
	w.in.DistinctID, w.in.Now = "0190d5ce-7b0c-7c3a-b1d5-5b6f3a2e9c01", now
	for s, v := range w.sub {
		w.in.SetPerson(s, v)
	}
	w.need = w.p.Needs(&w.in, eval.Selection{})
	w.p.Decide(&w.in, eval.Selection{}, &w.out)
}

func personFilter(key string, op feature.Operator, v feature.Value) feature.Property {
	return feature.Property{Key: key, Type: feature.PersonProperty, Operator: op, Value: v, GroupType: feature.NoGroup}
}

func flagOf(id int, t *feature.Targeting) feature.Flag {
	t.GroupType = feature.NoGroup
	for i := range t.Conditions {
		t.Conditions[i].GroupType = feature.NoGroup
	}
	return feature.Flag{ID: int64(id), Key: "flag-number-" + strconv.Itoa(id), Active: true, Targeting: t}
}

// oneFlag is a flag with three filters on texts and a rollout.
func oneFlag() *workload {
	text := func(s string) feature.Value { return feature.Text(s) }
	return newWorkload(&feature.Project{ExplicitMatching: true, Flags: []feature.Flag{flagOf(1, &feature.Targeting{
		Conditions: []feature.Condition{{Rollout: 50, Properties: []feature.Property{
			personFilter("plan", feature.Exact, text("enterprise")),
			personFilter("email", feature.IContains, text("@example.com")),
			personFilter("country", feature.IsNot, text("DE")),
		}}},
	})}}, map[string]feature.Value{
		"plan": text("enterprise"), "email": text("somebody@example.com"), "country": text("FR"), "unread": text("x"),
	})
}

// requestProperties are the 15 properties of a request.
var requestProperties = map[string]feature.Value{
	"plan": feature.Text("pro"), "email": feature.Text("somebody@example.com"), "country": feature.Text("FR"),
	"age": feature.Number("34"), "beta": feature.Bool(true), "version": feature.Text("2.4.1"), "seats": feature.Number("12"),
	"signed_up": feature.Text("2024-02-01"), "role": feature.Text("admin"), "language": feature.Text("fr"),
	"$browser": feature.Text("Chrome"), "$os": feature.Text("Linux"), "company": feature.Text("Example"),
	"score": feature.Number("0.75"), "channel": feature.Text("stable"),
}

var mixedFilters = []feature.Property{
	personFilter("plan", feature.Exact, feature.Array([]feature.Value{feature.Text("pro"), feature.Text("enterprise")})),
	personFilter("email", feature.IContains, feature.Text("@example.com")),
	personFilter("country", feature.IsNot, feature.Text("DE")),
	personFilter("age", feature.GTE, feature.Number("18")),
	personFilter("beta", feature.Exact, feature.Text("true")),
	personFilter("version", feature.SemverGTE, feature.Text("2.0.0")),
	personFilter("seats", feature.LT, feature.Number("100")),
	personFilter("signed_up", feature.IsDateAfter, feature.Text("2023-01-01")),
	personFilter("role", feature.Exact, feature.Text("owner")),
	personFilter("language", feature.NotIContains, feature.Text("de")),
	personFilter("$browser", feature.Exact, feature.Text("Firefox")),
	personFilter("company", feature.IsSet, feature.Value{}),
	personFilter("score", feature.GT, feature.Number("0.5")),
	personFilter("channel", feature.StartsWith, feature.Text("st")),
}

// manyFlags is a project of n flags: of ten, four are plain rollouts, four have
// one to four conditions, two are multivariate with payloads.
func manyFlags(n int) *workload {
	r := rand.New(rand.NewPCG(1, 1))
	def := &feature.Project{ExplicitMatching: true}
	for i := range n {
		t := &feature.Targeting{}
		switch {
		case i%10 < 4:
			t.Conditions = []feature.Condition{{Rollout: float64(10 * r.IntN(11))}}
		case i%10 < 8:
			for range 1 + r.IntN(4) {
				c := feature.Condition{Rollout: []float64{100, 50, 20}[r.IntN(3)]}
				for range 1 + r.IntN(3) {
					c.Properties = append(c.Properties, mixedFilters[r.IntN(len(mixedFilters))])
				}
				t.Conditions = append(t.Conditions, c)
			}
		default:
			t.Conditions = []feature.Condition{{Rollout: 100}}
			t.Variants = []feature.Variant{{Key: "control", Weight: 50}, {Key: "test", Weight: 50}}
			t.Payloads = []feature.Payload{{Key: "control", JSON: `"{\"a\":1}"`}, {Key: "test", JSON: `"{\"a\":2}"`}}
		}
		def.Flags = append(def.Flags, flagOf(i, t))
	}
	return newWorkload(def, requestProperties)
}

// oneOfEach is a request that meets every kind of filter and flag, with stored
// data, and excludes a flag so that the dependencies are looked at anew.
func oneOfEach() func(t *testing.T) float64 {
	plan := personFilter("plan", feature.Exact, feature.Text("pro"))
	tier := personFilter("tier", feature.Exact, feature.Text("gold"))
	tier.Type, tier.GroupType = feature.GroupProperty, 0
	leaf := feature.CohortNode{Op: feature.CohortLeaf, Property: inCohort("2")}
	sticky := variants(on(6, plan))
	sticky.Continuity = true
	heldOut := on(7, plan)
	heldOut.Targeting.Holdout, heldOut.Targeting.Enrollment = &feature.Holdout{ID: 1, Exclusion: 10}, true
	grouped := on(8, tier)
	grouped.Targeting.Conditions[0].GroupType, grouped.Targeting.Conditions[0].Rollout = 0, 50
	p, _ := eval.Compile(&feature.Project{
		GroupTypes: [feature.MaxGroupTypes]string{"organization"},
		Flags: []feature.Flag{
			on(1, plan, personFilter("$initial_browser", feature.IsNot, feature.Text("IE"))),
			on(2, dependsOn("1", feature.Bool(true))), on(3, inCohort("1")), on(4, inCohort("404")), on(5, dependsOn("4", feature.Bool(true))),
			sticky, heldOut, grouped, on(9, dependsOn("404", feature.Bool(true))), on(10, dependsOn("10", feature.Bool(true))),
			{ID: 11, Key: "v2", Active: true, Rules: &feature.Ruleset{Rules: []feature.Rule{{
				Type: feature.PercentageRollout, Rollout: 50, Seed: "seed", Properties: []feature.Property{plan}, Value: feature.Bool(true),
			}}}},
		},
		Cohorts: []feature.Cohort{{ID: 1, Root: &leaf}, {ID: 2, Static: true}},
	})
	in, out := new(eval.Input), new(eval.Results)
	sel := eval.Selection{Excluded: make([]bool, p.Len())}
	sel.Excluded[0] = true
	browser, planSlot, tierSlot := p.PersonSlot([]byte("$browser")), p.PersonSlot([]byte("plan")), p.GroupSlot(0, []byte("tier"))
	members := p.StaticCohorts()
	return func(t *testing.T) float64 {
		return testing.AllocsPerRun(100, func() {
			in.Reset(p)
			in.DistinctID, in.AnonID, in.Now = "user-1", "anon-1", now
			in.SetPerson(browser, feature.Text("Chrome"))
			in.SetGroupKey(0, feature.Text("acme"))
			if need := p.Needs(in, sel); !need.Person || !need.Groups[0] || !need.Overrides {
				t.Fatalf("needs %+v", need)
			}
			in.StorePerson(now)
			in.SetStoredPerson(planSlot, feature.Text("pro"))
			in.SetCohorts(members)
			in.StoreGroup(0)
			in.SetStoredGroup(0, tierSlot, feature.Text("gold"))
			in.SetOverride(5, "sticky-1")
			p.Decide(in, sel, out)
			if len(out.Items) != 9 || !out.Errors {
				t.Fatalf("%d results", len(out.Items))
			}
		})
	}
}

// TestDecideDoesNotAllocate holds for a whole request, from Reset on.
func TestDecideDoesNotAllocate(t *testing.T) {
	for name, w := range map[string]*workload{"one flag": oneFlag(), "100 flags": manyFlags(100)} {
		if w.need.Any() {
			t.Fatalf("%s: needs %+v", name, w.need)
		}
		if n := testing.AllocsPerRun(100, w.decide); n != 0 {
			t.Errorf("%s: a decision allocates %v times", name, n)
		}
	}
	if n := oneOfEach()(t); n != 0 {
		t.Errorf("one of each: a decision allocates %v times", n)
	}
}

func BenchmarkDecide(b *testing.B) {
	workloads := []struct {
		flags int
		w     *workload
	}{{1, oneFlag()}, {100, manyFlags(100)}, {1000, manyFlags(1000)}}
	for _, wl := range workloads {
		b.Run(fmt.Sprintf("flags=%d", wl.flags), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				wl.w.decide()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(wl.flags), "ns/flag")
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	w := manyFlags(100)
	def := &feature.Project{ExplicitMatching: true}
	for i := range w.p.Len() {
		def.Flags = append(def.Flags, *w.p.Flag(i))
	}
	b.ReportAllocs()
	for b.Loop() {
		eval.Compile(def)
	}
}
