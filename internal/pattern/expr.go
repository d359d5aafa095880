package pattern

// expr is a part of a pattern. Flags, named classes and white space are
// resolved in it.
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
	// maxSize bounds size: about the number of instructions that an
	// engine needs for the pattern.
	maxSize = 20_000

	// maxRanges bounds the ranges of characters in all its classes.
	maxRanges = 500_000

	// maxDepth bounds how deep groups and classes may nest.
	maxDepth = 250
)

// size is about the number of instructions that n needs. It stops counting
// beyond maxSize.
func (n *expr) size() int {
	size := 1
	for _, kid := range n.kids {
		if size += kid.size(); size > maxSize {
			return maxSize + 1
		}
	}
	if n.op == opRepeat {
		times := max(n.min, 1)
		if n.max != unlimited {
			times = max(n.max, 1)
		}
		if times > maxSize {
			return maxSize + 1
		}
		size = min(size*times, maxSize+1)
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
