// Package store is the storage contract: what the rest of Guidon may ask of a
// database, as small interfaces, with the records that pass through them.
//
// Implementations live beside it (sqlite, later postgres and posthogdb) and
// all pass the suite in storetest. Documents (filters, properties, settings)
// are kept as the JSON text that was written; the store never interprets them.
// No rule about rollout, permission or merging is decided here: callers decide
// inside a transaction, the store makes it atomic and durable.
//
// # Errors
//
// All methods of a Store may be called concurrently. All may return
// ErrUnavailable, and ErrClosed after Close; ErrNotFound and ErrConflict where
// their comment says so (test with errors.Is). Any other error is a fault of
// the database or a mistake of the store. When a method that writes returns
// nil, the change is on disk and every read that starts afterwards sees it.
//
// A context that ends gives an error that is both ErrUnavailable and the
// context's own. A write that was still waiting for its turn is then certainly
// not made; one that had begun is carried through, and its result returned.
//
// # Values
//
// Times come back in UTC with microseconds, whatever was written. Texts are
// UTF-8 without NUL. Ids that the store assigns are positive and never given
// twice, not even after a deletion. A nil JSON or list is written as the empty
// document or list, but for the fields that may be null; an empty list comes
// back nil. A record that refers to a row that does not exist (a flag of an
// unknown project, a key of an unknown user) is refused with ErrNotFound.
// Fields that name users (CreatedBy, ModifiedBy, Author) refer to nothing.
package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Sentinels.
var (
	// ErrNotFound: there is no such row. Never returned when the database
	// could not be asked.
	ErrNotFound = errors.New("not found")
	// ErrConflict: a unique key is taken (see ConflictError for which).
	ErrConflict = errors.New("conflict")
	// ErrUnavailable: the database cannot be reached or did not answer in
	// time. The outcome of a write is unknown: it may be stored or not, as a
	// whole. The text says what an operator can do.
	ErrUnavailable = errors.New("store unavailable")
	// ErrClosed: Close was called.
	ErrClosed = errors.New("store closed")
)

// ConflictError says which unique key was taken. It is an ErrConflict.
type ConflictError struct {
	Field string // the record's field, such as "key"
}

func (e *ConflictError) Error() string { return "conflict: " + e.Field + " is taken" }

// Is makes a ConflictError an ErrConflict.
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }

