//go:build race

package pattern

// Under the race detector sync.Pool drops what it is given at random, so that
// the engine's machines are made anew.
func init() { poolsDrop = true }
