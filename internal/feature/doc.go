// Package feature holds the definitions that people write: flags with their
// release conditions or rules, property filters, variants and cohorts.
//
// The types are plain data. They know neither the JSON documents they are
// stored in (internal/wire/filters) nor how they are evaluated
// (internal/eval). A value of this package is not changed after it has been
// handed to another package, and may then be read by any number of goroutines.
package feature
