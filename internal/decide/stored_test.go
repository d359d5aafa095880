package decide

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/guidon-flags/guidon/internal/eval/evaltest"
	"github.com/guidon-flags/guidon/internal/store"
)

var errDown = errors.New("the database is down")

// rows are the stored subjects of a case, as a store would hand them out. The
// rule about which override counts is that of store.SubjectData.
type rows struct {
	c         *evaltest.Case
	overrides []evaltest.Override

	lookups, writes int
	queries         []store.SubjectQuery
}

func newRows(c *evaltest.Case) *rows {
	return &rows{c: c, overrides: slices.Clone(c.Project.Overrides)}
}

func (s *rows) person(distinctID string) *evaltest.Person {
	for i := range s.c.Project.Persons {
		if slices.Contains(s.c.Project.Persons[i].DistinctIDs, distinctID) {
			return &s.c.Project.Persons[i]
		}
	}
	return nil
}

// owners lists the persons that own one of ids, each once.
func (s *rows) owners(ids ...string) []*evaltest.Person {
	var ps []*evaltest.Person
	for _, id := range ids {
		if p := s.person(id); p != nil && id != "" && !slices.Contains(ps, p) {
			ps = append(ps, p)
		}
	}
	return ps
}

func (s *rows) Lookup(ctx context.Context, q store.SubjectQuery) (store.SubjectData, error) {
	s.lookups++
	s.queries = append(s.queries, q)
	var d store.SubjectData
	if err := ctx.Err(); err != nil {
		return d, err
	}
	if s.c.Faults.HashKey && q.Overrides {
		return d, errDown
	}
	if p := s.person(q.DistinctID); p != nil && q.Person {
		d.Person = &store.Person{ID: p.ID, Properties: document(p.Properties), CreatedAt: evaltest.DefaultNow}
		if p.CreatedAt != "" {
			d.Person.CreatedAt, _ = time.Parse(time.RFC3339Nano, p.CreatedAt)
		}
		d.Cohorts = s.cohortsOf(p.ID)
	}
	for _, ref := range q.Groups {
		for _, g := range s.c.Project.Groups {
			if g.Type == ref.Index && g.Key == ref.Key {
				d.Groups = append(d.Groups, store.Group{Index: g.Type, Key: g.Key, Properties: document(g.Properties)})
			}
		}
	}
	if q.Overrides {
		s.fillOverrides(&d, q)
	}
	return d, nil
}

func (s *rows) cohortsOf(person int64) []int64 {
	var ids []int64
	for id, persons := range s.c.Project.Members {
		if slices.Contains(persons, person) {
			ids = append(ids, id)
		}
	}
	if s.c.Project.Realtime {
		for id, persons := range s.c.Project.LiveMembers {
			if slices.Contains(persons, person) {
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	return ids
}

func (s *rows) fillOverrides(d *store.SubjectData, q store.SubjectQuery) {
	owners := s.owners(q.DistinctID, q.AnonID)
	d.OverridePersons = len(owners)
	d.Overrides = make(map[string]string)
	slices.Reverse(owners) // the owner of the distinct id goes first
	for _, p := range owners {
		for _, o := range s.overrides {
			if o.Person == p.ID {
				d.Overrides[o.Flag] = o.HashKey
			}
		}
	}
}

func (s *rows) WriteOverrides(ctx context.Context, _ int64, ids, keys []string, hashKey string) (int, error) {
	s.writes++
	if s.c.Faults.HashKey {
		return 0, errDown
	}
	n := 0
	for _, p := range s.owners(ids...) {
		for _, key := range keys {
			has := func(o evaltest.Override) bool { return o.Person == p.ID && o.Flag == key }
			if !slices.ContainsFunc(s.overrides, has) {
				s.overrides = append(s.overrides, evaltest.Override{Person: p.ID, Flag: key, HashKey: hashKey})
				n++
			}
		}
	}
	return n, ctx.Err()
}

func document(properties map[string]json.RawMessage) []byte {
	b, err := json.Marshal(properties)
	if err != nil {
		panic(err)
	}
	if string(b) == "null" {
		return []byte("{}")
	}
	return b
}

// body returns the request of a case as clients send it.
func body(c *evaltest.Case) []byte {
	m := map[string]any{"distinct_id": c.Request.DistinctID}
	if c.Request.AnonID != "" {
		m["$anon_distinct_id"] = c.Request.AnonID
	}
	if c.Request.DeviceID != "" {
		m["$device_id"] = c.Request.DeviceID
	}
	if c.Request.Groups != nil {
		m["groups"] = c.Request.Groups
	}
	if c.Request.PersonProperties != nil {
		m["person_properties"] = c.Request.PersonProperties
	}
	if c.Request.GroupProperties != nil {
		m["group_properties"] = c.Request.GroupProperties
	}
	if c.Request.FlagKeys != nil {
		m["flag_keys"] = c.Request.FlagKeys
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(m); err != nil {
		panic(err)
	}
	return []byte(b.String())
}
