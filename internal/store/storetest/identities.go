package storetest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/guidon-flags/guidon/internal/store"
)

// TestIdentities tests the write side of persons.
func TestIdentities(t *testing.T, open Open) {
	runCases(t, open, []testCase{
		{"insert", insertPerson},
		{"update", updatePerson},
		{"add a distinct id", addDistinctID},
		{"not found", identityNotFound},
		{"merge", mergePersons},
		{"merge a person into itself", func(k *kit) {
			k.project(1)
			p := k.person(1, `{}`, "a")
			err := k.s.Identify(k.Context(), 1, func(tx store.IdentityTx) error { return tx.MergePerson(p.ID, p.ID) })
			if err == nil || errors.Is(err, store.ErrNotFound) {
				k.Errorf("MergePerson: %v, want a fault", err)
			}
			k.view(func(tx store.ReadTx) error { return second(tx.PersonByDistinctID(1, "a")) })
		}},
		{"split", splitPerson},
		{"delete", deletePerson},
		{"personless", personless},
		{"atomic", identifyIsAtomic},
		{"a fault can't be swallowed", func(k *kit) {
			k.project(1)
			p := k.person(1, `{}`, "a")
			err := k.s.Identify(k.Context(), 1, func(tx store.IdentityTx) error {
				_ = tx.MergePerson(p.ID, p.ID) // a fault
				_ = tx.AddDistinctID(p.ID, "b")
				return nil
			})
			if err == nil {
				k.Error("Identify = nil after a fault")
			}
			k.view(func(tx store.ReadTx) error {
				k.is("the id added after the fault", second(tx.PersonByDistinctID(1, "b")), store.ErrNotFound)
				return nil
			})
		}},
		{"in order", identifyInOrder},
		{"two writers for one id", func(k *kit) {
			k.project(1)
			inserted := make(chan bool, 8)
			var wg sync.WaitGroup
			for i := range cap(inserted) {
				wg.Go(func() {
					won := false
					if err := k.s.Identify(k.Context(), 1, func(tx store.IdentityTx) error {
						won = false
						_, err := tx.PersonOf("a")
						if errors.Is(err, store.ErrNotFound) {
							won = true
							_, err = tx.InsertPerson(newPerson(fmt.Sprint(i), `{}`), []string{"a"})
						}
						return err
					}); err != nil {
						k.Errorf("Identify: %v", err)
					}
					inserted <- won
				})
			}
			wg.Wait()
			close(inserted)
			n := 0
			for won := range inserted {
				if won {
					n++
				}
			}
			if n != 1 {
				k.Errorf("%d writers inserted the person", n)
			}
		}},
	})
}

func insertPerson(k *kit) {
	k.project(1)
	k.project(2)
	k.person(2, `{}`, "a") // another project's
	want := store.Person{UUID: "u", Properties: store.JSON(`{"a": [1.0, null]}`), Identified: true, CreatedAt: at(0), LastSeenAt: at(1), Version: 7}
	var got store.Person
	var taken, uuid, unused, project error
	k.identify(1, func(tx store.IdentityTx) (err error) {
		elsewhere := want
		elsewhere.Project, elsewhere.ID = 2, 99 // the transaction's and the store's business
		if got, err = tx.InsertPerson(elsewhere, []string{"b", "a", "c"}); err != nil {
			return err
		}
		taken = second(tx.InsertPerson(newPerson("x", `{}`), []string{"x", "a"}))
		_, unused = tx.PersonOf("x")
		uuid = second(tx.InsertPerson(store.Person{UUID: "u"}, []string{"y"}))
		return nil
	})
	project = k.s.Identify(k.Context(), 3, func(tx store.IdentityTx) error {
		return second(tx.InsertPerson(newPerson("x", `{}`), []string{"x"}))
	})
	k.conflict("owned distinct id", taken, "distinct_id")
	k.is("what the failed insertion left", unused, store.ErrNotFound)
	k.conflict("second uuid", uuid, "uuid")
	k.is("unknown project", project, store.ErrNotFound)
	want.ID, want.Project = got.ID, 1
	k.same("inserted", got, want)
	want.DistinctIDs = []string{"b", "a", "c"}
	k.view(func(tx store.ReadTx) error {
		got, err := tx.PersonByID(1, want.ID)
		k.same("stored", got, want)
		return err
	})
}

