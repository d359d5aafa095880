package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/guidon-flags/guidon/internal/store"
)

// rawConn is a connection to a store's file beside the store.
func rawConn(t *testing.T, s *Store) *sql.Conn {
	t.Helper()
	return rawFile(t, filepath.Join(filepath.Dir(s.lock.Name()), FileName))
}

func rawFile(t *testing.T, path string) *sql.Conn {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(conn.Close(), db.Close()); err != nil {
			t.Error(err)
		}
	})
	return conn
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error = %v, want one that says %q", err, part)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Run("a directory in use", func(t *testing.T) {
		dir := t.TempDir()
		s := openTest(t, dir, Options{})
		_, err := Open(t.Context(), dir, Options{})
		wantError(t, err, dir, "in use", fmt.Sprint("process ", os.Getpid()), "--data")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		openTest(t, dir, Options{})
	})
	t.Run("a newer schema", func(t *testing.T) {
		dir := t.TempDir()
		if err := openTest(t, dir, Options{}).Close(); err != nil {
			t.Fatal(err)
		}
		raw := rawFile(t, filepath.Join(dir, FileName))
		if _, err := raw.ExecContext(t.Context(), `INSERT INTO schema_versions (version_id, is_applied) VALUES (999, 1)`); err != nil {
			t.Fatal(err)
		}
		_, err := Open(t.Context(), dir, Options{})
		wantError(t, err, "schema version 999", "newer guidon")
		if _, err := raw.ExecContext(t.Context(), `DELETE FROM schema_versions WHERE version_id = 999`); err != nil {
			t.Fatal(err)
		}
		openTest(t, dir, Options{}) // the refusal released the lock
	})
	t.Run("what is no database", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, FileName), []byte(strings.Repeat("no database", 1000)), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(t.Context(), dir, Options{})
		wantError(t, err, "restore a backup")
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("error = %v, want ErrUnavailable", err)
		}
	})
	t.Run("a directory that is a file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(t.Context(), path, Options{})
		wantError(t, err, "data directory")
	})
	for want, o := range map[string]Options{
		"Sync":      {Sync: "maybe"},
		"Readers":   {Readers: 65},
		"PageCache": {PageCache: -1},
	} {
		t.Run(want, func(t *testing.T) {
			_, err := Open(t.Context(), t.TempDir(), o)
			wantError(t, err, want)
		})
	}
}

func TestOpenBeside(t *testing.T) {
	b := newBench(t)
	dir := filepath.Dir(b.s.lock.Name())
	head, err := b.s.Head(t.Context())
	b.must(err)
	beside := openTest(t, dir, Options{Beside: true})
	if _, err := beside.Edit(t.Context(), store.Author{}, insertFlag("beside")); err != nil {
		t.Fatal(err)
	}
	b.must(b.insert("main", insertFlag("main"))) // both go on writing
	b.wantKeys("beside main")
	if changes, err := b.s.ChangesSince(t.Context(), head, 10); err != nil || len(changes) != 2 {
		t.Errorf("changes = %v, %v, want one of each store", changes, err)
	}

	missing := filepath.Join(t.TempDir(), "missing")
	_, err = Open(t.Context(), missing, Options{Beside: true})
	wantError(t, err, "start the server once", "--data")
	if _, err := os.Stat(missing); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the refused directory: %v", err)
	}
}

func TestOddPaths(t *testing.T) {
	for _, name := range []string{"a b", "50%", "what?x=1&y", "a#b", "ümlaut", "a;b", "%41"} {
		dir := filepath.Join(t.TempDir(), name)
		openTest(t, dir, Options{})
		if _, err := os.Stat(filepath.Join(dir, FileName)); err != nil {
			t.Errorf("data directory %q: %v", name, err)
		}
	}
}

