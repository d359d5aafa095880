// Package pattern runs the regular expressions of filters: it reads them in the
// syntax that people have stored, translates them for an engine and searches
// texts with them, within bounds.
//
// Patterns are written in the syntax of Rust's regex crate, extended by
// look-around, back-references, conditionals on groups, atomic groups and
// possessive quantifiers. A parser reads them into a tree, and a printer writes
// the tree in the dialect of the engine that runs it: the linear-time one of
// package regexp, or a backtracking one for the patterns that need it.
//
// The rules are in docs/evaluation.md, whose sections comments cite ("4.7.4").
// What a filter makes of a pattern that is invalid or too slow is for package
// eval.
//
// The package does no I/O. Whether a pattern occurs in a text depends on the two
// alone; whether a backtracking pattern stays within its bounds depends on the
// machine too, since that engine measures its own time.
package pattern

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// The errors of this package.
var (
	// ErrInvalid is the error of Compile. It comes wrapped, with a reason for
	// the pattern's author.
	ErrInvalid = errors.New("the pattern is invalid")

	// ErrBudget is the error of Match. It comes as it is.
	ErrBudget = errors.New("the pattern took too many steps on this value")
)

// Pattern is a compiled pattern. It is immutable and may be used by any number
// of goroutines. The zero value is of no use.
type Pattern struct {
	// ASCII texts, which are nearly all, have an engine of their own: for them
	// classes are small and edges of words simple.
	ascii, unicode engine
}

// Compile reads source (4.7.4) and finds engines for it. The error is an
// ErrInvalid: source is not well formed, too large, or nothing that either
// engine can run.
func Compile(source string) (*Pattern, error) {
	t, err := parse(source)
	if err != nil {
		return nil, err
	}
	var p Pattern
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

// Match reports whether p occurs anywhere in s. The error is ErrBudget if that
// cannot be found out within the bounds of 4.7.5; found is false then. With the
// linear-time engine that depends on the lengths of pattern and text alone.
func (p *Pattern) Match(s string) (found bool, err error) {
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

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
}

var errSize = invalid("it is too large")
