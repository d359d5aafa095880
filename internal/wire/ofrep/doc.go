// Package ofrep holds the shapes of the OpenFeature Remote Evaluation Protocol,
// version 0.3: the context that a request brings, the answers about one flag and
// about all, and errors. What an attribute of a context means and how a flag of
// PostHog's looks in OpenFeature's terms is in docs/ofrep.md; comments cite the
// sections of docs/clients.md.
//
// The package is pure: it knows no HTTP server and no context.Context, and reads
// no clock.
package ofrep
