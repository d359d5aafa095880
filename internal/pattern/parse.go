package pattern

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// parser reads a pattern from left to right. After the first fault it stands at
// the end of the text, so that all loops end.
type parser struct {
	src   string
	pos   int
	err   error
	flags flagSet
	depth int

	groups   int            // groups opened so far
	names    map[string]int // their numbers
	ranges   int            // in all classes so far
	numbered bool           // some back-reference was by number
	tree     tree
}

// flagSet are the flags that a pattern can set for what follows.
type flagSet struct {
	fold    bool // i
	lines   bool // m: ^ and $ match at line breaks
	dotAll  bool // s: . matches line breaks
	swap    bool // U: quantifiers are lazy, and greedy with ?
	verbose bool // x: white space and comments are ignored
}

func parse(src string) (*tree, error) {
	p := &parser{src: src, names: map[string]int{}}
	p.tree.root = p.alternation()
	if p.err == nil && p.pos < len(p.src) {
		p.fail("unopened parenthesis")
	}
	if p.err != nil {
		return nil, p.err
	}
	if p.tree.root.size() > maxSize {
		return nil, errSize
	}
	return &p.tree, nil
}

// fail keeps the first fault and ends parsing.
func (p *parser) fail(format string, args ...any) *expr {
	if p.err == nil {
		p.err = invalid(format, args...)
	}
	p.pos = len(p.src)
	return &expr{}
}

func (p *parser) more() bool { return p.pos < len(p.src) }

// next is the byte at the cursor, 0 at the end.
func (p *parser) next() byte {
	if p.more() {
		return p.src[p.pos]
	}
	return 0
}

// accept skips text if it comes next.
func (p *parser) accept(text string) bool {
	if strings.HasPrefix(p.src[p.pos:], text) {
		p.pos += len(text)
		return true
	}
	return false
}

// enter counts a level of nesting, leave ends it.
func (p *parser) enter() bool {
	if p.depth++; p.depth > maxDepth {
		p.fail("it nests too deep")
		return false
	}
	return true
}

func (p *parser) leave() { p.depth-- }

// setOf makes an expr of a set, and ends parsing when all sets together take
// more memory than a pattern should.
func (p *parser) setOf(set runeSet) *expr {
	if p.ranges += len(set) / 2; p.ranges > maxRanges && p.err == nil {
		p.err = errSize
		p.pos = len(p.src)
	}
	return &expr{op: opSet, set: set}
}

func (p *parser) alternation() *expr {
	kids := []*expr{p.sequence()}
	for p.space(); p.accept("|"); p.space() {
		kids = append(kids, p.sequence())
	}
	if len(kids) > 1 {
		return &expr{op: opAlternation, kids: kids}
	}
	if p.numbered && len(p.names) > 0 {
		return p.fail("named groups are to be referred to by name")
	}
	return kids[0]
}

func (p *parser) sequence() *expr {
	var kids []*expr
	for p.more() {
		start := p.pos
		n := p.piece()
		if p.pos == start {
			break
		}
		if n.op != opEmpty {
			kids = append(kids, n)
		}
	}
	switch len(kids) {
	case 0:
		return &expr{}
	case 1:
		return kids[0]
	}
	return &expr{op: opSequence, kids: kids}
}

// piece reads an atom with its quantifier.
func (p *parser) piece() *expr {
	n := p.atom()
	p.space()
	least, most, ok := p.quantifier()
	if !ok {
		return n
	}
	if !n.repeatable() {
		return p.fail("nothing that could be repeated before a quantifier")
	}
	p.space()
	lazy := p.accept("?") != p.flags.swap
	n = &expr{op: opRepeat, kids: []*expr{n}, min: least, max: most, lazy: lazy}
	if p.accept("+") {
		p.tree.irregular = true
		n = &expr{op: opAtomic, kids: []*expr{n}}
	}
	return n
}

func (p *parser) quantifier() (least, most int, ok bool) {
	switch p.next() {
	case '?':
		p.pos++
		return 0, 1, true
	case '*':
		p.pos++
		return 0, unlimited, true
	case '+':
		p.pos++
		return 1, unlimited, true
	case '{':
		return p.counts()
	}
	return 0, 0, false
}

