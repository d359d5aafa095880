package eval

import (
	"regexp"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/dlclark/regexp2/v2"

	"github.com/guidon-flags/guidon/internal/feature"
)

// compileRegex compiles regex and not_regex (4.7).
func compileRegex(source string, negated bool) (matcher, string) {
	p, err := compilePattern(source)
	if err != nil {
		return invalidPattern{absent: of(negated)}, err.Error()
	}
	return &search{pattern: *p, absent: of(negated)}, ""
}

// search holds if the pattern occurs in the property's text.
type search struct {
	pattern
	absent verdict // yes for not_regex
}

func (m *search) match(v feature.Value, _ *moment) verdict {
	if v.Absent() {
		return m.absent
	}
	found := m.find(v.Text())
	if found.isError() {
		return found
	}
	return of((found == yes) == (m.absent == no))
}

// invalidPattern stands for a search with a pattern that is none. It matches
// nothing that is set, not even for not_regex.
type invalidPattern struct{ absent verdict }

func (m invalidPattern) match(v feature.Value, _ *moment) verdict {
	if v.Absent() {
		return m.absent
	}
	return verdictPattern
}

// pattern is a compiled pattern. ASCII subjects, which are nearly all, have an
// engine of their own: for them classes are small and edges of words simple.
type pattern struct{ ascii, unicode engine }

// engine runs a pattern.
type engine interface {
	// find comes to yes if the pattern occurs in s, no if not, or
	// verdictBudget.
	find(s string) verdict

	// source is the pattern in the engine's dialect.
	source() string
}

func (p *pattern) find(s string) verdict {
	if isASCII(s) {
		return p.ascii.find(s)
	}
	return p.unicode.find(s)
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// compilePattern translates source and finds engines for it; the error is an
// ErrInvalidPattern.
func compilePattern(source string) (*pattern, error) {
	t, err := parsePattern(source)
	if err != nil {
		return nil, err
	}
	var p pattern
	if p.ascii, err = newEngine(t.root, !t.irregular, true); err != nil {
		return nil, err
	}
	if p.unicode, err = newEngine(t.root, !t.irregular && !t.edges, false); err != nil {
		return nil, err
	}
	if p.ascii.source() == p.unicode.source() {
		p.unicode = p.ascii
	}
	return &p, nil
}

// newEngine makes an engine for n: if linear says that it can be, and package
// regexp agrees, the linear-time one.
func newEngine(n *expr, linear, ascii bool) (engine, error) {
	if linear {
		source, err := printPattern(n, false, ascii)
		if err != nil {
			return nil, err
		}
		// The one thing it refuses is too many repetitions.
		if re, err := regexp.Compile(source); err == nil {
			return &linearEngine{re: re, longest: maxLinearWork / n.size()}, nil
		}
	}
	source, err := printPattern(n, true, ascii)
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

func (e *linearEngine) find(s string) verdict {
	if len(s) > e.longest {
		return verdictBudget
	}
	return of(e.re.MatchString(s))
}

// backtrackingEngine runs what the linear engine cannot. Its time may grow
// exponentially with the subject, so it is cut off.
type backtrackingEngine struct{ re *regexp2.Regexp }

func (e *backtrackingEngine) source() string { return e.re.String() }

func (e *backtrackingEngine) find(s string) verdict {
	if len(s) > maxBacktrackingSubject {
		return verdictBudget
	}
	found, err := e.re.MatchString(s)
	if err != nil {
		if found, err = e.re.MatchString(s); err != nil {
			return verdictBudget
		}
	}
	return of(found)
}
