package snapshot_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/guidon-flags/guidon/internal/snapshot"
	"github.com/guidon-flags/guidon/internal/store"
)

func open(t *testing.T, src snapshot.Source, o snapshot.Options) *snapshot.Set {
	t.Helper()
	s, err := snapshot.Open(t.Context(), src, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// keys returns the keys that a token's project serves.
func keys(t *testing.T, s *snapshot.Set, token string) []string {
	t.Helper()
	v, known, _ := s.ByToken(token)
	if !known || v == nil {
		t.Fatalf("ByToken(%q): known %v, version %v", token, known, v != nil)
	}
	var out []string
	for i := range v.Program.Len() {
		out = append(out, v.Program.Flag(i).Key)
	}
	return out
}

func wantKeys(t *testing.T, s *snapshot.Set, token string, want ...string) {
	t.Helper()
	if got := keys(t, s, token); !slices.Equal(got, want) {
		t.Errorf("project of %q serves %v, want %v", token, got, want)
	}
}

func wantUnknown(t *testing.T, s *snapshot.Set, token string, wantCertain bool) {
	t.Helper()
	if _, known, certain := s.ByToken(token); known || certain != wantCertain {
		t.Errorf("ByToken(%q): known %v, certain %v; want false, %v", token, known, certain, wantCertain)
	}
}

func TestOpenServesWhatIsStored(t *testing.T) {
	src := newSource()
	src.put(project(1, "phc_one", "a", "b"), store.ChangeProject)
	src.put(project(2, "phc_two", "c"), store.ChangeProject)
	s := open(t, src, snapshot.Options{})
	wantKeys(t, s, "phc_one", "a", "b")
	wantKeys(t, s, "phc_two", "c")
	wantUnknown(t, s, "phc_three", true)
	if id, found, _ := s.ProjectBySecret("sha256$phc_two"); !found || id != 2 {
		t.Errorf("ProjectBySecret = %d, %v; want 2", id, found)
	}
	if v, known, _ := s.ByID(2); !known || v.Project.Token != "phc_two" {
		t.Errorf("ByID(2): known %v", known)
	}
	if got := s.CredentialsRevision(); got != 2 {
		t.Errorf("CredentialsRevision = %d, want 2", got)
	}
}

func TestRefreshServesACommittedEdit(t *testing.T) {
	src := newSource()
	src.put(project(1, "phc_one", "a"), store.ChangeProject)
	src.put(project(2, "phc_two", "x"), store.ChangeProject)
	s := open(t, src, snapshot.Options{Poll: time.Hour})

	steps := []struct {
		name  string
		edit  func() store.Revision
		check func()
	}{
		{"flags change", func() store.Revision {
			return src.put(project(1, "phc_one", "a", "b"), store.ChangeDefinitions)
		}, func() { wantKeys(t, s, "phc_one", "a", "b") }},
		{"token changes", func() store.Revision {
			return src.put(project(1, "phc_new", "a"), store.ChangeProject)
		}, func() {
			wantKeys(t, s, "phc_new", "a")
			wantUnknown(t, s, "phc_one", true)
			if _, found, _ := s.ProjectBySecret("sha256$phc_one"); found {
				t.Error("the old secret still finds the project")
			}
		}},
		{"project appears", func() store.Revision {
			return src.put(project(3, "phc_three", "n"), store.ChangeProject)
		}, func() { wantKeys(t, s, "phc_three", "n") }},
		{
			"project goes", func() store.Revision { return src.remove(3) },
			func() { wantUnknown(t, s, "phc_three", true) },
		},
		{"a token passes to another project", func() store.Revision {
			src.put(project(1, "phc_other", "a"), store.ChangeProject)
			return src.put(project(2, "phc_new", "x"), store.ChangeProject)
		}, func() {
			wantKeys(t, s, "phc_new", "x")
			wantKeys(t, s, "phc_other", "a")
		}},
		{"keys change", func() store.Revision { return src.announce(store.ChangeCredentials) }, func() {
			if s.CredentialsRevision() == 0 {
				t.Error("CredentialsRevision stays 0")
			}
		}},
	}
	for _, step := range steps {
		rev := step.edit()
		if err := s.Refresh(t.Context(), rev); err != nil {
			t.Fatalf("%s: Refresh: %v", step.name, err)
		}
		step.check()
		if got := s.Status().Applied; got < rev {
			t.Errorf("%s: applied %d, want %d", step.name, got, rev)
		}
	}
}

func TestOnlyWhatChangedIsLoaded(t *testing.T) {
	src := newSource()
	src.put(project(1, "phc_one", "a"), store.ChangeProject)
	src.put(project(2, "phc_two", "b"), store.ChangeProject)
	s := open(t, src, snapshot.Options{Poll: time.Hour})
	var rev store.Revision
	for range 20 {
		rev = src.put(project(1, "phc_one", "a", "z"), store.ChangeDefinitions)
	}
	if err := s.Refresh(t.Context(), rev); err != nil {
		t.Fatal(err)
	}
	if src.loads[1] != 2 || src.loads[2] != 1 {
		t.Errorf("loaded project 1 %d times and project 2 %d times, want 2 and 1", src.loads[1], src.loads[2])
	}
	before, _, _ := s.ByToken("phc_two")
	if after, _, _ := s.ByToken("phc_two"); after != before {
		t.Error("an untouched project has a new version")
	}
}

func TestPollingFindsChangesWithoutHints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newSource()
		src.put(project(1, "phc_one", "a"), store.ChangeProject)
		s := open(t, src, snapshot.Options{})
		src.put(project(1, "phc_one", "a", "b"), store.ChangeDefinitions)
		time.Sleep(2 * time.Second) // of the bubble's clock
		wantKeys(t, s, "phc_one", "a", "b")
	})
}

func TestHintsAreFollowedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newSource()
		src.hints = make(chan struct{}, 1)
		src.put(project(1, "phc_one", "a"), store.ChangeProject)
		s := open(t, src, snapshot.Options{Poll: time.Hour})
		src.put(project(1, "phc_one", "b"), store.ChangeDefinitions)
		src.hints <- struct{}{}
		synctest.Wait()
		wantKeys(t, s, "phc_one", "b")
	})
}

func TestUnreachableStoreIsNotANo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newSource()
		src.put(project(1, "phc_one", "a"), store.ChangeProject)
		s := open(t, src, snapshot.Options{})
		wantUnknown(t, s, "phc_x", true)

		src.set(func() { src.down = store.ErrUnavailable })
		time.Sleep(30 * time.Second)
		wantUnknown(t, s, "phc_x", false)
		wantKeys(t, s, "phc_one", "a")
		if err := s.Refresh(t.Context(), 99); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("Refresh = %v, want ErrUnavailable", err)
		}

		src.set(func() { src.down = nil })
		time.Sleep(30 * time.Second)
		wantUnknown(t, s, "phc_x", true)
	})
}

func TestOneProjectFailsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newSource()
		src.put(project(1, "phc_one", "a"), store.ChangeProject)
		src.put(project(2, "phc_two", "b"), store.ChangeProject)
		s := open(t, src, snapshot.Options{})
		damaged := errors.New("row is damaged")
		src.set(func() { src.broken[1] = damaged })
		bad := src.put(project(1, "phc_one", "a", "new"), store.ChangeDefinitions)
		good := src.put(project(2, "phc_two", "b", "new"), store.ChangeDefinitions)
		if err := s.Refresh(t.Context(), bad); !errors.Is(err, damaged) {
			t.Errorf("Refresh to the damaged edit = %v, want its error", err)
		}
		if err := s.Refresh(t.Context(), good); err != nil {
			t.Errorf("Refresh to the other project's edit = %v", err)
		}
		wantKeys(t, s, "phc_one", "a")
		wantKeys(t, s, "phc_two", "b", "new")
		wantUnknown(t, s, "phc_x", true)
		if got := s.Status().Failing; got != 1 {
			t.Errorf("Failing = %d, want 1", got)
		}

		src.set(func() { delete(src.broken, 1) })
		time.Sleep(2 * time.Minute)
		wantKeys(t, s, "phc_one", "a", "new")
		if got := s.Status().Failing; got != 0 {
			t.Errorf("Failing = %d, want 0", got)
		}
	})
}

