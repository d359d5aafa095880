// Package dates reads the dates of filters and properties: instants, wall clock
// times that become one in a time zone, and dates relative to now.
//
// The forms are in docs/evaluation.md, whose sections comments cite ("4.12").
// Which values of filters and properties are read as dates, and what a filter
// makes of the rest, is for package eval.
//
// The package only computes, and the time comes in. Its functions may be called
// concurrently; those for dates do not allocate.
package dates

import (
	"math"
	"time"
)

// Date is a date that may still depend on the time zone and on now. It is not
// changed once made. The zero value is the zero time.
type Date struct {
	kind kind
	at   time.Time // instant: itself; wallClock: the wall clock, written as UTC
	back int       // relative: so many units before now
	unit byte      // relative: one of h d w m y
}

type kind uint8

const (
	instant kind = iota
	wallClock
	relative
)

// At is the date that is t in every zone.
func At(t time.Time) Date { return Date{at: t} }

// Parse reads s in the first form of 4.12 that applies: a relative date, seconds
// or milliseconds since 1970 by their number of digits, a date or time in the
// ways of ISO 8601, or one of RFC 2822. It returns false for what has none of
// these forms or is on no calendar; what clocks skip shows in Resolve.
func Parse(s string) (d Date, ok bool) {
	if d, ok := parseRelative(s); ok {
		return d, true
	}
	if t, ok := parseUnixDigits(s); ok {
		return Date{at: t}, true
	}
	if d, ok := parseISO(s); ok {
		return d, true
	}
	if t, ok := parseMail(s); ok {
		return Date{at: t}, true
	}
	return Date{}, false
}

// The first and last second that a date may have, as in the reference: from
// year −262143 to year 262142.
const (
	minUnix = -8334601228800
	maxUnix = 8210266876799
)

// Unix is the instant that many seconds after the start of 1970. The fraction
// counts in whole nanoseconds; before 1970 it is dropped after flooring. It
// returns false for numbers that are not finite and those beyond the years
// −262143 to 262142.
func Unix(seconds float64) (t time.Time, ok bool) {
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

// Relative reports whether d counts back from now.
func (d *Date) Relative() bool { return d.kind == relative }

// Resolve finds the instant of d where clocks run by loc, which is not nil; now
// is what relative dates count back from and does not matter to others. It
// returns false for a wall clock time that clocks in loc skip. One that they
// show twice is the earlier instant.
func (d *Date) Resolve(loc *time.Location, now time.Time) (time.Time, bool) {
	switch d.kind {
	case wallClock:
		return wallToInstant(d.at, loc)
	case relative:
		return wallToInstant(goBack(instantToWall(now, loc), d.back, d.unit), loc)
	}
	return d.at, true
}

// relativeLimit is the first number that is too large for a relative date.
const relativeLimit = 10_000

// parseRelative reads an optional minus sign, digits and a unit. With or
// without the sign it is in the past.
func parseRelative(s string) (Date, bool) {
	if s != "" && s[0] == '-' {
		s = s[1:]
	}
	n := countDigits(s)
	if n == 0 || n != len(s)-1 {
		return Date{}, false
	}
	switch s[n] {
	case 'h', 'd', 'w', 'm', 'y':
	default:
		return Date{}, false
	}
	back := 0
	for i := 0; i < n; i++ {
		back = back*10 + int(s[i]-'0')
		if back >= relativeLimit {
			return Date{}, false
		}
	}
	return Date{kind: relative, back: back, unit: s[n]}, true
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
