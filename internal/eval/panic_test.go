package eval

import (
	"testing"

	"github.com/guidon-flags/guidon/internal/feature"
)

// bomb is a matcher with a defect.
type bomb struct{}

func (bomb) match(feature.Value, *moment) verdict { panic("bomb") }

func TestPanicStaysWithItsFlag(t *testing.T) {
	flag := func(id int64, key string, properties ...feature.Property) feature.Flag {
		return feature.Flag{ID: id, Key: key, Active: true, Targeting: &feature.Targeting{
			GroupType:  feature.NoGroup,
			Conditions: []feature.Condition{{Rollout: 100, GroupType: feature.NoGroup, Properties: properties}},
		}}
	}
	p, _ := Compile(&feature.Project{Flags: []feature.Flag{
		flag(1, "before"),
		flag(2, "defect", feature.Property{Key: "plan", Operator: feature.IsSet, GroupType: feature.NoGroup}),
		flag(3, "dependent", feature.Property{
			Key: "2", Type: feature.FlagDependency, Operator: feature.FlagEvaluatesTo, Value: feature.Bool(true),
		}),
		flag(4, "after"),
	}})
	p.tests[0].matcher = bomb{}
	in, out := new(Input), new(Results)
	in.Reset(p)
	in.StoreNoPerson()
	p.Decide(in, Selection{}, out)
	if out.Panic != "bomb" || !out.Errors {
		t.Errorf("Panic = %v, Errors = %v", out.Panic, out.Errors)
	}
	want := []string{"condition_match", "internal_error", "dependency_failed", "condition_match"}
	if len(out.Items) != len(want) {
		t.Fatalf("%d results, want %d", len(out.Items), len(want))
	}
	for i, code := range want {
		if got := out.Items[i].Code(); got != code {
			t.Errorf("%s: %s, want %s", p.Flag(i).Key, got, code)
		}
	}
}

// TestRoundsWrap: memos of 2²⁹ decisions ago, and values of 2³² requests ago,
// are not taken for those of this one.
func TestRoundsWrap(t *testing.T) {
	p, _ := Compile(&feature.Project{Flags: []feature.Flag{{ID: 1, Key: "f", Active: true, Targeting: &feature.Targeting{
		GroupType: feature.NoGroup,
		Conditions: []feature.Condition{{Rollout: 100, GroupType: feature.NoGroup, Properties: []feature.Property{
			{Key: "plan", Operator: feature.IsSet, GroupType: feature.NoGroup},
		}}},
	}}}})
	in, out := new(Input), new(Results)
	in.Reset(p)
	in.SetPerson(p.PersonSlot([]byte("plan")), feature.Text("pro"))
	p.Decide(in, Selection{}, out)
	if !out.Items[0].Enabled {
		t.Fatal("the flag is off although the property is set")
	}
	in.round = 1<<(32-verdictBits) - 1
	in.request = 1<<32 - 1
	in.Reset(p)
	p.Decide(in, Selection{}, out)
	if out.Items[0].Enabled {
		t.Error("the flag is on although the property is not set")
	}
}