func updatePerson(k *kit) {
	k.project(1)
	p := k.person(1, `{}`, "a")
	want := store.Person{ID: p.ID, Project: 1, UUID: p.UUID, Properties: store.JSON(`{"x": "<&>"}`), Identified: true, CreatedAt: at(-5), LastSeenAt: at(9), Version: 2}
	k.identify(1, func(tx store.IdentityTx) error {
		p := want
		p.UUID = "not written"
		if err := tx.UpdatePerson(p); err != nil {
			return err
		}
		got, err := tx.PersonOf("a")
		k.same("PersonOf", got, want)
		if err != nil {
			return err
		}
		got, err = tx.Person(p.ID)
		withIDs := want
		withIDs.DistinctIDs = []string{"a"}
		k.same("Person", got, withIDs)
		return err
	})
}

func addDistinctID(k *kit) {
	k.project(1)
	k.project(2)
	k.person(2, `{}`, "d")
	p, q := k.person(1, `{}`, "z"), k.person(1, `{}`, "c")
	var own, other error
	var n, none int
	k.identify(1, func(tx store.IdentityTx) (err error) {
		for _, id := range []string{"b", "a", "d"} {
			if err := tx.AddDistinctID(p.ID, id); err != nil {
				return err
			}
		}
		own, other = tx.AddDistinctID(p.ID, "b"), tx.AddDistinctID(q.ID, "b")
		if n, err = tx.CountDistinctIDs(p.ID); err != nil {
			return err
		}
		none, err = tx.CountDistinctIDs(9999)
		return err
	})
	k.conflict("own id", own, "distinct_id")
	k.conflict("another person's id", other, "distinct_id")
	if n != 4 || none != 0 {
		k.Errorf("CountDistinctIDs = %d and %d", n, none)
	}
	k.view(func(tx store.ReadTx) error {
		got, err := tx.PersonByDistinctID(1, "a")
		k.same("distinct ids", got.DistinctIDs, []string{"z", "b", "a", "d"})
		return err
	})
}

func identityNotFound(k *kit) {
	k.project(1)
	k.project(2)
	p, stranger := k.person(1, `{}`, "a"), k.person(2, `{}`, "b")
	errs := errorsOf{}
	var count int
	k.identify(1, func(tx store.IdentityTx) (err error) {
		errs["PersonOf"] = second(tx.PersonOf("b"))
		errs["Person"] = second(tx.Person(stranger.ID))
		errs["UpdatePerson"] = tx.UpdatePerson(stranger)
		errs["AddDistinctID"] = tx.AddDistinctID(stranger.ID, "x")
		errs["MergePerson from"] = tx.MergePerson(stranger.ID, p.ID)
		errs["MergePerson into"] = tx.MergePerson(p.ID, stranger.ID)
		errs["SplitDistinctID"] = tx.SplitDistinctID("b", newPerson("n", `{}`))
		errs["DeletePerson"] = tx.DeletePerson(stranger.ID)
		count, err = tx.CountDistinctIDs(stranger.ID)
		return err
	})
	k.allNotFound(errs)
	if count != 0 {
		k.Errorf("CountDistinctIDs of another project's person = %d", count)
	}
	k.view(func(tx store.ReadTx) error { return second(tx.PersonByDistinctID(2, "b")) })
}