func TestSettings(t *testing.T) {
	s := openTest(t, t.TempDir(), Options{PageCache: 8 << 20, Mmap: -1})
	check := func(u *unit, settings map[string]string) error {
		for name, want := range settings {
			var got string
			if err := u.one(`PRAGMA `+name, nil, &got); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if got != want {
				t.Errorf("%s = %s, want %s", name, got, want)
			}
		}
		return nil
	}
	if err := s.write(t.Context(), func(u *unit) error {
		return check(u, map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000", "cache_size": "-8192"})
	}); err != nil {
		t.Error(err)
	}
	if err := s.look(t.Context(), func(u *unit) error {
		return check(u, map[string]string{"journal_mode": "wal", "busy_timeout": "5000", "cache_size": "-1024"})
	}); err != nil {
		t.Error(err)
	}
	normal := openTest(t, t.TempDir(), Options{Sync: SyncNormal})
	if err := normal.write(t.Context(), func(u *unit) error { return check(u, map[string]string{"synchronous": "1"}) }); err != nil {
		t.Error(err)
	}
}

// TestPlans keeps the statements of the request path and of captured events
// on their indexes.
func TestPlans(t *testing.T) {
	s := openTest(t, t.TempDir(), Options{})
	subject, subjectArgs := subjectStatement(store.SubjectQuery{
		Project: 1, DistinctID: "a", AnonID: "b", Person: true, Overrides: true,
		Groups: []store.GroupRef{{Index: 0, Key: "a"}, {Index: 1, Key: "b"}},
	})
	for name, c := range map[string]struct {
		query string
		args  []any
	}{
		"subject":        {subject, subjectArgs},
		"flag by key":    {`SELECT id FROM flags WHERE project_id = ? AND key = ? AND deleted = 0`, []any{1, "a"}},
		"distinct ids":   {`SELECT distinct_id FROM distinct_ids WHERE person_id = ? ORDER BY position`, []any{1}},
		"email":          {`SELECT id FROM persons p WHERE p.project_id = ? AND json_extract(p.properties, '$.email') = ?`, []any{1, "a"}},
		"newest persons": {`SELECT id FROM persons p WHERE p.project_id = ? ORDER BY p.id DESC LIMIT ? OFFSET ?`, []any{1, 1, 0}},
		"changes":        {`SELECT revision FROM changes WHERE revision > ? ORDER BY revision LIMIT ?`, []any{1, 1}},
	} {
		err := s.look(t.Context(), func(u *unit) error {
			return u.each(`EXPLAIN QUERY PLAN `+c.query, c.args, func(row scanner) error {
				var id, parent, unused int
				var detail string
				if err := row.Scan(&id, &parent, &unused, &detail); err != nil {
					return err
				}
				scans := strings.HasPrefix(detail, "SCAN ") && !strings.Contains(detail, "VALUES CLAUSE") && !strings.Contains(detail, "SUBQUERY")
				if scans || strings.Contains(detail, "TEMP B-TREE") {
					t.Errorf("%s: %s", name, detail)
				}
				return nil
			})
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBackup(t *testing.T) {
	b := newBench(t)
	b.must(b.insert("a", insertFlag("a")))
	done := make(chan error, 1)
	go func() { // writes go on
		for i := range 50 {
			if err := b.insert("more", insertFlag(fmt.Sprint("more", i))); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	dir := t.TempDir()
	path := filepath.Join(dir, FileName)
	b.must(b.s.Backup(t.Context(), path))
	b.must(<-done)
	wantError(t, b.s.Backup(t.Context(), path), "exists already")
	if err := b.s.Backup(t.Context(), filepath.Join(dir, "missing", "x.db")); err == nil {
		t.Error("Backup into a missing directory = nil")
	}
	copied := openTest(t, dir, Options{})
	if err := copied.View(t.Context(), func(tx store.ReadTx) error {
		if _, err := tx.FlagByKey(1, "a"); err != nil {
			return err
		}
		return integrity(tx)
	}); err != nil {
		t.Error(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".part") {
			t.Errorf("%s was left behind", e.Name())
		}
	}
}