// PanicError is a panic in a function that was given a transaction. The
// transaction was rolled back.
type PanicError struct {
	Value any
	Stack []byte // of the panicking goroutine
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic in a transaction: %v", e.Value) }

// MaxGroupTypes is how many group types a project can have.
const MaxGroupTypes = 5

// Revision numbers the committed changes of a store, rising with each. It is
// never reused; there may be gaps. Persons, groups, members of cohorts, the
// audit log, and the times of last calls and uses have no revisions.
type Revision int64

// ChangeKind says what a change touched.
type ChangeKind uint8

// The kinds of change.
const (
	ChangeDefinitions ChangeKind = iota + 1 // flags, cohorts, early access features, group types
	ChangeProject                           // the project itself, its settings and tokens
	ChangeCredentials                       // keys, users, memberships, organizations; Project is 0 but for a project's keys
)

// Change is one entry of the change feed.
type Change struct {
	Revision Revision
	Project  int64 // 0: not of one project
	Kind     ChangeKind
	At       time.Time
}

// Changes is the feed that nodes follow.
type Changes interface {
	// Head returns the newest revision, 0 in a new store.
	Head(ctx context.Context) (Revision, error)
	// ChangesSince returns up to limit changes after rev, oldest first. A
	// change is visible only together with all older ones, so that whoever
	// goes on from the last revision it was given misses none. One commit may
	// make several changes, of which the last has its revision.
	ChangesSince(ctx context.Context, rev Revision, limit int) ([]Change, error)
	// Hints returns a channel that receives, without ever blocking the
	// writer, after something was committed. Hints may be lost or merged:
	// the feed is the truth. The channel is closed by the store's Close; call
	// stop, any number of times, to close it earlier.
	Hints() (hints <-chan struct{}, stop func())
}

// Definitions is what a node loads to compile a project.
type Definitions struct {
	Revision   Revision // everything up to here is in it
	Project    Project
	Flags      []Flag   // not deleted, by id
	Cohorts    []Cohort // not deleted, by id
	GroupTypes []GroupType
}

// DefinitionReader loads definitions. One call is one consistent state.
type DefinitionReader interface {
	// Projects lists all projects by id.
	Projects(ctx context.Context) ([]Project, error)
	// Definitions loads a project's. ErrNotFound if there is no such project.
	Definitions(ctx context.Context, project int64) (Definitions, error)
}

// Author says who changes something.
type Author struct {
	UserID int64  // 0: the system
	Reason string // what happened: "api", "console", "bootstrap", "capture"
}

// Editor changes definitions and everything else that people manage.
type Editor interface {
	// Edit runs fn in one serialisable transaction and commits it if fn
	// returns nil. fn's own error is returned as it is, with nothing changed,
	// and a panic in fn as a PanicError.
	//
	// fn may run more than once, must not have effects outside of tx, and must
	// not call the store itself, which may be waiting for fn. After ErrNotFound
	// or ErrConflict from tx it may go on: that call changed nothing. After any
	// other error from tx the transaction fails, whatever fn returns.
	//
	// The revision is that of the commit, or the current head if fn made no
	// change that has one. Every successful call of a method that changes
	// definitions, projects or credentials counts, also if it wrote the same
	// values again.
	Edit(ctx context.Context, author Author, fn func(tx Tx) error) (Revision, error)
	// View runs fn once, on one consistent read-only state, and returns its
	// error. A panic in fn passes through. fn holds a connection: it should not
	// read through the store itself meanwhile.
	View(ctx context.Context, fn func(tx ReadTx) error) error
}

// Subjects answers the one question of the request path.
type Subjects interface {
	// Subject loads what q asks for in one round trip and one consistent
	// state. An unknown person or group is not an error.
	Subject(ctx context.Context, q SubjectQuery) (SubjectData, error)
	// WriteOverrides inserts, for every person that owns one of distinctIDs
	// and every flag key of which that person has no override, one with the
	// given hash key, in one transaction; existing rows stay as they are. It
	// reports how many rows it wrote. No person: none, no error. Whether there
	// are flags with these keys is not asked.
	WriteOverrides(ctx context.Context, project int64, distinctIDs, flagKeys []string, hashKey string) (int, error)
}

// SubjectQuery says what to load.
type SubjectQuery struct {
	Project    int64
	DistinctID string
	AnonID     string     // for Overrides only; empty: none
	Person     bool       // properties, creation time and cohort memberships
	Groups     []GroupRef // groups whose properties are wanted, at most MaxGroupTypes
	Overrides  bool       // hash-key overrides of DistinctID's and AnonID's persons
}

// GroupRef names a group.
type GroupRef struct {
	Index int
	Key   string
}

// SubjectData is what is stored about a subject.
type SubjectData struct {
	Person  *Person // nil: unknown, or not asked for; without its distinct ids
	Cohorts []int64 // cohorts the person was made a member of, sorted; deleted ones too
	Groups  []Group // those of the asked-for groups that exist, in any order
	// Overrides maps flag keys to hash keys, nil if there are none. Where both
	// persons have one, the person of DistinctID wins.
	Overrides map[string]string
	// OverridePersons is how many distinct persons own DistinctID or AnonID,
	// counted only if q.Overrides.
	OverridePersons int
}

// KeyKind tells the two tables of keys apart.
type KeyKind uint8

// The kinds of keys.
const (
	KeyPersonal KeyKind = iota + 1 // PersonalKey
	KeyProject                     // ProjectKey
)

// KeyUsage records that keys are in use.
type KeyUsage interface {
	// KeyUsed moves the LastUsedAt of a key forward to at, unless it is less
	// than an hour old at that time. It raises no revision; an unknown id is
	// ignored.
	KeyUsed(ctx context.Context, kind KeyKind, id string, at time.Time) error
}

// Identities is the write side of persons and groups.
type Identities interface {
	// Identify runs fn in one transaction of its own: all that fn did through
	// tx becomes visible and durable together, before Identify returns, or
	// not at all when fn returns an error, which is passed on. Calls on one
	// project take effect in the order in which they were made. fn may run
	// more than once (a shared transaction may have to be repeated); what Edit
	// says about fn, its errors and panics holds here too.
	Identify(ctx context.Context, project int64, fn func(tx IdentityTx) error) error
}

// Store is a whole database.
type Store interface {
	Changes
	DefinitionReader
	Editor
	Subjects
	Identities
	KeyUsage
	// Check asks the database something cheap; nil means that it can be read.
	Check(ctx context.Context) error
	// Close waits for calls under way and releases the database. Calls after
	// it return ErrClosed; a second Close returns nil.
	Close() error
}
