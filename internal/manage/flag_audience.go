package manage

import (
	"context"
	"fmt"
	"time"

	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/snapshot"
	"github.com/guidon-flags/guidon/internal/store"
)

// MakeCohort makes a static cohort of the persons for whom a flag is on (5.14).
func (s *Flags) MakeCohort(ctx context.Context, who Caller, project int64, ref string) (CohortView, error) {
	var f store.Flag
	var v *snapshot.Version
	err := s.view(ctx, func(tx store.ReadTx) error {
		var err error
		if f, err = flagByRef(tx, project, ref); err != nil {
			return err
		}
		flags, err := closure(tx, f)
		if err != nil {
			return err
		}
		v, err = compile(tx, project, flags)
		return err
	})
	if err != nil {
		return CohortView{}, err
	}
	members, err := s.enabledFor(ctx, project, v, f.Key)
	if err != nil {
		return CohortView{}, err
	}
	name := fmt.Sprintf("Users with feature flag %s enabled at %s", f.Key, s.clock().Format(time.DateTime))
	return (&Cohorts{s.core}).makeStatic(ctx, who, store.Cohort{Project: project, Name: name}, members)
}

// enabledFor lists the ids of the persons for whom a flag is on.
func (s *Flags) enabledFor(ctx context.Context, project int64, v *snapshot.Version, key string) ([]int64, error) {
	i, ok := v.Program.Index(key)
	if !ok {
		return nil, nil
	}
	m := matcher{prog: v.Program, group: feature.NoGroup, now: s.clock()}
	var members []int64
	err := s.walkPersons(ctx, project, func(tx store.ReadTx, p store.Person) (bool, error) {
		if err := m.load(tx, p); err != nil {
			return false, err
		}
		overrides, err := tx.Overrides(project, p.ID)
		if err != nil {
			return false, err
		}
		if hashKey, ok := overrides[key]; ok {
			m.in.SetOverride(i, hashKey)
		}
		m.prog.Decide(&m.in, eval.Selection{}, &m.out)
		for _, r := range m.out.Items {
			if r.Flag == i && r.Enabled {
				members = append(members, p.ID)
			}
		}
		return true, nil
	})
	return members, err
}

// Blast is how many persons, or groups of one type, a condition is about.
type Blast struct{ Affected, Total int64 }

// BlastRadius counts the persons, or with a group type the groups, for whom
// property filters hold; their percentage is not asked for (5.11). properties
// is a JSON list.
func (s *Flags) BlastRadius(ctx context.Context, project int64, groupType *int, properties store.JSON) (Blast, error) {
	group := feature.NoGroup
	if groupType != nil {
		group = feature.GroupIndex(*groupType)
	}
	var b Blast
	var m *matcher
	err := s.view(ctx, func(tx store.ReadTx) error {
		var err error
		m, err = s.newMatcher(tx, project, group, properties)
		return err
	})
	if err != nil {
		return b, err
	}
	count := func(holds bool, err error) (bool, error) {
		b.Total++
		if holds {
			b.Affected++
		}
		return true, err
	}
	if groupType != nil {
		err = s.walkGroups(ctx, project, *groupType, func(g store.Group) (bool, error) { return count(m.groupOf(g)) })
		return b, err
	}
	items, err := parseList(properties)
	if err == nil && len(items) == 0 { // everybody: no need to look at each
		err = s.view(ctx, func(tx store.ReadTx) error {
			n, err := tx.CountPersons(project)
			b = Blast{n, n}
			return err
		})
		return b, err
	}
	err = s.walkPersons(ctx, project, func(tx store.ReadTx, p store.Person) (bool, error) { return count(m.person(tx, p)) })
	return b, err
}
