package filters_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/wire/filters"
)

// isEvalDate reports whether the evaluator reads s as the date of a filter.
func isEvalDate(s string) bool {
	_, ok := eval.ParseDate(feature.Text(s), true, time.UTC, time.Date(2024, 3, 31, 12, 0, 0, 0, time.UTC))
	return ok
}

func checkGrammar(t interface{ Errorf(string, ...any) }, s string) {
	if got, want := filters.ValidDate(s), isEvalDate(s); got != want {
		t.Errorf("date %q is valid here: %v, for the evaluator: %v", s, got, want)
	}
	_, want := eval.ParseVersion(s)
	if got := filters.ValidVersion(s); got != want {
		t.Errorf("version %q is valid here: %v, for the evaluator: %v", s, got, want)
	}
}

// TestGrammarIsTheEvaluators holds that what may be written is what can be
// evaluated, on texts made of the pieces that dates and versions have.
func TestGrammarIsTheEvaluators(t *testing.T) {
	pick := func(pieces ...string) *rapid.Generator[string] { return rapid.SampledFrom(pieces) }
	day := pick("2024-02-29", "2023-02-29", "2024-6-1", "2024-13-01", "24-01-01", "2024-06-00", "0000-01-01", "2024-06-01 ")
	separator := pick("T", "t", " ", "", "-")
	clock := pick("10:30", "1:2", "10:30:15", "10:30:5", "24:00:00", "10:60", "10:30:60", "10:30:15.1234567890123", "10:30:15.", "10:30.5")
	offset := pick("", "Z", "z", "+02:00", "-0230", " +0200", " +02:00", " UTC", " Z", "+2", "+24:00", " ", "UTC")
	mail := pick("Fri, ", "fRI, ", "Mon, ", "Fri ", ", ", "")
	mailDay := pick("21 Nov 1997 ", "1 nov 1997 ", "31 Nov 1997 ", "21 November 1997 ", "21 Nov 97 ", "21 1997 ")
	mailZone := pick(" -0600", " GMT", " UT", " UTC", " Z", " EST", "", " -06:00", "-0600")
	piece := pick("1", "0", "01", "10000", "9999", "-", "+", ".", "v", "V", " ", "d", "w", "m", "y", "h", "rc", "alpha-1", "*", "x",
		"18446744073709551615", "18446744073709551616", "1717200000", "\u00a0", "é")
	rapid.Check(t, func(t *rapid.T) {
		var s string
		switch rapid.IntRange(0, 2).Draw(t, "form") {
		case 0:
			s = day.Draw(t, "day") + separator.Draw(t, "separator") + clock.Draw(t, "clock") + offset.Draw(t, "offset")
		case 1:
			s = mail.Draw(t, "mail") + mailDay.Draw(t, "mail day") + clock.Draw(t, "clock") + mailZone.Draw(t, "mail zone")
		case 2:
			for range rapid.IntRange(0, 8).Draw(t, "pieces") {
				s += piece.Draw(t, "piece")
			}
		}
		checkGrammar(t, s)
	})
}

func FuzzGrammar(f *testing.F) {
	for _, s := range []string{
		"-7d", "2024-06-01", "2024-6-1 10:30", "2024-06-01T10:00:00.5+02:00", "2024-06-01 10:00:00 +0200", "1717200000",
		"Fri, 21 Nov 1997 09:55:06 -0600", "v1.2.3-rc.1+b", "1.0.0-01", "3.08", "1.2.3.4",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { checkGrammar(t, s) })
}
