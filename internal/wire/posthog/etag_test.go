package posthog

import "testing"

func TestETagCases(t *testing.T) {
	type etagCase struct {
		ID, Rule, Header, ETag string
		Match                  bool
	}
	for _, c := range loadCases[etagCase](t, "etag.json") {
		t.Run(c.ID, func(t *testing.T) {
			if got := ETagMatches(c.Header, c.ETag); got != c.Match {
				t.Errorf("ETagMatches(%q, %q) = %v, want %v", c.Header, c.ETag, got, c.Match)
			}
		})
	}
}
