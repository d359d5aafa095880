// Package arch holds the rules of the house as tests: which package may import
// what, and what pure packages must not contain. It has no code of its own.
//
// A new package needs a line in the table here and in docs/layout.md.
package arch
