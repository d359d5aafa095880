// Package semver reads and orders semantic versions and the requirements that
// versions can be held against.
//
// It is more tolerant than SemVer 2.0 in what it reads, and it has an order for
// build metadata: the rules are in docs/evaluation.md, whose sections comments
// cite ("4.10.1"). What a filter makes of a text that is no version is for
// package eval.
//
// The package only computes. Its functions may be called concurrently and do
// not allocate, save for String.
package semver

import (
	"cmp"
	"strconv"
	"strings"
)

// Version is a SemVer 2.0 version. It is not changed once made, and shares
// memory with the text that it was parsed from. The zero value is 0.0.0.
type Version struct {
	major, minor, patch uint64
	pre                 string // identifiers of the prerelease; empty: a release
	build               string // build metadata; empty: none
}

// Parse reads s (4.10.1): a leading v, white space around the rest, missing
// parts and leading zeros are understood. It returns false for what is no
// version even so; v is then zero.
func Parse(s string) (v Version, ok bool) {
	core, suffix := split(s)
	parts := [3]*uint64{&v.major, &v.minor, &v.patch}
	for i, more := 0, true; more; i++ {
		var part string
		part, core, more = strings.Cut(core, ".")
		if i == len(parts) {
			return Version{}, false
		}
		if *parts[i], ok = parsePart(part); !ok {
			return Version{}, false
		}
	}
	if v.pre, v.build, ok = parseSuffix(suffix); !ok {
		return Version{}, false
	}
	return v, true
}

// String returns v in full: three numbers, prerelease and build. Parse reads it
// back.
func (v *Version) String() string {
	b := strconv.AppendUint(nil, v.major, 10)
	b = strconv.AppendUint(append(b, '.'), v.minor, 10)
	b = strconv.AppendUint(append(b, '.'), v.patch, 10)
	if v.pre != "" {
		b = append(append(b, '-'), v.pre...)
	}
	if v.build != "" {
		b = append(append(b, '+'), v.build...)
	}
	return string(b)
}

// split drops what the text of a version or requirement may have around it, one
// leading v and then white space, and cuts it before prerelease and build.
func split(s string) (core, suffix string) {
	s = strings.TrimSpace(strings.TrimPrefix(s, "v"))
	if i := strings.IndexAny(s, "-+"); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
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
			if c := id[i]; !isDigit(c) && !isLetter(c) && c != '-' {
				return false
			}
		}
		if !leadingZeros && len(id) > 1 && id[0] == '0' && countDigits(id) == len(id) {
			return false
		}
	}
	return true
}

// Compare returns a negative number if v comes before w, 0 if they are equal and
// a positive number if v comes after w (4.10.3): by number, releases after their
// prereleases, and last by build metadata.
func (v *Version) Compare(w *Version) int {
	if c := v.compareCore(w); c != 0 {
		return c
	}
	if c := comparePrerelease(v.pre, w.pre); c != 0 {
		return c
	}
	return compareIdentifiers(v.build, w.build)
}

func (v *Version) compareCore(w *Version) int {
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

// countDigits is the number of ASCII digits that s begins with.
func countDigits(s string) int {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return n
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isLetter(c byte) bool {
	c |= 0x20
	return 'a' <= c && c <= 'z'
}
