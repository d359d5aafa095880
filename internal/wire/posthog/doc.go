// Package posthog holds the shapes that PostHog's clients speak: flags requests
// and their answers in every version, the definitions that SDKs download for
// local evaluation, captured events, and error bodies. What is accepted and
// answered is in docs/http.md, docs/clients.md and docs/identity.md; comments
// cite their sections.
//
// The package is pure: it knows no HTTP server and no context, does no I/O
// beyond unpacking bytes it was given, and reads no clock. Where the rules ask
// for tolerance, odd input is mended or ignored and reported as a Warning;
// what is left is an Error with its status and codes.
package posthog
