package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/guidon-flags/guidon/internal/store"
)

// Store is what identity needs of a database.
type Store interface {
	store.Identities
	store.Subjects
}

// Options are the settings of a Service. The zero value of each field means
// its default.
type Options struct {
	// NoNoiseFilter writes every change of a property. By default a person is
	// not written for the sake of properties that change with each page
	// (5.2, step 5); targeting then sees their older values.
	NoNoiseFilter bool
	// GroupIdentifyCreatesPerson makes $groupidentify create a person for its
	// distinct id, as upstream does (G4).
	GroupIdentifyCreatesPerson bool
	// MaxDistinctIDs is how many distinct ids a person may have and still be
	// merged into another (M10). Default 10,000.
	MaxDistinctIDs int
	// NewGroupType is called when events have brought a group type, which is
	// part of a project's definitions, before Capture returns. May be nil.
	NewGroupType func(ctx context.Context)
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

// Service applies events to one store and answers look-ups.
type Service struct {
	store Store
	opts  Options
	calls flagCalls
	stats counters
}

// New returns a Service on st, which stays the caller's to close.
func New(st Store, opts Options) *Service {
	if opts.MaxDistinctIDs <= 0 {
		opts.MaxDistinctIDs = 10_000
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Service{store: st, opts: opts}
}

// Settings is what the effect of events depends on in a project.
type Settings struct {
	ID     int64
	OptOut bool // person_processing_opt_out: every event is personless
}

// Event is one captured event, already checked: names and ids have their
// lengths, times are sensible. The documents are JSON texts, nil or empty if
// there is none; Capture does not keep or change them.
type Event struct {
	UUID       string
	Name       string
	DistinctID string
	Time       time.Time
	Properties []byte // an object
	Set        []byte // $set beside the properties; counts before the one within
	SetOnce    []byte // $set_once beside the properties; likewise
	Lifted     []byte // an object: what a client says of the event beside its properties, under the names that properties have; counts before them
}

// A request's events are applied in portions, so that a large one does not
// keep the others of its store waiting.
const (
	maxPortion      = 1000                   // events
	maxPortionBytes = 1 << 20                // of their documents
	maxPortionTime  = 100 * time.Millisecond // an event of a person with large properties takes longest
)

// Capture applies one request's events in their order. When it returns nil,
// their effects are durable and visible to every look-up that starts
// afterwards. An error is the store's: some events at the front may have taken
// effect, and sending all of them again is harmless.
//
// Events that cannot be applied (M2, M7, 5.3, …) are no error: they count, and
// leave a warning.
func (s *Service) Capture(ctx context.Context, project Settings, events []Event) error {
	_, err := s.CaptureFront(ctx, project, events)
	return err
}

// CaptureFront is Capture for clients that can send the rest of a request
// again: n is how many events at the front are done with for good, all of them
// if err is nil. What became of the others is not known.
func (s *Service) CaptureFront(ctx context.Context, project Settings, events []Event) (n int, err error) {
	for n < len(events) {
		var steps []step
		var ends []int // for each step, how many events are done with after it
		size, i := 0, n
		for ; i < len(events) && len(steps) < maxPortion && size < maxPortionBytes; i++ {
			e := &events[i]
			size += len(e.Properties) + len(e.Set) + len(e.SetOnce)
			if st, ok := prepare(e, project.OptOut); ok {
				steps, ends = append(steps, st), append(ends, i+1)
			} else {
				s.stats.ignored(1)
			}
		}
		for len(steps) > 0 {
			k, err := s.apply(ctx, project.ID, steps)
			if err != nil {
				return n, fmt.Errorf("identity: capture: %w", err)
			}
			n = ends[k-1]
			steps, ends = steps[k:], ends[k:]
		}
		n = i
	}
	return n, nil
}

// apply applies the first of steps, as many as maxPortionTime allows but one at
// least, in one transaction. It returns how many.
func (s *Service) apply(ctx context.Context, project int64, steps []step) (n int, err error) {
	var t tally
	var calls []flagCall
	err = s.store.Identify(ctx, project, func(tx store.IdentityTx) error {
		now := s.now()
		r := s.run(tx, project, now)
		for n = 0; n < len(steps) && (n == 0 || s.now().Sub(now) < maxPortionTime); n++ {
			if err := r.step(&steps[n]); err != nil {
				return err
			}
		}
		calls = s.calls.due(project, steps[:n], now)
		for _, c := range calls {
			if err := tx.TouchFlag(c.key, c.at); err != nil {
				return err
			}
		}
		t = r.tally
		return nil
	})
	if err != nil {
		return 0, err
	}
	t.events += n
	s.calls.written(project, calls)
	s.stats.add(&t)
	if t.groupTypes > 0 && s.opts.NewGroupType != nil {
		s.opts.NewGroupType(ctx)
	}
	return n, nil
}

func (s *Service) now() time.Time { return s.opts.Now().UTC().Truncate(time.Microsecond) }

// Lookup loads what is stored about a subject. It sees the effects of every
// Capture that returned before. An unknown person or group is no error.
func (s *Service) Lookup(ctx context.Context, q store.SubjectQuery) (store.SubjectData, error) {
	return s.store.Subject(ctx, q)
}

// run is one pass over steps within a transaction. A transaction that is
// repeated gets a new one.
type run struct {
	tx      store.IdentityTx
	project int64
	now     time.Time
	opts    *Options
	types   map[string]int // known group types; nil: not loaded
	tally   tally
}

func (s *Service) run(tx store.IdentityTx, project int64, now time.Time) *run {
	return &run{tx: tx, project: project, now: now, opts: &s.opts}
}

// step applies one event (section 3, from 7 on).
func (r *run) step(st *step) error {
	for _, w := range st.warnings {
		if err := r.warn(st, w); err != nil {
			return err
		}
	}
	if st.drop {
		r.tally.dropped++
		return nil
	}
	personless := st.personless
	if st.tentative {
		_, err := r.tx.PersonOf(st.id)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		personless = err != nil
	}
	if personless {
		return r.personless(st.id)
	}
	if st.group == nil || r.opts.GroupIdentifyCreatesPerson {
		if err := r.person(st); err != nil {
			return err
		}
	}
	return r.groups(st)
}

// personless remembers that id was used without a person, unless it has one.
func (r *run) personless(id string) error {
	_, err := r.tx.PersonOf(id)
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	used, _, err := r.tx.Personless(id)
	if err != nil || used {
		return err
	}
	return r.tx.MarkPersonless(id)
}

// attempts is how often a creation or a merge starts over when another
// transaction was in the way (M10).
const attempts = 3

// person lets the event act on its person: merging, then properties.
func (r *run) person(st *step) error {
	if st.other != "" {
		err := retry(func() error { return r.merge(st) })
		if !inTheWay(err) {
			return err
		}
		if err := r.warn(st, warnMergeRace); err != nil {
			return err
		}
	}
	return retry(func() error {
		p, err := r.tx.PersonOf(st.id)
		switch {
		case errors.Is(err, store.ErrNotFound):
			_, err := r.create(st, false, st.id)
			return err
		case err != nil:
			return err
		}
		return r.update(st, p, false)
	})
}

// retry calls fn until it succeeds, fails for good, or has failed too often
// because of another transaction.
func retry(fn func() error) error {
	var err error
	for range attempts {
		if err = fn(); !inTheWay(err) {
			return err
		}
	}
	return err
}

// inTheWay reports whether err says that a row which was read is gone, or that
// one which was missing has come.
func inTheWay(err error) bool {
	return errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrConflict)
}