// counts reads {n}, {n,}, {,m} or {n,m}. A brace that begins none of them is a
// literal, and the cursor stays before it.
func (p *parser) counts() (least, most int, ok bool) {
	start := p.pos
	p.pos++
	p.space()
	least, hasLeast := p.decimal()
	p.space()
	most = least
	if p.next() == ',' {
		p.pos++
		p.space()
		var hasMost bool
		if most, hasMost = p.decimal(); !hasMost {
			most = unlimited
		}
		p.space()
	} else if !hasLeast {
		p.pos = start
		return 0, 0, false
	}
	if !p.accept("}") {
		if p.err == nil {
			p.pos = start
		}
		return 0, 0, false
	}
	if most != unlimited && least > most {
		p.fail("a repetition's least number exceeds its most")
	}
	return least, most, true
}

// decimal reads a number. Those beyond any use are cut: the size of the
// pattern is checked later.
func (p *parser) decimal() (n int, ok bool) {
	digits := countDigits(p.src[p.pos:])
	for _, c := range []byte(p.src[p.pos : p.pos+digits]) {
		n = min(n*10+int(c-'0'), maxSize+1)
	}
	p.pos += digits
	return n, digits > 0
}

// atom reads what a quantifier can follow. It stays where it is before what
// ends a sequence and before a quantifier.
func (p *parser) atom() *expr {
	p.space()
	switch p.next() {
	case 0:
		if p.more() {
			break // the character NUL
		}
		return &expr{}
	case '+', '*', '?', '|', ')':
		return &expr{}
	case '.':
		p.pos++
		if p.flags.dotAll {
			return &expr{op: opSet, set: anyRune}
		}
		return &expr{op: opSet, set: notNewline}
	case '^':
		p.pos++
		return p.place(p.flags.lines, opLineStart, opTextStart)
	case '$':
		p.pos++
		return p.place(p.flags.lines, opLineEnd, opTextEnd)
	case '(':
		return p.group()
	case '[':
		if !p.enter() {
			return &expr{}
		}
		defer p.leave()
		return p.setOf(p.class())
	case '\\':
		return p.escape()
	}
	return p.literal(p.char())
}

func (p *parser) place(lines bool, atLine, atText exprOp) *expr {
	if lines {
		return &expr{op: atLine}
	}
	return &expr{op: atText}
}

// char reads one character.
func (p *parser) char() rune {
	r, n := utf8.DecodeRuneInString(p.src[p.pos:])
	p.pos += n
	return r
}

func (p *parser) literal(r rune) *expr {
	if p.flags.fold {
		return &expr{op: opSet, set: foldRune(r)}
	}
	return &expr{op: opSet, set: runeSet{r, r}}
}

// space skips comments and, if white space is ignored, that and comments to
// the end of the line.
func (p *parser) space() {
	for p.more() {
		switch c := p.next(); {
		case p.accept("(?#"):
			p.comment()
		case p.flags.verbose && c == '#':
			i := strings.IndexByte(p.src[p.pos:], '\n')
			if i < 0 {
				p.pos = len(p.src)
				return
			}
			p.pos += i + 1
		case p.flags.verbose && (c == ' ' || c == '\t' || c == '\r' || c == '\n'):
			p.pos++
		default:
			return
		}
	}
}

func (p *parser) comment() {
	for p.more() {
		switch p.char() {
		case ')':
			return
		case '\\':
			p.char()
		}
	}
	p.fail("unclosed comment")
}

// name reads the name of a group and what closes it.
func (p *parser) name(closing string) (name string, ok bool) {
	rest := p.src[p.pos:]
	n := strings.IndexFunc(rest, func(r rune) bool { return r != '_' && !unicode.In(r, unicode.L, unicode.N) })
	if n <= 0 || !strings.HasPrefix(rest[n:], closing) {
		return "", false
	}
	p.pos += n + len(closing)
	return rest[:n], true
}

// countDigits is the number of ASCII digits that s begins with.
func countDigits(s string) int {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return n
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
