package pattern

import (
	"slices"
	"sync"
	"unicode"
)

// runeSet is a set of characters: pairs of first and last, in order, apart from
// each other. It is not changed once made.
type runeSet []rune

const lastRune = unicode.MaxRune

var (
	anyRune     = runeSet{0, lastRune}
	notNewline  = runeSet{0, '\n' - 1, '\n' + 1, lastRune}
	hexRunes    = runeSet{'0', '9', 'A', 'F', 'a', 'f'}
	asciiRunes  = runeSet{0, unicode.MaxASCII}
	digitRunes  = sync.OnceValue(func() runeSet { return ofTables(unicode.Nd) })
	spaceRunes  = sync.OnceValue(func() runeSet { return ofTables(unicode.White_Space) })
	letterRunes = sync.OnceValue(func() runeSet { // the derived property Alphabetic
		return ofTables(unicode.L, unicode.Nl, unicode.Other_Alphabetic, unicode.Other_Lowercase, unicode.Other_Uppercase)
	})
	wordRunes = sync.OnceValue(func() runeSet { // UTS 18: what \w means
		return letterRunes().union(ofTables(unicode.M, unicode.Nd, unicode.Pc, unicode.Join_Control))
	})
)

// ofTables unites tables of package unicode.
func ofTables(tables ...*unicode.RangeTable) runeSet {
	var pairs runeSet
	add := func(lo, hi, stride rune) {
		if stride == 1 {
			pairs = append(pairs, lo, hi)
			return
		}
		for r := lo; r <= hi; r += stride {
			pairs = append(pairs, r, r)
		}
	}
	for _, t := range tables {
		for _, r := range t.R16 {
			add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
		}
		for _, r := range t.R32 {
			add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
		}
	}
	return pairs.sorted()
}

// sorted makes a set of pairs that may overlap and be in any order.
func (s runeSet) sorted() runeSet {
	pairs := make([][2]rune, 0, len(s)/2)
	for i := 0; i < len(s); i += 2 {
		pairs = append(pairs, [2]rune{s[i], s[i+1]})
	}
	slices.SortFunc(pairs, func(a, b [2]rune) int { return int(a[0] - b[0]) })
	out := make(runeSet, 0, len(s))
	for _, p := range pairs {
		if n := len(out); n > 0 && p[0] <= out[n-1]+1 {
			out[n-1] = max(out[n-1], p[1])
			continue
		}
		out = append(out, p[0], p[1])
	}
	return out
}

func (s runeSet) union(t runeSet) runeSet {
	if len(t) == 0 {
		return s
	}
	return slices.Concat(s, t).sorted()
}

func (s runeSet) negate() runeSet {
	out := make(runeSet, 0, len(s)+2)
	next := rune(0)
	for i := 0; i < len(s); i += 2 {
		if next < s[i] {
			out = append(out, next, s[i]-1)
		}
		next = s[i+1] + 1
	}
	if next <= lastRune {
		out = append(out, next, lastRune)
	}
	return out
}

func (s runeSet) intersect(t runeSet) runeSet {
	var out runeSet
	for i, j := 0, 0; i < len(s) && j < len(t); {
		lo, hi := max(s[i], t[j]), min(s[i+1], t[j+1])
		if lo <= hi {
			out = append(out, lo, hi)
		}
		if s[i+1] < t[j+1] {
			i += 2
		} else {
			j += 2
		}
	}
	return out
}

func (s runeSet) minus(t runeSet) runeSet { return s.intersect(t.negate()) }

func (s runeSet) contains(r rune) bool {
	// The number of bounds below r is odd inside a pair.
	n, found := slices.BinarySearch(s, r)
	return found || n%2 == 1
}

// fold adds all characters that differ from one of s in case only.
func (s runeSet) fold() runeSet {
	var more runeSet
	for _, r := range foldingRunes() {
		if !s.contains(r) {
			continue
		}
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			more = append(more, f, f)
		}
	}
	return s.union(more)
}

// foldRune is the set of r and all that differ from it in case only.
func foldRune(r rune) runeSet {
	set := runeSet{r, r}
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		set = append(set, f, f)
	}
	return set.sorted()
}

// foldingRunes are the characters that have others of different case.
var foldingRunes = sync.OnceValue(func() []rune {
	var out []rune
	for _, table := range []*unicode.RangeTable{unicode.L, unicode.M, unicode.Nl, unicode.So} {
		set := ofTables(table)
		for i := 0; i < len(set); i += 2 {
			for r := set[i]; r <= set[i+1]; r++ {
				if unicode.SimpleFold(r) != r {
					out = append(out, r)
				}
			}
		}
	}
	return out
})
