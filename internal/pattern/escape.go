package pattern

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// escape reads a backslash and what it gives a meaning to, outside of classes.
func (p *parser) escape() *expr {
	switch c := p.peekEscaped(); c {
	case 'A', 'G': // \G is where the last match ended: there is only one
		return p.escapedPlace(opTextStart)
	case 'z':
		return p.escapedPlace(opTextEnd)
	case '<':
		p.tree.irregular = true
		return p.escapedPlace(opWordStart)
	case '>':
		p.tree.irregular = true
		return p.escapedPlace(opWordEnd)
	case 'b', 'B':
		p.tree.edges = true
		n := p.escapedPlace(map[byte]exprOp{'b': opWordEdge, 'B': opNotWordEdge}[c])
		if p.next() == '{' {
			return p.fail("an unknown kind of word boundary")
		}
		return n
	case 'Z': // the end but for line breaks
		p.pos += 2
		p.tree.irregular = true
		breaks := &expr{op: opRepeat, max: unlimited, kids: []*expr{{op: opSet, set: runeSet{'\n', '\n'}}}}
		return &expr{op: opLook, kids: []*expr{{op: opSequence, kids: []*expr{breaks, {op: opTextEnd}}}}}
	case 'K': // moves the start of what matched, which nobody asks for
		p.pos += 2
		return &expr{}
	case 'O':
		p.pos += 2
		return &expr{op: opSet, set: anyRune}
	case 'k':
		p.pos += 2
		if p.accept("'") {
			return p.referByName("'")
		}
		if p.accept("<") {
			return p.referByName(">")
		}
		return p.fail("a back-reference is not well formed")
	}
	if isDigit(p.peekEscaped()) {
		p.pos++
		number, _ := p.decimal()
		p.numbered = true
		return p.refer(number)
	}
	set, r, ok := p.escapedChars()
	switch {
	case !ok:
		return &expr{}
	case set != nil:
		return p.setOf(set)
	}
	return p.literal(r)
}

// peekEscaped is the byte behind the backslash at the cursor, 0 at the end.
func (p *parser) peekEscaped() byte {
	if p.pos+1 < len(p.src) {
		return p.src[p.pos+1]
	}
	return 0
}

func (p *parser) escapedPlace(op exprOp) *expr {
	p.pos += 2
	return &expr{op: op}
}

// escapedChars reads the escapes that are known in classes too: those for a set
// of characters, and those for one character, when set is nil.
func (p *parser) escapedChars() (set runeSet, r rune, ok bool) {
	p.pos++ // the backslash
	if !p.more() {
		p.fail("nothing behind the last backslash")
		return nil, 0, false
	}
	r = p.char()
	switch r {
	case 'd', 'D':
		return negateIf(digitRunes(), r == 'D'), 0, true
	case 's', 'S':
		return negateIf(spaceRunes(), r == 'S'), 0, true
	case 'w', 'W':
		return negateIf(wordRunes(), r == 'W'), 0, true
	case 'h', 'H':
		return negateIf(hexRunes, r == 'H'), 0, true
	case 'p', 'P':
		set = p.property(r == 'P')
		return set, 0, p.err == nil
	case 'x':
		return p.hex(2)
	case 'u':
		return p.hex(4)
	case 'U':
		return p.hex(8)
	}
	if i := strings.IndexRune("abefnrtv", r); i >= 0 {
		return nil, rune("\a\b\x1b\f\n\r\t\v"[i]), true
	}
	if l := r | 0x20; 'a' <= l && l <= 'z' {
		p.fail("unknown escape \\%c", r)
		return nil, 0, false
	}
	return nil, r, true
}

// negateIf returns s or its complement; never nil, since no complement taken
// here is empty.
func negateIf(s runeSet, negated bool) runeSet {
	if negated {
		return s.negate()
	}
	return s
}

// hex reads the number of a character: so many digits, or any up to eight in
// braces.
func (p *parser) hex(digits int) (set runeSet, r rune, ok bool) {
	text := p.src[p.pos:]
	if strings.HasPrefix(text, "{") {
		end := strings.IndexByte(text, '}')
		if end < 0 || end > 9 {
			end = 1
		}
		text = text[1:end]
		p.pos += end + 1
	} else {
		text = text[:min(digits, len(text))]
		p.pos += len(text)
		if len(text) < digits {
			text = ""
		}
	}
	n, err := strconv.ParseUint(text, 16, 32)
	if err != nil || n > lastRune || !utf8.ValidRune(rune(n)) {
		p.fail("the number of a character is not well formed")
		return nil, 0, false
	}
	return nil, rune(n), true
}
