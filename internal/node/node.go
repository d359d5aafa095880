// Package node is a whole Guidon node: it opens the store, wires everything
// that decides, learns and manages on top of it, and serves it over HTTP. The
// binary and the tests start the same thing.
//
// Start and Run are called once each; a Node is not reused.
package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"time"

	"github.com/guidon-flags/guidon/internal/auth"
	"github.com/guidon-flags/guidon/internal/decide"
	"github.com/guidon-flags/guidon/internal/identity"
	"github.com/guidon-flags/guidon/internal/manage"
	"github.com/guidon-flags/guidon/internal/rest"
	"github.com/guidon-flags/guidon/internal/server"
	"github.com/guidon-flags/guidon/internal/snapshot"
	"github.com/guidon-flags/guidon/internal/store"
	"github.com/guidon-flags/guidon/internal/store/lazy"
	"github.com/guidon-flags/guidon/internal/store/sqlite"
	"github.com/guidon-flags/guidon/internal/telemetry"
)

// Options are what a node is started with. Listen, AdminListen and Data are
// required.
type Options struct {
	Listen      string // public address; port 0: any free one
	AdminListen string // address of metrics and profiles
	Data        string // data directory, made if it is missing

	Sync sqlite.Sync // zero: sqlite.SyncFull

	// Open opens the store; nil: SQLite in Data. Tests use it to inject
	// faults.
	Open func(ctx context.Context) (store.Store, error)

	TrustedProxies []netip.Prefix
	Bootstrap      manage.BootstrapOptions

	NoNoiseFilter              bool
	GroupIdentifyCreatesPerson bool

	StoredDataTimeout time.Duration // of one decision; 0: decide's default
	PollInterval      time.Duration // of the change feed; 0: snapshot's default
	ShutdownTimeout   time.Duration // 0: server's default
	DrainDelay        time.Duration // see server.Options

	Logger *slog.Logger     // nil: none
	Now    func() time.Time // nil: time.Now
}

// Node is a started node. Run serves it; Close releases it if Run was not
// called.
type Node struct {
	// Made are the credentials of a first start, to be shown once. It is nil
	// if there was nothing to make, or if the store could not be reached.
	Made *manage.Made

	// StoreError is why the store could not be opened: the node serves its
	// last good definitions and goes on trying.
	StoreError error

	store    store.Store
	set      *snapshot.Set
	auth     *auth.Authenticator
	manager  *manage.Manager
	server   *server.Server
	public   net.Listener
	admin    net.Listener
	shutdown []func() error // in reverse order of starting
}

// snapshotDir is the part of the data directory that holds the last good
// definitions.
const snapshotDir = "last-good"

// Start opens everything and listens, but does not serve yet. A store that
// cannot be opened is no error (see Node.StoreError), unless it is because
// another process uses the data directory (sqlite.ErrInUse).
func Start(ctx context.Context, o Options) (_ *Node, err error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	n := &Node{}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.Close())
		}
	}()
	// Listening comes first: a second server on the same address must not get
	// as far as touching anything.
	if err := n.listen(ctx, o); err != nil {
		return n, err
	}
	if err := n.openStore(ctx, o); err != nil {
		return n, err
	}
	metrics := telemetry.NewMetrics()
	n.set, err = snapshot.Open(ctx, n.store, snapshot.Options{
		Dir: filepath.Join(o.Data, snapshotDir), Logger: o.Logger, Now: o.Now,
		Poll: o.PollInterval, Loaded: metrics.Loaded,
	})
	if err != nil {
		return n, err
	}
	n.closing(func() error { n.set.Close(); return nil })
	n.auth = auth.New(n.store, n.set, auth.Options{Now: o.Now, OnError: func(err error) {
		o.Logger.Warn("the last use of keys could not be written", "error", err)
	}})
	n.closing(func() error { n.auth.Close(); return nil })
	persons := identity.New(n.store, identity.Options{
		NoNoiseFilter: o.NoNoiseFilter, GroupIdentifyCreatesPerson: o.GroupIdentifyCreatesPerson, Now: o.Now,
		NewGroupType: n.refresh,
	})
	n.manager = manage.New(n.store, manage.Options{
		Now: o.Now, Published: n.set.Refresh, Persons: persons, Logger: o.Logger,
	})
	engine := decide.New(subjects{persons, n.store}, decide.Options{
		Deadline: o.StoredDataTimeout, Logger: o.Logger,
		OnLookup: metrics.LookedUp, OnWrite: metrics.Overrode, OnPanic: metrics.Panics.Inc,
	})
	n.server = server.New(server.Deps{
		Set: n.set, Auth: n.auth, Engine: engine, Identity: persons, Metrics: metrics,
		API:   rest.New(rest.Deps{Manage: n.manager, Auth: n.auth, Logger: o.Logger}),
		Check: n.store.Check,
	}, server.Options{
		Logger: o.Logger, Now: o.Now, TrustedProxies: o.TrustedProxies,
		DrainDelay: o.DrainDelay, StopTimeout: o.ShutdownTimeout,
	})
	return n, nil
}

