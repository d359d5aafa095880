package filters

import (
	"strings"
	"time"
)

// validDate reports whether s is a date that a filter can compare with: a
// relative one or an instant (4.12). Times that a time zone skips are not
// noticed, since the zone is the project's.
func validDate(s string) bool {
	return isRelativeDate(s) || isCalendarDate(s) || isOtherDate(s)
}

// isRelativeDate reports whether s is like -7d: a number below 10,000 and one
// of h, d, w, m, y.
func isRelativeDate(s string) bool {
	s = strings.TrimPrefix(s, "-")
	if s == "" || !strings.ContainsRune("hdwmy", rune(s[len(s)-1])) {
		return false
	}
	digits := s[:len(s)-1]
	return isDigits(digits) && len(strings.TrimLeft(digits, "0")) < len("10000") // as a number below that
}

// isCalendarDate reports whether s is Y-M-D, alone or followed by a time and
// an offset from UTC.
func isCalendarDate(s string) bool {
	c := dateCursor{rest: s, ok: true}
	year := c.number(4, 4)
	c.literal("-")
	month := c.number(1, 2)
	c.literal("-")
	day := c.number(1, 2)
	if !c.ok || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return false
	}
	if c.rest == "" {
		return true
	}
	c.literal("Tt ")
	hour := c.number(1, 2)
	c.literal(":")
	minute := c.number(1, 2)
	second := 0
	if strings.HasPrefix(c.rest, ":") {
		c.literal(":")
		second = c.number(1, 2)
		if strings.HasPrefix(c.rest, ".") {
			c.literal(".")
			c.number(1, 9)
		}
	}
	return c.ok && hour < 24 && minute < 60 && second < 60 && isOffset(c.rest)
}

func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// isOffset reports whether s is nothing, Z, ±hh:mm, ±hhmm or UTC, the last two
// after a space.
func isOffset(s string) bool {
	switch s {
	case "", "Z", "z", " UTC":
		return true
	}
	c := dateCursor{rest: s, ok: true}
	spaced := strings.HasPrefix(s, " ")
	if spaced {
		c.literal(" ")
	}
	c.literal("+-")
	hour := c.number(2, 2)
	if !spaced || strings.HasPrefix(c.rest, ":") {
		c.literal(":")
	}
	minute := c.number(2, 2)
	return c.ok && c.rest == "" && hour < 24 && minute < 60
}

// isOtherDate accepts unix seconds and milliseconds by their length, and the
// dates of electronic mail.
func isOtherDate(s string) bool {
	if isDigits(s) {
		return len(s) == len("1700000000") || len(s) == len("1700000000000")
	}
	for _, layout := range mailLayouts {
		if _, err := time.Parse(layout, s); err == nil {
			return true
		}
	}
	return false
}

// mailLayouts are the forms of RFC 2822.
var mailLayouts = []string{
	"Mon, 2 Jan 2006 15:04:05 -0700",
	"Mon, 2 Jan 2006 15:04 -0700",
	"2 Jan 2006 15:04:05 -0700",
	"2 Jan 2006 15:04 -0700",
	"Mon, 2 Jan 2006 15:04:05 GMT",
	"2 Jan 2006 15:04:05 GMT",
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
