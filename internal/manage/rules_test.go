package manage

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/guidon-flags/guidon/internal/store"
)

func TestSlug(t *testing.T) {
	tests := map[string]string{
		"Hick bondoogling": "hick-bondoogling", "  A  b ": "a-b", "Größe & co.": "gre-co", "a_b": "a_b", "--x--": "x", "!!!": "",
	}
	for name, want := range tests {
		if got := slug(name); got != want {
			t.Errorf("slug(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int]string{1: "1", 999: "999", 1000: "1,000", 2000: "2,000", 20000: "20,000", 1234567: "1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("thousands(%d) = %s, want %s", n, got, want)
		}
	}
}

func TestNameFlags(t *testing.T) {
	var fs []store.Flag
	for i := range 7 {
		fs = append(fs, store.Flag{ID: int64(i + 1), Key: string(rune('a' + i))})
	}
	want := "a (ID: 1), b (ID: 2), c (ID: 3), d (ID: 4), e (ID: 5), and 2 more"
	if got := nameFlags(fs); got != want {
		t.Errorf("nameFlags = %q, want %q", got, want)
	}
	if got := nameFlags(fs[:1]); got != "a (ID: 1)" {
		t.Errorf("nameFlags of one = %q", got)
	}
}

func TestUsageStatus(t *testing.T) {
	const day = 24 * time.Hour
	tests := []struct {
		age            time.Duration
		status, reason string
	}{
		{-time.Hour, "active", "Flag was called today"}, // a clock that runs ahead
		{0, "active", "Flag was called today"},
		{day - 1, "active", "Flag was called today"},
		{day, "active", "Flag was last called 1 day ago"},
		{30 * day, "active", "Flag was last called 30 days ago"},
		{30*day + 1, "stale", "Flag has not been called in 30 days"},
		{31 * day, "stale", "Flag has not been called in 31 days"},
	}
	for _, tt := range tests {
		if status, reason := usageStatus(tt.age); status != tt.status || reason != tt.reason {
			t.Errorf("usageStatus(%v) = %s, %s; want %s, %s", tt.age, status, reason, tt.status, tt.reason)
		}
	}
}

func TestScopesNarrow(t *testing.T) {
	tests := []struct {
		held, wanted []string
		want         bool
	}{
		{[]string{"*"}, []string{"flag:write"}, true},
		{[]string{"flag:write"}, []string{"flag:read"}, true},
		{[]string{"flag:read"}, []string{"flag:write"}, false},
		{[]string{"flag:write"}, []string{"*"}, false},
		{[]string{"flag:write"}, []string{"flag:write", "cohort:read"}, false},
	}
	for _, tt := range tests {
		if got := covers(tt.held, tt.wanted); got != tt.want {
			t.Errorf("covers(%v, %v) = %v", tt.held, tt.wanted, got)
		}
	}
	if !within(nil, []int64{1}) || within([]int64{1}, nil) || within([]int64{1}, []int64{2}) || !within([]int64{1, 2}, []int64{2}) {
		t.Error("within")
	}
}

func TestObjectKeepsOrderAndNumbers(t *testing.T) {
	o, err := parseObject(store.JSON(`{"b": 40.0, "a": [1, 2.50], "b": 1e3}`))
	if err != nil {
		t.Fatal(err)
	}
	o.set("c", store.JSON(`"x"`))
	o.remove("a")
	if diff := cmp.Diff(`{"b":1e3,"c":"x"}`, string(o.encode())); diff != "" {
		t.Errorf("object (-want +got):\n%s", diff)
	}
}

func TestSameJSON(t *testing.T) {
	tests := []struct {
		a, b string
		want bool
	}{
		{`{"a":1,"b":2}`, `{ "b":2, "a":1 }`, true}, {``, `null`, true}, {`[1,2]`, `[2,1]`, false}, {`1`, `"1"`, false}, {`x`, `y`, false},
	}
	for _, tt := range tests {
		if got := sameJSON(store.JSON(tt.a), store.JSON(tt.b)); got != tt.want {
			t.Errorf("sameJSON(%s, %s) = %v", tt.a, tt.b, got)
		}
	}
}

// FuzzParseMembers: no file makes the import fail but with a refusal, and no
// empty id comes out.
func FuzzParseMembers(f *testing.F) {
	for _, s := range []string{"", "a\nb", "email\nx", "name,person_id\na,b\n", "\"", "\xff", "\ufeffa,b", "distinct_id,email\r\n1,2\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		ids, err := parseMembers(data)
		if err != nil {
			var refusal *Error
			if !errors.As(err, &refusal) {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		for _, v := range ids.values {
			if v == "" {
				t.Fatal("an empty id")
			}
		}
	})
}
