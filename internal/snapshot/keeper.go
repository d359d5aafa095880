package snapshot

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// fileSuffix ends the names of last good files: "<project>.definitions".
const fileSuffix = ".definitions"

// retryFiles is the pause after a file could not be written.
const retryFiles = 30 * time.Second

// keeper keeps the last good definitions of each project in a directory. One
// goroutine writes; only the newest version of a project waits.
type keeper struct {
	dir    string
	logger *slog.Logger
	wake   chan struct{} // has room for one
	stop   chan struct{}
	done   chan struct{}
	once   sync.Once

	mu   sync.Mutex
	todo map[int64]*Version // nil: take the file away
}

func startKeeper(dir string, logger *slog.Logger) *keeper {
	k := &keeper{
		dir: dir, logger: logger, todo: make(map[int64]*Version),
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
	go k.run()
	return k
}

// keep has v written. It does not wait.
func (k *keeper) keep(v *Version) { k.set(v.Project.ID, v) }

// forget has a project's file removed. It does not wait.
func (k *keeper) forget(project int64) { k.set(project, nil) }

func (k *keeper) set(project int64, v *Version) {
	k.mu.Lock()
	k.todo[project] = v
	k.mu.Unlock()
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

func (k *keeper) pending() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.todo)
}

// close writes what is pending and ends the goroutine.
func (k *keeper) close() {
	k.once.Do(func() { close(k.stop) })
	<-k.done
}

func (k *keeper) run() {
	defer close(k.done)
	for {
		select {
		case <-k.wake:
		case <-k.stop:
			if err := k.flush(); err != nil {
				k.logger.Error("last good definitions are not on disk", "dir", k.dir, "error", err)
			}
			return
		}
		if err := k.flush(); err != nil {
			k.logger.Error("last good definitions cannot be written; trying again", "dir", k.dir, "error", err)
			select {
			case <-time.After(retryFiles):
				select {
				case k.wake <- struct{}{}:
				default:
				}
			case <-k.stop:
			}
		}
	}
}

// flush writes all that is pending, as far as it can; what fails stays pending
// unless it has been overtaken. It returns the errors.
func (k *keeper) flush() error {
	k.mu.Lock()
	todo := k.todo
	k.todo = make(map[int64]*Version)
	k.mu.Unlock()
	var errs []error
	for project, v := range todo {
		err := k.apply(project, v)
		if err == nil {
			continue
		}
		errs = append(errs, err)
		k.mu.Lock()
		if _, newer := k.todo[project]; !newer {
			k.todo[project] = v
		}
		k.mu.Unlock()
	}
	return errors.Join(errs...)
}

func (k *keeper) path(project int64) string {
	return filepath.Join(k.dir, strconv.FormatInt(project, 10)+fileSuffix)
}

func (k *keeper) apply(project int64, v *Version) error {
	name := k.path(project)
	if v == nil {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	text, err := encodeFile(&v.Definitions, v.LoadedAt)
	if err != nil {
		return err
	}
	// A restart loads everything but changes nothing: no storm of writes.
	if old, err := os.ReadFile(name); err == nil && sameContent(old, text) {
		return nil
	}
	return replaceFile(name, text)
}

// replaceFile puts text under name, so that at every moment there is the old
// file or the new one, whole.
func replaceFile(name string, text []byte) (err error) {
	dir := filepath.Dir(name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, ".tmp-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			tmp.Close()
			err = errors.Join(err, os.Remove(tmp.Name()))
		}
	}()
	if _, err := tmp.Write(text); err != nil {
		return err
	}
	if err := tmp.Sync(); err != nil {
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), name); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return nil //nolint:nilerr // the file is in place; only its name may not survive a power cut
	}
	defer d.Close()
	_ = d.Sync() // not every file system can; see above
	return nil
}

// kept returns the projects that have a file, whole or not.
func (k *keeper) kept() []int64 {
	entries, _ := os.ReadDir(k.dir) // load says what is wrong with the directory
	var projects []int64
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), fileSuffix)
		if id, err := strconv.ParseInt(name, 10, 64); ok && err == nil {
			projects = append(projects, id)
		}
	}
	return projects
}

// load reads all last good files. Damaged ones are logged and left where they
// are.
func (k *keeper) load() []lastGood {
	entries, err := os.ReadDir(k.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		k.logger.Error("last good definitions cannot be read", "dir", k.dir, "error", err)
	}
	var found []lastGood
	for _, e := range entries {
		if e.IsDir() || !strings.HasSuffix(e.Name(), fileSuffix) {
			continue
		}
		name := filepath.Join(k.dir, e.Name())
		text, err := os.ReadFile(name)
		var f lastGood
		if err == nil {
			f, err = decodeFile(text)
		}
		if err == nil && k.path(f.defs.Project.ID) != name {
			err = errors.New("it holds another project")
		}
		if err != nil {
			k.logger.Error("a file of last good definitions is ignored", "file", name, "error", err)
			continue
		}
		found = append(found, f)
	}
	return found
}

// sameContent reports whether two files differ in their headers at most.
func sameContent(a, b []byte) bool {
	_, a, okA := bytes.Cut(a, []byte("\n"))
	_, b, okB := bytes.Cut(b, []byte("\n"))
	return okA && okB && bytes.Equal(a, b)
}
