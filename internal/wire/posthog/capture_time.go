package posthog

import (
	"strconv"
	"strings"
	"time"
)

// maxAhead is how far in the future an event may lie; clocks of clients that
// are further ahead are not believed.
const maxAhead = 23 * time.Hour

// eventTime returns when an event happened: its timestamp, put right by the
// difference between the client's clock and ours where sentAt is known, else
// now − offset. timestamp and offset are JSON texts, empty if absent. What
// cannot be read, lies too far ahead or has no year of four digits is now.
func eventTime(timestamp, offset []byte, sentAt, now time.Time) time.Time {
	t := now
	if text, ok := jsonText(timestamp); ok && text != "" {
		if t, ok = parseISOTime(text); !ok {
			t = now
		} else if !sentAt.IsZero() {
			t = onOurClock(t, sentAt, now)
			t = sinceOffset(t, offset, now)
		}
	} else {
		t = sinceOffset(t, offset, now)
	}
	return believable(t, now)
}

// believable returns t in the precision that is kept, or now if t lies too far
// ahead or has no year of four digits.
func believable(t, now time.Time) time.Time {
	if t.Year() < 1 || t.Sub(now) > maxAhead {
		t = now
	}
	return t.UTC().Truncate(time.Microsecond)
}

// onOurClock returns when something happened that a client dates t, if the
// client's clock showed sentAt when ours shows now. A difference of more than 292
// years is taken for that; its sign is kept.
func onOurClock(t, sentAt, now time.Time) time.Time { return now.Add(t.Sub(sentAt)) }

// sinceOffset returns now − offset if there is an offset that is not 0, else t.
func sinceOffset(t time.Time, offset []byte, now time.Time) time.Time {
	ms, err := strconv.ParseFloat(string(offset), 64)
	if err != nil || ms == 0 {
		return t
	}
	const century = 100 * 365 * 24 * 3600 * 1000
	if ms > century || ms < -century {
		return now
	}
	return now.Add(-time.Duration(ms * float64(time.Millisecond)))
}

// isoLayouts are the forms of ISO 8601 that clients write, the common one
// first. Fractions of a second are accepted by all that have seconds.
var isoLayouts = []string{
	"2006-01-02T15:04:05Z07:00",
	"2006-01-02T15:04:05",
	"2006-01-02T15:04:05Z0700",
	"2006-01-02T15:04:05Z07",
	"2006-01-02T15:04Z07:00",
	"2006-01-02T15:04Z0700",
	"2006-01-02T15:04",
	"2006-01-02",
	"20060102T150405Z0700",
	"20060102T150405",
	"20060102",
}

// parseISOTime reads a point in time; without a zone it is in UTC. A space may
// stand for the T.
func parseISOTime(s string) (time.Time, bool) {
	if len(s) > 40 {
		return time.Time{}, false
	}
	s = strings.ToUpper(strings.TrimSpace(s))
	if len(s) > 10 && s[10] == ' ' {
		s = s[:10] + "T" + strings.TrimLeft(s[11:], " ")
	}
	s = strings.Replace(s, " ", "", 1) // before a zone
	for _, layout := range isoLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// parseRFC3339 reads a point in time with its zone. A space may stand for the
// T, and letters may be small.
func parseRFC3339(s string) (time.Time, bool) {
	if len(s) > 40 {
		return time.Time{}, false
	}
	s = strings.ToUpper(s)
	if len(s) > 10 && s[10] == ' ' {
		s = s[:10] + "T" + s[11:]
	}
	t, err := time.Parse(time.RFC3339, s)
	return t.UTC(), err == nil
}

// canonicalUUID returns s in lower case with hyphens; s may lack them, stand in
// braces or begin with urn:uuid:. It returns "" if s is no UUID.
func canonicalUUID(s string) string {
	s = strings.ToLower(s)
	if rest, ok := strings.CutPrefix(s, "urn:uuid:"); ok {
		s = rest
	} else if len(s) == 38 && s[0] == '{' && s[37] == '}' {
		s = s[1:37]
	}
	out := make([]byte, 0, 36)
	hyphenated := len(s) == 36
	if !hyphenated && len(s) != 32 {
		return ""
	}
	for i := 0; i < len(s); i++ {
		if hyphenated && (i == 8 || i == 13 || i == 18 || i == 23) {
			if s[i] != '-' {
				return ""
			}
			continue
		}
		if hexDigit(s[i]) < 0 {
			return ""
		}
		switch len(out) {
		case 8, 13, 18, 23:
			out = append(out, '-')
		}
		out = append(out, s[i])
	}
	return string(out)
}
