// Package identity turns captured events into persons, distinct ids, groups and
// their properties, and answers who a distinct id is. The rules (M1 to M10,
// G1 to G5 and the property step) follow PostHog's ingestion; comments cite
// their names.
package identity
