package pattern

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// printer writes a tree in the dialect of an engine. It spells out everything:
// no flags but those at one place, no named groups, no named classes but one.
type printer struct {
	strings.Builder
	backtracking bool // for the backtracking engine, otherwise for package regexp
	ascii        bool // subjects will be ASCII: sets are cut to what can occur
}

// maxText bounds what an engine is given to read, in bytes. Where
// classes take more than that, reading them would take tens of milliseconds.
const maxText = 256 << 10

// printExpr fails if the result would be longer than maxText.
func printExpr(n *expr, backtracking, ascii bool) (string, error) {
	p := printer{backtracking: backtracking, ascii: ascii}
	p.expr(n)
	if p.Len() > maxText {
		return "", errSize
	}
	return p.String(), nil
}

func (p *printer) expr(n *expr) {
	if p.Len() > maxText {
		return
	}
	switch n.op {
	case opSet:
		p.set(n.set)
	case opSequence:
		for _, kid := range n.kids {
			if kid.op == opAlternation {
				p.wrapped("(?:", kid)
			} else {
				p.expr(kid)
			}
		}
	case opAlternation:
		for i, kid := range n.kids {
			if i > 0 {
				p.WriteByte('|')
			}
			p.expr(kid)
		}
	case opRepeat:
		if n.kids[0].op == opSet {
			p.expr(n.kids[0])
		} else {
			p.wrapped("(?:", n.kids[0])
		}
		p.quantifier(n)
	case opGroup:
		if p.backtracking {
			p.wrapped("(", n.kids[0])
		} else {
			p.wrapped("(?:", n.kids[0]) // nothing refers to it
		}
	case opAtomic:
		p.wrapped("(?>", n.kids[0])
	case opLook:
		p.look(n)
	case opBackReference:
		if n.fold {
			p.WriteString("(?i:")
		}
		p.WriteString(`\k<` + strconv.Itoa(n.group) + ">")
		if n.fold {
			p.WriteByte(')')
		}
	case opIfGroup:
		p.WriteString("(?(" + strconv.Itoa(n.group) + ")")
		p.wrapped("(?:", n.kids[0])
		p.WriteByte('|')
		p.wrapped("(?:", n.kids[1])
		p.WriteByte(')')
	default:
		p.place(n.op)
	}
}

func (p *printer) wrapped(opening string, n *expr) {
	p.WriteString(opening)
	p.expr(n)
	p.WriteByte(')')
}

func (p *printer) look(n *expr) {
	opening := "(?="
	switch {
	case n.behind && n.negative:
		opening = "(?<!"
	case n.behind:
		opening = "(?<="
	case n.negative:
		opening = "(?!"
	}
	p.wrapped(opening, n.kids[0])
}

func (p *printer) quantifier(n *expr) {
	least := strconv.Itoa(n.min)
	switch {
	case n.min == 0 && n.max == 1:
		p.WriteByte('?')
	case n.min == 0 && n.max == unlimited:
		p.WriteByte('*')
	case n.min == 1 && n.max == unlimited:
		p.WriteByte('+')
	case n.max == unlimited:
		p.WriteString("{" + least + ",}")
	case n.min == n.max:
		p.WriteString("{" + least + "}")
	default:
		p.WriteString("{" + least + "," + strconv.Itoa(n.max) + "}")
	}
	if n.lazy {
		p.WriteByte('?')
	}
}

func (p *printer) place(op exprOp) {
	switch op {
	case opTextStart:
		p.WriteString(`\A`)
	case opTextEnd:
		p.WriteString(`\z`)
	case opLineStart:
		p.WriteString(`(?m:^)`)
	case opLineEnd:
		if p.backtracking {
			p.WriteString(`(?=\n|\z)`)
		} else {
			p.WriteString(`(?m:$)`)
		}
	case opWordEdge, opNotWordEdge, opWordStart, opWordEnd:
		p.wordEdge(op)
	}
}

// wordEdge writes edges of words by what a word character is; the engines have
// ideas of their own about that.
func (p *printer) wordEdge(op exprOp) {
	if !p.backtracking { // only for ASCII subjects, where \b is right
		p.WriteString(map[exprOp]string{opWordEdge: `\b`, opNotWordEdge: `\B`}[op])
		return
	}
	w := "[" + wordClass + "]"
	if p.ascii {
		w = "[0-9A-Za-z_]"
	}
	after, notAfter := "(?<="+w+")", "(?<!"+w+")"
	before, notBefore := "(?="+w+")", "(?!"+w+")"
	switch op {
	case opWordStart:
		p.WriteString(notAfter + before)
	case opWordEnd:
		p.WriteString(after + notBefore)
	case opWordEdge:
		p.WriteString("(?:" + after + notBefore + "|" + notAfter + before + ")")
	case opNotWordEdge:
		p.WriteString("(?:" + after + before + "|" + notAfter + notBefore + ")")
	}
}

// wordClass is what wordRunes has, for brackets of the backtracking engine. It
// reads this in a hundredth of the time that the single ranges take.
const wordClass = `\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}\p{Other_Alphabetic}\p{Other_Lowercase}\p{Other_Uppercase}\p{Join_Control}`

// set writes a class. One that goes on to the last character is written by what
// it lacks, which is shorter and the same in ASCII.
func (p *printer) set(s runeSet) {
	negated := len(s) > 0 && s[len(s)-1] == lastRune
	if negated {
		s = s.negate()
	}
	if p.ascii {
		s = s.intersect(asciiRunes)
	}
	switch {
	case negated && len(s) == 0:
		p.WriteString("(?s:.)")
	case len(s) == 0 && p.backtracking:
		p.WriteString("(?!)")
	case len(s) == 0:
		p.WriteString(`[^\x00-\x{10FFFF}]`)
	case len(s) == 2 && s[0] == s[1] && !negated:
		p.rune(s[0])
	default:
		p.class(s, negated)
	}
}

func (p *printer) class(s runeSet, negated bool) {
	p.WriteByte('[')
	if negated {
		p.WriteByte('^')
	}
	if p.backtracking && len(wordRunes().minus(s)) == 0 {
		p.WriteString(wordClass)
		s = s.minus(wordRunes())
	}
	for i := 0; i < len(s); i += 2 {
		p.rune(s[i])
		if s[i] < s[i+1] {
			p.WriteByte('-')
			p.rune(s[i+1])
		}
	}
	p.WriteByte(']')
}

// rune writes one character so that neither engine takes it for syntax.
func (p *printer) rune(r rune) {
	l := r | 0x20
	switch {
	case '0' <= r && r <= '9' || 'a' <= l && l <= 'z' || r > unicode.MaxASCII && utf8.ValidRune(r):
		p.WriteRune(r)
	default:
		p.WriteString(`\x{` + strconv.FormatInt(int64(r), 16) + "}")
	}
}
