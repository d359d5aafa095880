//go:build race

package server_test

// Under the race detector sync.Pool drops what it is given at random, so that
// states and buffers are made anew.
func init() { poolsDrop = true }
