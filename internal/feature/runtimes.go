package feature

// RuntimeSet says flags of which runtimes a request wants. The zero value is
// no restriction.
type RuntimeSet uint8

// Runtimes returns the set of the given runtimes.
func Runtimes(rs ...Runtime) RuntimeSet {
	var s RuntimeSet
	for _, r := range rs {
		s |= 1 << r
	}
	return s
}

// Has reports whether s wants flags that may be evaluated in r.
func (s RuntimeSet) Has(r Runtime) bool { return s == 0 || s&(1<<r) != 0 }
