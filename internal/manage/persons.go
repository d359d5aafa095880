package manage

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/guidon-flags/guidon/internal/identity"
	"github.com/guidon-flags/guidon/internal/store"
)

// PersonOperations changes persons as captured events would (identity.md 9).
// internal/identity has it. All return store.ErrNotFound for an unknown person.
type PersonOperations interface {
	// SetProperties sets the members of the object properties.
	// identity.ErrTooLarge: the person would have too many.
	SetProperties(ctx context.Context, project, person int64, properties []byte) error
	// UnsetProperties removes properties; names that are not there are ignored.
	UnsetProperties(ctx context.Context, project, person int64, names ...string) error
	// DeletePerson removes a person with all that hangs on it.
	DeletePerson(ctx context.Context, project, person int64) error
	// Split keeps main (empty: the first distinct id) on the person and gives
	// every other distinct id a new person.
	Split(ctx context.Context, project, person int64, main string) error
}

var _ PersonOperations = (*identity.Service)(nil)

// Persons changes and reads persons (section 12).
type Persons struct{ *core }

// PersonFilter selects persons. Zero fields do not restrict.
type PersonFilter struct {
	DistinctID, Email, Search string
	Properties                store.JSON // a list of property filters, all of which must hold; nil: none
	Limit, Offset             int
}

// List returns a page of persons, newest first, and whether more follow.
func (s *Persons) List(ctx context.Context, project int64, q PersonFilter) (page []store.Person, more bool, err error) {
	if q.Properties != nil {
		return s.listMatching(ctx, project, q)
	}
	err = s.view(ctx, func(tx store.ReadTx) error {
		page, err = tx.Persons(store.PersonQuery{
			Project: project, DistinctID: q.DistinctID, Email: q.Email, Search: q.Search,
			Limit: q.Limit + 1, Offset: q.Offset,
		})
		return err
	})
	if len(page) > q.Limit {
		page, more = page[:q.Limit], true
	}
	return page, more, err
}

// listMatching lists persons for whom property filters hold, by id.
func (s *Persons) listMatching(ctx context.Context, project int64, q PersonFilter) (page []store.Person, more bool, err error) {
	match, err := s.propertyMatcher(ctx, project, q.Properties)
	if err != nil {
		return nil, false, err
	}
	skip := q.Offset
	err = s.walkPersons(ctx, project, func(tx store.ReadTx, p store.Person) (bool, error) {
		if q.DistinctID != "" && !slices.Contains(p.DistinctIDs, q.DistinctID) {
			return true, nil
		}
		holds, err := match(tx, p)
		switch {
		case err != nil || !holds:
			return true, err
		case skip > 0:
			skip--
		case len(page) < q.Limit:
			page = append(page, p)
		default:
			more = true
		}
		return !more, nil
	})
	return page, more, err
}

// Get returns a person by uuid, or by its number. Invalid: ref is neither.
func (s *Persons) Get(ctx context.Context, project int64, ref string) (store.Person, error) {
	var p store.Person
	err := s.view(ctx, func(tx store.ReadTx) error {
		var err error
		p, err = personByRef(tx, project, ref)
		return err
	})
	return p, err
}

func personByRef(tx store.PersonReader, project int64, ref string) (store.Person, error) {
	if id, err := strconv.ParseInt(ref, 10, 64); err == nil {
		return tx.PersonByID(project, id)
	}
	id, err := uuid.Parse(ref)
	if err != nil {
		return store.Person{}, refused("The ID provided does not look like a personID. If you are using a distinctId, please use /persons?distinct_id=%s instead.", ref)
	}
	return tx.PersonByUUID(project, id.String())
}

// SetProperties sets properties of a person; properties is an object. None is
// ever removed.
func (s *Persons) SetProperties(ctx context.Context, who Caller, project int64, ref string, properties store.JSON) error {
	if _, err := parseObject(properties); err != nil {
		return invalid("properties", "invalid", "properties must be an object.")
	}
	return s.operate(ctx, who, project, ref, "updated", func(p store.Person) error {
		return s.persons.SetProperties(ctx, project, p.ID, properties)
	})
}

// UnsetProperty removes a property of a person.
func (s *Persons) UnsetProperty(ctx context.Context, who Caller, project int64, ref, key string) error {
	return s.operate(ctx, who, project, ref, "updated", func(p store.Person) error {
		return s.persons.UnsetProperties(ctx, project, p.ID, key)
	})
}

// Delete removes a person with all that hangs on it.
func (s *Persons) Delete(ctx context.Context, who Caller, project int64, ref string) error {
	return s.operate(ctx, who, project, ref, "deleted", func(p store.Person) error {
		return s.persons.DeletePerson(ctx, project, p.ID)
	})
}

// Split takes all distinct ids but main away from a person; empty main: the
// first one.
func (s *Persons) Split(ctx context.Context, who Caller, project int64, ref, main string) error {
	return s.operate(ctx, who, project, ref, "split", func(p store.Person) error {
		if main != "" && !slices.Contains(p.DistinctIDs, main) {
			return invalid("main_distinct_id", "invalid", "main_distinct_id is not a distinct ID of this person.")
		}
		return s.persons.Split(ctx, project, p.ID, main)
	})
}

