package dates

import "time"

// LoadLocation finds a time zone by its IANA name; an empty or unknown name is
// UTC. Zone data must be part of the binary or the machine.
func LoadLocation(name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return time.UTC
	}
	return loc
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
