package eval

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/guidon-flags/guidon/internal/feature"
)

// version is a SemVer 2.0 version. Its texts share memory with what was parsed.
type version struct {
	major, minor, patch uint64
	pre                 string // identifiers of the prerelease; empty: a release
	build               string // build metadata; empty: none
}

// ParseVersion reads s as the semver operators do (4.10.1) and returns it in
// full: three numbers, prerelease and build. A leading v, missing parts and
// leading zeros are understood; ok is false for what is no version even so.
func ParseVersion(s string) (canonical string, ok bool) {
	v, ok := parseVersion(s)
	if !ok {
		return "", false
	}
	b := strconv.AppendUint(nil, v.major, 10)
	b = strconv.AppendUint(append(b, '.'), v.minor, 10)
	b = strconv.AppendUint(append(b, '.'), v.patch, 10)
	if v.pre != "" {
		b = append(append(b, '-'), v.pre...)
	}
	if v.build != "" {
		b = append(append(b, '+'), v.build...)
	}
	return string(b), true
}

// versionText prepares the text of a version or requirement: one leading v and
// white space around the rest are dropped.
func versionText(s string) string { return strings.TrimSpace(strings.TrimPrefix(s, "v")) }

func parseVersion(s string) (v version, ok bool) {
	s = versionText(s)
	core, suffix := s, ""
	if i := strings.IndexAny(s, "-+"); i >= 0 {
		core, suffix = s[:i], s[i:]
	}
	parts := [3]*uint64{&v.major, &v.minor, &v.patch}
	for i, more := 0, true; more; i++ {
		var part string
		part, core, more = strings.Cut(core, ".")
		if i == len(parts) {
			return version{}, false
		}
		if *parts[i], ok = parsePart(part); !ok {
			return version{}, false
		}
	}
	v.pre, v.build, ok = parseSuffix(suffix)
	return v, ok
}

// parsePart reads one number of a version; leading zeros do not count.
func parsePart(s string) (uint64, bool) {
	if s == "" || countDigits(s) != len(s) {
		return 0, false
	}
	const limit = 1<<64 - 1
	n := uint64(0)
	for i := 0; i < len(s); i++ {
		d := uint64(s[i] - '0')
		if n > (limit-d)/10 {
			return 0, false
		}
		n = n*10 + d
	}
	return n, true
}

// parseSuffix splits what follows the numbers: "", "-pre", "+build" or
// "-pre+build".
func parseSuffix(s string) (pre, build string, ok bool) {
	if s == "" {
		return "", "", true
	}
	pre, build, hasBuild := strings.Cut(s, "+")
	if pre != "" { // it begins with the hyphen
		pre = pre[1:]
		if !validIdentifiers(pre, false) {
			return "", "", false
		}
	}
	if hasBuild && !validIdentifiers(build, true) {
		return "", "", false
	}
	return pre, build, true
}

// validIdentifiers checks identifiers separated by dots. Numeric ones may begin
// with a zero only where leadingZeros says so.
func validIdentifiers(s string, leadingZeros bool) bool {
	for more := true; more; {
		var id string
		id, s, more = strings.Cut(s, ".")
		if id == "" {
			return false
		}
		for i := 0; i < len(id); i++ {
			if c := lowerByte(id[i]); !isDigit(c) && (c < 'a' || c > 'z') && c != '-' {
				return false
			}
		}
		if !leadingZeros && len(id) > 1 && id[0] == '0' && countDigits(id) == len(id) {
			return false
		}
	}
	return true
}

// compare orders versions: by number, releases after their prereleases, and
// last by build metadata (4.10.3).
func (v *version) compare(w *version) int {
	if c := v.compareCore(w); c != 0 {
		return c
	}
	if c := comparePrerelease(v.pre, w.pre); c != 0 {
		return c
	}
	return compareIdentifiers(v.build, w.build)
}

func (v *version) compareCore(w *version) int {
	if c := cmp.Compare(v.major, w.major); c != 0 {
		return c
	}
	if c := cmp.Compare(v.minor, w.minor); c != 0 {
		return c
	}
	return cmp.Compare(v.patch, w.patch)
}

