package manage

import (
	"context"
	"slices"
	"strings"

	"github.com/guidon-flags/guidon/internal/store"
)

// Cohorts changes and reads cohorts (section 7).
type Cohorts struct{ *core }

// CohortChange is what a request says about a cohort; absent fields are left
// as they are.
type CohortChange struct {
	Name        Optional[string]
	Description Optional[string]
	Static      Optional[bool]
	Deleted     Optional[bool]
	Filters     Optional[store.JSON] // a JSON value of any type
	Groups      Optional[store.JSON] // the older form, for static cohorts and imports
	Query       bool                 // the request holds a query, which is not supported
	PersonUUIDs []string             // members to add to a static cohort
	CSV         []byte               // members to add to a static cohort; nil: none
}

// CohortView is a cohort with what answers show beside the row.
type CohortView struct {
	store.Cohort
	Creator *store.User // nil: none, or gone
}

// CohortFilter selects cohorts of a list. Zero fields do not restrict.
type CohortFilter struct {
	Type           string // "", "static", "dynamic"
	CreatedBy      int64
	Search         string // part of the name, without case
	HideBehavioral bool
	Limit, Offset  int // Limit 0: no limit
}

const (
	maxCohortName        = 400
	maxCohortDescription = 1000
)

// List returns a page of the selected cohorts, newest first, with the number
// of all that are selected.
func (s *Cohorts) List(ctx context.Context, project int64, q CohortFilter) (page []CohortView, total int, err error) {
	err = s.view(ctx, func(tx store.ReadTx) error {
		all, err := tx.Cohorts(project, false)
		if err != nil {
			return err
		}
		all, err = q.selectFrom(tx, all)
		if err != nil {
			return err
		}
		slices.SortFunc(all, func(a, b store.Cohort) int { return int(b.ID - a.ID) })
		total = len(all)
		page, err = s.views(tx, project, pageOf(all, q.Limit, q.Offset))
		return err
	})
	return page, total, err
}

func (q *CohortFilter) selectFrom(tx store.CohortReader, all []store.Cohort) ([]store.Cohort, error) {
	var out []store.Cohort
	for _, c := range all {
		if q.Type == "static" && !c.Static || q.Type == "dynamic" && c.Static ||
			q.CreatedBy != 0 && c.CreatedBy != q.CreatedBy ||
			!strings.Contains(strings.ToLower(c.Name), strings.ToLower(q.Search)) {
			continue
		}
		if q.HideBehavioral {
			event, _, err := eventCriterion(tx, c)
			if err != nil {
				return nil, err
			}
			if event != nil {
				continue
			}
		}
		out = append(out, c)
	}
	return out, nil
}

func (s *Cohorts) views(tx store.ReadTx, project int64, cohorts []store.Cohort) ([]CohortView, error) {
	v := s.viewer(tx, project)
	out := make([]CohortView, 0, len(cohorts))
	for _, c := range cohorts {
		u, err := v.user(c.CreatedBy)
		if err != nil {
			return nil, err
		}
		out = append(out, CohortView{Cohort: c, Creator: u})
	}
	return out, nil
}

func (s *Cohorts) cohortView(tx store.ReadTx, c store.Cohort) (CohortView, error) {
	vs, err := s.views(tx, c.Project, []store.Cohort{c})
	if err != nil {
		return CohortView{}, err
	}
	return vs[0], nil
}

// Get returns a cohort, deleted ones too.
func (s *Cohorts) Get(ctx context.Context, project, id int64) (CohortView, error) {
	var v CohortView
	err := s.view(ctx, func(tx store.ReadTx) error {
		c, err := tx.Cohort(project, id)
		if err != nil {
			return err
		}
		v, err = s.cohortView(tx, c)
		return err
	})
	return v, err
}

// Create makes a cohort. The members of a static one that come with it are in
// when it returns.
func (s *Cohorts) Create(ctx context.Context, who Caller, project int64, ch CohortChange) (CohortView, error) {
	members, err := s.newMembers(ctx, project, ch.Static.Value, ch)
	if err != nil {
		return CohortView{}, err
	}
	var made store.Cohort
	err = s.edit(ctx, who, func(tx store.Tx) error {
		now := s.clock()
		c := store.Cohort{Project: project, Groups: store.JSON("[]"), CreatedBy: who.User.ID, CreatedAt: now, UpdatedAt: now}
		ch.Static.into(&c.Static)
		if err := s.applyCohort(tx, &c, ch); err != nil {
			return err
		}
		var err error
		if made, err = tx.InsertCohort(c); err != nil {
			return err
		}
		return record(tx, project, ScopeCohort, formatID(made.ID), "created", made.Name, nil)
	})
	if err != nil {
		return CohortView{}, err
	}
	if made.Static {
		if err := s.addMembers(ctx, who, project, made.ID, members); err != nil {
			return CohortView{}, err
		}
	}
	return s.Get(ctx, project, made.ID)
}

