package eval

import "github.com/guidon-flags/guidon/internal/feature"

// Program is a project's definitions in the form that is evaluated. It is
// immutable.
type Program struct {
	project *feature.Project
}

// Compile turns definitions into a Program. It always returns one; faults name
// what could not be compiled and will fail, or never match, by the rules. The
// Program keeps def.
func Compile(def *feature.Project) (*Program, []Fault) {
	return &Program{project: def}, nil
}

// Len is the number of flags.
func (p *Program) Len() int { return len(p.project.Flags) }

// Flag returns the definition of flag i, which must not be changed.
func (p *Program) Flag(i int) *feature.Flag { return &p.project.Flags[i] }

// Index finds a flag by key.
func (p *Program) Index(key string) (int, bool) { return 0, false }

// Outcomes is how many outcomes flag i can have besides failures.
func (p *Program) Outcomes(i int) int { return 0 }

// Outcome returns the result of flag i that is numbered n, from 0 to
// Outcomes(i)-1, as Decide gives it, with Requested true.
func (p *Program) Outcome(i, n int) Result { return Result{} }

// Rule returns the decision of a v2 flag that r, a result of p that did not
// fail, stands for.
func (p *Program) Rule(r *Result) RuleOutcome { return RuleOutcome{} }

// DependencyChain lists the keys of the flags that flag i depends on, directly
// or not, in an order in which they can be evaluated, and its own key last. It
// is empty if the dependencies are circular or one is missing. Excluded flags
// are not told apart: it is about definitions.
func (p *Program) DependencyChain(i int) []string { return nil }

// GroupIndex finds a group type by name.
func (p *Program) GroupIndex(name string) (feature.GroupIndex, bool) { return feature.NoGroup, false }

// PersonSlot finds the slot of a person property, NoSlot if no flag reads it.
func (p *Program) PersonSlot(name []byte) Slot { return NoSlot }

// GroupSlot finds the slot of a property of a group type, NoSlot if no flag
// reads it.
func (p *Program) GroupSlot(group feature.GroupIndex, name []byte) Slot { return NoSlot }

// StaticCohorts lists the cohorts whose membership the subject must bring.
func (p *Program) StaticCohorts() []int64 { return nil }

// ContinuityKeys lists the keys of active flags that ask for experience
// continuity: those for which overrides are written (8.2).
func (p *Program) ContinuityKeys() []string { return nil }

// Needs tells which stored data the selected flags depend on, given what in
// holds so far.
func (p *Program) Needs(in *Input, sel Selection) Needs { return Needs{} }

// Decide evaluates the selected flags for in into out, whose previous content
// is overwritten. It allocates nothing per flag for programs without patterns.
func (p *Program) Decide(in *Input, sel Selection, out *Results) {}
