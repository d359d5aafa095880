package pattern

import "strings"

// class reads a class in brackets, with ranges, nested classes and set
// operations: && both, -- the first only, ~~ one of the two. The operations
// bind weaker than juxtaposition and from the left.
func (p *parser) class() runeSet {
	p.pos++ // the bracket
	negated := p.accept("^")
	var left, items runeSet
	operation := ""
	for p.next() == '-' {
		p.pos++
		items = append(items, '-', '-')
	}
	if items == nil && p.accept("]") {
		items = append(items, ']', ']')
	}
	for {
		if !p.more() {
			p.fail("unclosed class")
			return runeSet{}
		}
		if p.accept("]") {
			break
		}
		if op := p.classOperation(); op != "" {
			left, items = p.combine(left, operation, items), nil
			operation = op
			continue
		}
		items = append(items, p.classItem()...)
	}
	return negateIf(p.combine(left, operation, items), negated)
}

func (p *parser) classOperation() string {
	for _, op := range []string{"&&", "--", "~~"} {
		if p.accept(op) {
			return op
		}
	}
	return ""
}

// combine applies an operation to left and the unsorted items; without one they
// are all there is.
func (p *parser) combine(left runeSet, operation string, items runeSet) runeSet {
	right := items.sorted()
	if p.flags.fold {
		right = right.fold()
	}
	switch operation {
	case "&&":
		return left.intersect(right)
	case "--":
		return left.minus(right)
	case "~~":
		return left.union(right).minus(left.intersect(right))
	}
	return right
}

// classItem reads a character, a range, or whatever stands for a set.
func (p *parser) classItem() runeSet {
	if p.next() == '[' {
		if set := p.posixClass(); set != nil {
			return set
		}
		if !p.enter() {
			return nil
		}
		defer p.leave()
		return p.class()
	}
	set, first := p.classChar()
	// A hyphen is one of a range unless the class ends behind it or it begins
	// an operation.
	isRange := p.next() == '-' && p.pos+1 < len(p.src) && p.src[p.pos+1] != ']' && p.src[p.pos+1] != '-'
	if !isRange {
		if set != nil {
			return set
		}
		return runeSet{first, first}
	}
	p.pos++
	if p.next() == '[' {
		p.pos++
		return p.rangeOf(set, first, nil, '[')
	}
	lastSet, last := p.classChar()
	return p.rangeOf(set, first, lastSet, last)
}

func (p *parser) rangeOf(firstSet runeSet, first rune, lastSet runeSet, last rune) runeSet {
	if firstSet != nil || lastSet != nil || first > last {
		p.fail("a range in a class is not well formed")
		return nil
	}
	return runeSet{first, last}
}

// classChar reads one character of a class, or an escape for a set.
func (p *parser) classChar() (set runeSet, r rune) {
	if p.next() != '\\' {
		return nil, p.char()
	}
	if c := p.peekEscaped(); c != 0 && strings.IndexByte("kAzB<>KG", c) >= 0 {
		p.pos += 2
		return nil, rune(c) // places have no meaning in a class
	} else if isDigit(c) {
		p.fail("a back-reference in a class")
		return nil, 0
	}
	set, r, _ = p.escapedChars()
	return set, r
}

// posixClasses are the classes that are written [:name:]. They are ASCII.
var posixClasses = map[string]runeSet{
	"alnum":  {'0', '9', 'A', 'Z', 'a', 'z'},
	"alpha":  {'A', 'Z', 'a', 'z'},
	"ascii":  asciiRunes,
	"blank":  {'\t', '\t', ' ', ' '},
	"cntrl":  {0, 0x1f, 0x7f, 0x7f},
	"digit":  {'0', '9'},
	"graph":  {'!', '~'},
	"lower":  {'a', 'z'},
	"print":  {' ', '~'},
	"punct":  {'!', '/', ':', '@', '[', '`', '{', '~'},
	"space":  {'\t', '\r', ' ', ' '},
	"upper":  {'A', 'Z'},
	"word":   {'0', '9', 'A', 'Z', '_', '_', 'a', 'z'},
	"xdigit": hexRunes,
}

// posixClass reads [:name:] or [:^name:]; nil, and nothing read, if none comes.
func (p *parser) posixClass() runeSet {
	rest, ok := strings.CutPrefix(p.src[p.pos:], "[:")
	if !ok {
		return nil
	}
	name, _, ok := strings.Cut(rest, ":]")
	if !ok {
		return nil
	}
	bare, negated := strings.CutPrefix(name, "^")
	set, ok := posixClasses[bare]
	if !ok {
		return nil
	}
	p.pos += len("[:") + len(name) + len(":]")
	if p.flags.fold {
		set = set.fold()
	}
	return negateIf(set, negated)
}
