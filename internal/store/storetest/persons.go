package storetest

import (
	"fmt"
	"testing"

	"github.com/guidon-flags/guidon/internal/store"
)

// TestPersons tests how persons are found and listed.
func TestPersons(t *testing.T, open Open) {
	runCases(t, open, []testCase{
		{"by id, uuid and distinct id", func(k *kit) {
			k.project(1)
			k.project(2)
			want := k.person(1, `{"a":  1.0}`, "b", "a")
			want.DistinctIDs = []string{"b", "a"}
			k.view(func(tx store.ReadTx) error {
				for _, get := range []func() (store.Person, error){
					func() (store.Person, error) { return tx.PersonByID(1, want.ID) },
					func() (store.Person, error) { return tx.PersonByUUID(1, want.UUID) },
					func() (store.Person, error) { return tx.PersonByDistinctID(1, "a") },
				} {
					got, err := get()
					if err != nil {
						return err
					}
					k.same("person", got, want)
				}
				k.allNotFound(errorsOf{
					"PersonByID": second(tx.PersonByID(2, want.ID)), "PersonByUUID": second(tx.PersonByUUID(2, want.UUID)),
					"PersonByDistinctID": second(tx.PersonByDistinctID(2, "a")), "no such id": second(tx.PersonByDistinctID(1, "c")),
				})
				none, err := tx.Overrides(1, want.ID)
				k.same("overrides", none, map[string]string{})
				return err
			})
		}},
		{"queries", personQueries},
		{"pages", func(k *kit) {
			k.project(1)
			var oldest []int64
			for i := range 105 {
				oldest = append(oldest, k.person(1, `{}`, fmt.Sprint("p", i)).ID)
			}
			ids := func(tx store.ReadTx, q store.PersonQuery) (got []int64, err error) {
				persons, err := tx.Persons(q)
				for _, p := range persons {
					got = append(got, p.ID)
				}
				return got, err
			}
			k.view(func(tx store.ReadTx) error {
				first, err := ids(tx, store.PersonQuery{Project: 1})
				if err != nil {
					return err
				}
				if len(first) != 100 || first[0] != oldest[104] || first[99] != oldest[5] {
					k.Errorf("the first page goes from %d to %d", first[0], first[len(first)-1])
				}
				second, err := ids(tx, store.PersonQuery{Project: 1, Limit: 10, Offset: 100})
				if err != nil {
					return err
				}
				k.same("second page", second, []int64{oldest[4], oldest[3], oldest[2], oldest[1], oldest[0]})
				var walked []int64
				for after := int64(-1); ; after = walked[len(walked)-1] {
					page, err := ids(tx, store.PersonQuery{Project: 1, AfterID: after, Limit: 20})
					if err != nil {
						return err
					}
					if len(page) == 0 {
						break
					}
					walked = append(walked, page...)
				}
				k.same("walk", walked, oldest)
				n, err := tx.CountPersons(1)
				if n != 105 {
					k.Errorf("CountPersons = %d", n)
				}
				return err
			})
		}},
	})
}

func personQueries(k *kit) {
	k.project(1)
	k.project(2)
	k.person(1, `{"email":"Ann@Example.org"}`, "ann", "anon-1")
	k.person(1, `{"email":"bob@example.org"}`, "bob")
	k.person(1, `{"email":5}`, "example")
	k.person(1, `{"email":null}`, "carl")
	k.person(1, `{"name":"bob@example.org"}`, "dora")
	k.person(1, `{"email":"100%@x.test"}`, "per_cent")
	k.person(2, `{"email":"bob@example.org"}`, "bob")
	for _, c := range []struct {
		name string
		q    store.PersonQuery
		want []string // first distinct ids, newest first
	}{
		{"distinct id", store.PersonQuery{DistinctID: "anon-1"}, []string{"ann"}},
		{"unknown distinct id", store.PersonQuery{DistinctID: "anon"}, nil},
		{"email", store.PersonQuery{Email: "bob@example.org"}, []string{"bob"}},
		{"email is exact", store.PersonQuery{Email: "BOB@example.org"}, nil},
		{"email that is a number", store.PersonQuery{Email: "6"}, nil},
		{"search email part", store.PersonQuery{Search: "EXAMPLE."}, []string{"bob", "ann"}},
		{"search email part or distinct id", store.PersonQuery{Search: "example"}, []string{"example", "bob", "ann"}},
		{"search part of a distinct id", store.PersonQuery{Search: "anon"}, nil},
		{"search whole distinct id", store.PersonQuery{Search: "anon-1"}, []string{"ann"}},
		{"search wildcard as text", store.PersonQuery{Search: "%"}, []string{"per_cent"}},
		{"search underscore as text", store.PersonQuery{Search: "_"}, nil},
		{"both", store.PersonQuery{Email: "bob@example.org", DistinctID: "ann"}, nil},
	} {
		k.view(func(tx store.ReadTx) error {
			c.q.Project = 1
			persons, err := tx.Persons(c.q)
			var got []string
			for _, p := range persons {
				got = append(got, p.DistinctIDs[0])
			}
			k.same(c.name, got, c.want)
			return err
		})
	}
}