func TestANewProjectThatCannotBeLoadedMayHaveAnyToken(t *testing.T) {
	src := newSource()
	s := open(t, src, snapshot.Options{Poll: time.Hour})
	src.set(func() { src.broken[7] = errors.New("row is damaged") })
	rev := src.put(project(7, "phc_seven"), store.ChangeProject)
	if err := s.Refresh(t.Context(), rev); err == nil {
		t.Error("Refresh = nil, want the project's error")
	}
	wantUnknown(t, s, "phc_seven", false)
}

func TestAStoreThatWentBackInTimeIsReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newSource()
		for range 5 {
			src.put(project(1, "phc_one", "a", "b"), store.ChangeProject)
		}
		s := open(t, src, snapshot.Options{})
		src.set(func() {
			src.head, src.changes = 1, src.changes[:1]
			src.projects = map[int64]store.Definitions{2: project(2, "phc_restored", "r")}
		})
		time.Sleep(2 * time.Second)
		wantKeys(t, s, "phc_restored", "r")
		wantUnknown(t, s, "phc_one", true)
	})
}

func TestStartWithoutTheStore(t *testing.T) {
	tests := []struct {
		name   string
		breakS func(*source)
	}{
		{"refuses", func(s *source) { s.down = store.ErrUnavailable }},
		{"is a black hole", func(s *source) { s.hang = true }},
		{"is a black hole after the first answer", func(s *source) { s.hangLater = true }},
		{"answers but cannot be read", func(s *source) {
			for id := range s.projects {
				s.broken[id] = store.ErrUnavailable
			}
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "definitions")
			synctest.Test(t, func(t *testing.T) {
				src := newSource()
				src.put(project(1, "phc_one", "a", "b"), store.ChangeProject)
				src.put(project(2, "phc_two", "c"), store.ChangeProject)
				open(t, src, snapshot.Options{Dir: dir}).Close()

				src.set(func() { test.breakS(src) })
				begin := time.Now()
				s := open(t, src, snapshot.Options{Dir: dir})
				if took := time.Since(begin); took > 2*time.Second {
					t.Errorf("ready after %v, want at most 2s", took)
				}
				if !s.Ready() {
					t.Error("not ready")
				}
				wantKeys(t, s, "phc_one", "a", "b")
				wantKeys(t, s, "phc_two", "c")
				wantUnknown(t, s, "phc_x", false)
				if id, found, _ := s.ProjectBySecret("sha256$phc_two"); !found || id != 2 {
					t.Error("the secret token is not known")
				}
				if got := s.Status().FromDisk; got != 2 {
					t.Errorf("FromDisk = %d, want 2", got)
				}

				src.set(func() { src.down, src.hang, src.hangLater, src.broken = nil, false, false, map[int64]error{} })
				src.put(project(1, "phc_one", "a"), store.ChangeDefinitions)
				time.Sleep(time.Minute)
				wantKeys(t, s, "phc_one", "a")
				wantUnknown(t, s, "phc_x", true)
				if got := s.Status().FromDisk; got != 0 {
					t.Errorf("FromDisk = %d after the store came back, want 0", got)
				}
				s.Close()
			})
		})
	}
}

func TestStartWithNothing(t *testing.T) {
	src := newSource()
	src.down = store.ErrUnavailable
	s := open(t, src, snapshot.Options{Dir: t.TempDir()})
	if s.Ready() {
		t.Error("ready with no store and no files")
	}
	wantUnknown(t, s, "phc_one", false)
}

