package dates

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	_ "time/tzdata" // cases name time zones; the machine may have none

	"github.com/guidon-flags/guidon/conformance"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	loc := LoadLocation(name)
	if name != "" && loc.String() != name {
		t.Fatalf("LoadLocation(%q) = %s", name, loc)
	}
	return loc
}

func TestLoadLocation(t *testing.T) {
	for name, want := range map[string]string{
		"": "UTC", "UTC": "UTC", "Europe/Berlin": "Europe/Berlin", "No/Such_Zone": "UTC", "Local": "UTC", "../etc": "UTC",
	} {
		if got := LoadLocation(name).String(); got != want {
			t.Errorf("LoadLocation(%q) = %s, want %s", name, got, want)
		}
	}
}

// TestVectors reads the texts that are values of filters; the other cases are
// for package eval.
func TestVectors(t *testing.T) {
	ran := 0
	for _, name := range []string{"date_parse.json", "own_date_parse.json"} {
		data, err := conformance.Files.ReadFile("vectors/" + name)
		if err != nil {
			t.Fatal(err)
		}
		var cases []struct {
			ID, Side, Timezone string
			Now                time.Time
			Input              any
			Expected           *time.Time
		}
		if err := json.Unmarshal(data, &cases); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, c := range cases {
			s, ok := c.Input.(string)
			if !ok || c.Side != "filter" {
				continue
			}
			ran++
			d, ok := Parse(s)
			var got time.Time
			if ok {
				got, ok = d.Resolve(zone(t, c.Timezone), c.Now)
			}
			if ok != (c.Expected != nil) || ok && !got.Equal(*c.Expected) {
				t.Errorf("%s: %q is %v, %t, want %v", c.ID, s, got, ok, c.Expected)
			}
		}
	}
	if ran == 0 {
		t.Error("no cases")
	}
}

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

func TestUnix(t *testing.T) {
	for _, c := range []struct {
		seconds float64
		want    string // empty: none
	}{
		{0, "1970-01-01T00:00:00Z"},
		{1.5, "1970-01-01T00:00:01.5Z"},
		{-0.5, "1969-12-31T23:59:59Z"},
		{1717200000, "2024-06-01T00:00:00Z"},
		{minUnix - 1, ""},
		{maxUnix + 1, ""},
		{math.NaN(), ""},
		{math.Inf(1), ""},
		{math.Inf(-1), ""},
	} {
		at, ok := Unix(c.seconds)
		if ok != (c.want != "") || ok && at.Format(time.RFC3339Nano) != c.want {
			t.Errorf("Unix(%v) = %v, %t, want %q", c.seconds, at, ok, c.want)
		}
	}
}

func TestRelative(t *testing.T) {
	for s, want := range map[string]bool{"-7d": true, "7d": true, "2024-06-01": false, "1717200000": false} {
		if d, ok := Parse(s); !ok || d.Relative() != want {
			t.Errorf("Parse(%q) is relative: %t, %t, want %t", s, d.Relative(), ok, want)
		}
	}
	at := time.Date(2024, 3, 31, 2, 30, 0, 0, time.UTC)
	d := At(at)
	if got, ok := d.Resolve(zone(t, "Europe/Berlin"), time.Time{}); !ok || !got.Equal(at) || d.Relative() {
		t.Errorf("At(%v) = %v, %t", at, got, ok)
	}
}

// FuzzDate checks that no text and no time zone makes it panic, and that what
// package time reads as RFC 3339 is read alike.
func FuzzDate(f *testing.F) {
	for _, s := range []string{
		"-30d", "2024-06-01", "2024-6-1 10:30", "2024-06-01T10:00:00.5+02:00", "2024-06-01 10:00:00 +0200", "1717200000",
		"Fri, 21 Nov 1997 09:55:06 -0600", "0000-01-01", "9999y", "nan",
		"2024-06-01T10:00:00+24:00", "2024-06-01T10:00:00-12:60",
	} {
		f.Add(s)
	}
	now, newYork := time.Date(2024, 3, 31, 12, 0, 0, 0, time.UTC), LoadLocation("America/New_York")
	f.Fuzz(func(t *testing.T, s string) {
		d, ok := Parse(s)
		for _, loc := range []*time.Location{time.UTC, newYork} {
			got, exists := d.Resolve(loc, now)
			want, err := time.Parse(time.RFC3339Nano, s)
			// Package time takes a comma before the fraction, and one digit
			// for the hour.
			if err != nil || len(s) < len("2006-01-02T15:04:05Z") || s[13] != ':' || len(s) > 19 && s[19] == ',' {
				continue
			}
			// It takes 24 hours and 60 minutes in an offset, too.
			if n := len(s); s[n-1] != 'Z' && (s[n-5:n-3] > "23" || s[n-2:] > "59") {
				continue
			}
			if !ok || !exists || !got.Equal(want) {
				t.Errorf("Parse(%q) = %v, %t, %t, want %v", s, got, ok, exists, want)
			}
		}
	})
}
