package sqlite

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/guidon-flags/guidon/internal/store"
	"github.com/guidon-flags/guidon/internal/store/storetest"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(killDirVariable); dir != "" {
		writeUntilKilled(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

// openTest opens a store in dir that the test closes.
func openTest(t testing.TB, dir string, o Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), dir, o)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return openTest(t, t.TempDir(), Options{}) })
}

func TestDurability(t *testing.T) {
	dir := t.TempDir()
	open := func(t *testing.T) store.Store { return openTest(t, dir, Options{}) }
	storetest.TestDurability(t, open, func(t *testing.T, _ store.Store) store.Store { return open(t) })
}
