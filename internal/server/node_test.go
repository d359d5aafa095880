package server_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/guidon-flags/guidon/internal/auth"
	"github.com/guidon-flags/guidon/internal/decide"
	"github.com/guidon-flags/guidon/internal/identity"
	"github.com/guidon-flags/guidon/internal/server"
	"github.com/guidon-flags/guidon/internal/snapshot"
	"github.com/guidon-flags/guidon/internal/store"
	"github.com/guidon-flags/guidon/internal/store/sqlite"
	"github.com/guidon-flags/guidon/internal/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// cuttable is a store that can be cut off.
type cuttable struct {
	store.Store
	down atomic.Bool
}

func (c *cuttable) err() error {
	if c.down.Load() {
		return store.ErrUnavailable
	}
	return nil
}

func (c *cuttable) Head(ctx context.Context) (store.Revision, error) {
	if err := c.err(); err != nil {
		return 0, err
	}
	return c.Store.Head(ctx)
}

func (c *cuttable) ChangesSince(ctx context.Context, rev store.Revision, n int) ([]store.Change, error) {
	if err := c.err(); err != nil {
		return nil, err
	}
	return c.Store.ChangesSince(ctx, rev, n)
}

func (c *cuttable) View(ctx context.Context, fn func(store.ReadTx) error) error {
	if err := c.err(); err != nil {
		return err
	}
	return c.Store.View(ctx, fn)
}

func (c *cuttable) Subject(ctx context.Context, q store.SubjectQuery) (store.SubjectData, error) {
	if err := c.err(); err != nil {
		return store.SubjectData{}, err
	}
	return c.Store.Subject(ctx, q)
}

func (c *cuttable) Identify(ctx context.Context, project int64, fn func(store.IdentityTx) error) error {
	if err := c.err(); err != nil {
		return err
	}
	return c.Store.Identify(ctx, project, fn)
}

func (c *cuttable) Check(context.Context) error { return c.err() }

// subjects looks persons up in identity and writes assignments to the store.
type subjects struct {
	*identity.Service
	store store.Store
}

func (s subjects) WriteOverrides(ctx context.Context, project int64, ids, keys []string, hashKey string) (int, error) {
	return s.store.WriteOverrides(ctx, project, ids, keys, hashKey)
}

// node is a server on a store of its own.
type node struct {
	store   *cuttable
	set     *snapshot.Set
	server  *server.Server
	handler http.Handler
	ahead   atomic.Int64 // how far the clock of the Set is ahead of time, ns
}

// nodeOptions says how a node differs from the usual.
type nodeOptions struct {
	store  store.Store // nil: a new one, seeded
	dir    string      // of last good definitions; empty: none
	down   bool        // the store is cut off from the start
	server server.Options
	api    http.Handler // nil: one that panics
	seed   func(store.Tx) error
}