// operate runs an operation on a person and logs it. The entry names the
// person; changes of properties are not repeated in it, since they may hold
// what the person asks to have deleted.
func (s *Persons) operate(ctx context.Context, who Caller, project int64, ref, activity string, op func(store.Person) error) error {
	if s.persons == nil {
		return errors.New("manage: no operations on persons are configured")
	}
	p, err := s.Get(ctx, project, ref)
	if err != nil {
		return err
	}
	err = op(p)
	if errors.Is(err, identity.ErrTooLarge) {
		return invalid("properties", "invalid", "The properties of the person would be too large.")
	}
	if err != nil {
		return missing(err)
	}
	entry := []FieldChange{{Type: ScopePerson, Action: "changed", Field: "properties"}}
	return s.edit(ctx, who, func(tx store.Tx) error {
		return record(tx, project, ScopePerson, p.UUID, activity, PersonName(p), entry)
	})
}

// maxBulkPersons is how many persons one request may delete.
const maxBulkPersons = 1000

// BulkDelete removes the persons with the uuids and the distinct ids given;
// unknown ones are ignored.
func (s *Persons) BulkDelete(ctx context.Context, who Caller, project int64, uuids, distinctIDs []string) error {
	if len(uuids) > maxBulkPersons || len(distinctIDs) > maxBulkPersons {
		return refused("You can only pass %d ids in one call", maxBulkPersons)
	}
	ids := make(map[string]bool)
	err := s.view(ctx, func(tx store.ReadTx) error {
		for _, ref := range uuids {
			p, err := personByRef(tx, project, ref)
			if err == nil {
				ids[p.UUID] = true
			} else if !errors.Is(err, store.ErrNotFound) {
				return err
			}
		}
		for _, id := range distinctIDs {
			p, err := tx.PersonByDistinctID(project, id)
			if err == nil {
				ids[p.UUID] = true
			} else if !errors.Is(err, store.ErrNotFound) {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for id := range ids {
		var e *Error
		if err := s.Delete(ctx, who, project, id); err != nil && (!errors.As(err, &e) || e.Kind != NotFound) {
			return err
		}
	}
	return nil
}

// PersonName is how a person is shown: the e-mail address, else a distinct id
// that is not a UUID, else any.
func PersonName(p store.Person) string {
	props, err := parseObject(p.Properties)
	if err == nil {
		if email := text(props.get("email")); email != "" {
			return email
		}
	}
	for _, id := range p.DistinctIDs {
		if uuid.Validate(id) != nil {
			return id
		}
	}
	if len(p.DistinctIDs) > 0 {
		return p.DistinctIDs[0]
	}
	return p.UUID
}

// ValueCount is a value of a property with how many have it.
type ValueCount struct {
	Value store.JSON
	Count int
}

const (
	maxValues       = 10     // values offered by a property picker
	maxValuePersons = 10_000 // persons looked at for them
)

// Values lists the most frequent values of a property that contain part,
// without case. It looks at a bounded number of persons.
func (s *Persons) Values(ctx context.Context, project int64, key, part string) ([]ValueCount, error) {
	counts := make(map[string]int)
	seen := 0
	err := s.walkPersons(ctx, project, func(_ store.ReadTx, p store.Person) (bool, error) {
		countValue(counts, p.Properties, key, part)
		seen++
		return seen < maxValuePersons, nil
	})
	return mostFrequent(counts), err
}

func countValue(counts map[string]int, properties store.JSON, key, part string) {
	props, err := parseObject(properties)
	if err != nil {
		return
	}
	v := props.get(key)
	if isNull(v) || !strings.Contains(strings.ToLower(string(v)), strings.ToLower(part)) {
		return
	}
	counts[string(compact(v))]++
}

func mostFrequent(counts map[string]int) []ValueCount {
	out := make([]ValueCount, 0, len(counts))
	for v, n := range counts {
		out = append(out, ValueCount{store.JSON(v), n})
	}
	slices.SortFunc(out, func(a, b ValueCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(string(a.Value), string(b.Value)))
	})
	return out[:min(len(out), maxValues)]
}

// Cohorts lists the static cohorts that a person is in.
func (s *Persons) Cohorts(ctx context.Context, project int64, ref string) ([]CohortView, error) {
	var out []CohortView
	err := s.view(ctx, func(tx store.ReadTx) error {
		p, err := personByRef(tx, project, ref)
		if err != nil {
			return err
		}
		ids, err := tx.CohortsOfPerson(project, p.ID)
		if err != nil {
			return err
		}
		var cohorts []store.Cohort
		for _, id := range ids {
			c, err := tx.Cohort(project, id)
			if err == nil && !c.Deleted {
				cohorts = append(cohorts, c)
			} else if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
		}
		out, err = (&Cohorts{s.core}).views(tx, project, cohorts)
		return err
	})
	return out, err
}

// personChunk is how many persons a walk reads in one transaction.
const personChunk = 1000

// walkPersons calls visit for all persons by id until it returns false. It
// reads them in several transactions.
func (c *core) walkPersons(ctx context.Context, project int64, visit func(tx store.ReadTx, p store.Person) (more bool, err error)) error {
	after := int64(-1) // before the first; 0 would not be a walk
	for {
		n, more := 0, true
		err := c.view(ctx, func(tx store.ReadTx) error {
			persons, err := tx.Persons(store.PersonQuery{Project: project, AfterID: after, Limit: personChunk})
			if err != nil {
				return err
			}
			n = len(persons)
			for _, p := range persons {
				after = p.ID
				if more, err = visit(tx, p); err != nil || !more {
					return err
				}
			}
			return nil
		})
		if err != nil || !more || n < personChunk {
			return err
		}
	}
}
