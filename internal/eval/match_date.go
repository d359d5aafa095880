package eval

import (
	"time"

	"github.com/guidon-flags/guidon/internal/feature"
)

// compileDate compiles the date operators (4.12). A value that is no date makes
// a filter that never matches; it is no error.
func compileDate(op feature.Operator, value feature.Value, loc *time.Location) (matcher, string) {
	const fault = "the value is not a date: the filter never matches"
	d, ok := filterDate(value)
	if !ok {
		return fixed(no), fault
	}
	if d.kind != dateRelative {
		if d.at, ok = d.resolve(loc, time.Time{}); !ok {
			return fixed(no), "the value is a time that clocks skip in the project's time zone: the filter never matches"
		}
		d.kind = dateInstant
	}
	return &dateOrder{op: op, bound: d, location: loc}, ""
}

// dateOrder compares the property's instant with bound, which is an instant or
// relative.
type dateOrder struct {
	op       feature.Operator
	bound    date
	location *time.Location
}

func (m *dateOrder) match(v feature.Value, now *moment) verdict {
	d, ok := propertyDate(v)
	if !ok {
		return no
	}
	t, ok := d.resolve(m.location, now.now)
	if !ok {
		return no
	}
	bound, ok := m.bound.resolve(m.location, now.now)
	if !ok {
		return no
	}
	switch m.op {
	case feature.IsDateBefore:
		return of(t.Before(bound))
	case feature.IsDateAfter:
		return of(t.After(bound))
	}
	return of(t.Equal(bound))
}
