// Package bench measures the whole server: the real binary, driven over
// loopback, with the CPU time that the kernel accounts to its process.
//
// Machines differ and are noisy, so what counts is the ratio to a bare net/http
// server that returns the same bytes, measured in the same run with rounds of
// both in turn.
package bench
