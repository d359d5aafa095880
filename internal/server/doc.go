// Package server speaks HTTP: it routes requests, bounds them, and answers in
// the words of the protocols that clients speak; which flags a subject gets is
// decided elsewhere. Rules are cited by their section of docs/http.md ("8.5")
// or docs/operations.md ("operations 8").
//
// There is one file per protocol: flags.go for /flags and /decide,
// definitions.go for local evaluation, ofrep.go for OpenFeature, capture.go and
// capture_v1.go for events, health.go for probes. Answers are made whole and
// written at once.
//
// A Server may be used by any number of goroutines.
package server
