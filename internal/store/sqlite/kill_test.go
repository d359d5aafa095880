package sqlite

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/guidon-flags/guidon/internal/store"
)

const (
	killDirVariable = "GUIDON_TEST_KILL_DIR" // set in the child process: the data directory
	killRounds      = 20
	killWriters     = 4
)

// TestKillNine kills a process that writes, 20 times in a row on one
// database: two of its goroutines insert persons and two edit flags, and each
// prints the name of what it wrote once the store has answered. All that was
// printed must be there afterwards.
func TestKillNine(t *testing.T) {
	if testing.Short() {
		t.Skip("starts 20 processes")
	}
	dir := t.TempDir()
	prepareKill(t, dir)
	acknowledged := make(map[string]bool)
	for round := range killRounds {
		// A different number of answers each round moves the moment of death.
		for _, name := range killAfter(t, dir, 20+13*round) {
			acknowledged[name] = true
		}
		verifyKilled(t, dir, acknowledged)
	}
	if len(acknowledged) < killRounds*20 {
		t.Errorf("only %d writes were acknowledged", len(acknowledged))
	}
	t.Logf("%d acknowledged writes", len(acknowledged))
}

func prepareKill(t *testing.T, dir string) {
	t.Helper()
	s, err := Open(t.Context(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Edit(t.Context(), store.Author{}, func(tx store.Tx) error {
		_, err := tx.InsertProject(store.Project{ID: 1, Token: "phc_1"})
		return err
	})
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
}

// killAfter starts a writing process, kills it after n answers, and returns
// all answers that it gave.
func killAfter(t *testing.T, dir string, n int) (names []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), killDirVariable+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil { // a last line without its end does not count
			break
		}
		names = append(names, strings.TrimSuffix(line, "\n"))
		if len(names) == n {
			if err := cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
	}
	_ = cmd.Wait() // it was killed
	if len(names) < n {
		t.Fatalf("the process ended by itself after %d answers", len(names))
	}
	return names
}

func verifyKilled(t *testing.T, dir string, acknowledged map[string]bool) {
	t.Helper()
	s, err := Open(t.Context(), dir, Options{})
	if err != nil {
		t.Fatalf("Open after the kill: %v", err)
	}
	err = s.View(t.Context(), func(tx store.ReadTx) error {
		for name := range acknowledged {
			var err error
			if strings.HasPrefix(name, "flag") {
				_, err = tx.FlagByKey(1, name)
			} else {
				_, err = tx.PersonByDistinctID(1, name)
			}
			if err != nil {
				return fmt.Errorf("%s was acknowledged: %w", name, err)
			}
		}
		flags, err := tx.Flags(1, true)
		if err != nil {
			return err
		}
		for _, f := range flags {
			if _, err := tx.FlagVersion(1, f.ID, 1); err != nil {
				return fmt.Errorf("flag %s has no version: %w", f.Key, err)
			}
		}
		return integrity(tx)
	})
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
}

// integrity runs SQLite's own checks.
func integrity(tx store.ReadTx) error {
	var answer string
	if err := tx.(reading).one(`PRAGMA integrity_check`, nil, &answer); err != nil {
		return err
	}
	if answer != "ok" {
		return errors.New(answer)
	}
	return tx.(reading).each(`PRAGMA foreign_key_check`, nil, func(scanner) error {
		return errors.New("a foreign key leads nowhere")
	})
}

// writeUntilKilled is the child process.
func writeUntilKilled(dir string) {
	ctx := context.Background()
	s, err := Open(ctx, dir, Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	id := fmt.Sprint(os.Getpid(), "-", time.Now().UnixNano())
	for w := range killWriters {
		go func() {
			for i := 0; ; i++ {
				name, err := fmt.Sprintf("person-%s-%d-%d", id, w, i), error(nil)
				if w%2 == 0 {
					err = s.Identify(ctx, 1, func(tx store.IdentityTx) error {
						_, err := tx.InsertPerson(store.Person{UUID: name}, []string{name})
						return err
					})
				} else {
					name = "flag" + strings.TrimPrefix(name, "person")
					_, err = s.Edit(ctx, store.Author{}, func(tx store.Tx) error {
						_, err := tx.InsertFlag(store.Flag{Project: 1, Key: name})
						return err
					})
				}
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				if _, err := os.Stdout.WriteString(name + "\n"); err != nil {
					os.Exit(1)
				}
			}
		}()
	}
	<-time.After(time.Minute) // the parent is gone
	os.Exit(1)
}
