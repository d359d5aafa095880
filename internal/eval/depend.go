package eval

import (
	"slices"
	"strconv"

	"github.com/guidon-flags/guidon/internal/feature"
)

// Dependencies returns the ids of the flags that the conditions of f depend on,
// each once, in the order of their first appearance (7.1). They need not exist.
func Dependencies(f *feature.Flag) []int64 {
	if f.Targeting == nil {
		return nil
	}
	var ids []int64
	for _, c := range f.Targeting.Conditions {
		for _, p := range c.Properties {
			if id, ok := dependencyID(p); ok && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// dependencyID returns the id of the flag that p is about; false if it is not
// about a flag, or about none that could exist.
func dependencyID(p feature.Property) (int64, bool) {
	if p.Type != feature.FlagDependency {
		return 0, false
	}
	id, err := strconv.ParseInt(p.Key, 10, 64)
	return id, err == nil
}

// link connects each flag with those it depends on.
func (c *compiler) link() {
	flags := c.p.flags
	for i := range flags {
		for _, id := range Dependencies(&c.def.Flags[i]) {
			d, ok := c.byID[id]
			if !ok {
				flags[i].missing = true
				continue
			}
			flags[i].deps = append(flags[i].deps, d)
			flags[d].dependents = append(flags[d].dependents, int32(i))
		}
	}
}

// DependencyChain lists the keys of the flags that flag i depends on, directly
// or not, in an order in which they can be evaluated, and its own key last. It
// is empty if the dependencies are circular or one is missing. Excluded flags
// are not told apart: it is about definitions.
func (p *Program) DependencyChain(i int) []string {
	var chain []string
	entered, left := make(map[int]bool), make(map[int]bool)
	var visit func(i int) bool
	visit = func(i int) bool {
		if left[i] {
			return true
		}
		if entered[i] || p.flags[i].missing {
			return false
		}
		entered[i] = true
		for _, d := range p.flags[i].deps {
			if !visit(int(d)) {
				return false
			}
		}
		left[i] = true
		chain = append(chain, p.project.Flags[i].Key)
		return true
	}
	if !visit(i) {
		return nil
	}
	return chain
}

// plan is what the dependencies between flags allow in a request: which flags
// can be evaluated and in which order.
type plan struct {
	order    []int32      // dependencies first; circular flags are not in it
	status   []planStatus // by flag; of no meaning for excluded flags
	circular bool         // some flag is
	missing  bool         // some flag is

	waiting []int32 // scratch: dependencies that are not in order yet, by flag
}

// planStatus says what the dependencies of a flag are like.
type planStatus uint8

// The statuses. A flag that leads to a circle is circular as well, and one that
// leads to a missing flag is missing; being circular goes first (7.4, 7.5).
const (
	ready planStatus = iota
	missing
	circular
)

// make fills in pl for a request. Excluded flags stand for nothing but the
// value false and have no dependencies of their own (7.3).
func (pl *plan) make(flags []flag, state []selected) {
	n := len(flags)
	pl.order = slices.Grow(pl.order[:0], n)
	pl.status = slices.Grow(pl.status[:0], n)[:n]
	pl.waiting = slices.Grow(pl.waiting[:0], n)[:n]
	left := 0
	for i := range flags {
		pl.status[i], pl.waiting[i] = circular, 0
		if state[i]&excluded != 0 {
			pl.status[i] = ready
			continue
		}
		left++
		for _, d := range flags[i].deps {
			if state[d]&excluded == 0 {
				pl.waiting[i]++
			}
		}
		if pl.waiting[i] == 0 {
			pl.order = append(pl.order, int32(i))
		}
	}
	for k := 0; k < len(pl.order); k++ {
		i := pl.order[k]
		pl.status[i] = pl.settle(flags, state, i)
		for _, d := range flags[i].dependents {
			if state[d]&excluded != 0 {
				continue
			}
			if pl.waiting[d]--; pl.waiting[d] == 0 {
				pl.order = append(pl.order, d)
			}
		}
	}
	pl.circular = len(pl.order) < left
	pl.missing = slices.Contains(pl.status, missing)
}

// settle tells whether flag i, whose dependencies are in order, misses one.
func (pl *plan) settle(flags []flag, state []selected, i int32) planStatus {
	if flags[i].missing {
		return missing
	}
	for _, d := range flags[i].deps {
		if state[d]&excluded == 0 && pl.status[d] == missing {
			return missing
		}
	}
	return ready
}
