package sqlite

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/guidon-flags/guidon/internal/store"
)

const benchProperties = `{"email":"somebody@example.org","plan":"pro","seats":25,"$initial_os":"Linux","$browser":"Chrome"}`

// benchStore holds a project with persons p0, p1, …, a group, a cohort with
// every person in it, and an override for each.
func benchStore(b *testing.B, persons int, o Options) *Store {
	b.Helper()
	s := openTest(b, b.TempDir(), o)
	var ids []int64
	var names []string
	check := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	_, err := s.Edit(b.Context(), store.Author{}, func(tx store.Tx) error {
		_, err := tx.InsertProject(store.Project{ID: 1, Token: "phc_1"})
		return err
	})
	check(err)
	check(s.Identify(b.Context(), 1, func(tx store.IdentityTx) error {
		if _, err := tx.InsertGroupType("company", s.writer.now()); err != nil {
			return err
		}
		for i := range persons {
			name := fmt.Sprint("p", i)
			p, err := tx.InsertPerson(store.Person{UUID: name, Properties: []byte(benchProperties)}, []string{name})
			if err != nil {
				return err
			}
			ids, names = append(ids, p.ID), append(names, name)
		}
		return tx.InsertGroup(store.Group{Index: 0, Key: "acme", Properties: []byte(benchProperties)})
	}))
	_, err = s.Edit(b.Context(), store.Author{}, func(tx store.Tx) error {
		c, err := tx.InsertCohort(store.Cohort{Project: 1, Static: true})
		if err != nil {
			return err
		}
		_, err = tx.AddCohortMembers(1, c.ID, ids)
		return err
	})
	check(err)
	_, err = s.WriteOverrides(b.Context(), 1, names, []string{"sticky"}, "hash")
	check(err)
	return s
}

func BenchmarkSubject(b *testing.B) {
	const persons = 10_000
	s := benchStore(b, persons, Options{})
	for name, q := range map[string]store.SubjectQuery{
		"person":     {Person: true},
		"overrides":  {Overrides: true, AnonID: "anon"},
		"everything": {Person: true, Groups: []store.GroupRef{{Index: 0, Key: "acme"}}, Overrides: true, AnonID: "anon"},
	} {
		q.Project = 1
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				q.DistinctID = fmt.Sprint("p", i*7919%persons)
				if _, err := s.Subject(b.Context(), q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("person, parallel", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				q := store.SubjectQuery{Project: 1, DistinctID: fmt.Sprint("p", i*7919%persons), Person: true}
				if _, err := s.Subject(b.Context(), q); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

// BenchmarkIdentify measures one property update per operation, each answered
// when it is on disk, with several callers at once.
func BenchmarkIdentify(b *testing.B) {
	for _, sync := range []Sync{SyncFull, SyncNormal} {
		for _, callers := range []int{1, 4, 16, 64} {
			b.Run(fmt.Sprintf("sync=%s/callers=%d", sync, callers), func(b *testing.B) {
				benchmarkIdentify(b, callers, Options{Sync: sync})
			})
		}
	}
}

func benchmarkIdentify(b *testing.B, callers int, o Options) {
	const persons = 1000
	s := benchStore(b, persons, o)
	var commits int
	commit := s.writer.commit
	s.writer.commit = func(s *session) error { commits++; return commit(s) }
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range callers {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				name := fmt.Sprint("p", i%persons)
				if err := s.Identify(b.Context(), 1, func(tx store.IdentityTx) error {
					p, err := tx.PersonOf(name)
					if err != nil {
						return err
					}
					p.Version++
					return tx.UpdatePerson(p)
				}); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
	if commits > 0 {
		b.ReportMetric(float64(b.N)/float64(commits), "ops/commit")
	}
}
