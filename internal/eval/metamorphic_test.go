package eval_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/feature"
)

const (
	defaultPairs       = 100_000
	subjectsPerProject = 10
)

// TestMetamorphic compares ways to the same decision on random projects and
// subjects: the compiled program and the oracle, Decide and Explain, all flags
// at once and one by one, a reused Input and a fresh one.
//
// GUIDON_METAMORPHIC sets the number of pairs of project and subject,
// GUIDON_METAMORPHIC_SEED repeats a run.
func TestMetamorphic(t *testing.T) {
	pairs := setting(t, "GUIDON_METAMORPHIC", defaultPairs)
	if testing.Short() {
		pairs = min(pairs, defaultPairs/20)
	}
	seed := setting(t, "GUIDON_METAMORPHIC_SEED", int(time.Now().UnixNano()%1_000_000_000))
	t.Logf("%d pairs, seed %d", pairs, seed)
	c := comparison{seen: make(map[string]int)}
	for n := 0; n < pairs; {
		g := generator{rand.New(rand.NewPCG(uint64(seed), uint64(n)))}
		def := g.project()
		p, _ := eval.Compile(def)
		for range subjectsPerProject {
			sub := g.subject(def)
			sub.load(g, def)
			if diff := c.compare(p, def, sub); diff != "" {
				t.Fatalf("seed %d, pair %d: %s\nproject: %s\nsubject: %s", seed, n, diff, dump(def), dump(sub))
			}
			n++
		}
	}
	t.Logf("outcomes seen: %v", c.seen)
}

func setting(t *testing.T, name string, value int) int {
	t.Helper()
	if s := os.Getenv(name); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return n
	}
	return value
}

// load decides what of the stored data the request gets: mostly all that it
// needs, sometimes more, sometimes less.
func (s *subject) load(g generator, def *feature.Project) {
	need := (&oracle{def: def, sub: s}).requestNeeds()
	switch n := g.r.IntN(10); {
	case n < 6:
		s.personLoaded, s.groupLoaded = need.Person, need.Groups
	case n < 8:
		s.personLoaded, s.groupLoaded = true, [feature.MaxGroupTypes]bool{true, true, true, true, true}
	default:
		s.personLoaded = g.chance(50)
		for i := range s.groupLoaded {
			s.groupLoaded[i] = g.chance(50)
		}
		s.failStored = g.chance(60)
	}
	if !s.personLoaded {
		s.cohorts = nil
	}
	if !need.Overrides {
		s.hashKeys, s.failOverrides = nil, false
	}
}

func (o *oracle) requestNeeds() eval.Needs {
	o.wanted = o.toEvaluate()
	return o.needs()
}

// comparison holds what is reused from pair to pair.
type comparison struct {
	in   eval.Input
	out  eval.Results
	seen map[string]int
}

// compare returns what differs between the ways to decide, empty if nothing
// does.
func (c *comparison) compare(p *eval.Program, def *feature.Project, sub *subject) string {
	sel := eval.Selection{Excluded: sub.excluded, Wanted: sub.wanted}
	o := newOracle(def, sub)
	sub.setRequest(p, &c.in)
	if need := p.Needs(&c.in, sel); need != o.need {
		return fmt.Sprintf("Needs() = %+v, oracle %+v", need, o.need)
	}
	sub.setStored(p, &c.in)
	p.Decide(&c.in, sel, &c.out)
	if c.out.Panic != nil {
		return fmt.Sprintf("panic: %v", c.out.Panic)
	}
	if diff := againstOracle(p, o, &c.out); diff != "" {
		return "Decide and the oracle differ (-oracle +Decide):\n" + diff
	}
	for i := range c.out.Items {
		c.seen[c.out.Items[i].Code()]++
		if diff := checkOutcome(p, &c.out.Items[i]); diff != "" {
			return diff
		}
	}
	fresh, out := new(eval.Input), new(eval.Results)
	sub.setRequest(p, fresh)
	sub.setStored(p, fresh)
	p.Decide(fresh, sel, out)
	if diff := cmp.Diff(c.out, *out, cmpopts.EquateEmpty()); diff != "" {
		return "a reused and a fresh Input differ (-reused +fresh):\n" + diff
	}
	if diff := explained(p, fresh, sel, &c.out); diff != "" {
		return diff
	}
	return oneByOne(p, fresh, sub, &c.out)
}

func againstOracle(p *eval.Program, o *oracle, out *eval.Results) string {
	want, wantErrors := o.answers()
	got := make(map[int]answer, len(out.Items))
	last := -1
	for i := range out.Items {
		r := &out.Items[i]
		if r.Flag <= last {
			return fmt.Sprintf("results out of order: flag %d after %d", r.Flag, last)
		}
		last = r.Flag
		got[r.Flag] = answer{
			Enabled: r.Enabled, Variant: r.Variant, Payload: r.Payload, Code: r.Code(), Description: r.Description(),
			Condition: r.Condition, Failed: r.Failure != nil, Requested: r.Requested,
		}
	}
	if len(got) == len(want) && out.Errors == wantErrors {
		same := true
		for i, w := range want {
			w.readsFalse = false
			same = same && got[i] == w
		}
		if same {
			return ""
		}
	}
	return cmp.Diff(want, got, cmpopts.IgnoreUnexported(answer{})) + fmt.Sprintf("errors: oracle %v, Decide %v", wantErrors, out.Errors)
}

