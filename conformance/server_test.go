package conformance_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/guidon-flags/guidon/internal/auth"
	"github.com/guidon-flags/guidon/internal/eval/evaltest"
	"github.com/guidon-flags/guidon/internal/identity"
	"github.com/guidon-flags/guidon/internal/node"
	"github.com/guidon-flags/guidon/internal/store"
	"github.com/guidon-flags/guidon/internal/store/sqlite"
)

// token is the project token of the node under test.
const token = "phc_conformance0of0decisions00000000000000000"

// running is a whole node on a free port with the state of one case.
type running struct {
	url     string
	node    *node.Node
	project int64
	persons map[int64]int64 // ids in the case → ids in the store
}

// startNode starts a node with an empty store but for an organization, and
// stops it at the end of the test. wrap, if not nil, stands between the node
// and its store.
func startNode(t *testing.T, clock func() time.Time, wrap func(store.Store) store.Store) *running {
	t.Helper()
	dir := t.TempDir()
	n, err := node.Start(t.Context(), node.Options{
		Listen: "127.0.0.1:0", AdminListen: "127.0.0.1:0", Data: dir, Now: clock,
		Open: func(ctx context.Context) (store.Store, error) {
			st, err := sqlite.Open(ctx, filepath.Join(dir, "db"), sqlite.Options{Sync: sqlite.SyncNormal, Now: clock})
			if err != nil {
				return nil, err
			}
			if err := found(ctx, st, clock()); err != nil {
				return nil, errors.Join(err, st.Close())
			}
			if wrap != nil {
				return wrap(st), nil
			}
			return st, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the node did not stop cleanly: %v", err)
		}
	})
	if n.StoreError != nil {
		t.Fatal(n.StoreError)
	}
	return &running{url: n.URL(), node: n, persons: map[int64]int64{}}
}

// found makes the store not empty, so that no first project is made.
func found(ctx context.Context, st store.Store, now time.Time) error {
	_, err := st.Edit(ctx, store.Author{}, func(tx store.Tx) error {
		return tx.InsertOrganization(store.Organization{ID: organization, Name: "c", Slug: "c", CreatedAt: now, UpdatedAt: now})
	})
	return err
}

const organization = "0190a5e0-0000-7000-8000-00000000000c"

// shared is the node on which decisions are asked for, one project after the
// other: starting a node for each of thousands of cases takes minutes.
// TestConformance starts it.
var shared *sharedNode

type sharedNode struct {
	*running
	now    atomic.Pointer[time.Time]
	broken atomic.Bool // hash-key overrides are out of reach
}

// startShared starts the shared node for the time of a test.
func startShared(t *testing.T) {
	t.Helper()
	shared = new(sharedNode)
	shared.now.Store(&evaltest.DefaultNow)
	shared.running = startNode(t, func() time.Time { return *shared.now.Load() }, func(st store.Store) store.Store {
		return noOverrides{st, &shared.broken}
	})
}

// startServer gives a case the shared node, with nothing in it but what the
// case has stored.
func startServer(t *testing.T, c *evaltest.Case) *running {
	t.Helper()
	now := evaltest.DefaultNow
	if c.Request.Now != "" {
		var err error
		if now, err = time.Parse(time.RFC3339Nano, c.Request.Now); err != nil {
			t.Fatal(err)
		}
	}
	shared.now.Store(&now)
	s := &running{url: shared.url, node: shared.node, persons: map[int64]int64{}}
	s.storeDefinitions(t, c, now)
	t.Cleanup(func() {
		shared.broken.Store(false)
		s.edit(t, func(tx store.Tx) error { return tx.DeleteProject(s.project) })
	})
	s.storePersons(t, c, now)
	s.storeMembers(t, c)
	shared.broken.Store(c.Faults.HashKey)
	return s
}

// noOverrides is a store in which, once it is broken, hash-key overrides can
// neither be read nor written.
type noOverrides struct {
	store.Store
	broken *atomic.Bool
}

// Subject implements store.Subjects.
func (s noOverrides) Subject(ctx context.Context, q store.SubjectQuery) (store.SubjectData, error) {
	if q.Overrides && s.broken.Load() {
		return store.SubjectData{}, store.ErrUnavailable
	}
	return s.Store.Subject(ctx, q)
}

// WriteOverrides implements store.Subjects.
func (s noOverrides) WriteOverrides(ctx context.Context, project int64, distinctIDs, flagKeys []string, hashKey string) (int, error) {
	if s.broken.Load() {
		return 0, store.ErrUnavailable
	}
	return s.Store.WriteOverrides(ctx, project, distinctIDs, flagKeys, hashKey)
}

func (s *running) edit(t *testing.T, fn func(tx store.Tx) error) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context()) // it also cleans up
	rev, err := s.node.Store().Edit(ctx, store.Author{}, fn)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.node.Set().Refresh(ctx, rev); err != nil {
		t.Fatal(err)
	}
}

