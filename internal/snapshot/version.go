// Package snapshot keeps, for each project, the current compiled version of its
// definitions: it follows the store's change feed, compiles what changed, swaps
// it in, and keeps the last good definitions on the local disk, so that a node
// starts and serves with its database gone.
//
// Readers call Set methods from any goroutine; they never wait for a writer or
// the store. One goroutine per Set loads and swaps, another one writes files.
package snapshot

import (
	"sync"
	"time"

	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/store"
)

// Version is one state of a project. It is immutable; what is derived from it
// hangs on it and dies with it.
type Version struct {
	store.Definitions // Revision, Project, Flags, Cohorts, GroupTypes as stored

	Program *eval.Program

	// Faults are definitions that do not compile, or that are left out of the
	// Program because their document cannot be read.
	Faults []eval.Fault

	// Stored gives for each flag of Program its index in Definitions.Flags.
	Stored []int

	// LoadedAt is when the definitions were read from the store. FromDisk says
	// that they came from the last good file, which kept that time.
	LoadedAt time.Time
	FromDisk bool

	derived sync.Map // *Derived[T] → func() T
}
