package eval

import (
	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/semver"
)

// compileVersion compiles the comparisons of versions (4.10).
func compileVersion(op feature.Operator, value feature.Value) (matcher, string) {
	v, ok := semver.Parse(value.Text())
	if !ok {
		return needsVersion{}, "the value to compare with is not a version"
	}
	return &versionOrder{op: op, bound: v}, ""
}

// versionOrder compares the property's version with bound. What is not a
// version, or not set, never matches: not even semver_neq.
type versionOrder struct {
	op    feature.Operator
	bound semver.Version
}

func (m *versionOrder) match(p feature.Value, _ *moment) verdict {
	v, ok := propertyVersion(p)
	if !ok {
		return no
	}
	c := v.Compare(&m.bound)
	switch m.op {
	case feature.SemverEQ:
		return of(c == 0)
	case feature.SemverNEQ:
		return of(c != 0)
	case feature.SemverGT:
		return of(c > 0)
	case feature.SemverGTE:
		return of(c >= 0)
	case feature.SemverLT:
		return of(c < 0)
	}
	return of(c <= 0)
}

// compileVersionRange compiles semver_tilde, semver_caret and semver_wildcard
// (4.11).
func compileVersionRange(op feature.Operator, value feature.Value) (matcher, string) {
	r, ok := versionRequirement(op, value.Text())
	if !ok {
		return needsVersion{}, "the value is not a version requirement"
	}
	return &versionRange{r}, ""
}

// versionRequirement reads the value of a range operator.
func versionRequirement(op feature.Operator, s string) (semver.Range, bool) {
	switch op {
	case feature.SemverTilde:
		return semver.Tilde(s)
	case feature.SemverCaret:
		return semver.Caret(s)
	}
	return semver.Wildcard(s)
}

// versionRange holds if the property's version lies in a range.
type versionRange struct{ semver.Range }

func (m *versionRange) match(p feature.Value, _ *moment) verdict {
	v, ok := propertyVersion(p)
	return of(ok && m.Contains(&v))
}

// needsVersion stands for a comparison whose filter is no version: an error,
// but only once the property is one.
type needsVersion struct{}

func (needsVersion) match(p feature.Value, _ *moment) verdict {
	if _, ok := propertyVersion(p); !ok {
		return no
	}
	return verdictInvalid
}

// propertyVersion reads any value's text form as a version; an absent one has
// none.
func propertyVersion(p feature.Value) (semver.Version, bool) { return semver.Parse(p.Text()) }
