package eval

import (
	"math"
	"strconv"

	"github.com/guidon-flags/guidon/internal/feature"
)

// compileNumber compiles gt, gte, lt and lte (4.8).
func compileNumber(op feature.Operator, value feature.Value) (matcher, string) {
	bound, ok := parseNumber(value)
	if !ok {
		// An error, but only once the property is set.
		return presence{absent: no, present: verdictInvalid}, "the value to compare with is not a number"
	}
	return order{op: op, bound: bound}, ""
}

// order compares the property's number with bound.
type order struct {
	op    feature.Operator
	bound float64
}

func (m order) match(v feature.Value, _ *moment) verdict {
	if v.Absent() {
		return no
	}
	x, ok := parseNumber(v)
	if !ok {
		return verdictInvalid
	}
	switch m.op { // all are false for NaN
	case feature.GT:
		return of(x > m.bound)
	case feature.GTE:
		return of(x >= m.bound)
	case feature.LT:
		return of(x < m.bound)
	}
	return of(x <= m.bound)
}

// compileRange compiles between and not_between (4.9). A value that is no range
// is an error whether or not the property is set.
func compileRange(value feature.Value, negated bool) (matcher, string) {
	items := value.Items()
	if len(items) != 2 {
		return fixed(verdictInvalid), "the value must be an array of two numbers"
	}
	low, okLow := parseNumber(items[0])
	high, okHigh := parseNumber(items[1])
	switch {
	case !okLow || !okHigh || math.IsNaN(low) || math.IsNaN(high):
		return fixed(verdictInvalid), "the value must be an array of two numbers"
	case low > high:
		return fixed(verdictInvalid), "the first number of the range must not exceed the second"
	}
	return within{low: low, high: high, negated: negated}, ""
}

// within holds if the property's number lies from low to high, both included.
type within struct {
	low, high float64
	negated   bool
}

func (m within) match(v feature.Value, _ *moment) verdict {
	x, ok := parseNumber(v)
	if !ok {
		return of(m.negated) // absent, null and what is no number lie outside
	}
	if math.IsNaN(x) {
		return no // neither inside nor outside
	}
	return of((m.low <= x && x <= m.high) != m.negated)
}

// parseNumber reads a number or the text of one (4.8). Other kinds are not
// numbers.
func parseNumber(v feature.Value) (float64, bool) {
	switch v.Kind() {
	case feature.KindNumber, feature.KindText:
		return parseDecimal(v.Text())
	}
	return 0, false
}

// parseDecimal reads an optional sign followed by digits with an optional point
// and an optional exponent, or by inf, infinity or nan in any case. Numbers out
// of range become infinite or zero.
func parseDecimal(s string) (float64, bool) {
	if !isDecimal(s) {
		return 0, false
	}
	if last := s[len(s)-1]; last == 'n' || last == 'N' {
		return math.NaN(), true // strconv takes no sign before it
	}
	// All that can be wrong now is the range, for which f is as wanted.
	f, _ := strconv.ParseFloat(s, 64)
	return f, true
}

func isDecimal(s string) bool {
	if s != "" && (s[0] == '+' || s[0] == '-') {
		s = s[1:]
	}
	whole := countDigits(s)
	rest := s[whole:]
	fraction := 0
	if rest != "" && rest[0] == '.' {
		fraction = countDigits(rest[1:])
		rest = rest[1+fraction:]
	}
	if whole+fraction == 0 {
		return equalFoldASCII(s, "inf") || equalFoldASCII(s, "infinity") || equalFoldASCII(s, "nan")
	}
	if rest == "" {
		return true
	}
	if rest[0] != 'e' && rest[0] != 'E' {
		return false
	}
	rest = rest[1:]
	if rest != "" && (rest[0] == '+' || rest[0] == '-') {
		rest = rest[1:]
	}
	return rest != "" && countDigits(rest) == len(rest)
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
