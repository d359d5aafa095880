package pattern

import (
	"regexp"
	"sync"
	"time"

	"github.com/dlclark/regexp2/v2"
)

// engine runs a pattern.
type engine interface {
	// find reports whether the pattern occurs in s; the error is ErrBudget.
	find(s string) (bool, error)

	// source is the pattern in the engine's dialect.
	source() string
}

// newEngine makes an engine for n: if linear says that it can be, and package
// regexp agrees, the linear-time one.
func newEngine(n *expr, linear, ascii bool) (engine, error) {
	if linear {
		source, err := printExpr(n, false, ascii)
		if err != nil {
			return nil, err
		}
		// The one thing it refuses is too many repetitions.
		if re, err := regexp.Compile(source); err == nil {
			return &linearEngine{re: re, longest: maxLinearWork / n.size()}, nil
		}
	}
	source, err := printExpr(n, true, ascii)
	if err != nil {
		return nil, err
	}
	setClock()
	re, err := regexp2.Compile(source, regexp2.OptionMaxBacktrackingStackSize(maxBacktrackingStack))
	if err != nil {
		return nil, invalid("%v", err)
	}
	re.MatchTimeout = backtrackingTime
	return &backtrackingEngine{re}, nil
}

// Bounds on running a pattern (4.7.5). The reference counts backtracking steps,
// which no engine here does. Patterns far from either bound, as all sensible
// ones are, come out the same. The backtracking engine's bound is time, by a
// clock of its own that ticks late on a busy machine: between a few thousand
// and some million steps its outcome is not predictable.
const (
	// maxLinearWork bounds the product of the pattern's size and the subject's
	// bytes: about 10 ms.
	maxLinearWork = 1_000_000

	// maxBacktrackingSubject is in bytes.
	maxBacktrackingSubject = 64 << 10

	// maxBacktrackingStack is in slots of the engine's stack, eight bytes each.
	maxBacktrackingStack = 100_000

	// backtrackingTime is what one attempt may take. There are two, since a
	// processor that is taken away for a while looks like a slow pattern.
	backtrackingTime = 5 * time.Millisecond
)

// setClock makes the backtracking engine look at the time every millisecond
// instead of every 100, before it is used for the first time.
var setClock = sync.OnceFunc(func() { regexp2.SetTimeoutCheckPeriod(time.Millisecond) })

// linearEngine runs in time linear in the subject.
type linearEngine struct {
	re      *regexp.Regexp
	longest int // subject, in bytes
}

func (e *linearEngine) source() string { return e.re.String() }

func (e *linearEngine) find(s string) (bool, error) {
	if len(s) > e.longest {
		return false, ErrBudget
	}
	return e.re.MatchString(s), nil
}

// backtrackingEngine runs what the linear engine cannot. Its time may grow
// exponentially with the subject, so it is cut off.
type backtrackingEngine struct{ re *regexp2.Regexp }

func (e *backtrackingEngine) source() string { return e.re.String() }

func (e *backtrackingEngine) find(s string) (bool, error) {
	if len(s) > maxBacktrackingSubject {
		return false, ErrBudget
	}
	found, err := e.re.MatchString(s)
	if err != nil {
		if found, err = e.re.MatchString(s); err != nil {
			return false, ErrBudget
		}
	}
	return found, nil
}
