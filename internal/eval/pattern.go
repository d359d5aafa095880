package eval

import "fmt"

// Patterns are written in the syntax of Rust's regex crate, extended by
// look-around, back-references, conditionals on groups, atomic groups and
// possessive quantifiers (4.7.4). parsePattern reads them into the tree of this
// file, in which flags, named classes and white space are resolved; a printer
// writes the tree in the dialect of the engine that runs it.

// expr is a part of a pattern.
type expr struct {
	op       exprOp
	set      runeSet // opSet
	kids     []*expr // opSequence, opAlternation; one for opRepeat, opGroup, opAtomic, opLook; two for opIfGroup
	min, max int     // opRepeat; max is unlimited for no limit
	lazy     bool    // opRepeat
	group    int     // opGroup, opBackReference, opIfGroup: its number
	fold     bool    // opBackReference: ignore case
	behind   bool    // opLook
	negative bool    // opLook
}

type exprOp uint8

const (
	opEmpty         exprOp = iota
	opSet                  // one character of a set
	opSequence             // all kids in order
	opAlternation          // the first kid that lets the rest match
	opRepeat               // min to max times
	opGroup                // a group whose text can be referred to
	opAtomic               // no way back into it once it has matched
	opLook                 // look-ahead or look-behind
	opBackReference        // the text of a group
	opIfGroup              // the first kid if the group took part, else the second
	opTextStart
	opTextEnd
	opLineStart
	opLineEnd
	opWordEdge
	opNotWordEdge
	opWordStart
	opWordEnd
)

const unlimited = -1

// Bounds on patterns.
const (
	// maxPatternSize bounds size: about the number of instructions that an
	// engine needs for the pattern.
	maxPatternSize = 20_000

	// maxPatternRanges bounds the ranges of characters in all its classes.
	maxPatternRanges = 500_000

	// maxPatternDepth bounds how deep groups and classes may nest.
	maxPatternDepth = 250
)

// size is about the number of instructions that n needs. It stops counting
// beyond maxPatternSize.
func (n *expr) size() int {
	size := 1
	for _, kid := range n.kids {
		if size += kid.size(); size > maxPatternSize {
			return maxPatternSize + 1
		}
	}
	if n.op == opRepeat {
		times := max(n.min, 1)
		if n.max != unlimited {
			times = max(n.max, 1)
		}
		if times > maxPatternSize {
			return maxPatternSize + 1
		}
		size = min(size*times, maxPatternSize+1)
	}
	return size
}

// width is the number of characters that n takes; fixed is false if that
// depends on the text.
func (n *expr) width() (chars int, fixed bool) {
	switch n.op {
	case opSet:
		return 1, true
	case opSequence:
		for _, kid := range n.kids {
			w, fixed := kid.width()
			if !fixed {
				return 0, false
			}
			chars += w
		}
		return chars, true
	case opAlternation:
		for i, kid := range n.kids {
			w, fixed := kid.width()
			if !fixed || i > 0 && w != chars {
				return 0, false
			}
			chars = w
		}
		return chars, true
	case opRepeat:
		w, fixed := n.kids[0].width()
		return w * n.min, fixed && n.min == n.max
	case opGroup, opAtomic:
		return n.kids[0].width()
	case opBackReference, opIfGroup:
		return 0, false
	}
	return 0, true // asserts something about a place
}

// repeatable reports whether a quantifier may follow n.
func (n *expr) repeatable() bool { return n.op != opEmpty && n.op != opLook && n.op < opTextStart }

// tree is a parsed pattern.
type tree struct {
	root *expr

	// irregular: a linear-time engine cannot run it.
	irregular bool

	// edges: it looks for edges of words, for which the linear-time engine
	// knows only ASCII words.
	edges bool
}

// CheckPattern reports why the regex operators cannot work with pattern, nil if
// they can. The error is an ErrInvalidPattern.
func CheckPattern(pattern string) error {
	_, err := compilePattern(pattern)
	return err
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalidPattern, fmt.Sprintf(format, args...))
}

var errPatternSize = invalid("it is too large")
