package sqlite

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/guidon-flags/guidon/internal/store"
)

// bench is a store with project 1 whose writer can be held.
type bench struct {
	*testing.T
	s       *Store
	commits int // by the writer's goroutine; read it only between answers
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{T: t, s: openTest(t, t.TempDir(), Options{})}
	b.s.writer.maxAge = time.Hour
	b.must(b.insert("project", func(tx store.Tx) error {
		_, err := tx.InsertProject(store.Project{ID: 1, Token: "phc_1"})
		return err
	}))
	commit := b.s.writer.commit
	b.s.writer.commit = func(s *session) error { b.commits++; return commit(s) }
	return b
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) insert(what string, fn func(tx store.Tx) error) error {
	if _, err := b.s.Edit(b.Context(), store.Author{}, fn); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

func insertFlag(key string) func(tx store.Tx) error {
	return func(tx store.Tx) error {
		_, err := tx.InsertFlag(store.Flag{Project: 1, Key: key})
		return err
	}
}

// together runs edits as one batch, as far as they are not too many: its first
// operation lasts until all are queued. Their results come back in order.
func (b *bench) together(edits ...func(tx store.Tx) error) []error {
	b.Helper()
	held, release := make(chan struct{}), make(chan struct{})
	first := make(chan error, 1)
	go func() {
		first <- b.insert("hold", func(store.Tx) error {
			close(held)
			<-release
			return nil
		})
	}()
	<-held
	results := make([]chan error, len(edits))
	for i, fn := range edits {
		results[i] = make(chan error, 1)
		go func() {
			defer close(results[i]) // also if fn ends the goroutine
			_, err := b.s.Edit(b.Context(), store.Author{}, fn)
			results[i] <- err
		}()
		for len(b.s.writer.queue) != i+1 {
			runtime.Gosched()
		}
	}
	close(release)
	errs := make([]error, len(edits))
	for i := range results {
		errs[i] = <-results[i]
	}
	<-first
	return errs
}

// keys lists the flags that are stored.
func (b *bench) keys() string {
	b.Helper()
	var keys []string
	b.must(b.s.View(b.Context(), func(tx store.ReadTx) error {
		flags, err := tx.Flags(1, true)
		for _, f := range flags {
			keys = append(keys, f.Key)
		}
		return err
	}))
	return strings.Join(keys, " ")
}

func (b *bench) wantKeys(want string) {
	b.Helper()
	if got := b.keys(); got != want {
		b.Errorf("stored flags: %q, want %q", got, want)
	}
}

func TestGroupCommit(t *testing.T) {
	t.Run("waiting operations share a commit", func(t *testing.T) {
		b := newBench(t)
		for _, err := range b.together(insertFlag("a"), insertFlag("b"), insertFlag("c"), insertFlag("d")) {
			b.must(err)
		}
		b.wantKeys("a b c d")
		if b.commits != 1 {
			t.Errorf("%d commits", b.commits)
		}
	})
	t.Run("a batch has its size", func(t *testing.T) {
		b := newBench(t)
		edits := make([]func(tx store.Tx) error, 2*maxBatch)
		for i := range edits {
			edits[i] = func(store.Tx) error { return nil }
		}
		for _, err := range b.together(edits...) {
			b.must(err)
		}
		if b.commits != 3 {
			t.Errorf("%d commits for %d operations and the one before", b.commits, len(edits))
		}
	})
	t.Run("a failure undoes only itself", func(t *testing.T) {
		b := newBench(t)
		own := errors.New("own")
		errs := b.together(
			insertFlag("a"),
			func(tx store.Tx) error { return errors.Join(insertFlag("b")(tx), own) },
			insertFlag("c"),
			func(tx store.Tx) error {
				if err := insertFlag("d")(tx); err != nil {
					return err
				}
				panic("oh")
			},
			insertFlag("a"), // taken by the first
			func(tx store.Tx) error {
				_, err := tx.FlagByKey(1, "c")
				return err
			},
			insertFlag("e"),
		)
		for i, want := range []string{"<nil>", "own", "<nil>", "panic in a transaction: oh", "conflict: key is taken", "<nil>", "<nil>"} {
			if got := fmt.Sprint(errs[i]); got != want {
				t.Errorf("operation %d: %s, want %s", i, got, want)
			}
		}
		b.wantKeys("a c e")
	})
	t.Run("the end of a goroutine is a failure", func(t *testing.T) {
		b := newBench(t)
		errs := b.together(insertFlag("a"), func(tx store.Tx) error {
			_ = insertFlag("b")(tx)
			runtime.Goexit()
			return nil
		}, insertFlag("c"))
		b.must(errors.Join(errs...))
		b.wantKeys("a c")
	})
	t.Run("a fault is not committed, whatever the function returns", func(t *testing.T) {
		b := newBench(t)
		errs := b.together(insertFlag("a"), func(tx store.Tx) error {
			_ = insertFlag("b")(tx)
			_, _ = tx.(editing).exec(`INSERT INTO nowhere VALUES (1)`)
			return nil
		}, insertFlag("c"))
		if errs[0] != nil || errs[1] == nil || errs[2] != nil {
			t.Errorf("errors = %v", errs)
		}
		b.wantKeys("a c")
	})
	t.Run("a transaction ends with its function", func(t *testing.T) {
		b := newBench(t)
		var leaked store.Tx
		b.must(b.insert("edit", func(tx store.Tx) error {
			leaked = tx
			return nil
		}))
		if err := insertFlag("a")(leaked); !errors.Is(err, errOver) {
			t.Errorf("InsertFlag after the end: %v", err)
		}
		b.wantKeys("")
	})
}

func TestGivingUpWhileQueued(t *testing.T) {
	b := newBench(t)
	held, release, answered := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		answered <- b.insert("hold", func(store.Tx) error {
			close(held)
			<-release
			return nil
		})
	}()
	<-held
	ctx, cancel := context.WithCancel(t.Context())
	gaveUp := make(chan error, 1)
	go func() {
		_, err := b.s.Edit(ctx, store.Author{}, insertFlag("a"))
		gaveUp <- err
	}()
	for len(b.s.writer.queue) == 0 {
		runtime.Gosched()
	}
	cancel()
	if err := <-gaveUp; !errors.Is(err, context.Canceled) || !errors.Is(err, store.ErrUnavailable) { // the writer is still held
		t.Errorf("Edit: %v", err)
	}
	close(release)
	b.must(<-answered)
	b.must(b.insert("b", insertFlag("b")))
	b.wantKeys("b")
}

