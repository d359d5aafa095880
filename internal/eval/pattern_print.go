package eval

import (
	"strconv"
	"strings"
)

// printer writes a tree in the dialect of an engine. It spells out everything:
// no flags but those at one place, no named classes, no named groups.
type printer struct {
	strings.Builder
	backtracking bool // for the backtracking engine, otherwise for package regexp
	ascii        bool // subjects will be ASCII: sets are cut to what can occur
}

func printPattern(n *expr, backtracking, ascii bool) string {
	p := printer{backtracking: backtracking, ascii: ascii}
	p.expr(n)
	return p.String()
}

func (p *printer) expr(n *expr) {
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
	word := printer{backtracking: true, ascii: p.ascii}
	word.set(wordRunes())
	w := word.String()
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
		p.WriteByte('[')
		if negated {
			p.WriteByte('^')
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
}

// rune writes one character so that neither engine takes it for syntax.
func (p *printer) rune(r rune) {
	if l := r | 0x20; isDigit(byte(min(r, 0x7f))) || 'a' <= l && l <= 'z' {
		p.WriteByte(byte(r))
		return
	}
	p.WriteString(`\x{` + strconv.FormatInt(int64(r), 16) + "}")
}
