package eval

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/guidon-flags/guidon/internal/feature"
)

// compileExact compiles exact and is_not (4.3) for a value that is not null.
func compileExact(value feature.Value, explicit, negated bool) matcher {
	absent := of(negated)
	switch {
	case !explicit && booleanLike(value):
		return truth{want: truthy(value), negated: negated}
	case value.Kind() == feature.KindArray && len(value.Items()) == 0:
		return truth{want: true, negated: negated}
	case value.Kind() == feature.KindArray && len(value.Items()) > 1:
		return newOneOf(value.Items(), absent)
	case value.Kind() == feature.KindArray:
		value = value.Items()[0]
	}
	return equal{lowered: lower(value.Text()), absent: absent}
}

// equal holds if the property's text, lower-cased, is lowered.
type equal struct {
	lowered string
	absent  verdict // yes for is_not
}

func (m equal) match(v feature.Value, _ *moment) verdict {
	if v.Absent() {
		return m.absent
	}
	return of(equalLowered(v.Text(), m.lowered) == (m.absent == no))
}

// oneOf holds if the property's text, lower-cased, is among several.
type oneOf struct {
	lowered []string            // without repetition
	index   map[string]struct{} // the same; nil for few
	longest int                 // length of the longest in lowered
	absent  verdict             // yes for is_not
}

// indexFrom is the number of texts from which looking one up in a map beats
// comparing with each.
const indexFrom = 8

func newOneOf(items []feature.Value, absent verdict) *oneOf {
	m := &oneOf{absent: absent}
	seen := make(map[string]struct{}, len(items))
	for _, item := range items {
		text := lower(item.Text())
		if _, ok := seen[text]; ok {
			continue
		}
		seen[text] = struct{}{}
		m.lowered = append(m.lowered, text)
		m.longest = max(m.longest, len(text))
	}
	if len(seen) >= indexFrom {
		m.index = seen
	}
	return m
}

func (m *oneOf) match(v feature.Value, _ *moment) verdict {
	if v.Absent() {
		return m.absent
	}
	return of(m.contains(v.Text()) == (m.absent == no))
}

// maxIndexed is the longest text that is lower-cased on the stack; a character
// grows by half at most.
const maxIndexed = 128

func (m *oneOf) contains(s string) bool {
	if m.index != nil && len(s) <= maxIndexed {
		var buf [maxIndexed * 3 / 2]byte
		_, ok := m.index[string(appendLower(buf[:0], s))]
		return ok
	}
	// Lower-casing shrinks a text to a third at most: the Kelvin sign's three
	// bytes become one.
	if len(s) > 3*m.longest {
		return false
	}
	for _, text := range m.lowered {
		if equalLowered(s, text) {
			return true
		}
	}
	return false
}

// truth compares as booleans: what people wrote before explicit matching.
type truth struct{ want, negated bool }

func (m truth) match(v feature.Value, _ *moment) verdict {
	if v.Absent() {
		return of(m.negated)
	}
	return of((truthy(v) == m.want) != m.negated)
}

// booleanLike reports whether legacy matching compares v as a boolean.
func booleanLike(v feature.Value) bool {
	switch v.Kind() {
	case feature.KindTrue, feature.KindFalse:
		return true
	case feature.KindText:
		return equalFoldASCII(v.Text(), "true") || equalFoldASCII(v.Text(), "false")
	case feature.KindArray:
		for _, item := range v.Items() {
			if !booleanLike(item) {
				return false
			}
		}
		return true
	}
	return false
}

// truthy reports whether v stands for true. An array does if all its elements
// do, so an empty one too.
func truthy(v feature.Value) bool {
	switch v.Kind() {
	case feature.KindTrue:
		return true
	case feature.KindText:
		return equalFoldASCII(v.Text(), "true")
	case feature.KindArray:
		for _, item := range v.Items() {
			if !truthy(item) {
				return false
			}
		}
		return true
	}
	return false
}

// equalFoldASCII compares s with lowered, which has no upper-case letters,
// folding ASCII letters only.
func equalFoldASCII(s, lowered string) bool {
	return len(s) == len(lowered) && hasPrefixFoldASCII(s, lowered)
}

// lower is the full lower-casing of s without regard to language: that of
// Unicode's SpecialCasing and so of Rust's to_lowercase. It differs from
// strings.ToLower in two letters. A capital sigma at the end of a word becomes
// the final form ς, and İ keeps its dot as a combining character.
func lower(s string) string { return string(appendLower(nil, s)) }

func appendLower(b []byte, s string) []byte {
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			b = append(b, lowerByte(c))
			i++
			continue
		}
		l, n, size := lowerRune(s, i)
		b = append(b, l[:n]...)
		i += size
	}
	return b
}

// equalLowered reports whether lower(s) is lowered, without building it.
func equalLowered(s, lowered string) bool {
	j := 0
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if j == len(lowered) || lowered[j] != lowerByte(c) {
				return false
			}
			i, j = i+1, j+1
			continue
		}
		l, n, size := lowerRune(s, i)
		if len(lowered)-j < n || lowered[j:j+n] != string(l[:n]) {
			return false
		}
		i, j = i+size, j+n
	}
	return j == len(lowered)
}

func lowerByte(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}

// lowerRune lower-cases the character of s at i, which takes size bytes there:
// l[:n] is the result.
func lowerRune(s string, i int) (l [utf8.UTFMax]byte, n, size int) {
	r, size := utf8.DecodeRuneInString(s[i:])
	switch r {
	case 'İ':
		return [utf8.UTFMax]byte{'i', 0xCC, 0x87}, 3, size // i, combining dot above
	case 'Σ':
		r = 'σ'
		if endsWord(s[:i], s[i+size:]) {
			r = 'ς'
		}
	default:
		r = unicode.ToLower(r)
	}
	n = utf8.EncodeRune(l[:], r)
	return l, n, size
}

// endsWord is Unicode's condition Final_Sigma: a letter comes before and none
// after, whatever case-ignorable characters lie between.
func endsWord(before, after string) bool {
	return casedFirst(before, utf8.DecodeLastRuneInString, func(s string, n int) string { return s[:len(s)-n] }) &&
		!casedFirst(after, utf8.DecodeRuneInString, func(s string, n int) string { return s[n:] })
}

// casedFirst reports whether the first character of s that is not
// case-ignorable, in the direction of next and cut, is cased.
func casedFirst(s string, next func(string) (rune, int), cut func(string, int) string) bool {
	for s != "" {
		r, n := next(s)
		if !caseIgnorable(r) {
			return cased(r)
		}
		s = cut(s, n)
	}
	return false
}

// cased is the derived property Cased.
func cased(r rune) bool {
	return unicode.In(r, unicode.Lu, unicode.Ll, unicode.Lt, unicode.Other_Lowercase, unicode.Other_Uppercase)
}

// caseIgnorable is the derived property Case_Ignorable.
func caseIgnorable(r rune) bool {
	return unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk) ||
		strings.ContainsRune("'.:\u00b7\u0387\u055f\u05f4\u2018\u2019\u2024\u2027\ufe13\ufe52\ufe55\uff07\uff0e\uff1a", r)
}
