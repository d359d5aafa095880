package snapshot

import (
	"context"
	"errors"
	"maps"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/guidon-flags/guidon/internal/store"
)

// load reads and compiles one project.
func (s *Set) load(ctx context.Context, project int64) (*Version, error) {
	at := s.opts.Now()
	call, cancel := context.WithTimeout(ctx, s.opts.CallTimeout)
	defs, err := s.src.Definitions(call, project)
	cancel()
	var v *Version
	if err == nil {
		v, err = Compile(defs)
	}
	if err == nil {
		v.LoadedAt = at
	}
	if !errors.Is(err, store.ErrNotFound) {
		s.opts.Loaded(s.opts.Now().Sub(at), err)
	}
	return v, err
}

// reading is what a store held.
type reading struct {
	at       time.Time
	head     store.Revision
	projects []store.Project
	versions []*Version // of projects, nil where there is an error
	errs     []error
	err      error // of the store as a whole; what could be read is in versions
}

// readAll reads and compiles every project. It changes nothing in s.
func (s *Set) readAll(ctx context.Context) (r reading) {
	r.at = s.opts.Now()
	if r.head, r.err = s.head(ctx); r.err != nil {
		return r
	}
	call, cancel := context.WithTimeout(ctx, s.opts.CallTimeout)
	r.projects, r.err = s.src.Projects(call)
	cancel()
	if r.err != nil {
		return r
	}
	r.versions, r.errs = s.loadEach(ctx, r.projects)
	for _, err := range r.errs {
		if unavailable(err) {
			r.err = err
		}
	}
	return r
}

// take installs what was read and returns r.err. If all could be read,
// projects that are not in it are dropped; those that fail keep what they have.
func (s *Set) take(r reading) error {
	if r.err != nil {
		s.installAll(r.versions) // newer than what is here
		return r.err
	}
	old, next := s.index.Load(), newIndex()
	for i, p := range r.projects {
		if errors.Is(r.errs[i], store.ErrNotFound) {
			continue // deleted meanwhile
		}
		h := old.byID[p.ID]
		if h == nil {
			h = &holder{id: p.ID}
		}
		if v := r.versions[i]; v != nil {
			h.cur.Store(v)
			s.keep(v)
			p = v.Project
		}
		next.put(h, keysOf(&p))
	}
	s.index.Store(next)
	s.forgetOthers(old, next)
	clear(s.failing)
	s.failed.Store(0)
	s.obscure.Store(false)
	for i, p := range r.projects {
		if r.errs[i] != nil && !errors.Is(r.errs[i], store.ErrNotFound) {
			s.settle(p.ID, r.head, r.errs[i])
		}
	}
	s.credentials.Store(int64(r.head))
	s.applied.Store(int64(r.head))
	s.confirmed.Store(r.at.UnixNano())
	s.loaded = true
	return nil
}

// loadEach loads projects, a few at a time. The results are in their order.
func (s *Set) loadEach(ctx context.Context, projects []store.Project) ([]*Version, []error) {
	versions, errs := make([]*Version, len(projects)), make([]error, len(projects))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, p := range projects {
		g.Go(func() error {
			versions[i], errs[i] = s.load(ctx, p.ID)
			return nil
		})
	}
	_ = g.Wait() // the errors are in errs
	return versions, errs
}

// install makes v what its project serves.
func (s *Set) install(v *Version) {
	s.installAll([]*Version{v})
}

// installAll installs those of versions that are not nil with at most one new
// index.
func (s *Set) installAll(versions []*Version) {
	old := s.index.Load()
	next := old
	for _, v := range versions {
		if v == nil {
			continue
		}
		h, keys := next.byID[v.Project.ID], keysOf(&v.Project)
		if h == nil {
			h = &holder{id: v.Project.ID}
		}
		h.cur.Store(v)
		if known, ok := next.keys[h.id]; !ok || known != keys {
			if next == old {
				next = old.clone()
			}
			next.put(h, keys)
		}
		if !v.FromDisk {
			s.keep(v)
		}
	}
	if next != old {
		s.index.Store(next)
	}
}

// remove forgets a project that was deleted.
func (s *Set) remove(project int64) {
	old := s.index.Load()
	if old.byID[project] != nil {
		next := old.clone()
		next.drop(project)
		s.index.Store(next)
	}
	s.forget(project)
}

// loadFiles serves what the last good files hold.
func (s *Set) loadFiles() {
	if s.keeper == nil {
		return
	}
	var versions []*Version
	for _, f := range s.keeper.load() {
		if h := s.index.Load().byID[f.defs.Project.ID]; h != nil && h.cur.Load() != nil {
			continue // read from the store before it failed
		}
		v, err := Compile(f.defs)
		if err != nil {
			s.opts.Logger.Error("last good definitions do not compile", "project", f.defs.Project.ID, "error", err)
			continue
		}
		v.LoadedAt, v.FromDisk = f.at, true
		versions = append(versions, v)
	}
	s.installAll(versions)
}

func (s *Set) keep(v *Version) {
	if s.keeper != nil {
		s.keeper.keep(v)
	}
}

func (s *Set) forget(project int64) {
	if s.keeper != nil {
		s.keeper.forget(project)
	}
}

// forgetOthers forgets the projects that old has and next has not, and those
// that left but a file: they were deleted while nobody looked.
func (s *Set) forgetOthers(old, next *index) {
	if s.keeper == nil {
		return
	}
	for _, id := range slices.AppendSeq(s.keeper.kept(), maps.Keys(old.byID)) {
		if next.byID[id] == nil {
			s.keeper.forget(id)
		}
	}
}
