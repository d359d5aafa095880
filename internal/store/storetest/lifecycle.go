package storetest

import (
	"context"
	"runtime"
	"testing"

	"github.com/guidon-flags/guidon/internal/store"
)

// calls are one call of each method of a Store that can fail.
func calls(s store.Store) map[string]func(ctx context.Context) error {
	return map[string]func(ctx context.Context) error{
		"Head":         func(ctx context.Context) error { return second(s.Head(ctx)) },
		"ChangesSince": func(ctx context.Context) error { return second(s.ChangesSince(ctx, 0, 10)) },
		"Projects":     func(ctx context.Context) error { return second(s.Projects(ctx)) },
		"Definitions":  func(ctx context.Context) error { return second(s.Definitions(ctx, 1)) },
		"Edit": func(ctx context.Context) error {
			return second(s.Edit(ctx, author, func(store.Tx) error { return nil }))
		},
		"View": func(ctx context.Context) error { return s.View(ctx, func(store.ReadTx) error { return nil }) },
		"Subject": func(ctx context.Context) error {
			return second(s.Subject(ctx, store.SubjectQuery{Project: 1, DistinctID: "a", Person: true}))
		},
		"WriteOverrides": func(ctx context.Context) error {
			return second(s.WriteOverrides(ctx, 1, []string{"a"}, []string{"f"}, "h"))
		},
		"Identify": func(ctx context.Context) error {
			return s.Identify(ctx, 1, func(store.IdentityTx) error { return nil })
		},
		"KeyUsed": func(ctx context.Context) error { return s.KeyUsed(ctx, store.KeyPersonal, "k", at(0)) },
		"Check":   func(ctx context.Context) error { return s.Check(ctx) },
	}
}

// TestLifecycle tests Check, Close and what contexts do.
func TestLifecycle(t *testing.T, open Open) {
	runCases(t, open, []testCase{
		{"check answers", func(k *kit) {
			if err := k.s.Check(k.Context()); err != nil {
				k.Errorf("Check: %v", err)
			}
		}},
		{"closed", func(k *kit) {
			for range 2 {
				if err := k.s.Close(); err != nil {
					k.Errorf("Close: %v", err)
				}
			}
			for name, call := range calls(k.s) {
				k.is(name, call(k.Context()), store.ErrClosed)
			}
			hints, stop := k.s.Hints()
			if _, open := <-hints; open {
				k.Error("Hints of a closed store gives a hint")
			}
			stop()
		}},
		{"close closes the hints", func(k *kit) {
			hints, stop := k.s.Hints()
			if err := k.s.Close(); err != nil {
				k.Errorf("Close: %v", err)
			}
			for range hints {
			}
			stop()
		}},
		{"close waits for calls under way", closeWaits},
		{"context ended before", func(k *kit) {
			// Often enough for a store that tosses a coin.
			ctx, cancel := context.WithCancel(k.Context())
			cancel()
			for range 10 {
				for name, call := range calls(k.s) {
					err := call(ctx)
					k.is(name, err, store.ErrUnavailable)
					k.is(name, err, context.Canceled)
				}
			}
			_, err := k.s.Edit(ctx, author, func(tx store.Tx) error { return second(tx.InsertProject(newProject(1))) })
			k.is("Edit", err, context.Canceled)
			projects, err := k.s.Projects(k.Context())
			if err != nil || len(projects) != 0 {
				k.Errorf("Projects = %v, %v: the edit was made", projects, err)
			}
		}},
		{"context ends in the function", func(k *kit) {
			k.project(1)
			ctx, cancel := context.WithCancel(k.Context())
			if _, err := k.s.Edit(ctx, author, func(tx store.Tx) error {
				cancel()
				return second(tx.InsertFlag(newFlag(1, "edit")))
			}); err != nil {
				k.Errorf("Edit: %v", err)
			}
			ctx, cancel = context.WithCancel(k.Context())
			if err := k.s.Identify(ctx, 1, func(tx store.IdentityTx) error {
				cancel()
				return second(tx.InsertPerson(newPerson("a", `{}`), []string{"a"}))
			}); err != nil {
				k.Errorf("Identify: %v", err)
			}
			k.view(func(tx store.ReadTx) error {
				if _, err := tx.FlagByKey(1, "edit"); err != nil {
					return err
				}
				return second(tx.PersonByDistinctID(1, "a"))
			})
		}},
		{"context ends while waiting", contextEndsWhileWaiting},
	})
}

func closeWaits(k *kit) {
	k.project(1)
	started, release := make(chan struct{}), make(chan struct{})
	edited, closed := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := k.s.Edit(k.Context(), author, func(tx store.Tx) error {
			close(started)
			<-release
			return second(tx.InsertFlag(newFlag(1, "a")))
		})
		edited <- err
	}()
	<-started
	go func() { closed <- k.s.Close() }()
	for k.s.Check(k.Context()) == nil { // until Close has begun
		runtime.Gosched()
	}
	select {
	case err := <-closed:
		k.Errorf("Close = %v before the edit ended", err)
		closed <- err
	default:
	}
	close(release)
	if err := <-edited; err != nil {
		k.Errorf("Edit: %v", err)
	}
	if err := <-closed; err != nil {
		k.Errorf("Close: %v", err)
	}
}

// contextEndsWhileWaiting gives up a write that may be waiting for another
// one. Whether it has to wait is the store's choice; that the answer tells
// what happened is not.
func contextEndsWhileWaiting(k *kit) {
	k.project(1)
	started, release := make(chan struct{}), make(chan struct{})
	edited, identified := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := k.s.Edit(k.Context(), author, func(tx store.Tx) error {
			close(started)
			<-release
			return nil
		})
		edited <- err
	}()
	<-started
	ctx, cancel := context.WithCancel(k.Context())
	go func() {
		identified <- k.s.Identify(ctx, 1, func(tx store.IdentityTx) error {
			return second(tx.InsertPerson(newPerson("a", `{}`), []string{"a"}))
		})
	}()
	cancel()
	got := <-identified
	close(release)
	if err := <-edited; err != nil {
		k.Errorf("Edit: %v", err)
	}
	want := 1
	if got != nil {
		want = 0
		k.is("Identify", got, store.ErrUnavailable)
		k.is("Identify", got, context.Canceled)
	}
	k.view(func(tx store.ReadTx) error {
		persons, err := tx.Persons(store.PersonQuery{Project: 1})
		if len(persons) != want {
			k.Errorf("Identify = %v and there are %d persons", got, len(persons))
		}
		return err
	})
}