// TestFailedCommit lets a commit fail in both ways there are: nothing is
// stored, and everything is.
func TestFailedCommit(t *testing.T) {
	for name, c := range map[string]struct {
		stored bool
		keys   string
	}{
		"not stored": {false, "before after"},
		"stored":     {true, "before a b after"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.must(b.insert("before", insertFlag("before")))
			head, err := b.s.Head(t.Context())
			b.must(err)
			hints, stop := b.s.Hints()
			defer stop()

			broken := errors.New("the disk said no")
			commit := b.s.writer.commit
			armed := true
			b.s.writer.commit = func(s *session) error {
				if !armed {
					return commit(s)
				}
				if c.stored {
					b.must(commit(s))
				}
				armed = false
				return broken
			}
			own := errors.New("own")
			errs := b.together(insertFlag("a"), func(store.Tx) error { return own }, insertFlag("b"))
			for _, i := range []int{0, 2} {
				if !errors.Is(errs[i], store.ErrUnavailable) || !errors.Is(errs[i], broken) {
					t.Errorf("operation %d: %v, want ErrUnavailable for the failed commit", i, errs[i])
				}
			}
			if !errors.Is(errs[1], own) {
				t.Errorf("operation 1: %v, want its own error", errs[1])
			}
			<-hints // a follower looks, in case that something was stored

			b.must(b.insert("after", insertFlag("after")))
			b.wantKeys(c.keys)
			changes, err := b.s.ChangesSince(t.Context(), head, 100)
			if want := len(strings.Fields(c.keys)) - 1; err != nil || len(changes) != want {
				t.Errorf("%d changes, %v, want %d", len(changes), err, want)
			}
			// Whoever repeats an operation learns what became of it.
			if err := b.insert("again", insertFlag("a")); errors.Is(err, store.ErrConflict) != c.stored {
				t.Errorf("repeated insertion: %v", err)
			}
		})
	}
}

func TestOperatorsHints(t *testing.T) {
	t.Run("disk full", func(t *testing.T) {
		b := newBench(t)
		// The writer looks at its session only after it was given something.
		b.must(b.s.writer.s.run(t.Context(), `PRAGMA max_page_count = 1`)) // as many as there are
		big := func(tx store.Tx) error {
			_, err := tx.InsertFlag(store.Flag{Project: 1, Key: "big", Name: strings.Repeat("x", 1<<20)})
			return err
		}
		err := b.insert("big", big)
		if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "free space") {
			t.Errorf("Edit: %v", err)
		}
		swallowed := func(tx store.Tx) error { _ = big(tx); return nil }
		if err := b.insert("swallowed", swallowed); err == nil {
			b.wantKeys("big") // on a new connection, without the limit
		}
		b.must(b.insert("a", insertFlag("a")))
	})
	t.Run("locked by another program", func(t *testing.T) {
		b := newBench(t)
		b.must(b.s.writer.s.run(t.Context(), `PRAGMA busy_timeout = 0`))
		other := rawConn(t, b.s)
		if _, err := other.ExecContext(t.Context(), `BEGIN IMMEDIATE`); err != nil {
			t.Fatal(err)
		}
		err := b.insert("a", insertFlag("a"))
		if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "another program") {
			t.Errorf("Edit: %v", err)
		}
		if _, err := other.ExecContext(t.Context(), `ROLLBACK`); err != nil {
			t.Fatal(err)
		}
		b.must(b.insert("a", insertFlag("a")))
		b.wantKeys("a")
	})
	t.Run("readers cannot write", func(t *testing.T) {
		b := newBench(t)
		err := b.s.look(t.Context(), func(u *unit) error {
			_, err := u.exec(`DELETE FROM projects`)
			return err
		})
		if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "permissions") {
			t.Errorf("DELETE on a reader: %v", err)
		}
	})
}
