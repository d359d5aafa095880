package eval

import (
	"testing"

	"github.com/guidon-flags/guidon/internal/feature"
)

// FuzzVersion checks what every version must satisfy: what is canonical reads
// back as itself, is equal to what it came from, and lies in its own ranges.
func FuzzVersion(f *testing.F) {
	for _, s := range []string{"1.2.3", "v 01.2", "1.0.0-rc.1+b.007", "1.2.x", "0", "18446744073709551616", " 1-a"} {
		f.Add(s, "1.0.0-0")
	}
	f.Fuzz(func(t *testing.T, s, other string) {
		canonical, ok := ParseVersion(s)
		if !ok {
			return
		}
		again, ok := ParseVersion(canonical)
		if !ok || again != canonical {
			t.Fatalf("ParseVersion(%q) = %q, %t", canonical, again, ok)
		}
		v, _ := parseVersion(s)
		w, _ := parseVersion(canonical)
		if v.compare(&w) != 0 {
			t.Errorf("%q and %q differ", s, canonical)
		}
		for _, op := range []feature.Operator{feature.SemverTilde, feature.SemverCaret, feature.SemverWildcard} {
			if r, ok := spanOf(op, canonical); !ok || !r.contains(&v) {
				t.Errorf("%q is not in %s %q", s, op, canonical)
			}
		}
		if o, ok := parseVersion(other); ok && v.compare(&o) != -o.compare(&v) {
			t.Errorf("order of %q and %q depends on who asks", s, other)
		}
		wildcardSpan(other)
	})
}
