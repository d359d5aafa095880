package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	sqlite "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/guidon-flags/guidon/internal/store"
)

// hints says what an operator can do about a result code of SQLite. A code
// that is not here is a mistake of ours in a statement.
var hints = map[int]string{
	lib.SQLITE_BUSY:      "another program holds the database file; stop it",
	lib.SQLITE_LOCKED:    "another program holds the database file; stop it",
	lib.SQLITE_PROTOCOL:  "another program holds the database file; stop it",
	lib.SQLITE_FULL:      "the disk is full; free space for the data directory",
	lib.SQLITE_IOERR:     "the disk failed; check the system log and the free space",
	lib.SQLITE_CORRUPT:   "the database file is damaged; restore a backup",
	lib.SQLITE_NOTADB:    "guidon.db is not a database; restore a backup",
	lib.SQLITE_CANTOPEN:  "the database file cannot be opened; check owner and permissions of the data directory",
	lib.SQLITE_READONLY:  "the database file cannot be written; check owner and permissions of the data directory",
	lib.SQLITE_PERM:      "access was denied; check owner and permissions of the data directory",
	lib.SQLITE_NOMEM:     "out of memory",
	lib.SQLITE_INTERRUPT: "the statement was interrupted",
	lib.SQLITE_NOLFS:     "the file system has no large files",
}

// translate turns an error of the driver into one of the contract.
func translate(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, sql.ErrNoRows) {
		return store.ErrNotFound
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	if hint, ok := hints[code(err)&0xff]; ok {
		return fmt.Errorf("%w: %s: %w", store.ErrUnavailable, hint, err)
	}
	if violates(err, foreignKey) {
		return store.ErrNotFound
	}
	return fmt.Errorf("sqlite: %w", err)
}

// code returns SQLite's extended result code, 0 if err has none.
func code(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code()
	}
	return 0
}

// constraint is a kind of constraint that a statement can violate.
type constraint int

const (
	unique constraint = iota + 1
	primaryKey
	foreignKey
)

func violates(err error, c constraint) bool {
	switch code(err) {
	case lib.SQLITE_CONSTRAINT_UNIQUE:
		return c == unique
	case lib.SQLITE_CONSTRAINT_PRIMARYKEY, lib.SQLITE_CONSTRAINT_ROWID:
		return c == primaryKey
	case lib.SQLITE_CONSTRAINT_FOREIGNKEY:
		return c == foreignKey
	}
	return false
}

// conflict turns the violation of a unique constraint into a ConflictError on
// field, and of the primary key into one on "id". Other errors stay.
func conflict(err error, field string) error {
	switch {
	case violates(err, unique):
		return &store.ConflictError{Field: field}
	case violates(err, primaryKey):
		return &store.ConflictError{Field: "id"}
	}
	return err
}

// harmless reports whether a transaction may go on after err: the statement
// had no effect, and the contract has a name for why.
func harmless(err error) bool {
	return errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrConflict)
}

// ended is the error of a call whose context ended before it was answered.
func ended(ctx context.Context) error {
	return fmt.Errorf("%w: %w", store.ErrUnavailable, ctx.Err())
}
