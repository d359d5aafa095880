package eval

import (
	"errors"
	"time"

	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/pattern"
)

// matcher is a property filter's comparison with everything parsed that does
// not depend on the request. It is immutable and may be used by any number of
// goroutines.
//
// match compares v, the property's value; an absent v means that the property
// is not set. Whoever only knows some of the properties has to tell apart "not
// set" and "not known" before (4.1.2).
type matcher interface {
	match(v feature.Value, m *moment) verdict
}

// verdict is what a comparison came to.
type verdict uint8

// The verdicts. All from verdictMissing on are errors: no match in v1
// conditions, a failure in rules v2.
const (
	no verdict = iota
	yes

	// verdictPattern: the filter's pattern is invalid. That is a plain no for
	// both operators (4.7.2), not an error; it is told apart for explanations.
	// Rules v2, where it is an error, ask patternFault before.
	verdictPattern

	verdictMissing // the property is not known (partial mode)
	verdictInvalid // value or filter is nothing that the operator can work on
	verdictBudget  // the pattern took too many steps on this value
)

// isError reports whether v is an operator error.
func (v verdict) isError() bool { return v > verdictPattern }

// String says in words what v is, for explanations.
func (v verdict) String() string {
	switch v {
	case no:
		return "no match"
	case yes:
		return "match"
	case verdictPattern:
		return pattern.ErrInvalid.Error()
	}
	return v.err().Error()
}

// err returns the error that v stands for, nil if it is none.
func (v verdict) err() error {
	switch v {
	case no, yes, verdictPattern:
		return nil
	case verdictMissing:
		return ErrMissingProperty
	case verdictBudget:
		return ErrPatternBudget
	}
	return ErrInvalidProperty
}

// of turns a comparison's outcome into a verdict.
func of(b bool) verdict {
	if b {
		return yes
	}
	return no
}

// moment is what a comparison may depend on besides the value: the request's
// time. It belongs to one request.
type moment struct {
	now time.Time
}

// matchOptions are the project's settings that comparisons depend on.
type matchOptions struct {
	explicit bool           // exact compares booleans by their text (4.3)
	location *time.Location // the project's time zone; nil: UTC
}

// The errors of MatchProperty.
var (
	ErrMissingProperty = errors.New("the property is not known")
	ErrInvalidProperty = errors.New("the operator cannot work on this value or filter")
	ErrPatternBudget   = pattern.ErrBudget
)

// compileMatcher turns the comparison of p into a matcher. It always returns
// one: what cannot be compiled matches as the rules say, mostly never, and
// fault is then a sentence for the filter's author; otherwise fault is empty.
// The filter's Type and Negation are the caller's business.
func compileMatcher(p feature.Property, o matchOptions) (m matcher, fault string) {
	if o.location == nil {
		o.location = time.UTC
	}
	switch p.Operator {
	case feature.IsSet:
		return presence{absent: no, present: yes}, ""
	case feature.IsNotSet:
		return presence{absent: yes, present: no}, ""
	}
	if p.Value.Absent() || p.Value.Kind() == feature.KindNull {
		return fixed(no), "" // 4.1.4: negative operators too
	}
	switch p.Operator {
	case feature.Exact, feature.IsNot:
		return compileExact(p.Value, o.explicit, p.Operator == feature.IsNot), ""
	case feature.IContains, feature.NotIContains, feature.StartsWith, feature.NotStartsWith,
		feature.EndsWith, feature.NotEndsWith, feature.IContainsMulti, feature.NotIContainsMulti:
		return compileText(p.Operator, p.Value), ""
	case feature.Regex, feature.NotRegex:
		return compileRegex(p.Value.Text(), p.Operator == feature.NotRegex)
	case feature.GT, feature.GTE, feature.LT, feature.LTE:
		return compileNumber(p.Operator, p.Value)
	case feature.Between, feature.NotBetween:
		return compileRange(p.Value, p.Operator == feature.NotBetween)
	case feature.SemverEQ, feature.SemverNEQ, feature.SemverGT, feature.SemverGTE, feature.SemverLT, feature.SemverLTE:
		return compileVersion(p.Operator, p.Value)
	case feature.SemverTilde, feature.SemverCaret, feature.SemverWildcard:
		return compileVersionRange(p.Operator, p.Value)
	case feature.IsDateExact, feature.IsDateBefore, feature.IsDateAfter:
		return compileDate(p.Operator, p.Value, o.location)
	}
	return fixed(verdictInvalid), "operator " + string(p.Operator) + " does not compare properties" // 4.13
}

// patternFault reports whether m is a comparison with an invalid pattern.
// Rules v2 fail on that before they look at anything else (10.7).
func patternFault(m matcher) bool {
	_, ok := m.(invalidPattern)
	return ok
}

// presence comes to a verdict by whether the property is set, as is_set and
// is_not_set do.
type presence struct{ absent, present verdict }

func (m presence) match(v feature.Value, _ *moment) verdict {
	if v.Absent() {
		return m.absent
	}
	return m.present
}

// fixed comes to the same verdict whatever the value is.
type fixed verdict

func (m fixed) match(feature.Value, *moment) verdict { return verdict(m) }

// MatchProperty compares the property that p reads among props, by its lookup
// key. With partial, props is known to be incomplete, and a property that is
// not in it is an ErrMissingProperty; otherwise it is simply not set. explicit
// and loc (nil: UTC) are the project's settings, now is the time that relative
// dates count from. The other errors are ErrInvalidProperty and
// ErrPatternBudget; the result is false then. An invalid pattern is no error
// here (4.7.2). p's Type counts only for the lookup key, Negation not at all.
//
// MatchProperty compiles p each time. It is for checks and tests; decisions
// use a Program.
func MatchProperty(p feature.Property, props map[string]feature.Value, partial, explicit bool, loc *time.Location, now time.Time) (bool, error) {
	v := props[p.LookupKey()]
	if partial && v.Absent() {
		return false, ErrMissingProperty
	}
	m, _ := compileMatcher(p, matchOptions{explicit: explicit, location: loc})
	r := m.match(v, &moment{now: now})
	return r == yes, r.err()
}
