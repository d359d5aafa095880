package eval

import (
	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/pattern"
)

// compileRegex compiles regex and not_regex (4.7).
func compileRegex(source string, negated bool) (matcher, string) {
	p, err := pattern.Compile(source)
	if err != nil {
		return invalidPattern{absent: of(negated)}, err.Error()
	}
	return &search{pattern: *p, absent: of(negated)}, ""
}

// search holds if the pattern occurs in the property's text.
type search struct {
	pattern pattern.Pattern
	absent  verdict // yes for not_regex
}

func (m *search) match(v feature.Value, _ *moment) verdict {
	if v.Absent() {
		return m.absent
	}
	found, err := m.pattern.Match(v.Text())
	if err != nil {
		return verdictBudget
	}
	return of(found == (m.absent == no))
}

// invalidPattern stands for a search with a pattern that is none. It matches
// nothing that is set, not even for not_regex.
type invalidPattern struct{ absent verdict }

func (m invalidPattern) match(v feature.Value, _ *moment) verdict {
	if v.Absent() {
		return m.absent
	}
	return verdictPattern
}
