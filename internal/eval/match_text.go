package eval

import (
	"strings"

	"github.com/guidon-flags/guidon/internal/feature"
)

// compileText compiles the operators that look for a text within the
// property's text, ignoring the case of ASCII letters only (4.4, 4.5). An array
// is its JSON text but for the multi operators, which look for each element.
func compileText(op feature.Operator, value feature.Value) matcher {
	switch op {
	case feature.StartsWith:
		return prefix{lowerASCII(value.Text()), no}
	case feature.NotStartsWith:
		return prefix{lowerASCII(value.Text()), yes}
	case feature.EndsWith:
		return suffix{lowerASCII(value.Text()), no}
	case feature.NotEndsWith:
		return suffix{lowerASCII(value.Text()), yes}
	case feature.IContains:
		return contains{newNeedle(value.Text()), no}
	case feature.NotIContains:
		return contains{newNeedle(value.Text()), yes}
	}
	items := []feature.Value{value}
	if value.Kind() == feature.KindArray {
		items = value.Items()
	}
	needles := make([]needle, len(items))
	for i, item := range items {
		needles[i] = newNeedle(item.Text())
	}
	return containsAny{needles, of(op == feature.NotIContainsMulti)}
}

// The matchers of this file share the field absent: the verdict for a property
// that is not set, yes for the negative operator and no otherwise.

type prefix struct {
	lowered string
	absent  verdict
}

func (m prefix) match(v feature.Value, _ *moment) verdict {
	if v.Absent() {
		return m.absent
	}
	return of(hasPrefixFoldASCII(v.Text(), m.lowered) == (m.absent == no))
}

type suffix struct {
	lowered string
	absent  verdict
}

func (m suffix) match(v feature.Value, _ *moment) verdict {
	if v.Absent() {
		return m.absent
	}
	s := v.Text()
	held := len(s) >= len(m.lowered) && hasPrefixFoldASCII(s[len(s)-len(m.lowered):], m.lowered)
	return of(held == (m.absent == no))
}

type contains struct {
	needle
	absent verdict
}

func (m contains) match(v feature.Value, _ *moment) verdict {
	if v.Absent() {
		return m.absent
	}
	return of(m.in(v.Text()) == (m.absent == no))
}

type containsAny struct {
	needles []needle
	absent  verdict
}

func (m containsAny) match(v feature.Value, _ *moment) verdict {
	if v.Absent() {
		return m.absent
	}
	s := v.Text()
	held := false
	for i := range m.needles {
		if m.needles[i].in(s) {
			held = true
			break
		}
	}
	return of(held == (m.absent == no))
}

// needle is a text to be found in others, prepared for the search of Knuth,
// Morris and Pratt: its time is linear in the subject, which comes from the
// outside and may be long.
type needle struct {
	lowered string
	back    []int32 // back[i]: length of the longest proper border of lowered[:i+1]; nil if the text has no letters
}

func newNeedle(s string) needle {
	n := needle{lowered: lowerASCII(s)}
	if !strings.ContainsFunc(n.lowered, func(r rune) bool { return 'a' <= r && r <= 'z' }) {
		return n
	}
	n.back = make([]int32, len(s))
	for i, j := 1, int32(0); i < len(s); i++ {
		for j > 0 && n.lowered[i] != n.lowered[j] {
			j = n.back[j-1]
		}
		if n.lowered[i] == n.lowered[j] {
			j++
		}
		n.back[i] = j
	}
	return n
}

// in reports whether s contains the needle.
func (n *needle) in(s string) bool {
	if n.back == nil {
		return strings.Contains(s, n.lowered) // nothing to fold
	}
	if len(s) < len(n.lowered) {
		return false
	}
	j := 0
	for i := 0; i < len(s); i++ {
		c := lowerByte(s[i])
		for j > 0 && n.lowered[j] != c {
			j = int(n.back[j-1])
		}
		if n.lowered[j] == c {
			j++
		}
		if j == len(n.lowered) {
			return true
		}
	}
	return false
}

// lowerASCII lower-cases the ASCII letters of s and leaves all others.
func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		b[i] = lowerByte(c)
	}
	return string(b)
}

// hasPrefixFoldASCII reports whether s begins with lowered when its ASCII
// letters are lower-cased.
func hasPrefixFoldASCII(s, lowered string) bool {
	if len(s) < len(lowered) {
		return false
	}
	for i := 0; i < len(lowered); i++ {
		if lowerByte(s[i]) != lowered[i] {
			return false
		}
	}
	return true
}
