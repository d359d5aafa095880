package pattern

import "strconv"

// group reads everything that an opening parenthesis begins. Flags set inside
// end with it.
func (p *parser) group() *expr {
	if !p.enter() {
		return &expr{}
	}
	defer p.leave()
	p.pos++
	p.space()
	flags := p.flags
	n := p.groupBody()
	if n == nil {
		return &expr{} // the flags hold until the enclosing group ends
	}
	p.flags = flags
	return n
}

// groupBody returns nil for flags without a group of their own.
func (p *parser) groupBody() *expr {
	switch {
	case p.accept("?="):
		return p.look(false, false)
	case p.accept("?!"):
		return p.look(false, true)
	case p.accept("?<="):
		return p.look(true, false)
	case p.accept("?<!"):
		return p.look(true, true)
	case p.accept("?P<"), p.accept("?<"):
		return p.named(">")
	case p.accept("?'"):
		return p.named("'")
	case p.accept("?P="):
		return p.referByName(")")
	case p.accept("?>"):
		p.tree.irregular = true
		return &expr{op: opAtomic, kids: []*expr{p.closed()}}
	case p.accept("?("):
		return p.conditional()
	case p.accept("?"):
		return p.flagged()
	}
	p.groups++
	number := p.groups
	return &expr{op: opGroup, group: number, kids: []*expr{p.closed()}}
}

// closed reads the inside of a group and its closing parenthesis.
func (p *parser) closed() *expr {
	n := p.alternation()
	p.space()
	if !p.accept(")") {
		return p.fail("unclosed parenthesis")
	}
	return n
}

func (p *parser) look(behind, negative bool) *expr {
	p.tree.irregular = true
	n := p.closed()
	if behind && p.err == nil {
		alternatives := []*expr{n}
		if n.op == opAlternation {
			alternatives = n.kids
		}
		for _, a := range alternatives {
			if _, fixed := a.width(); !fixed {
				return p.fail("a look-behind whose length depends on the text")
			}
		}
	}
	return &expr{op: opLook, behind: behind, negative: negative, kids: []*expr{n}}
}

func (p *parser) named(closing string) *expr {
	name, ok := p.name(closing)
	if !ok {
		return p.fail("a group's name is not well formed")
	}
	p.groups++
	number := p.groups
	p.names[name] = number
	return &expr{op: opGroup, group: number, kids: []*expr{p.closed()}}
}

// referByName reads a back-reference by name, or by a number in its place.
func (p *parser) referByName(closing string) *expr {
	name, ok := p.name(closing)
	if !ok {
		return p.referRelative(closing)
	}
	number, ok := p.names[name]
	if !ok {
		var err error
		if number, err = strconv.Atoi(name); err != nil {
			return p.fail("no group is called %q", name)
		}
	}
	return p.refer(number)
}

// referRelative reads a back-reference like −1: the last group opened.
func (p *parser) referRelative(closing string) *expr {
	if !p.accept("-") {
		return p.fail("a back-reference is not well formed")
	}
	back, ok := p.decimal()
	if !ok || back == 0 || !p.accept(closing) {
		return p.fail("a back-reference is not well formed")
	}
	return p.refer(p.groups + 1 - back)
}

func (p *parser) refer(number int) *expr {
	if number < 1 || number > p.groups {
		return p.fail("no group %d comes before the reference to it", number)
	}
	p.tree.irregular = true
	return &expr{op: opBackReference, group: number, fold: p.flags.fold}
}

// conditional reads what follows "(?(": a group's number or name, what is to
// match if that group took part, and what otherwise.
func (p *parser) conditional() *expr {
	var condition *expr
	switch {
	case p.accept("<"):
		condition = p.referByName(">)")
	case p.accept("'"):
		condition = p.referByName("')")
	case isDigit(p.next()) || p.next() == '-':
		condition = p.referByName(")")
	default:
		return p.fail("a condition that is not a group")
	}
	yes, otherwise := p.sequence(), &expr{}
	p.space()
	switch {
	case p.accept("|"):
		otherwise = p.alternation()
	case yes.op == opEmpty: // only asks whether the group took part
		otherwise = &expr{op: opSet} // the empty set: never
	}
	p.space()
	if !p.accept(")") {
		return p.fail("unclosed parenthesis")
	}
	return &expr{op: opIfGroup, group: condition.group, kids: []*expr{yes, otherwise}}
}

// flagged reads what follows "(?": flags, and then either a closing parenthesis
// (the result is nil) or a colon and the group for which alone they hold.
func (p *parser) flagged() *expr {
	on, none := true, true
	for ; ; none = false {
		p.space()
		c := p.next()
		p.pos += min(1, len(p.src)-p.pos)
		switch c {
		case 'i':
			p.flags.fold = on
		case 'm':
			p.flags.lines = on
		case 's':
			p.flags.dotAll = on
		case 'U':
			p.flags.swap = on
		case 'x':
			p.flags.verbose = on
		case 'u':
			if !on {
				return p.fail("matching bytes instead of characters")
			}
		case '-':
			if !on {
				return p.fail("two minus signs among the flags")
			}
			on = false
		case ')':
			if none {
				return p.fail("flags are missing")
			}
			return nil
		case ':':
			return p.closed()
		default:
			return p.fail("an unknown flag or kind of group")
		}
	}
}
