// Package manage holds the rules for changes that people make: flags, cohorts,
// early access features, persons, groups, projects, members and keys. It
// validates, checks that the caller may touch what it names, writes through
// store.Edit, keeps the audit log, and has the change published before it
// answers.
//
// It knows nothing of HTTP: internal/rest gives it its wire form. Which scope a
// key needs for an action is the route's business; which projects and
// organizations a caller may touch is decided here (see Caller). Rules are
// those of docs/management-api.md; comments cite its sections ("5.4", "6.3").
//
// A Manager and its services may be used by any number of goroutines. Methods
// return *Error for what the caller did wrong or may not do; every other error
// is a fault of the store or of the machine.
package manage

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/guidon-flags/guidon/internal/store"
)

// DefaultFlagLimit is how many live flags a project may have (5.2).
const DefaultFlagLimit = 2000

// Options are the optional parts of a Manager.
type Options struct {
	// Now is the clock; nil: time.Now.
	Now func() time.Time

	// Published is called after each commit with its revision and before the
	// change is answered, so that the next request on this node sees it. An
	// error is logged: the change is stored and followers will find it.
	Published func(ctx context.Context, rev store.Revision) error

	// Persons changes persons; nil: operations on persons are refused.
	Persons PersonOperations

	// FlagLimit is how many live flags a project may have if its settings do
	// not say; 0: DefaultFlagLimit.
	FlagLimit int

	// Logger takes what cannot be answered; nil: discarded.
	Logger *slog.Logger
}

// Manager bundles the services that change what people manage.
type Manager struct {
	Flags         *Flags
	Cohorts       *Cohorts
	EarlyAccess   *EarlyAccess
	Persons       *Persons
	Groups        *Groups
	Projects      *Projects
	Organizations *Organizations
	Keys          *Keys
	Activity      *Activity

	c *core
}

// core is what all services share.
type core struct {
	st      store.Store
	now     func() time.Time
	publish func(ctx context.Context, rev store.Revision) error
	persons PersonOperations
	limit   int
	log     *slog.Logger
}

// New returns a Manager that works on st.
func New(st store.Store, opts Options) *Manager {
	c := &core{
		st: st, now: opts.Now, publish: opts.Published, persons: opts.Persons,
		limit: opts.FlagLimit, log: opts.Logger,
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.limit == 0 {
		c.limit = DefaultFlagLimit
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	return &Manager{
		Flags:         &Flags{c},
		Cohorts:       &Cohorts{c},
		EarlyAccess:   &EarlyAccess{c},
		Persons:       &Persons{c},
		Groups:        &Groups{c},
		Projects:      &Projects{c},
		Organizations: &Organizations{c},
		Keys:          &Keys{c},
		Activity:      &Activity{c},
		c:             c,
	}
}

// clock is the present time as the store keeps it.
func (c *core) clock() time.Time { return c.now().UTC().Truncate(time.Microsecond) }

// edit runs fn in a transaction of who and publishes what was committed.
func (c *core) edit(ctx context.Context, who Caller, fn func(tx store.Tx) error) error {
	rev, err := c.st.Edit(ctx, who.author(), fn)
	if err != nil {
		return missing(err)
	}
	if c.publish == nil {
		return nil
	}
	if err := c.publish(ctx, rev); err != nil {
		c.log.WarnContext(ctx, "a change is stored but could not be published at once", "revision", int64(rev), "error", err)
	}
	return nil
}

// view runs fn on one consistent state.
func (c *core) view(ctx context.Context, fn func(tx store.ReadTx) error) error {
	return missing(c.st.View(ctx, fn))
}

// missing turns the store's "no such row" into the answer people get.
func missing(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return notFound()
	}
	return err
}
