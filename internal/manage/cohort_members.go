package manage

import (
	"context"
	"errors"

	"github.com/guidon-flags/guidon/internal/store"
)

const (
	maxPersonIDs = 1000 // ids in one request that adds members
	memberChunk  = 1000 // members added, persons looked up, per transaction
)

// Members returns a page of a cohort's persons by id and whether more follow.
// Those of a dynamic cohort are found by evaluating it for all persons.
func (s *Cohorts) Members(ctx context.Context, project, id int64, limit, offset int) (page []store.Person, more bool, err error) {
	c, err := s.Get(ctx, project, id)
	if err != nil {
		return nil, false, err
	}
	if !c.Static {
		return s.dynamicMembers(ctx, project, id, limit, offset)
	}
	err = s.view(ctx, func(tx store.ReadTx) error {
		page, err = tx.CohortMembers(project, id, limit+1, offset)
		return err
	})
	if len(page) > limit {
		page, more = page[:limit], true
	}
	return page, more, err
}

func (s *Cohorts) dynamicMembers(ctx context.Context, project, id int64, limit, offset int) (page []store.Person, more bool, err error) {
	ids, err := s.evaluateMembers(ctx, project, id)
	if err != nil {
		return nil, false, err
	}
	more = len(ids) > offset+limit
	err = s.view(ctx, func(tx store.ReadTx) error {
		page = page[:0]
		for _, id := range pageOf(ids, limit, offset) {
			p, err := tx.PersonByID(project, id)
			if errors.Is(err, store.ErrNotFound) {
				continue // gone since
			}
			if err != nil {
				return err
			}
			page = append(page, p)
		}
		return nil
	})
	return page, more, err
}

// AddPersons adds persons to a static cohort by uuid. Errors: those of 7 for
// the list, Invalid if no such person exists.
func (s *Cohorts) AddPersons(ctx context.Context, who Caller, project, id int64, uuids []string) error {
	c, err := s.Get(ctx, project, id)
	if err != nil {
		return err
	}
	switch {
	case !c.Static:
		return refused("Can only add users to static cohorts")
	case len(uuids) == 0:
		return invalid("person_ids", "invalid", "person_ids cannot be empty")
	case len(uuids) > maxPersonIDs:
		return invalid("person_ids", "invalid", "List size exceeds limit")
	}
	members, err := s.personsByUUID(ctx, project, uuids)
	if err != nil {
		return err
	}
	if len(members) == 0 {
		return invalid("person_ids", "invalid", "No valid users to add to cohort")
	}
	return s.addMembers(ctx, who, project, id, members)
}

// RemovePerson takes a person out of a static cohort.
func (s *Cohorts) RemovePerson(ctx context.Context, who Caller, project, id int64, uuid string) error {
	return s.edit(ctx, who, func(tx store.Tx) error {
		c, err := tx.Cohort(project, id)
		if err != nil {
			return err
		}
		if !c.Static {
			return refused("Can only remove users from static cohorts")
		}
		removed := false
		p, err := tx.PersonByUUID(project, uuid)
		if err == nil {
			removed, err = tx.RemoveCohortMember(project, id, p.ID)
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if !removed {
			return &Error{Kind: NotFound, Code: "not_found", Detail: "Person is not part of the cohort"}
		}
		return s.recount(tx, c)
	})
}

// recount writes down how many members a static cohort has.
func (s *Cohorts) recount(tx store.Tx, c store.Cohort) error {
	n, err := tx.CountCohortMembers(c.Project, c.ID)
	if err != nil {
		return err
	}
	c.Count, c.LastComputed, c.Calculating = &n, s.clock(), false
	return tx.UpdateCohort(c)
}

// addMembers adds persons to a static cohort, a bounded number at a time so
// that other writers get their turn.
func (s *Cohorts) addMembers(ctx context.Context, who Caller, project, id int64, persons []int64) error {
	for first := true; first || len(persons) > 0; first = false {
		chunk := persons[:min(len(persons), memberChunk)]
		persons = persons[len(chunk):]
		err := s.edit(ctx, who, func(tx store.Tx) error {
			if _, err := tx.AddCohortMembers(project, id, chunk); err != nil {
				return err
			}
			c, err := tx.Cohort(project, id)
			if err != nil {
				return err
			}
			return s.recount(tx, c)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// newMembers finds the persons that a change of a cohort brings, each once.
func (s *Cohorts) newMembers(ctx context.Context, project int64, static bool, ch CohortChange) ([]int64, error) {
	if !static || len(ch.PersonUUIDs) == 0 && ch.CSV == nil {
		return nil, nil
	}
	members, err := s.personsByUUID(ctx, project, ch.PersonUUIDs)
	if err != nil || ch.CSV == nil {
		return members, err
	}
	ids, err := parseMembers(ch.CSV)
	if err != nil {
		return nil, err
	}
	more, err := s.lookUp(ctx, project, ids)
	return append(members, more...), err
}

func (s *Cohorts) personsByUUID(ctx context.Context, project int64, uuids []string) ([]int64, error) {
	return s.lookUp(ctx, project, memberIDs{by: byUUID, values: uuids})
}

// lookUp finds persons by what a list holds. Unknown ids are skipped.
func (s *Cohorts) lookUp(ctx context.Context, project int64, ids memberIDs) ([]int64, error) {
	var out []int64
	seen := make(map[int64]bool)
	for values := ids.values; len(values) > 0; {
		chunk := values[:min(len(values), memberChunk)]
		values = values[len(chunk):]
		err := s.view(ctx, func(tx store.ReadTx) error {
			for _, v := range chunk {
				found, err := ids.by(tx, project, v)
				if errors.Is(err, store.ErrNotFound) {
					continue
				}
				if err != nil {
					return err
				}
				for _, p := range found {
					if !seen[p.ID] {
						seen[p.ID] = true
						out = append(out, p.ID)
					}
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