func TestDamagedFilesAreIgnored(t *testing.T) {
	dir := t.TempDir()
	src := newSource()
	for id, token := range map[int64]string{1: "phc_one", 2: "phc_two", 3: "phc_three", 4: "phc_four"} {
		src.put(project(id, token, "a"), store.ChangeProject)
	}
	open(t, src, snapshot.Options{Dir: dir}).Close()
	damage := map[string]func([]byte) []byte{
		"1.definitions": func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"2.definitions": func(b []byte) []byte { return b[:len(b)/3] },
		"3.definitions": func([]byte) []byte { return nil },
	}
	for name, fn := range damage {
		path := filepath.Join(dir, name)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, fn(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Rename(filepath.Join(dir, "4.definitions"), filepath.Join(dir, "5.definitions")); err != nil {
		t.Fatal(err)
	}
	src.put(project(6, "phc_six", "a"), store.ChangeProject)
	open(t, src, snapshot.Options{Dir: filepath.Join(dir, "other")}).Close() // keeps project 6 elsewhere
	src.set(func() { src.down = store.ErrUnavailable })

	s := open(t, src, snapshot.Options{Dir: dir})
	for _, token := range []string{"phc_one", "phc_two", "phc_three", "phc_four", "phc_six"} {
		wantUnknown(t, s, token, false)
	}
}

func TestFilesFollowTheStore(t *testing.T) {
	dir := t.TempDir()
	src := newSource()
	src.put(project(1, "phc_one", "a"), store.ChangeProject)
	src.put(project(2, "phc_two", "b"), store.ChangeProject)
	s := open(t, src, snapshot.Options{Dir: dir, Poll: time.Hour})
	if err := s.Refresh(t.Context(), src.remove(2)); err != nil {
		t.Fatal(err)
	}
	s.Close()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(names) != 1 || filepath.Base(names[0]) != "1.definitions" {
		t.Fatalf("files %v (%v), want 1.definitions alone", names, err)
	}
	// A restart changes no file: same content, no write.
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(names[0], old, old); err != nil {
		t.Fatal(err)
	}
	open(t, src, snapshot.Options{Dir: dir}).Close()
	info, err := os.Stat(names[0])
	if err != nil {
		t.Fatal(err)
	}
	if !info.ModTime().Equal(old.Truncate(0)) && info.ModTime().After(old.Add(time.Minute)) {
		t.Errorf("a restart wrote the file again")
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, want 0600", info.Mode())
	}
}

// A project that is deleted while the node is down must not come back when the
// node next starts without its store.
func TestAProjectDeletedMeanwhileLosesItsFile(t *testing.T) {
	dir := t.TempDir()
	src := newSource()
	src.put(project(1, "phc_one", "a"), store.ChangeProject)
	src.put(project(2, "phc_two", "b"), store.ChangeProject)
	open(t, src, snapshot.Options{Dir: dir}).Close()
	src.remove(2)
	open(t, src, snapshot.Options{Dir: dir}).Close()
	src.set(func() { src.down = store.ErrUnavailable })
	s := open(t, src, snapshot.Options{Dir: dir})
	wantKeys(t, s, "phc_one", "a")
	wantUnknown(t, s, "phc_two", false)
}

func TestADirectoryThatCannotBeWrittenStopsNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	src := newSource()
	src.put(project(1, "phc_one", "a"), store.ChangeProject)
	s := open(t, src, snapshot.Options{Dir: filepath.Join(file, "sub")})
	wantKeys(t, s, "phc_one", "a")
	s.Close()
	if got := s.Status().Unsaved; got != 1 {
		t.Errorf("Unsaved = %d, want 1", got)
	}
}

func TestCloseAnswersRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newSource()
		s := open(t, src, snapshot.Options{})
		got := make(chan error)
		go func() { got <- s.Refresh(t.Context(), 5) }() // the feed never gets there
		synctest.Wait()
		s.Close()
		if err := <-got; !errors.Is(err, snapshot.ErrClosed) {
			t.Errorf("Refresh = %v, want ErrClosed", err)
		}
		if err := s.Refresh(t.Context(), 5); !errors.Is(err, snapshot.ErrClosed) {
			t.Errorf("Refresh after Close = %v, want ErrClosed", err)
		}
		s.Close()
	})
}

func TestOpenGivesUpWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newSource()
		src.hang = true
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := snapshot.Open(ctx, src, snapshot.Options{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Open = %v, want DeadlineExceeded", err)
		}
	})
}
