package dates

import (
	"strings"
	"time"
)

// cursor reads a text from the left. The methods return false, and the cursor
// is then of no more use, if the text does not go on as asked.
type cursor struct{ rest string }

// number reads a number of least to most digits.
func (c *cursor) number(least, most int, n *int) bool {
	*n = 0
	i := 0
	for i < len(c.rest) && i < most && isDigit(c.rest[i]) {
		*n = *n*10 + int(c.rest[i]-'0')
		i++
	}
	c.rest = c.rest[i:]
	return i >= least
}

// skip reads one of the given bytes.
func (c *cursor) skip(oneOf string) bool {
	if c.rest == "" || strings.IndexByte(oneOf, c.rest[0]) < 0 {
		return false
	}
	c.rest = c.rest[1:]
	return true
}

// word reads the letters that come next.
func (c *cursor) word() string {
	n := 0
	for n < len(c.rest) && isLetter(c.rest[n]) {
		n++
	}
	w := c.rest[:n]
	c.rest = c.rest[n:]
	return w
}

// fraction reads digits behind the point as nanoseconds; those beyond the ninth
// are dropped.
func (c *cursor) fraction(nanos *int) bool {
	n := countDigits(c.rest)
	*nanos = 0
	for i := range 9 {
		*nanos *= 10
		if i < n {
			*nanos += int(c.rest[i] - '0')
		}
	}
	c.rest = c.rest[n:]
	return n > 0
}

// offset reads ±hh:mm or, if a colon is not demanded, ±hhmm as seconds east.
func (c *cursor) offset(colon bool, seconds *int) bool {
	west := strings.HasPrefix(c.rest, "-")
	var hour, minute int
	if !c.skip("+-") || !c.number(2, 2, &hour) {
		return false
	}
	if !c.skip(":") && colon {
		return false
	}
	if !c.number(2, 2, &minute) || hour > 23 || minute > 59 {
		return false
	}
	*seconds = hour*3600 + minute*60
	if west {
		*seconds = -*seconds
	}
	return true
}

// parseISO reads the forms that begin with year-month-day: the date alone, with
// a wall clock time, or with a time and its offset from UTC.
func parseISO(s string) (Date, bool) {
	c := cursor{s}
	var f fields
	if !c.number(4, 4, &f.year) || !c.skip("-") ||
		!c.number(1, 2, &f.month) || !c.skip("-") || !c.number(1, 2, &f.day) {
		return Date{}, false
	}
	if c.rest == "" {
		t, ok := f.time()
		return Date{kind: wallClock, at: t}, ok
	}
	sep := c.rest[0]
	if !c.skip("Tt ") || !c.clock(&f) {
		return Date{}, false
	}
	t, ok := f.time()
	if !ok {
		return Date{}, false
	}
	if c.rest == "" {
		return Date{kind: wallClock, at: t}, sep != 't'
	}
	east, ok := c.zone(strictISO(s, sep), f.seconds)
	return Date{at: t.Add(-time.Duration(east) * time.Second)}, ok
}

// strictISO reports whether s, which begins with a date and a time, writes them
// with two digits each and seconds.
func strictISO(s string, sep byte) bool {
	const form = "2006-01-02T15:04:05"
	return len(s) > len(form) && s[7] == '-' && s[10] == sep && s[13] == ':' && s[16] == ':' && isDigit(s[len(form)-1])
}

// zone reads what ends a time with an offset, in seconds east. Z and ±hh:mm are
// for strict RFC 3339; " ±hhmm" and " UTC" want seconds only.
func (c *cursor) zone(strict, seconds bool) (east int, ok bool) {
	switch {
	case c.rest == "Z" || c.rest == "z":
		return 0, strict
	case c.rest == " UTC":
		return 0, seconds
	case c.skip(" "):
		ok = c.offset(false, &east) && c.rest == ""
		return east, ok && seconds
	}
	ok = c.offset(true, &east) && c.rest == ""
	return east, ok && strict
}

// clock reads hour:minute, optionally followed by seconds and their fraction.
func (c *cursor) clock(f *fields) bool {
	if !c.number(1, 2, &f.hour) || !c.skip(":") || !c.number(1, 2, &f.minute) {
		return false
	}
	if !c.skip(":") {
		return true
	}
	f.seconds = true
	if !c.number(1, 2, &f.second) {
		return false
	}
	if !c.skip(".") {
		return true
	}
	return c.fraction(&f.nanosecond)
}

// parseMail reads the date of RFC 2822: "Fri, 21 Nov 1997 09:55:06 -0600", day
// name and seconds optional. A day name that is wrong makes it no date.
func parseMail(s string) (time.Time, bool) {
	c := cursor{s}
	var f fields
	name := c.word()
	if name != "" && (!c.skip(",") || !c.skip(" ")) {
		return time.Time{}, false
	}
	if !c.number(1, 2, &f.day) || !c.skip(" ") {
		return time.Time{}, false
	}
	month := c.word()
	if !c.skip(" ") || !c.number(4, 4, &f.year) || !c.skip(" ") ||
		!c.number(2, 2, &f.hour) || !c.skip(":") || !c.number(2, 2, &f.minute) {
		return time.Time{}, false
	}
	if c.skip(":") && !c.number(2, 2, &f.second) {
		return time.Time{}, false
	}
	f.month = nameIndex("janfebmaraprmayjunjulaugsepoctnovdec", month) + 1
	t, ok := f.time()
	if !ok || name != "" && nameIndex("sunmontuewedthufrisat", name) != int(t.Weekday()) {
		return time.Time{}, false
	}
	var east int
	switch {
	case c.rest == " GMT" || c.rest == " UT" || c.rest == " UTC" || c.rest == " Z":
		return t, true
	case c.skip(" ") && c.offset(false, &east) && c.rest == "":
		return t.Add(-time.Duration(east) * time.Second), true
	}
	return time.Time{}, false
}

// nameIndex finds a name of three ASCII letters, in any case, among names written
// one after the other; -1 if it is none of them.
func nameIndex(names, name string) int {
	for i := 0; i+3 <= len(names); i += 3 {
		if strings.EqualFold(name, names[i:i+3]) {
			return i / 3
		}
	}
	return -1
}

// fields are the parts of a date and a time of day.
type fields struct {
	year, month, day, hour, minute, second, nanosecond int

	seconds bool // the second was written
}

// time is the wall clock time, written as UTC. It fails for dates and times
// that no calendar has; leap seconds are among those.
func (f *fields) time() (time.Time, bool) {
	if f.month < 1 || f.month > 12 || f.day < 1 || f.day > daysIn(f.year, time.Month(f.month)) ||
		f.hour > 23 || f.minute > 59 || f.second > 59 {
		return time.Time{}, false
	}
	return time.Date(f.year, time.Month(f.month), f.day, f.hour, f.minute, f.second, f.nanosecond, time.UTC), true
}
