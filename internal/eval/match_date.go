package eval

import (
	"time"

	"github.com/guidon-flags/guidon/internal/dates"
	"github.com/guidon-flags/guidon/internal/feature"
)

// ParseDate reads v as the date operators do (4.12): as a filter's value if
// filterSide, as a property otherwise. Relative dates count back from now; wall
// clock times and relative dates are those of loc (nil: UTC). ok is false for
// what is no date.
func ParseDate(v feature.Value, filterSide bool, loc *time.Location, now time.Time) (t time.Time, ok bool) {
	if loc == nil {
		loc = time.UTC
	}
	d, ok := propertyDate(v)
	if filterSide {
		d, ok = filterDate(v)
	}
	if !ok {
		return time.Time{}, false
	}
	return d.Resolve(loc, now)
}

// filterDate reads the value of a filter, which must be a text.
func filterDate(v feature.Value) (dates.Date, bool) {
	if v.Kind() != feature.KindText {
		return dates.Date{}, false
	}
	return dates.Parse(v.Text())
}

// propertyDate reads a property: a number, also as text, counts seconds since
// 1970; other texts are read as in filters.
func propertyDate(v feature.Value) (dates.Date, bool) {
	if seconds, ok := parseNumber(v); ok {
		t, ok := dates.Unix(seconds)
		return dates.At(t), ok
	}
	return filterDate(v)
}

// compileDate compiles the date operators (4.12). A value that is no date makes
// a filter that never matches; it is no error.
func compileDate(op feature.Operator, value feature.Value, loc *time.Location) (matcher, string) {
	const fault = "the value is not a date: the filter never matches"
	d, ok := filterDate(value)
	if !ok {
		return fixed(no), fault
	}
	if !d.Relative() {
		t, ok := d.Resolve(loc, time.Time{})
		if !ok {
			return fixed(no), "the value is a time that clocks skip in the project's time zone: the filter never matches"
		}
		d = dates.At(t)
	}
	return &dateOrder{op: op, bound: d, location: loc}, ""
}

// dateOrder compares the property's instant with bound, which is an instant or
// relative.
type dateOrder struct {
	op       feature.Operator
	bound    dates.Date
	location *time.Location
}

func (m *dateOrder) match(v feature.Value, now *moment) verdict {
	d, ok := propertyDate(v)
	if !ok {
		return no
	}
	t, ok := d.Resolve(m.location, now.now)
	if !ok {
		return no
	}
	bound, ok := m.bound.Resolve(m.location, now.now)
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
