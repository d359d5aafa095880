// Package jsonval reads JSON text into feature.Value, the one place where the
// two meet: properties of requests, stored properties and definitions all go
// through it. Duplicate names are allowed, the last one counts; invalid UTF-8
// and lone surrogates become U+FFFD.
//
// It is pure and its functions may be called concurrently.
package jsonval
