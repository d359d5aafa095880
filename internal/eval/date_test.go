package eval

import (
	"testing"
	"time"

	"github.com/guidon-flags/guidon/internal/feature"
)

// TestWallClocks goes through a year of several zones by quarters of an hour:
// each instant's wall clock leads back to it, or to an earlier instant that
// shows the same.
func TestWallClocks(t *testing.T) {
	for _, name := range []string{"UTC", "America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia"} {
		loc := zone(t, name)
		end := time.Date(2012, 1, 2, 0, 0, 0, 0, time.UTC)
		for at := end.AddDate(-1, 0, 0); at.Before(end); at = at.Add(15 * time.Minute) {
			wall := instantToWall(at, loc)
			back, ok := wallToInstant(wall, loc)
			if !ok || back.After(at) || !instantToWall(back, loc).Equal(wall) {
				t.Fatalf("%s: %v shows %v, which is %v, %t", name, at, wall, back, ok)
			}
			if before := at.Add(-time.Hour); back.Before(at) && !back.Equal(before) && !back.Equal(at.Add(-30*time.Minute)) {
				t.Fatalf("%s: %v shows %v, which is %v", name, at, wall, back)
			}
		}
	}
}

// FuzzDate checks that dates of both sides never panic, and that what package
// time reads as RFC 3339 is read alike.
func FuzzDate(f *testing.F) {
	for _, s := range []string{
		"-30d", "2024-06-01", "2024-6-1 10:30", "2024-06-01T10:00:00.5+02:00", "2024-06-01 10:00:00 +0200", "1717200000",
		"1e9", "Fri, 21 Nov 1997 09:55:06 -0600", "0000-01-01", "9999y", "nan",
	} {
		f.Add(s)
	}
	newYork := LoadLocation("America/New_York")
	f.Fuzz(func(t *testing.T, s string) {
		for _, loc := range []*time.Location{nil, newYork} {
			ParseDate(feature.Text(s), false, loc, testNow)
			got, ok := ParseDate(feature.Text(s), true, loc, testNow)
			want, err := time.Parse(time.RFC3339Nano, s)
			// Package time takes a comma before the fraction, and one digit
			// for the hour.
			if err != nil || len(s) < len("2006-01-02T15:04:05Z") || s[13] != ':' || len(s) > 19 && s[19] == ',' {
				continue
			}
			if !ok || !got.Equal(want) {
				t.Errorf("ParseDate(%q) = %v, %t, want %v", s, got, ok, want)
			}
		}
	})
}
