package pattern

import (
	"strings"
	"unicode"
)

// property reads what follows \p or \P: one letter, or a name in braces.
// Known are the general categories, scripts, and the properties that package
// unicode has or that can be derived from it.
func (p *parser) property(negated bool) runeSet {
	if !p.more() {
		p.fail("a Unicode class without a name")
		return runeSet{}
	}
	name := string(p.char())
	if name == "{" {
		end := strings.IndexByte(p.src[p.pos:], '}')
		if end < 0 {
			p.fail("a Unicode class whose name is not closed")
			return runeSet{}
		}
		name = p.src[p.pos : p.pos+end]
		p.pos += end + 1
	}
	kind := ""
	if i := strings.IndexAny(name, "=:"); i >= 0 {
		kind, name = name[:i], name[i+1:]
		if strings.HasSuffix(kind, "!") {
			kind, negated = kind[:len(kind)-1], !negated
		}
	}
	set, ok := findProperty(looseName(kind), looseName(name))
	if !ok {
		p.fail("unknown Unicode class %q", name)
		return runeSet{}
	}
	if p.flags.fold {
		set = set.fold()
	}
	return negateIf(set, negated)
}

// looseName is the form in which names are compared: without case, spaces,
// hyphens and underscores.
func looseName(s string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' || r == '_' {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
}

func findProperty(kind, name string) (runeSet, bool) {
	switch kind {
	case "gc", "generalcategory":
		return findCategory(name)
	case "sc", "script":
		return findTable(unicode.Scripts, name)
	case "":
	default:
		return nil, false
	}
	if set, ok := findDerived(name); ok {
		return set, true
	}
	if set, ok := findCategory(name); ok {
		return set, true
	}
	if set, ok := findTable(unicode.Scripts, name); ok {
		return set, true
	}
	return findTable(unicode.Properties, name)
}

func findDerived(name string) (runeSet, bool) {
	switch name {
	case "any":
		return anyRune, true
	case "ascii":
		return asciiRunes, true
	case "assigned":
		return ofTables(unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z, unicode.C), true
	case "alphabetic", "alpha":
		return letterRunes(), true
	case "lowercase", "lower":
		return ofTables(unicode.Ll, unicode.Other_Lowercase), true
	case "uppercase", "upper":
		return ofTables(unicode.Lu, unicode.Other_Uppercase), true
	case "cased":
		return ofTables(unicode.Lu, unicode.Ll, unicode.Lt, unicode.Other_Lowercase, unicode.Other_Uppercase), true
	}
	return nil, false
}

func findCategory(name string) (runeSet, bool) {
	for alias, category := range unicode.CategoryAliases {
		if looseName(alias) == name {
			name = looseName(category)
			break
		}
	}
	return findTable(unicode.Categories, name)
}

func findTable(tables map[string]*unicode.RangeTable, name string) (runeSet, bool) {
	for n, table := range tables {
		if looseName(n) == name {
			return ofTables(table), true
		}
	}
	return nil, false
}
