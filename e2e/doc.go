// Package e2e drives the official SDKs, unmodified, against the real binary.
//
// It is a module of its own so that the SDKs and what they need stay out of
// Guidon's builds. GUIDON_BINARY names the binary (default ../bin/guidon, as
// `make build` leaves it); the Node suite needs node 20.20 or newer and the
// packages of node/package-lock.json, which run.sh installs.
package e2e
