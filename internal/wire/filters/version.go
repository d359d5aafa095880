package filters

import (
	"strconv"
	"strings"
)

// validVersion reports whether s can be read as a semantic version (4.10). The
// order of versions is the evaluator's business.
func validVersion(s string) bool {
	s = strings.TrimSpace(strings.TrimPrefix(s, "v"))
	core, suffix := s, ""
	if i := strings.IndexAny(s, "-+"); i >= 0 {
		core, suffix = s[:i], s[i:]
	}
	parts := strings.Split(core, ".")
	if len(parts) > 3 {
		return false
	}
	for _, p := range parts {
		if !isDigits(p) {
			return false
		}
		if p = strings.TrimLeft(p, "0"); p == "" {
			continue
		}
		if _, err := strconv.ParseUint(p, 10, 64); err != nil {
			return false
		}
	}
	rest, build, hasBuild := strings.Cut(suffix, "+")
	if hasBuild && !validIdentifiers(build, true) {
		return false
	}
	pre, hasPre := strings.CutPrefix(rest, "-")
	return !hasPre || validIdentifiers(pre, false)
}

// validIdentifiers checks the dot-separated identifiers of a prerelease or
// build suffix. Only in the latter may numbers have leading zeros.
func validIdentifiers(s string, leadingZeros bool) bool {
	for _, id := range strings.Split(s, ".") {
		if id == "" || !leadingZeros && len(id) > 1 && id[0] == '0' && isDigits(id) {
			return false
		}
		for i := 0; i < len(id); i++ {
			if !isAlphanumeric(id[i]) && id[i] != '-' {
				return false
			}
		}
	}
	return true
}

// isDigits reports whether s is one or more ASCII digits.
func isDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
