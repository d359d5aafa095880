// Package sqlite is the default store: one SQLite file in a data directory.
//
// Reads run on a few connections of their own and never wait for writes.
// Everything that writes goes through one connection that commits in groups
// (see writer). With the default Options an answered write is on disk.
//
// All of SQL is here and in migrations; rules about rollouts, permissions and
// merging are the callers'. A Store may be used from any number of goroutines.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/guidon-flags/guidon/internal/store"
)

// FileName is the database's name in the data directory.
const FileName = "guidon.db"

// Sync says what an answered write has survived.
type Sync string

// The values of Sync.
const (
	SyncFull   Sync = "full"   // a loss of power
	SyncNormal Sync = "normal" // the end of the process; a loss of power may cost the last seconds
)

// Options are settings with working zero values.
type Options struct {
	Sync      Sync             // default SyncFull
	Readers   int              // connections that read: 1 to 64, default 6
	PageCache int64            // bytes of the writer's page cache, default 64 MiB; each reader has an eighth
	Mmap      int64            // bytes of the file to map into memory, default 1 GiB; negative: none
	Now       func() time.Time // the clock of revisions and versions, default time.Now

	// Beside opens a database that another process may be serving, for a
	// command of short duration: nothing is created or migrated, and the
	// directory is not taken. The engine keeps the two apart; the other
	// process learns of changes from the feed, without hints.
	Beside bool
}

func (o Options) withDefaults() (Options, error) {
	if o.Sync == "" {
		o.Sync = SyncFull
	}
	if o.Readers == 0 {
		o.Readers = 6
	}
	if o.PageCache == 0 {
		o.PageCache = 64 << 20
	}
	if o.Mmap == 0 {
		o.Mmap = 1 << 30
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	switch {
	case o.Sync != SyncFull && o.Sync != SyncNormal:
		return o, fmt.Errorf("sqlite: Sync is %q, want %q or %q", o.Sync, SyncFull, SyncNormal)
	case o.Readers < 1 || o.Readers > 64:
		return o, fmt.Errorf("sqlite: Readers is %d, want 1 to 64", o.Readers)
	case o.PageCache < 0:
		return o, fmt.Errorf("sqlite: PageCache is negative")
	}
	return o, nil
}

// Store is a store.Store in a file.
type Store struct {
	gate    *gate
	writer  *writer
	readers *readers
	hub     *hub
	lock    *os.File // nil: opened beside another process
	writeDB *sql.DB
}

var _ store.Store = (*Store)(nil)

// Open opens the database in dir and brings it to the current schema; both are
// made if they are missing. A directory that another process uses, and a
// database of a newer schema, are refused with an error that says so.
func Open(ctx context.Context, dir string, o Options) (*Store, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if o.Beside {
		if _, err := os.Stat(filepath.Join(dir, FileName)); err != nil {
			return nil, fmt.Errorf("database: %w: start the server once, or name its directory with --data", err)
		}
		return open(ctx, filepath.Join(dir, FileName), o)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	s, err := open(ctx, filepath.Join(dir, FileName), o)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	s.lock = lock
	return s, nil
}

func open(ctx context.Context, path string, o Options) (*Store, error) {
	writeDB, err := sql.Open("sqlite", dsn(path, o, false))
	if err != nil {
		return nil, err
	}
	writeDB.SetMaxOpenConns(1)
	if err := migrate(ctx, writeDB, !o.Beside); err != nil {
		return nil, errors.Join(err, writeDB.Close())
	}
	readDB, err := sql.Open("sqlite", dsn(path, o, true))
	if err != nil {
		return nil, errors.Join(err, writeDB.Close())
	}
	readDB.SetMaxOpenConns(o.Readers)
	readDB.SetMaxIdleConns(o.Readers)
	session, err := newSession(ctx, writeDB)
	if err != nil {
		return nil, errors.Join(err, writeDB.Close(), readDB.Close())
	}
	s := &Store{gate: newGate(), readers: newReaders(readDB, o.Readers), hub: newHub(), writeDB: writeDB}
	s.writer = startWriter(writeDB, session, o.Now, s.hub.tell)
	return s, nil
}

// dsn names the file and the settings of each connection. busy_timeout comes
// first, since the others may have to wait.
func dsn(path string, o Options, readOnly bool) string {
	cache := o.PageCache
	q := url.Values{"_dqs": {"0"}, "_defensive": {"1"}}
	q.Add("_pragma", "busy_timeout(5000)")
	if readOnly {
		cache /= 8
		q.Set("mode", "ro")
	} else {
		q.Add("_pragma", "journal_mode(WAL)")
		q.Add("_pragma", "synchronous("+string(o.Sync)+")")
		q.Add("_pragma", "foreign_keys(1)")
		q.Add("_pragma", "journal_size_limit(67108864)")
	}
	q.Add("_pragma", "temp_store(MEMORY)")
	q.Add("_pragma", "cache_size(-"+strconv.FormatInt(cache>>10, 10)+")")
	q.Add("_pragma", "mmap_size("+strconv.FormatInt(max(o.Mmap, 0), 10)+")")
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // a drive letter
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

// Check implements store.Store.
func (s *Store) Check(ctx context.Context) error {
	_, err := s.Head(ctx)
	return err
}

// Close implements store.Store. Calling it again does nothing.
func (s *Store) Close() error {
	if !s.gate.close() {
		return nil
	}
	s.hub.close()
	// The writer's connection goes last: closing it moves the log into the
	// database file.
	err := errors.Join(s.readers.close(), s.writer.stop(), s.writeDB.Close())
	if s.lock != nil {
		err = errors.Join(err, s.lock.Close())
	}
	return err
}

// write has fn run by the writer.
func (s *Store) write(ctx context.Context, fn func(u *unit) error) error {
	if err := s.gate.enter(); err != nil {
		return err
	}
	defer s.gate.leave()
	return s.writer.do(ctx, fn)
}

// look runs fn, which makes one statement, on a reader.
func (s *Store) look(ctx context.Context, fn func(u *unit) error) error {
	if err := s.gate.enter(); err != nil {
		return err
	}
	defer s.gate.leave()
	return s.readers.look(ctx, fn)
}

// view runs fn on a reader and one state.
func (s *Store) view(ctx context.Context, fn func(u *unit) error) error {
	if err := s.gate.enter(); err != nil {
		return err
	}
	defer s.gate.leave()
	return s.readers.view(ctx, fn)
}
