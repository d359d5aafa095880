package snapshot

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/guidon-flags/guidon/internal/store"
)

// ErrClosed is returned by Refresh after Close.
var ErrClosed = errors.New("snapshot: closed")

// Source is what a Set needs of a store. Its calls may fail with
// store.ErrUnavailable at any time, also from the very start.
type Source interface {
	store.Changes
	store.DefinitionReader
}

// Options adjusts a Set. The zero value is good but keeps nothing on disk.
type Options struct {
	// Dir holds the last good definitions, one file per project. It is made if
	// it is missing. Empty: none are kept.
	Dir string

	Logger *slog.Logger     // nil: none
	Now    func() time.Time // nil: time.Now

	// Poll is how often the change feed is read when nothing hints at a
	// change. 0: 1 second.
	Poll time.Duration

	// RetryMax bounds the pauses between attempts to reach the store, which
	// double from Poll on. 0: 15 seconds.
	RetryMax time.Duration

	// StartTimeout is how long Open waits for the store before it turns to the
	// last good definitions, if there are any. 0: 1 second.
	StartTimeout time.Duration

	// CallTimeout bounds each call to the store. 0: 10 seconds.
	CallTimeout time.Duration

	// CertainFor is for how long after the feed was last read an unknown token
	// certainly belongs to no project. 0: 10 seconds.
	CertainFor time.Duration

	// Loaded, if set, hears of each attempt to load a project: how long
	// reading and compiling took, and the error.
	Loaded func(took time.Duration, err error)
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&o.Poll, time.Second},
		{&o.RetryMax, 15 * time.Second},
		{&o.StartTimeout, time.Second},
		{&o.CallTimeout, 10 * time.Second},
		{&o.CertainFor, 10 * time.Second},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if o.Loaded == nil {
		o.Loaded = func(time.Duration, error) {}
	}
	return o
}

// Set holds the current version of every project. Close it when done.
type Set struct {
	src    Source
	opts   Options
	keeper *keeper // nil: nothing is kept on disk

	index       atomic.Pointer[index]
	applied     atomic.Int64 // store.Revision that is served at least
	credentials atomic.Int64 // newest store.Revision that changed credentials
	confirmed   atomic.Int64 // when the feed was last read to its end, Unix ns; 0: never
	obscure     atomic.Bool  // some project cannot be loaded and has no version

	requests chan refresh
	cancel   context.CancelFunc
	done     chan struct{}
	close    sync.Once

	// The rest belongs to the goroutine of run.
	loaded  bool              // everything was loaded from the store once
	failing map[int64]failure // projects whose newest state is not served

	failed atomic.Int64 // len(failing), for Status
}

// Open loads all projects and starts to follow the store. If the store does
// not answer, or fails while it is read, the last good definitions are served
// instead, and the Set goes on trying to reach the store in the background. It
// fails only when ctx ends first.
func Open(ctx context.Context, src Source, o Options) (*Set, error) {
	o = o.withDefaults()
	s := &Set{
		src: src, opts: o,
		requests: make(chan refresh),
		done:     make(chan struct{}),
		failing:  make(map[int64]failure),
	}
	s.index.Store(newIndex())
	if o.Dir != "" {
		s.keeper = startKeeper(o.Dir, o.Logger)
	}
	run, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	started := make(chan struct{})
	go s.run(run, started)
	select {
	case <-started:
		return s, nil
	case <-ctx.Done():
		s.Close()
		return nil, ctx.Err()
	}
}

// Close stops following the store and waits until the last good definitions
// are on disk. What has been read goes on being served. It may be called twice.
func (s *Set) Close() {
	s.close.Do(s.cancel)
	<-s.done
	if s.keeper != nil {
		s.keeper.close()
	}
}

// ByToken finds a project by its project token. known is false if no project
// of this node has it; certain then says whether the store has none either, as
// far as can be told. v is nil for a known project whose definitions could not
// be loaded yet.
func (s *Set) ByToken(token string) (v *Version, known, certain bool) {
	if h, ok := s.index.Load().byToken[token]; ok {
		return h.cur.Load(), true, true
	}
	return nil, false, s.certain()
}

// ByID finds a project by its id; known and certain are those of ByToken.
func (s *Set) ByID(project int64) (v *Version, known, certain bool) {
	if h, ok := s.index.Load().byID[project]; ok {
		return h.cur.Load(), true, true
	}
	return nil, false, s.certain()
}

// ProjectBySecret finds the project that has a secret token, current or
// previous one, by the token's hash. certain is false while "none" may be out
// of date.
func (s *Set) ProjectBySecret(hash string) (project int64, found, certain bool) {
	if id, ok := s.index.Load().bySecret[hash]; ok {
		return id, true, true
	}
	return 0, false, s.certain()
}

// CredentialsRevision is the newest known revision that changed keys, users,
// memberships or projects.
func (s *Set) CredentialsRevision() store.Revision { return store.Revision(s.credentials.Load()) }

// certain reports whether what is not here is certainly not in the store: the
// feed was read to its end a moment ago.
func (s *Set) certain() bool {
	at := s.confirmed.Load()
	return at != 0 && !s.obscure.Load() && s.opts.Now().Sub(time.Unix(0, at)) <= s.opts.CertainFor
}

// refresh asks the goroutine of run to serve rev.
type refresh struct {
	rev   store.Revision
	reply chan error // has room for the reply
}

// Refresh returns nil once this node serves at least rev. It returns an error
// when the store cannot be read, when the project that rev changed cannot be
// loaded, when ctx ends first, or ErrClosed.
func (s *Set) Refresh(ctx context.Context, rev store.Revision) error {
	if rev <= store.Revision(s.applied.Load()) && s.failed.Load() == 0 {
		return nil
	}
	r := refresh{rev: rev, reply: make(chan error, 1)}
	select {
	case s.requests <- r:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.done:
		return ErrClosed
	}
	select {
	case err := <-r.reply:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-s.done:
		return ErrClosed
	}
}

// Status is how a Set is doing.
type Status struct {
	// Ready: there is something to answer with, if only "no such token".
	Ready bool

	Projects  int            // that are served
	FromDisk  int            // of these, from last good definitions
	Failing   int            // projects whose newest state cannot be loaded
	Faults    int            // definitions that do not compile
	Applied   store.Revision // everything up to here is served
	Confirmed time.Time      // when the feed was last read to its end; zero: never
	Unsaved   int            // projects whose file is not written yet
}

// Status tells how the Set is doing. It walks all projects.
func (s *Set) Status() Status {
	st := Status{Applied: store.Revision(s.applied.Load()), Failing: int(s.failed.Load())}
	if at := s.confirmed.Load(); at != 0 {
		st.Confirmed = time.Unix(0, at).UTC()
	}
	for _, h := range s.index.Load().byID {
		v := h.cur.Load()
		if v == nil {
			continue
		}
		st.Projects++
		st.Faults += len(v.Faults)
		if v.FromDisk {
			st.FromDisk++
		}
	}
	st.Ready = s.Ready()
	if s.keeper != nil {
		st.Unsaved = s.keeper.pending()
	}
	return st
}

// Ready reports whether the Set can answer: the store was read once, or last
// good definitions were found.
func (s *Set) Ready() bool {
	return s.confirmed.Load() != 0 || len(s.index.Load().byID) > 0
}
