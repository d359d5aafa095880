// Package conformance holds the cases that say what Guidon does, as data: what a
// decision is (vectors, rules_v2), what events do to persons (identity), and
// what the protocols accept and answer (http, management). The README describes
// the formats.
//
// Its tests run every case of a directory (GUIDON_CONFORMANCE_DIR, by default
// this one) in the core and through HTTP on a whole node.
package conformance

import "embed"

// Files are the cases.
//
//go:embed README.md vectors rules_v2 identity http management
var Files embed.FS
