// Package identity turns captured events into persons, distinct ids, groups and
// their properties, and answers who a distinct id is. The rules (sections 3 to
// 9 of docs/identity.md: M1 to M10, G1 to G5 and the property step) follow
// PostHog's ingestion; comments cite their names. Events are read for identity
// and then forgotten.
//
// An event is prepared without the store: its documents are read and copied,
// and everything that depends on it alone is decided. The steps that result
// are then applied in one transaction of the store, which may be repeated, so
// that readers see all or nothing of what an event did. The order of
// transactions in a project is the store's business.
//
// Look-ups go straight to the store. Left to others: HTTP, tokens, the shapes
// of requests (wire/posthog), and when an event happened. Properties from the
// peer's address (GeoIP) and forwarding of events are not part of it.
//
// All methods of Service may be called concurrently.
package identity
