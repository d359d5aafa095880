package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/guidon-flags/guidon/internal/config"
	"github.com/guidon-flags/guidon/internal/snapshot"
	"github.com/guidon-flags/guidon/internal/store"
	"github.com/guidon-flags/guidon/internal/store/sqlite"
)

// doctorCmd takes the settings of serve, so that it looks at the same things.
type doctorCmd struct {
	config.Serve
}

// errSick makes the exit status 1; what is wrong was printed already.
var errSick = errors.New("something is wrong, see above")

// report prints findings.
type report struct {
	term terminal
	sick bool
}

func (r *report) good(format string, args ...any) { r.line("ok", format, args...) }
func (r *report) note(format string, args ...any) { r.line("note", format, args...) }

func (r *report) bad(what, mend string) {
	r.sick = true
	r.line("BAD", "%s", what)
	fmt.Fprintf(r.term.out, "      → %s\n", mend)
}

func (r *report) line(mark, format string, args ...any) {
	fmt.Fprintf(r.term.out, "%-5s %s\n", mark, fmt.Sprintf(format, args...))
}

// Run looks at everything and fails if something is wrong.
func (c *doctorCmd) Run(term terminal) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	r := &report{term: term}
	c.directory(r)
	if st := c.database(ctx, r); st != nil {
		c.definitions(ctx, r, st)
		if err := st.Close(); err != nil {
			r.bad("the database does not close: "+err.Error(), "look at the disk and the system's log")
		}
	}
	c.lastGood(r)
	c.server(ctx, r)
	files(r)
	if r.sick {
		return errSick
	}
	return nil
}

func (c *doctorCmd) directory(r *report) {
	info, err := os.Stat(c.Data)
	switch {
	case errors.Is(err, os.ErrNotExist):
		r.note("data directory %s does not exist yet: `guidon serve` makes it", c.Data)
		return
	case err != nil:
		r.bad("data directory: "+err.Error(), "give the server's user the right to enter it")
		return
	case !info.IsDir():
		r.bad(c.Data+" is not a directory", "move it away, or choose another directory with --data")
		return
	}
	probe, err := os.CreateTemp(c.Data, ".doctor-*")
	if err != nil {
		r.bad("cannot write in the data directory: "+err.Error(), "give the server's user the right to write, or free space on the disk")
		return
	}
	if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil {
		r.bad("data directory: "+err.Error(), "look at the disk")
		return
	}
	r.good("data directory %s can be written", c.Data)
	if info.Mode().Perm()&0o077 != 0 {
		r.note("others may look into %s; chmod 700 keeps person data private", c.Data)
	}
}

// database opens the store beside a server that may be running; nil if there
// is none or it cannot be opened.
func (c *doctorCmd) database(ctx context.Context, r *report) *sqlite.Store {
	file := filepath.Join(c.Data, sqlite.FileName)
	if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
		r.note("no database yet")
		return nil
	}
	st, err := sqlite.Open(ctx, c.Data, sqlite.Options{Beside: true})
	if err != nil {
		r.bad("the database cannot be opened: "+err.Error(), "the server would serve its last good definitions; restore a backup if the file is damaged")
		return nil
	}
	rev, err := st.Head(ctx)
	if err != nil {
		r.bad("the database does not answer: "+err.Error(), "look at the disk; restore a backup if the file is damaged")
		return st
	}
	r.good("database %s answers, revision %d", file, rev)
	return st
}

// definitions compiles every project as the server would.
func (c *doctorCmd) definitions(ctx context.Context, r *report, st store.DefinitionReader) {
	projects, err := st.Projects(ctx)
	if err != nil {
		r.bad("projects cannot be read: "+err.Error(), "look at the disk; restore a backup if the file is damaged")
		return
	}
	if len(projects) == 0 {
		r.note("no project yet: the first `guidon serve` makes one")
	}
	for _, p := range projects {
		defs, err := st.Definitions(ctx, p.ID)
		if err != nil {
			r.bad(fmt.Sprintf("project %d cannot be read: %v", p.ID, err), "look at the disk; restore a backup if the file is damaged")
			continue
		}
		v, err := snapshot.Compile(defs)
		if err != nil {
			r.bad(fmt.Sprintf("project %d does not compile: %v", p.ID, err), "please report this: it is a defect of guidon")
			continue
		}
		for _, f := range v.Faults {
			r.bad(fmt.Sprintf("project %d, %s", p.ID, faultText(f)), "edit the definition; until then it answers as the rules for faulty definitions say")
		}
		if _, err := time.LoadLocation(p.TimeZone); err != nil {
			r.bad(fmt.Sprintf("project %d: unknown time zone %q", p.ID, p.TimeZone), "set an IANA name such as Europe/Berlin; until then dates count in UTC")
		}
		r.good("project %d (%s): %d flags, %d cohorts", p.ID, p.Name, len(defs.Flags), len(defs.Cohorts))
	}
}

func (c *doctorCmd) lastGood(r *report) {
	entries, err := os.ReadDir(filepath.Join(c.Data, "last-good"))
	switch {
	case errors.Is(err, os.ErrNotExist):
		r.note("no last good definitions yet")
	case err != nil:
		r.bad("last good definitions: "+err.Error(), "give the server's user the right to read them")
	default:
		r.good("last good definitions: %d files", len(entries))
	}
}

// server asks a running server how it is.
func (c *doctorCmd) server(ctx context.Context, r *report) {
	for _, address := range []struct{ name, url string }{
		{"public", "http://" + c.Listen + "/_readiness"},
		{"admin", "http://" + c.AdminListen + "/metrics"},
	} {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address.url, nil)
		if err != nil {
			r.bad(address.name+" address: "+err.Error(), "write it as HOST:PORT")
			continue
		}
		resp, err := http.DefaultClient.Do(req)
		if errors.Is(err, syscall.ECONNREFUSED) {
			r.note("no server listens on the %s address %s", address.name, req.URL.Host)
			continue
		}
		if err != nil {
			r.bad(address.name+" address: "+err.Error(), "look whether something else listens on "+req.URL.Host)
			continue
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			r.bad(fmt.Sprintf("%s answers %s", address.url, resp.Status), "see the server's log")
			continue
		}
		r.good("the %s address %s answers", address.name, req.URL.Host)
	}
	if host, _, _ := strings.Cut(c.AdminListen, ":"); host == "" || host == "0.0.0.0" {
		r.bad("the admin address "+c.AdminListen+" is open to everybody", "metrics and profiles are not for the public: listen on 127.0.0.1")
	}
}

// wantedFiles is how many open files let a server hold its connections.
const wantedFiles = 8192

func files(r *report) {
	n, ok := openFilesLimit()
	switch {
	case !ok:
	case n < wantedFiles:
		r.bad(fmt.Sprintf("only %d files may be open at once, and each connection is one", n), "raise it: ulimit -n 65536, or LimitNOFILE=65536 in the systemd unit")
	default:
		r.good("%d files may be open at once", n)
	}
}