func mergePersons(k *kit) {
	k.project(1)
	into := k.person(1, `{"n":"into"}`, "i1", "i2")
	from := k.person(1, `{"n":"from"}`, "f1", "f2")
	c, d, e := k.cohort(1, "c"), k.cohort(1, "d"), k.cohort(1, "e")
	k.join(c, into.ID, from.ID)
	k.join(d, into.ID)
	k.join(e, from.ID)
	for _, w := range []struct{ id, flag, hash string }{
		{"i1", "both", "into"}, {"f1", "both", "from"}, {"i1", "hers", "into"}, {"f1", "his", "from"},
	} {
		if _, err := k.s.WriteOverrides(k.Context(), 1, []string{w.id}, []string{w.flag}, w.hash); err != nil {
			k.Fatal(err)
		}
	}
	k.identify(1, func(tx store.IdentityTx) error {
		if err := tx.MergePerson(from.ID, into.ID); err != nil {
			return err
		}
		return tx.AddDistinctID(into.ID, "last")
	})
	k.view(func(tx store.ReadTx) error {
		got, err := tx.PersonByDistinctID(1, "f1")
		want := into
		want.DistinctIDs = []string{"i1", "i2", "f1", "f2", "last"}
		k.same("survivor", got, want)
		if err != nil {
			return err
		}
		k.is("the other person", second(tx.PersonByID(1, from.ID)), store.ErrNotFound)
		overrides, err := tx.Overrides(1, into.ID)
		if err != nil {
			return err
		}
		k.same("overrides", overrides, map[string]string{"both": "into", "hers": "into", "his": "from"})
		cohorts, err := tx.CohortsOfPerson(1, into.ID)
		if err != nil {
			return err
		}
		k.same("cohorts", cohorts, []int64{c.ID, d.ID, e.ID})
		n, err := tx.CountCohortMembers(1, c.ID)
		if n != 1 {
			k.Errorf("cohort of both has %d members", n)
		}
		return err
	})
	next := k.person(1, `{}`, "new")
	if next.ID <= from.ID {
		k.Errorf("person %d was merged away, the next one is %d", from.ID, next.ID)
	}
}

func splitPerson(k *kit) {
	k.project(1)
	p := k.person(1, `{"a":1}`, "a", "b", "c")
	q := k.person(1, `{}`, "q")
	var uuid error
	k.identify(1, func(tx store.IdentityTx) error {
		uuid = tx.SplitDistinctID("c", store.Person{UUID: q.UUID})
		return tx.SplitDistinctID("b", newPerson("b", `{"b":2}`))
	})
	k.conflict("taken uuid", uuid, "uuid")
	k.view(func(tx store.ReadTx) error {
		old, err := tx.PersonByID(1, p.ID)
		if err != nil {
			return err
		}
		k.same("ids left", old.DistinctIDs, []string{"a", "c"})
		split, err := tx.PersonByDistinctID(1, "b")
		want := newPerson("b", `{"b":2}`)
		want.ID, want.Project, want.DistinctIDs = split.ID, 1, []string{"b"}
		k.same("new person", split, want)
		return err
	})
}

func deletePerson(k *kit) {
	k.project(1)
	p := k.person(1, `{}`, "a", "b")
	c := k.cohort(1, "c")
	k.join(c, p.ID)
	if _, err := k.s.WriteOverrides(k.Context(), 1, []string{"a"}, []string{"f"}, "h"); err != nil {
		k.Fatal(err)
	}
	k.identify(1, func(tx store.IdentityTx) error {
		if err := tx.MarkMerged("a"); err != nil {
			return err
		}
		return tx.DeletePerson(p.ID)
	})
	k.same("subject", k.subject(store.SubjectQuery{DistinctID: "a", AnonID: "b", Person: true, Overrides: true}), store.SubjectData{})
	k.view(func(tx store.ReadTx) error {
		n, err := tx.CountCohortMembers(1, c.ID)
		if n != 0 {
			k.Errorf("the cohort has %d members", n)
		}
		if err != nil {
			return err
		}
		left, err := tx.Overrides(1, p.ID)
		k.same("overrides", left, map[string]string(nil))
		return err
	})
	next := k.person(1, `{}`, "b", "a")
	if next.ID <= p.ID {
		k.Errorf("person %d was deleted, the next one is %d", p.ID, next.ID)
	}
	k.identify(1, func(tx store.IdentityTx) error {
		_, merged, err := tx.Personless("a")
		if !merged {
			return errors.New("the mark is gone")
		}
		return err
	})
}

