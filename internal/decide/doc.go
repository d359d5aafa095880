// Package decide makes one request's decisions: it selects the flags the
// request is about, asks for stored data only if some of them depend on it,
// writes sticky assignments where experience continuity asks for it, and calls
// the program. It knows neither HTTP nor SQL, and serves every protocol.
package decide
