package snapshot

import "sync"

// Derived is a kind of value made from a Version, such as encoded answers. It
// is made at most once per Version and kept with it. Declare one per kind, as a
// package-level variable of the package that makes it.
type Derived[T any] struct {
	make func(*Version) T
}

// NewDerived returns a Derived whose values are made by make, which may be
// called concurrently for different Versions.
func NewDerived[T any](make func(*Version) T) *Derived[T] { return &Derived[T]{make: make} }

// Of returns the value for v, making it if v has none yet. If making it
// panicked, so does every call.
func (d *Derived[T]) Of(v *Version) T {
	value, ok := v.derived.Load(d)
	if !ok {
		value, _ = v.derived.LoadOrStore(d, sync.OnceValue(func() T { return d.make(v) }))
	}
	return value.(func() T)()
}
