package semver

import "strings"

// Range is the versions that meet a requirement: those from low on that share
// low's first parts, as many as fixed says. Prereleases are in it only beside a
// prerelease low of the same three numbers. It is not changed once made, and
// shares memory with the text that it was read from. The zero value has every
// release; one that comes with false means nothing.
type Range struct {
	low   Version
	fixed int // 0 to 3
}

// Contains reports whether v meets the requirement (4.11).
func (r *Range) Contains(v *Version) bool {
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

// Tilde is ~s: the same major and minor number, and not before s (4.11.1). It
// returns false if s, written without the tilde, is no version.
func Tilde(s string) (r Range, ok bool) {
	v, ok := Parse(s)
	return Range{low: v, fixed: 2}, ok
}

// Caret is ^s: the same numbers up to the first that is not zero, and not before
// s (4.11.1). It returns false if s, written without the caret, is no version.
func Caret(s string) (r Range, ok bool) {
	v, ok := Parse(s)
	return Range{low: v, fixed: caretFixed(v, 3)}, ok
}

// caretFixed is how many numbers of v the caret keeps when v was written with
// parts of them.
func caretFixed(v Version, parts int) int {
	switch {
	case v.major > 0 || parts == 1:
		return 1
	case v.minor > 0 || parts == 2:
		return 2
	}
	return 3
}

// Wildcard reads a requirement like 1.2.* (4.11.2). Without a wildcard it is a
// caret requirement whose missing parts stay open. It returns false for what is
// no requirement.
func Wildcard(s string) (r Range, ok bool) {
	core, suffix := split(s)
	var v Version
	numbers := [3]*uint64{&v.major, &v.minor, &v.patch}
	parts, wild := 0, 0
	for more := true; more; {
		var part string
		part, core, more = strings.Cut(core, ".")
		if parts+wild == len(numbers) {
			return Range{}, false
		}
		if part == "*" || part == "x" || part == "X" {
			wild++
			continue
		}
		n, ok := parsePart(part)
		if !ok || wild > 0 {
			return Range{}, false
		}
		*numbers[parts] = n
		parts++
	}
	if parts < len(numbers) {
		if suffix != "" || parts == 0 && wild > 1 {
			return Range{}, false
		}
		if wild > 0 {
			return Range{low: v, fixed: parts}, true
		}
		return Range{low: v, fixed: caretFixed(v, parts)}, true
	}
	v.pre, v.build, ok = parseSuffix(suffix)
	return Range{low: v, fixed: caretFixed(v, parts)}, ok
}