func newStore(t testing.TB) *sqlite.Store {
	t.Helper()
	st, err := sqlite.Open(context.Background(), t.TempDir(), sqlite.Options{Sync: sqlite.SyncNormal})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

func newNode(t testing.TB, o nodeOptions) *node {
	t.Helper()
	n := &node{store: &cuttable{Store: o.store}}
	if o.store == nil {
		n.store.Store = newStore(t)
		n.edit(t, seed)
	}
	if o.seed != nil {
		n.edit(t, o.seed)
	}
	n.store.down.Store(o.down)
	set, err := snapshot.Open(context.Background(), n.store, snapshot.Options{
		Dir: o.dir, Now: func() time.Time { return time.Now().Add(time.Duration(n.ahead.Load())) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(set.Close)
	n.set = set
	keys := auth.New(n.store, set, auth.Options{})
	t.Cleanup(keys.Close)
	if o.api == nil {
		o.api = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("for the test") })
	}
	persons := identity.New(n.store, identity.Options{})
	n.server = server.New(server.Deps{
		Set: set, Auth: keys, Identity: persons, Metrics: telemetry.NewMetrics(), Check: n.store.Check,
		Engine: decide.New(subjects{persons, n.store}, decide.Options{}),
		API:    o.api,
	}, o.server)
	n.handler = n.server.Handler()
	return n
}

func (n *node) edit(t testing.TB, fn func(store.Tx) error) {
	t.Helper()
	rev, err := n.store.Edit(context.Background(), store.Author{Reason: "test"}, fn)
	if err == nil && n.set != nil {
		err = n.set.Refresh(context.Background(), rev)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// cutOff takes the store away, for so long that the node notices.
func (n *node) cutOff() {
	n.store.down.Store(true)
	n.ahead.Store(int64(time.Hour))
}

// seed makes the projects that conformance/http/README.md describes.
func seed(tx store.Tx) error {
	var errs []error
	for i, letter := range []string{"a", "b"} {
		org := organization(i)
		errs = append(errs, tx.InsertOrganization(store.Organization{ID: org, Name: letter, Slug: letter}))
		_, err := tx.InsertProject(store.Project{
			ID: int64(i + 1), OrganizationID: org, Name: letter, Token: "phc_" + letter, TimeZone: "UTC",
			UUID: fmt.Sprintf("018f0000-0000-7000-8000-00000000010%d", i), Settings: []byte("{}"),
			SecretHash: auth.Hash("phs_" + letter), MatchingVersion: 2,
		})
		errs = append(errs, err, projectKey(tx, int64(i+1), "phs_"+letter+"_key", "feature_flag:read"))
	}
	errs = append(errs, projectKey(tx, 1, "phs_a_noscope", "experiment:read"))
	for i, name := range []string{"member", "stranger"} {
		u, err := tx.InsertUser(store.User{
			Email: name + "@example.com", Active: true, DistinctID: name,
			UUID: fmt.Sprintf("018f0000-0000-7000-8000-00000000020%d", i),
		})
		errs = append(errs, err, tx.PutMembership(store.Membership{OrganizationID: organization(i), UserID: u.ID, Level: 15}))
		if name == "stranger" {
			errs = append(errs, personalKey(tx, u.ID, "phx_stranger", nil, "*"))
			continue
		}
		errs = append(errs,
			personalKey(tx, u.ID, "phx_a", nil, "*"),
			personalKey(tx, u.ID, "phx_read", nil, "feature_flag:read"),
			personalKey(tx, u.ID, "phx_noscope", nil, "cohort:read"),
			personalKey(tx, u.ID, "phx_elsewhere", []int64{2}, "*"))
	}
	for _, f := range []store.Flag{
		{Key: "on", Active: true, Filters: []byte(`{"groups":[{"properties":[],"rollout_percentage":100}],"payloads":{"true":"{\"a\":1}"}}`)},
		{Key: "off", Active: true, Filters: []byte(`{"groups":[{"properties":[],"rollout_percentage":0}]}`)},
		{Key: "server-only", Active: true, Runtime: "server", Filters: []byte(`{"groups":[{"properties":[],"rollout_percentage":100}]}`)},
		{Key: "archived", Filters: []byte(`{"groups":[{"properties":[],"rollout_percentage":100}]}`)},
	} {
		errs = append(errs, insertFlag(tx, f))
	}
	return errors.Join(errs...)
}

func organization(i int) string { return fmt.Sprintf("018f0000-0000-7000-8000-00000000000%d", i+1) }

func insertFlag(tx store.Tx, f store.Flag) error {
	f.Project = 1
	_, err := tx.InsertFlag(f)
	return err
}

func projectKey(tx store.Tx, project int64, key string, scopes ...string) error {
	return tx.InsertProjectKey(store.ProjectKey{
		ID: "id-" + key, Project: project, Label: key, Hash: auth.Hash(key), Mask: auth.Mask(key), Scopes: scopes,
	})
}

func personalKey(tx store.Tx, user int64, key string, projects []int64, scopes ...string) error {
	return tx.InsertPersonalKey(store.PersonalKey{
		ID: "id-" + key, UserID: user, Label: key, Hash: auth.Hash(key), Mask: auth.Mask(key), Scopes: scopes,
		ScopedProjects: projects,
	})
}
