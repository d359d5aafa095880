package manage

// Optional is a field of a change: absent, or given with a value.
type Optional[T any] struct {
	Value T
	Set   bool
}

// Given returns an Optional that is set.
func Given[T any](v T) Optional[T] { return Optional[T]{Value: v, Set: true} }

// into overwrites dst if o is set.
func (o Optional[T]) into(dst *T) {
	if o.Set {
		*dst = o.Value
	}
}