// refresh waits until this node serves what the store holds now, so that a
// request that follows sees it (I5). If that fails, the change feed brings it.
func (n *Node) refresh(ctx context.Context) {
	if head, err := n.store.Head(ctx); err == nil {
		_ = n.set.Refresh(ctx, head)
	}
}

// subjects gives the engine look-ups by way of identity, which is to have the
// cache, and writes of sticky assignments straight to the store.
type subjects struct {
	*identity.Service
	store store.Subjects
}

// WriteOverrides implements decide.Subjects.
func (s subjects) WriteOverrides(ctx context.Context, project int64, distinctIDs, flagKeys []string, hashKey string) (int, error) {
	return s.store.WriteOverrides(ctx, project, distinctIDs, flagKeys, hashKey)
}

func (n *Node) listen(ctx context.Context, o Options) (err error) {
	var config net.ListenConfig
	if n.public, err = config.Listen(ctx, "tcp", o.Listen); err != nil {
		return fmt.Errorf("public address: %w", err)
	}
	n.closing(ignoreClosed(n.public.Close))
	if n.admin, err = config.Listen(ctx, "tcp", o.AdminListen); err != nil {
		return fmt.Errorf("admin address: %w", err)
	}
	n.closing(ignoreClosed(n.admin.Close))
	return nil
}

// openStore opens the store, now or as soon as that is possible, and puts the
// first rows into an empty one.
func (n *Node) openStore(ctx context.Context, o Options) error {
	open := o.Open
	if open == nil {
		open = func(ctx context.Context) (store.Store, error) {
			st, err := sqlite.Open(ctx, o.Data, sqlite.Options{Sync: o.Sync, Now: o.Now})
			if err != nil {
				return nil, err // not a nil *sqlite.Store in an interface
			}
			return st, nil
		}
	}
	found := func(ctx context.Context, st store.Store) (manage.Made, error) {
		return manage.New(st, manage.Options{Now: o.Now, Logger: o.Logger}).Bootstrap(ctx, o.Bootstrap)
	}
	var st *lazy.Store
	st, n.StoreError = lazy.Open(ctx, open, lazy.Options{Logger: o.Logger, Opened: func(ctx context.Context, st store.Store) error {
		// Nobody looks at a terminal by now, so what would have to be shown
		// there must not be made up.
		if o.Bootstrap.PersonalKey == "" || o.Bootstrap.ProjectToken == "" || o.Bootstrap.SecretKey == "" {
			return nil
		}
		_, err := found(ctx, st)
		return err
	}})
	n.store = st
	n.closing(st.Close)
	if errors.Is(n.StoreError, sqlite.ErrInUse) {
		return n.StoreError // two nodes would write the same files
	}
	if n.StoreError != nil {
		return nil
	}
	made, err := found(ctx, st)
	if err != nil {
		return fmt.Errorf("first start: %w", err)
	}
	if made.New {
		n.Made = &made
	}
	return nil
}

// URL is the public address as a URL.
func (n *Node) URL() string { return "http://" + n.public.Addr().String() }

// AdminURL is the admin address as a URL.
func (n *Node) AdminURL() string { return "http://" + n.admin.Addr().String() }

// Store is the node's store.
func (n *Node) Store() store.Store { return n.store }

// Set is the node's view of all projects.
func (n *Node) Set() *snapshot.Set { return n.set }

// Manager changes what people manage, on this node.
func (n *Node) Manager() *manage.Manager { return n.manager }

// Run serves until ctx ends, then stops gracefully and releases everything. It
// returns nil if no request had to be cut off.
func (n *Node) Run(ctx context.Context) error {
	err := n.server.Run(ctx, n.public, n.admin)
	return errors.Join(err, n.Close())
}

// Close releases what Start has opened. It may be called more than once.
func (n *Node) Close() error {
	var errs []error
	for i := len(n.shutdown) - 1; i >= 0; i-- {
		errs = append(errs, n.shutdown[i]())
	}
	n.shutdown = nil
	return errors.Join(errs...)
}

func (n *Node) closing(fn func() error) { n.shutdown = append(n.shutdown, fn) }

// ignoreClosed is for listeners, which the server closes when it stops.
func ignoreClosed(closer func() error) func() error {
	return func() error {
		if err := closer(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	}
}