func personless(k *kit) {
	k.project(1)
	k.project(2)
	k.identify(1, func(tx store.IdentityTx) error {
		for _, step := range []struct {
			mark         func(string) error
			id           string
			used, merged bool
		}{
			{nil, "a", false, false},
			{tx.MarkPersonless, "a", true, false},
			{tx.MarkPersonless, "a", true, false},
			{tx.MarkMerged, "a", true, true},
			{tx.MarkPersonless, "a", true, true},
			{tx.MarkMerged, "b", false, true},
			{tx.MarkPersonless, "b", true, true},
		} {
			if step.mark != nil {
				if err := step.mark(step.id); err != nil {
					return err
				}
			}
			used, merged, err := tx.Personless(step.id)
			if err != nil {
				return err
			}
			if used != step.used || merged != step.merged {
				return fmt.Errorf("Personless(%s) = %v, %v, want %v, %v", step.id, used, merged, step.used, step.merged)
			}
		}
		return nil
	})
	k.identify(2, func(tx store.IdentityTx) error {
		used, merged, err := tx.Personless("a")
		if used || merged {
			return errors.New("another project's mark")
		}
		return err
	})
}

func identifyIsAtomic(k *kit) {
	k.project(1)
	p, q := k.person(1, `{"v":1}`, "a"), k.person(1, `{}`, "b")
	change := func(tx store.IdentityTx) error {
		p := p
		p.Properties = store.JSON(`{"v":2}`)
		if err := tx.UpdatePerson(p); err != nil {
			return err
		}
		if err := tx.MergePerson(q.ID, p.ID); err != nil {
			return err
		}
		if _, err := tx.InsertGroupType("company", at(0)); err != nil {
			return err
		}
		return tx.MarkPersonless("ghost")
	}
	before := k.mustHead()
	if err := k.s.Identify(k.Context(), 1, func(tx store.IdentityTx) error { return errors.Join(change(tx), errOwn) }); !errors.Is(err, errOwn) {
		k.Errorf("Identify: %v, want the function's own error", err)
	}
	err := k.s.Identify(k.Context(), 1, func(tx store.IdentityTx) error {
		if err := change(tx); err != nil {
			return err
		}
		panic("oh")
	})
	if _, ok := errors.AsType[*store.PanicError](err); !ok {
		k.Errorf("Identify: %v, want a PanicError", err)
	}
	if after := k.mustHead(); after != before {
		k.Errorf("the head moved from %d to %d", before, after)
	}
	k.identify(1, func(tx store.IdentityTx) error {
		got, err := tx.PersonOf("a")
		k.same("person", got, p)
		if err != nil {
			return err
		}
		if _, err := tx.Person(q.ID); err != nil {
			return err
		}
		used, _, err := tx.Personless("ghost")
		if used {
			k.Error("the personless mark stayed")
		}
		return err
	})
}

// identifyInOrder has several goroutines append to one person; each one's
// entries must come in its order, and none may be lost.
func identifyInOrder(k *kit) {
	const writers, entries = 4, 20
	k.project(1)
	p := k.person(1, `""`, "a")
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range entries {
				entry := fmt.Sprintf("%d:%d,", w, i)
				if err := k.s.Identify(k.Context(), 1, func(tx store.IdentityTx) error {
					p, err := tx.PersonOf("a")
					if err != nil {
						return err
					}
					text := strings.Trim(string(p.Properties), `"`)
					p.Properties = store.JSON(`"` + text + entry + `"`)
					p.Version++
					return tx.UpdatePerson(p)
				}); err != nil {
					k.Errorf("Identify: %v", err)
				}
			}
		})
	}
	wg.Wait()
	k.view(func(tx store.ReadTx) error {
		got, err := tx.PersonByID(1, p.ID)
		next := make([]int, writers)
		for entry := range strings.SplitSeq(strings.Trim(string(got.Properties), `",`), ",") {
			var w, i int
			if _, err := fmt.Sscanf(entry, "%d:%d", &w, &i); err != nil {
				return err
			}
			if i != next[w] {
				k.Errorf("writer %d's entry %d comes when %d should", w, i, next[w])
			}
			next[w] = i + 1
		}
		if got.Version != writers*entries+1 {
			k.Errorf("version %d, want %d", got.Version, writers*entries+1)
		}
		return err
	})
}