func comparePrerelease(a, b string) int {
	switch {
	case a == b:
		return 0
	case a == "":
		return 1
	case b == "":
		return -1
	}
	return compareIdentifiers(a, b)
}

// compareIdentifiers compares from left to right; if one list ends before they
// differ it is the smaller one.
func compareIdentifiers(a, b string) int {
	for a != "" && b != "" {
		var x, y string
		x, a, _ = strings.Cut(a, ".")
		y, b, _ = strings.Cut(b, ".")
		if c := compareIdentifier(x, y); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}

// compareIdentifier puts numeric identifiers before others and compares them as
// numbers of any size, others as text. Of numerically equal ones, which only
// build metadata can have, the one with fewer zeros comes first.
func compareIdentifier(x, y string) int {
	numericX, numericY := countDigits(x) == len(x), countDigits(y) == len(y)
	switch {
	case numericX != numericY && numericX:
		return -1
	case numericX != numericY:
		return 1
	case !numericX:
		return strings.Compare(x, y)
	}
	valueX, valueY := strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
	if c := cmp.Compare(len(valueX), len(valueY)); c != 0 {
		return c
	}
	if c := strings.Compare(valueX, valueY); c != 0 {
		return c
	}
	return cmp.Compare(len(x), len(y))
}

// span is a range of versions: those from low on that share low's first parts,
// as many as fixed says. Prereleases are in it only beside a prerelease low of
// the same three numbers.
type span struct {
	low   version
	fixed int // 0 to 3
}

func (r *span) contains(v *version) bool {
	if r.fixed > 0 && v.major != r.low.major ||
		r.fixed > 1 && v.minor != r.low.minor ||
		r.fixed > 2 && v.patch != r.low.patch {
		return false
	}
	core := v.compareCore(&r.low)
	if v.pre != "" && (r.low.pre == "" || core != 0) {
		return false
	}
	return core > 0 || core == 0 && comparePrerelease(v.pre, r.low.pre) >= 0
}

// tildeSpan is ~a.b.c: the same major and minor number.
func tildeSpan(s string) (span, bool) {
	v, ok := parseVersion(s)
	return span{low: v, fixed: 2}, ok
}

// caretSpan is ^a.b.c: the same numbers up to the first that is not zero.
func caretSpan(s string) (span, bool) {
	v, ok := parseVersion(s)
	return span{low: v, fixed: caretFixed(v, 3)}, ok
}

// caretFixed is how many numbers of v the caret keeps when v was written with
// parts of them.
func caretFixed(v version, parts int) int {
	switch {
	case v.major > 0 || parts == 1:
		return 1
	case v.minor > 0 || parts == 2:
		return 2
	}
	return 3
}

// wildcardSpan reads a requirement like 1.2.* (4.11.2). Without a wildcard it
// is a caret requirement whose missing parts stay open.
func wildcardSpan(s string) (span, bool) {
	s = versionText(s)
	core, suffix := s, ""
	if i := strings.IndexAny(s, "-+"); i >= 0 {
		core, suffix = s[:i], s[i:]
	}
	var v version
	numbers := [3]*uint64{&v.major, &v.minor, &v.patch}
	parts, wild := 0, 0
	for more := true; more; {
		var part string
		part, core, more = strings.Cut(core, ".")
		if parts+wild == len(numbers) {
			return span{}, false
		}
		if part == "*" || part == "x" || part == "X" {
			wild++
			continue
		}
		n, ok := parsePart(part)
		if !ok || wild > 0 {
			return span{}, false
		}
		*numbers[parts] = n
		parts++
	}
	if parts < len(numbers) {
		if suffix != "" || parts == 0 && wild > 1 {
			return span{}, false
		}
		if wild > 0 {
			return span{low: v, fixed: parts}, true
		}
		return span{low: v, fixed: caretFixed(v, parts)}, true
	}
	var ok bool
	v.pre, v.build, ok = parseSuffix(suffix)
	return span{low: v, fixed: caretFixed(v, parts)}, ok
}

// spanOf reads the requirement of a range operator.
func spanOf(op feature.Operator, s string) (span, bool) {
	switch op {
	case feature.SemverTilde:
		return tildeSpan(s)
	case feature.SemverCaret:
		return caretSpan(s)
	}
	return wildcardSpan(s)
}