// checkOutcome holds a result against the outcome that it says it is.
func checkOutcome(p *eval.Program, r *eval.Result) string {
	if r.Failure != nil {
		if r.Outcome != -1 {
			return fmt.Sprintf("flag %d failed with outcome %d", r.Flag, r.Outcome)
		}
		return ""
	}
	if r.Outcome < 0 || r.Outcome >= p.Outcomes(r.Flag) {
		return fmt.Sprintf("flag %d has outcome %d of %d (%+v)", r.Flag, r.Outcome, p.Outcomes(r.Flag), r)
	}
	want := p.Outcome(r.Flag, r.Outcome)
	want.Requested = r.Requested
	if want != *r {
		return fmt.Sprintf("Outcome(%d, %d) = %+v, result %+v", r.Flag, r.Outcome, want, *r)
	}
	return ""
}

// explained compares Explain with Decide for every flag.
func explained(p *eval.Program, in *eval.Input, sel eval.Selection, out *eval.Results) string {
	next := 0
	for i := range p.Len() {
		var want *eval.Result
		if next < len(out.Items) && out.Items[next].Flag == i {
			want = &out.Items[next]
			next++
		}
		tr := p.Explain(in, sel, i)
		switch {
		case want == nil && sel.Wanted == nil && !tr.Omitted:
			return fmt.Sprintf("Explain(%d) has a result, Decide has none", i)
		case want != nil && tr.Omitted:
			return fmt.Sprintf("Explain(%d) has no result, Decide has %+v", i, want)
		case want != nil && tr.Result != *want:
			return fmt.Sprintf("Explain(%d) = %+v, Decide %+v", i, tr.Result, *want)
		case want != nil:
			if diff := consistent(&tr); diff != "" {
				return fmt.Sprintf("Explain(%d): %s", i, diff)
			}
		}
	}
	return ""
}

// consistent checks that a trace tells the story of its result.
func consistent(tr *eval.Trace) string {
	for k := range tr.Conditions {
		ct := &tr.Conditions[k]
		matches := tr.Result.Reason == eval.ConditionMatch || tr.Result.Reason == eval.RuleMatch
		decides := matches && tr.Result.Condition == k
		switch {
		case decides != ct.Matched && tr.Result.Failure == nil:
			return fmt.Sprintf("condition %d has Matched %v", k, ct.Matched)
		case ct.Matched && !ct.FiltersHold, ct.FiltersHold && !ct.Reached:
			return fmt.Sprintf("condition %d: %+v", k, ct)
		case matches && k > tr.Result.Condition && ct.Reached:
			return fmt.Sprintf("condition %d is reached after the deciding one", k)
		}
		for n := range ct.Filters {
			if f := &ct.Filters[n]; ct.FiltersHold && !f.Held && (!f.Property.Negation || !f.Reached) {
				return fmt.Sprintf("condition %d holds, its filter %d does not", k, n)
			}
		}
	}
	return ""
}

// oneByOne asks for each flag alone, given the same data. What may differ is
// what depends on the rest of the request: what is known in part only (9.5),
// and variants that nobody reads (7.7). So this is compared where everything
// was loaded and the flag was asked for.
func oneByOne(p *eval.Program, in *eval.Input, sub *subject, out *eval.Results) string {
	complete := (sub.personLoaded || sub.overridesOnly && len(p.StaticCohorts()) == 0) && !sub.failStored
	for _, loaded := range sub.groupLoaded {
		complete = complete && loaded
	}
	if !complete || sub.wanted != nil {
		return ""
	}
	alone := new(eval.Results)
	for k := range out.Items {
		want := out.Items[k]
		sel := eval.Selection{Excluded: sub.excluded, Wanted: make([]bool, p.Len())}
		sel.Wanted[want.Flag] = true
		p.Decide(in, sel, alone)
		for i := range alone.Items {
			got := alone.Items[i]
			if got.Flag == want.Flag && got != want && want.Code() != "dependency_failed" {
				return fmt.Sprintf("flag %d alone: %+v, with all others: %+v", want.Flag, got, want)
			}
		}
	}
	return ""
}

// setRequest resets in and sets what the request brings.
func (s *subject) setRequest(p *eval.Program, in *eval.Input) {
	in.Reset(p)
	in.DistinctID, in.AnonID, in.DeviceID, in.Now = s.distinctID, s.anonID, s.deviceID, s.now
	if s.overridesOnly {
		in.OverridesOnly()
	}
	for name, v := range s.person {
		in.SetPerson(p.PersonSlot([]byte(name)), v)
	}
	for g, key := range s.groupKeys {
		in.SetGroupKey(g, key)
	}
	for g, properties := range s.groups {
		for name, v := range properties {
			in.SetGroup(g, p.GroupSlot(g, []byte(name)), v)
		}
	}
	if !s.mentionedKey.Absent() || s.mentionedProperties {
		in.MentionGroup(s.mentionedKey, s.mentionedProperties)
	}
}

// setStored sets what was loaded, and what could not be.
func (s *subject) setStored(p *eval.Program, in *eval.Input) {
	if s.personLoaded {
		if s.personStored == nil {
			in.StoreNoPerson()
		} else {
			in.StorePerson(s.created)
			for name, v := range s.personStored {
				in.SetStoredPerson(p.PersonSlot([]byte(name)), v)
			}
			in.SetCohorts(s.cohorts)
		}
	}
	for g, loaded := range s.groupLoaded {
		if !loaded {
			continue
		}
		g := feature.GroupIndex(g)
		in.StoreGroup(g)
		for name, v := range s.groupStored[g] {
			in.SetStoredGroup(g, p.GroupSlot(g, []byte(name)), v)
		}
	}
	for i, key := range s.hashKeys {
		in.SetOverride(i, key)
	}
	if s.failStored {
		in.FailStored(storeFailure)
	}
	if s.failOverrides {
		in.FailOverrides(overrideFailure)
	}
}

func dump(v any) string { return fmt.Sprintf("%+v", v) }
