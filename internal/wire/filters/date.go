package filters

import (
	"strings"
	"time"
)

// validDate reports whether s is a date that a filter can compare with: a
// relative one or an instant (4.12). Times that a time zone skips are not
// noticed, since the zone is the project's.
//
// What such a date means is for the evaluator, which reads exactly the same
// texts; a test holds the two together.
func validDate(s string) bool {
	return isRelativeDate(s) || isUnixTime(s) || isCalendarDate(s) || isMailDate(s)
}

// isRelativeDate reports whether s is like -7d: a number below 10,000 and one
// of h, d, w, m, y.
func isRelativeDate(s string) bool {
	s = strings.TrimPrefix(s, "-")
	if s == "" || !strings.Contains("hdwmy", s[len(s)-1:]) {
		return false
	}
	digits := s[:len(s)-1]
	return isDigits(digits) && len(strings.TrimLeft(digits, "0")) < len("10000") // as a number below that
}

// isUnixTime accepts seconds and milliseconds since 1970, told by their length.
func isUnixTime(s string) bool {
	return isDigits(s) && (len(s) == len("1700000000") || len(s) == len("1700000000000"))
}

// isCalendarDate reports whether s is Y-M-D, alone or followed by a time, that
// again alone or followed by an offset from UTC.
func isCalendarDate(s string) bool {
	c := dateCursor{rest: s, ok: true}
	year := c.number(4, 4)
	c.literal("-")
	month := c.number(1, 2)
	c.literal("-")
	day := c.number(1, 2)
	if !c.ok || !isDay(year, month, day) {
		return false
	}
	if c.rest == "" {
		return true
	}
	separator := c.rest[0]
	c.literal("Tt ")
	seconds := c.clock(1)
	if !c.ok {
		return false
	}
	if c.rest == "" {
		return separator != 't'
	}
	return isOffset(c.rest, isStrict(s), seconds)
}

// isStrict reports whether the calendar date s writes all its parts with two
// digits, seconds included.
func isStrict(s string) bool {
	const form = "2006-01-02T15:04:05"
	return len(s) > len(form) && s[7] == '-' && s[13] == ':' && s[16] == ':' && isDigits(s[17:19])
}

// isOffset reports whether s is Z or ±hh:mm, for which strict must hold, or
// UTC or ±hhmm after a space, which want the time to have seconds.
func isOffset(s string, strict, seconds bool) bool {
	switch s {
	case "Z", "z":
		return strict
	case " UTC":
		return seconds
	}
	c := dateCursor{rest: s, ok: true}
	if strings.HasPrefix(s, " ") {
		c.literal(" ")
		c.offset(false)
		return c.ok && c.rest == "" && seconds
	}
	c.offset(true)
	return c.ok && c.rest == "" && strict
}

// isMailDate accepts the dates of RFC 2822, "Fri, 21 Nov 1997 09:55:06 -0600";
// the day's name, which must be right, and the seconds may be missing.
func isMailDate(s string) bool {
	c := dateCursor{rest: s, ok: true}
	weekday := -1
	if i := strings.IndexByte(s, ','); i >= 0 {
		if weekday = nameIndex("sunmontuewedthufrisat", s[:i]); weekday < 0 {
			return false
		}
		c.rest = s[i+1:]
		c.literal(" ")
	}
	day := c.number(1, 2)
	c.literal(" ")
	name, rest, _ := strings.Cut(c.rest, " ")
	month := nameIndex("janfebmaraprmayjunjulaugsepoctnovdec", name) + 1
	c.rest = rest
	year := c.number(4, 4)
	c.literal(" ")
	c.clock(2)
	if !c.ok || !isDay(year, month, day) {
		return false
	}
	if weekday >= 0 && time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Weekday() != time.Weekday(weekday) {
		return false
	}
	switch c.rest {
	case " GMT", " UT", " UTC", " Z":
		return true
	}
	c.literal(" ")
	c.offset(false)
	return c.ok && c.rest == ""
}

// nameIndex finds a name of three letters, in any case, among names written
// one after the other; -1 if it is none of them.
func nameIndex(names, name string) int {
	if len(name) != 3 {
		return -1
	}
	for i := 0; i < len(names); i += 3 {
		if names[i:i+3] == lowerASCII(name) {
			return i / 3
		}
	}
	return -1
}

func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// isDay reports whether the calendar has that day.
func isDay(year, month, day int) bool {
	return month >= 1 && month <= 12 && day >= 1 &&
		day <= time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// dateCursor reads a date from left to right; ok turns false at the first
// thing that is not as expected.
type dateCursor struct {
	rest string
	ok   bool
}

// number reads between least and most digits.
func (c *dateCursor) number(least, most int) int {
	n, i := 0, 0
	for i < most && i < len(c.rest) && c.rest[i] >= '0' && c.rest[i] <= '9' {
		n = n*10 + int(c.rest[i]-'0')
		i++
	}
	c.rest = c.rest[i:]
	c.ok = c.ok && i >= least
	return n
}

// literal reads one of the characters of set.
func (c *dateCursor) literal(set string) {
	if c.rest == "" || strings.IndexByte(set, c.rest[0]) < 0 {
		c.ok = false
		return
	}
	c.rest = c.rest[1:]
}

// clock reads hour:minute and optionally seconds, each with at least the given
// digits, and reports whether there are seconds. They may have a fraction
// where the parts may have one digit.
func (c *dateCursor) clock(digits int) (seconds bool) {
	hour := c.number(digits, 2)
	c.literal(":")
	minute, second := c.number(digits, 2), 0
	if strings.HasPrefix(c.rest, ":") {
		c.literal(":")
		second, seconds = c.number(digits, 2), true
		if digits == 1 && strings.HasPrefix(c.rest, ".") {
			c.literal(".")
			c.number(1, len(c.rest))
		}
	}
	c.ok = c.ok && hour < 24 && minute < 60 && second < 60
	return seconds
}

// offset reads ±hh:mm or, if a colon is not demanded, ±hhmm.
func (c *dateCursor) offset(colon bool) {
	c.literal("+-")
	hour := c.number(2, 2)
	if colon || strings.HasPrefix(c.rest, ":") {
		c.literal(":")
	}
	minute := c.number(2, 2)
	c.ok = c.ok && hour < 24 && minute < 60
}