// Update changes a cohort; members that come with it are added.
func (s *Cohorts) Update(ctx context.Context, who Caller, project, id int64, ch CohortChange) (CohortView, error) {
	old, err := s.Get(ctx, project, id)
	if err != nil {
		return CohortView{}, err
	}
	members, err := s.newMembers(ctx, project, old.Static, ch)
	if err != nil {
		return CohortView{}, err
	}
	err = s.edit(ctx, who, func(tx store.Tx) error {
		stored, err := tx.Cohort(project, id)
		if err != nil {
			return err
		}
		c := stored
		if err := s.applyCohort(tx, &c, ch); err != nil {
			return err
		}
		if ch.Deleted.Set && ch.Deleted.Value && !stored.Deleted {
			if err := checkCohortUnused(tx, stored); err != nil {
				return err
			}
		}
		ch.Deleted.into(&c.Deleted)
		c.UpdatedAt = s.clock()
		if err := tx.UpdateCohort(c); err != nil {
			return err
		}
		activity := "updated"
		if c.Deleted && !stored.Deleted {
			activity = "deleted"
		}
		return record(tx, project, ScopeCohort, formatID(id), activity, c.Name, diff(ScopeCohort, cohortFields(stored), cohortFields(c)))
	})
	if err != nil {
		return CohortView{}, err
	}
	if len(members) > 0 {
		if err := s.addMembers(ctx, who, project, id, members); err != nil {
			return CohortView{}, err
		}
	}
	return s.Get(ctx, project, id)
}

func cohortFields(c store.Cohort) []field {
	return []field{
		{"name", toJSON(c.Name)},
		{"description", toJSON(c.Description)},
		{"is_static", toJSON(c.Static)},
		{"deleted", toJSON(c.Deleted)},
		{"filters", c.Filters},
		{"groups", c.Groups},
	}
}

// applyCohort writes ch into c and checks it.
func (s *Cohorts) applyCohort(tx store.Tx, c *store.Cohort, ch CohortChange) error {
	ch.Name.into(&c.Name)
	ch.Description.into(&c.Description)
	if err := tooLong("name", c.Name, maxCohortName); err != nil {
		return err
	}
	if err := tooLong("description", c.Description, maxCohortDescription); err != nil {
		return err
	}
	if ch.Query {
		if ch.Filters.Set && !isNull(ch.Filters.Value) {
			return refused("Cannot set both query and filters at the same time.")
		}
		return invalid("query", "not_supported", "Cohorts cannot be made from queries on this server.")
	}
	if ch.Groups.Set && c.Static {
		c.Groups = ch.Groups.Value
	}
	if !ch.Filters.Set || isNull(ch.Filters.Value) {
		return nil
	}
	c.Filters = compact(ch.Filters.Value)
	if c.Static {
		return nil // inert: not looked at
	}
	return checkDefinition(tx, c)
}

// DuplicateAsStatic makes a static cohort with the present members of a
// dynamic one.
func (s *Cohorts) DuplicateAsStatic(ctx context.Context, who Caller, project, id int64) (CohortView, error) {
	src, err := s.Get(ctx, project, id)
	if err != nil {
		return CohortView{}, err
	}
	if src.Static {
		return CohortView{}, refused("Static cohort cannot be duplicated as static.")
	}
	members, err := s.evaluateMembers(ctx, project, id)
	if err != nil {
		return CohortView{}, err
	}
	return s.makeStatic(ctx, who, store.Cohort{
		Project: project, Name: src.Name + " (static copy)", Description: src.Description,
	}, members)
}

// makeStatic makes a static cohort with members.
func (s *Cohorts) makeStatic(ctx context.Context, who Caller, c store.Cohort, members []int64) (CohortView, error) {
	c.Static, c.Groups, c.CreatedBy = true, store.JSON("[]"), who.User.ID
	c.CreatedAt, c.UpdatedAt = s.clock(), s.clock()
	var made store.Cohort
	err := s.edit(ctx, who, func(tx store.Tx) error {
		var err error
		if made, err = tx.InsertCohort(c); err != nil {
			return err
		}
		return record(tx, c.Project, ScopeCohort, formatID(made.ID), "created", made.Name, nil)
	})
	if err == nil {
		err = s.addMembers(ctx, who, c.Project, made.ID, members)
	}
	if err != nil {
		return CohortView{}, err
	}
	return s.Get(ctx, c.Project, made.ID)
}
