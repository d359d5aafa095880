package lazy_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/guidon-flags/guidon/internal/store"
	"github.com/guidon-flags/guidon/internal/store/lazy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// inner is a store of which only a few methods are called.
type inner struct {
	store.Store
	hints  chan struct{}
	closed bool
}

func (i *inner) Head(context.Context) (store.Revision, error) { return 7, nil }
func (i *inner) Check(context.Context) error                  { return nil }
func (i *inner) Hints() (<-chan struct{}, func())             { return i.hints, func() {} }
func (i *inner) Close() error                                 { i.closed = true; return nil }

var errDisk = errors.New("disk is not mounted")

// failing returns an Opener that fails n times.
func failing(n int, st store.Store) (lazy.Opener, *int) {
	calls := 0
	return func(context.Context) (store.Store, error) {
		if calls++; calls <= n {
			return nil, errDisk
		}
		return st, nil
	}, &calls
}

func TestOpensAtOnce(t *testing.T) {
	in := &inner{}
	open, _ := failing(0, in)
	s, err := lazy.Open(t.Context(), open, lazy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if head, err := s.Head(t.Context()); head != 7 || err != nil {
		t.Errorf("Head = %d, %v", head, err)
	}
	if err := s.Close(); err != nil || !in.closed {
		t.Errorf("Close = %v, inner closed: %v", err, in.closed)
	}
}

func TestOpensLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := &inner{hints: make(chan struct{}, 1)}
		open, calls := failing(3, in)
		prepared := 0
		s, err := lazy.Open(t.Context(), open, lazy.Options{Opened: func(context.Context, store.Store) error {
			if prepared++; prepared == 1 {
				return errDisk
			}
			return nil
		}})
		if !errors.Is(err, errDisk) {
			t.Fatalf("Open = %v, want the first attempt's error", err)
		}
		defer s.Close()
		if _, err := s.Head(t.Context()); !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, errDisk) {
			t.Errorf("Head = %v, want ErrUnavailable with its reason", err)
		}
		hints, stop := s.Hints()
		defer stop()

		time.Sleep(time.Minute) // of the bubble's clock
		synctest.Wait()
		if *calls != 5 || prepared != 2 || !in.closed {
			t.Errorf("%d attempts, prepared %d times; want 5 and 2", *calls, prepared)
		}
		if err := s.Check(t.Context()); err != nil {
			t.Errorf("Check = %v", err)
		}
		for range 2 { // one for opening, one of the store
			select {
			case <-hints:
			default:
				t.Error("no hint")
			}
			in.hints <- struct{}{}
			synctest.Wait()
		}
	})
}

func TestCloseBeforeItIsOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open, _ := failing(1000, nil)
		s, _ := lazy.Open(t.Context(), open, lazy.Options{})
		hints, _ := s.Hints()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if _, ok := <-hints; ok {
			t.Error("a hint from a closed store")
		}
		if _, err := s.Head(t.Context()); !errors.Is(err, store.ErrClosed) {
			t.Errorf("Head = %v, want ErrClosed", err)
		}
		if hints, _ := s.Hints(); hints != nil {
			if _, ok := <-hints; ok {
				t.Error("a hint from a closed store")
			}
		}
	})
}
