package eval

import (
	"math"
	"time"

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
	return d.resolve(loc, now)
}

// date is a parsed date that may still depend on the time zone and on now.
type date struct {
	kind dateKind
	at   time.Time // dateInstant: the instant; dateWall: the wall clock, written as UTC
	back int       // dateRelative: so many units before now
	unit byte      // dateRelative: one of h d w m y
}

type dateKind uint8

const (
	dateInstant dateKind = iota
	dateWall
	dateRelative
)

// resolve finds the instant of d. It fails for wall clock times that do not
// exist in loc.
func (d *date) resolve(loc *time.Location, now time.Time) (time.Time, bool) {
	switch d.kind {
	case dateWall:
		return wallToInstant(d.at, loc)
	case dateRelative:
		return wallToInstant(goBack(instantToWall(now, loc), d.back, d.unit), loc)
	}
	return d.at, true
}

// filterDate reads the value of a filter, which must be a text.
func filterDate(v feature.Value) (date, bool) {
	if v.Kind() != feature.KindText {
		return date{}, false
	}
	return parseDate(v.Text())
}

// propertyDate reads a property: a number, also as text, counts seconds since
// 1970; other texts are read as in filters.
func propertyDate(v feature.Value) (date, bool) {
	if seconds, ok := parseNumber(v); ok {
		t, ok := fromUnix(seconds)
		return date{at: t}, ok
	}
	return filterDate(v)
}

// The first and last second that a date may have, as in the reference: from
// year −262143 to year 262142.
const (
	minUnix = -8334601228800
	maxUnix = 8210266876799
)

// fromUnix converts seconds since 1970. The fraction counts in whole
// nanoseconds; before 1970 it is dropped after flooring.
func fromUnix(seconds float64) (time.Time, bool) {
	whole := math.Floor(seconds)
	if !(minUnix <= whole && whole <= maxUnix) { // NaN too
		return time.Time{}, false
	}
	nanos := 0.0
	if seconds > 0 {
		nanos = math.Round((seconds - whole) * 1e9)
	}
	return time.Unix(int64(whole), int64(nanos)).UTC(), true
}

// parseDate reads a text in the first form of 4.12 that applies.
func parseDate(s string) (date, bool) {
	if d, ok := parseRelative(s); ok {
		return d, true
	}
	if t, ok := parseUnixDigits(s); ok {
		return date{at: t}, true
	}
	if d, ok := parseISO(s); ok {
		return d, true
	}
	if t, ok := parseMail(s); ok {
		return date{at: t}, true
	}
	return date{}, false
}

// relativeLimit is the first number that is too large for a relative date.
const relativeLimit = 10_000

// parseRelative reads an optional minus sign, digits and a unit. With or
// without the sign it is in the past.
func parseRelative(s string) (date, bool) {
	if s != "" && s[0] == '-' {
		s = s[1:]
	}
	n := countDigits(s)
	if n == 0 || n != len(s)-1 {
		return date{}, false
	}
	switch s[n] {
	case 'h', 'd', 'w', 'm', 'y':
	default:
		return date{}, false
	}
	back := 0
	for i := 0; i < n; i++ {
		back = back*10 + int(s[i]-'0')
		if back >= relativeLimit {
			return date{}, false
		}
	}
	return date{kind: dateRelative, back: back, unit: s[n]}, true
}

// parseUnixDigits reads ten digits as seconds and thirteen as milliseconds
// since 1970.
func parseUnixDigits(s string) (time.Time, bool) {
	if len(s) != 10 && len(s) != 13 || countDigits(s) != len(s) {
		return time.Time{}, false
	}
	n := int64(0)
	for i := 0; i < len(s); i++ {
		n = n*10 + int64(s[i]-'0')
	}
	if len(s) == 10 {
		return time.Unix(n, 0).UTC(), true
	}
	return time.UnixMilli(n).UTC(), true
}

// goBack subtracts n units from a wall clock time. Hours, days and weeks have
// fixed lengths. Months go one at a time and shorten the day to the month's
// length at each step, so that it stays short; years do so for 29 February.
func goBack(wall time.Time, n int, unit byte) time.Time {
	switch unit {
	case 'h':
		return wall.Add(-time.Duration(n) * time.Hour)
	case 'd':
		return wall.AddDate(0, 0, -n)
	case 'w':
		return wall.AddDate(0, 0, -7*n)
	}
	year, month, day := wall.Date()
	if unit == 'y' {
		year -= n
		// One year at a time, 29 February becomes 28 at the first step.
		if n > 0 && month == time.February && day == 29 {
			day = 28
		}
	} else {
		for range n {
			if month--; month == 0 {
				year, month = year-1, time.December
			}
			day = min(day, daysIn(year, month))
		}
	}
	hour, minute, second := wall.Clock()
	return time.Date(year, month, day, hour, minute, second, wall.Nanosecond(), time.UTC)
}

func daysIn(year int, month time.Month) int {
	switch month {
	case time.April, time.June, time.September, time.November:
		return 30
	case time.February:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// instantToWall writes what clocks in loc show at t as a time in UTC.
func instantToWall(t time.Time, loc *time.Location) time.Time {
	if loc == time.UTC {
		return t.UTC()
	}
	_, offset := t.In(loc).Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// wallToInstant finds the instant at which clocks in loc show wall, the earlier
// one if there are two. It fails if there is none.
func wallToInstant(wall time.Time, loc *time.Location) (time.Time, bool) {
	if loc == time.UTC {
		return wall, true
	}
	year, month, day := wall.Date()
	hour, minute, second := wall.Clock()
	t := time.Date(year, month, day, hour, minute, second, wall.Nanosecond(), loc)
	_, offset := t.Zone()
	if !t.Add(time.Duration(offset) * time.Second).Equal(wall) {
		return time.Time{}, false // clocks were put forward over it
	}
	start, _ := t.ZoneBounds()
	if start.IsZero() {
		return t.UTC(), true
	}
	_, before := start.Add(-1).Zone()
	if earlier := wall.Add(-time.Duration(before) * time.Second); earlier.Before(start) {
		return earlier, true // clocks were put back to it
	}
	return t.UTC(), true
}
