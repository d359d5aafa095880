package sqlite

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// lockName is the file whose lock makes a data directory one process's own.
// It stays when the process is gone; the lock does not.
const lockName = "guidon.lock"

var errLocked = errors.New("locked by another process")

// ErrInUse is returned by Open for a directory that another process uses.
// Trying again makes sense only once that process has ended.
var ErrInUse = errors.New("data directory is in use")

// lockDir takes the lock of a data directory. Closing the file releases it.
func lockDir(dir string) (*os.File, error) {
	path := filepath.Join(dir, lockName)
	f, err := openLocked(path)
	if errors.Is(err, errLocked) {
		return nil, fmt.Errorf("%w: %s belongs to another process%s: stop it, or choose another directory with --data", ErrInUse, dir, holder(path))
	}
	if err != nil {
		return nil, fmt.Errorf("lock data directory: %w", err)
	}
	// The number is for people who read the message above.
	if err := f.Truncate(0); err == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return f, nil
}

// holder names the process that wrote the lock file, if that can be read.
func holder(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 32))
	if pid := strings.TrimSpace(string(text)); err == nil && pid != "" {
		return " (process " + pid + ")"
	}
	return ""
}
