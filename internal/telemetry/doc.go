// Package telemetry makes the logger and the metrics of a node. Metrics are a
// struct per instance with its own registry; their names follow PostHog's flags
// service where the meaning is the same (operations.md, section 11), so that
// dashboards work on.
//
// No metric has a label that names a project, a flag or anything a client sent.
// All methods may be called concurrently.
package telemetry
