// Package filters converts between the JSON documents that definitions are
// stored in and the types of package feature, and says what such a document
// may hold. It is the only package that knows the form of these documents:
//
//   - Read turns the filters of a flag into its v1 targeting or its v2 rules,
//     ReadCohort the definition of a cohort into a tree. Both are tolerant:
//     what people stored long ago must go on working.
//   - Validate and ValidateCohort check a document that somebody wants to
//     store and bring it into its stored form. They are strict.
//   - The remaining functions answer questions that the rest of the program
//     has about a document (which cohorts, flags and patterns it names), and
//     add and remove what is for display only.
//
// How versions and dates are read is for packages semver and dates; here is
// which of them may be written where.
//
// Rules of evaluation are cited by their number in docs/evaluation.md ("1.9",
// "10.3"), rules of the management API as "M6.1" (docs/management-api.md).
//
// The package is pure: no I/O, no clock, no goroutines. Its functions may be
// called concurrently, keep nothing of their arguments and return nothing that
// aliases them.
package filters