func (s *running) storeDefinitions(t *testing.T, c *evaltest.Case, now time.Time) {
	t.Helper()
	s.edit(t, func(tx store.Tx) error {
		p := store.Project{
			UUID: "0190a5e0-0000-7000-8000-00000000000d", OrganizationID: organization, Name: "case", Token: token,
			SecretHash: auth.Hash("phs_conformance"), TimeZone: c.Project.TimeZone, MatchingVersion: 2,
			Settings: store.JSON(`{}`), CreatedAt: now, UpdatedAt: now,
		}
		if c.Request.Explicit != nil && !*c.Request.Explicit {
			p.MatchingVersion = 1
		}
		if c.Project.Realtime {
			p.Settings = store.JSON(`{"realtime_cohorts_enabled": true}`)
		}
		p, err := tx.InsertProject(p)
		if err != nil {
			return err
		}
		s.project = p.ID
		for i := range c.Project.Flags {
			if err := insertFlag(tx, p.ID, c, i, now); err != nil {
				return err
			}
		}
		for _, co := range c.Project.Cohorts {
			record := store.Cohort{
				ID: co.ID, Project: p.ID, Name: "cohort", Static: co.Static, Filters: orNull(co.Filters),
				Groups: orNull(co.Groups), Deleted: co.Deleted, CreatedAt: now, UpdatedAt: now,
			}
			if co.Type != nil {
				record.Kind = *co.Type
			}
			if _, err := tx.InsertCohort(record); err != nil {
				return err
			}
		}
		return nil
	})
}

func insertFlag(tx store.Tx, project int64, c *evaltest.Case, i int, now time.Time) error {
	f := c.Project.Flags[i]
	record := store.Flag{
		ID: f.ID, Project: project, Key: f.Key, Filters: store.JSON(f.Filters), Active: f.Active,
		Deleted: f.Deleted, Continuity: f.Continuity, HasExperiment: true, CreatedAt: now, UpdatedAt: now,
	}
	if f.Bucketing != nil {
		record.BucketingIdentifier = *f.Bucketing
	}
	// What the request layer has filtered out is, over HTTP, a flag of the
	// other runtime.
	if slices.Contains(c.Request.Excluded, f.ID) {
		record.Runtime = "client"
	}
	_, err := tx.InsertFlag(record)
	return err
}

func (s *running) storePersons(t *testing.T, c *evaltest.Case, now time.Time) {
	t.Helper()
	err := s.node.Store().Identify(t.Context(), s.project, func(tx store.IdentityTx) error {
		if err := insertGroupTypes(tx, c, now); err != nil {
			return err
		}
		for _, g := range c.Project.Groups {
			if err := tx.InsertGroup(store.Group{
				Project: s.project, Index: g.Type, Key: g.Key, Properties: mustJSON(orEmpty(g.Properties)), CreatedAt: now, Version: 1,
			}); err != nil {
				return err
			}
		}
		for _, p := range c.Project.Persons {
			created := now
			if p.CreatedAt != "" {
				var err error
				if created, err = time.Parse(time.RFC3339Nano, p.CreatedAt); err != nil {
					return err
				}
			}
			made, err := tx.InsertPerson(store.Person{
				Project: s.project, UUID: identity.PersonUUID(s.project, p.DistinctIDs[0]),
				Properties: mustJSON(orEmpty(p.Properties)), CreatedAt: created,
			}, p.DistinctIDs)
			if err != nil {
				return err
			}
			s.persons[p.ID] = made.ID
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range c.Project.Overrides {
		i := slices.IndexFunc(c.Project.Persons, func(p evaltest.Person) bool { return p.ID == o.Person })
		if i < 0 {
			t.Fatalf("override of person %d, who is not there", o.Person)
		}
		if _, err := s.node.Store().WriteOverrides(t.Context(), s.project, c.Project.Persons[i].DistinctIDs[:1], []string{o.Flag}, o.HashKey); err != nil {
			t.Fatal(err)
		}
	}
	// Group types are definitions, and were written past the management API.
	rev, err := s.node.Store().Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.node.Set().Refresh(t.Context(), rev); err != nil {
		t.Fatal(err)
	}
}

// insertGroupTypes allocates the types of the case in the order of their
// indices; an index that the case leaves out gets a type of its own.
func insertGroupTypes(tx store.IdentityTx, c *evaltest.Case, now time.Time) error {
	highest := -1
	for i := range c.Project.GroupTypeMapping {
		highest = max(highest, i)
	}
	for i := range highest + 1 {
		name, ok := c.Project.GroupTypeMapping[i]
		if !ok {
			name = "unused " + string(rune('0'+i))
		}
		if _, err := tx.InsertGroupType(name, now); err != nil {
			return err
		}
	}
	return nil
}

func (s *running) storeMembers(t *testing.T, c *evaltest.Case) {
	t.Helper()
	s.edit(t, func(tx store.Tx) error {
		for _, members := range []map[int64][]int64{c.Project.Members, c.Project.LiveMembers} {
			for cohort, persons := range members {
				var ids []int64
				for _, p := range persons {
					ids = append(ids, s.persons[p])
				}
				if _, err := tx.AddCohortMembers(s.project, cohort, ids); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// answer is what /flags?v=2 says.
type answer struct {
	Errors bool `json:"errorsWhileComputingFlags"`
	Flags  map[string]struct {
		Enabled bool    `json:"enabled"`
		Variant *string `json:"variant"`
		Failed  bool    `json:"failed"`
		Reason  struct {
			Code           string `json:"code"`
			ConditionIndex *int   `json:"condition_index"`
		} `json:"reason"`
		Metadata struct {
			Payload json.RawMessage `json:"payload"`
		} `json:"metadata"`
	} `json:"flags"`
}

// flags posts body, to which it adds the token and the server's runtime.
func (s *running) flags(t *testing.T, body map[string]any, query string) answer {
	t.Helper()
	body["token"] = token
	body["evaluation_runtime"] = "server"
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/flags/?v=2"+query, bytes.NewReader(mustJSON(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", resp.Status, raw)
	}
	return decode[answer](t, raw)
}

func orNull(raw json.RawMessage) store.JSON {
	if raw == nil {
		return store.JSON("null")
	}
	return store.JSON(raw)
}

func orEmpty(m map[string]json.RawMessage) map[string]json.RawMessage {
	if m == nil {
		return map[string]json.RawMessage{}
	}
	return m
}
