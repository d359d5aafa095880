package manage

import (
	"context"
	"slices"
	"time"

	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/store"
	"github.com/guidon-flags/guidon/internal/wire/filters"
	"github.com/guidon-flags/guidon/internal/wire/jsonval"
)

// matcher tells for whom a list of property filters holds, by having the
// evaluator decide on a flag with these filters as its only condition. It is
// for one goroutine.
type matcher struct {
	prog  *eval.Program
	group feature.GroupIndex // NoGroup: about persons
	now   time.Time
	in    eval.Input
	out   eval.Results
}

// probeKey is the key of the flag that a matcher decides on.
const probeKey = "guidon-matcher"

// newMatcher compiles property filters, a JSON list, about persons or groups
// of one type. Invalid, attribute "filters": they cannot be evaluated.
func (c *core) newMatcher(tx store.ReadTx, project int64, group feature.GroupIndex, properties store.JSON) (*matcher, error) {
	var condition object
	condition.set("properties", orNull(properties))
	condition.set("rollout_percentage", store.JSON("100"))
	if group != feature.NoGroup {
		condition.set("aggregation_group_type_index", toJSON(int(group)))
	}
	var doc object
	doc.set("groups", encodeList([]store.JSON{condition.encode()}))
	opts, err := filterOptions(tx, project)
	if err != nil {
		return nil, err
	}
	stored, violation := filters.Validate(doc.encode(), opts)
	if violation != nil {
		return nil, refusedFilters(violation)
	}
	for _, ref := range filters.ReadReferences(stored).Cohorts {
		if _, err := liveCohort(tx, project, ref); err != nil {
			return nil, err
		}
	}
	v, err := compile(tx, project, []store.Flag{{ID: -1, Project: project, Key: probeKey, Active: true, Filters: stored}})
	if err != nil {
		return nil, err
	}
	for _, fault := range v.Faults {
		if fault.Flag == probeKey {
			return nil, invalid("filters", "invalid", "%s", fault.Reason)
		}
	}
	return &matcher{prog: v.Program, group: group, now: c.clock()}, nil
}

// person reports whether the filters hold for a person.
func (m *matcher) person(tx store.CohortReader, p store.Person) (bool, error) {
	if err := m.load(tx, p); err != nil {
		return false, err
	}
	return m.holds()
}

// load prepares the input for a person.
func (m *matcher) load(tx store.CohortReader, p store.Person) error {
	m.in.Reset(m.prog)
	m.in.Now = m.now
	m.in.DistinctID = p.UUID
	if len(p.DistinctIDs) > 0 {
		m.in.DistinctID = p.DistinctIDs[0]
	}
	return storePerson(&m.in, m.prog, tx, p)
}

// groupOf reports whether the filters hold for a group.
func (m *matcher) groupOf(g store.Group) (bool, error) {
	m.in.Reset(m.prog)
	m.in.Now = m.now
	m.in.DistinctID = g.Key
	m.in.SetGroupKey(m.group, feature.Text(g.Key))
	storeGroup(&m.in, m.prog, g)
	return m.holds()
}

func (m *matcher) holds() (bool, error) {
	m.prog.Decide(&m.in, eval.Selection{}, &m.out)
	if len(m.out.Items) == 0 {
		return false, nil
	}
	if f := m.out.Items[0].Failure; f != nil {
		return false, invalid("filters", "invalid", "%s", f.Description)
	}
	return m.out.Items[0].Enabled, nil
}

// storePerson gives an Input what is stored about a person.
func storePerson(in *eval.Input, prog *eval.Program, tx store.CohortReader, p store.Person) error {
	in.StorePerson(p.CreatedAt)
	eachProperty(p.Properties, func(name []byte, v feature.Value) {
		in.SetStoredPerson(prog.PersonSlot(name), v)
	})
	if len(prog.StaticCohorts()) == 0 {
		return nil
	}
	cohorts, err := tx.CohortsOfPerson(p.Project, p.ID)
	slices.Sort(cohorts)
	in.SetCohorts(cohorts)
	return err
}

// storeGroup gives an Input what is stored about a group.
func storeGroup(in *eval.Input, prog *eval.Program, g store.Group) {
	index := feature.GroupIndex(g.Index)
	in.StoreGroup(index)
	eachProperty(g.Properties, func(name []byte, v feature.Value) {
		in.SetStoredGroup(index, prog.GroupSlot(index, name), v)
	})
}

// eachProperty calls fn for the members of a stored object up to where it
// cannot be read.
func eachProperty(properties store.JSON, fn func(name []byte, v feature.Value)) {
	_ = jsonval.Members(properties, func(name, value []byte) error {
		v, err := jsonval.Parse(value)
		if err == nil {
			fn(name, v)
		}
		return err
	})
}

// propertyMatcher makes a matcher of persons in a transaction of its own.
func (s *Persons) propertyMatcher(ctx context.Context, project int64, properties store.JSON) (func(store.ReadTx, store.Person) (bool, error), error) {
	var m *matcher
	err := s.view(ctx, func(tx store.ReadTx) error {
		var err error
		m, err = s.newMatcher(tx, project, feature.NoGroup, properties)
		return err
	})
	if err != nil {
		return nil, err
	}
	return func(tx store.ReadTx, p store.Person) (bool, error) { return m.person(tx, p) }, nil
}

// evaluateMembers lists the ids of the persons that are in a dynamic cohort.
func (s *Cohorts) evaluateMembers(ctx context.Context, project, id int64) ([]int64, error) {
	properties := store.JSON(`[{"key":"id","type":"cohort","operator":"in","value":` + formatID(id) + `}]`)
	match, err := (&Persons{s.core}).propertyMatcher(ctx, project, properties)
	if err != nil {
		return nil, err
	}
	var members []int64
	err = s.walkPersons(ctx, project, func(tx store.ReadTx, p store.Person) (bool, error) {
		in, err := match(tx, p)
		if in {
			members = append(members, p.ID)
		}
		return true, err
	})
	return members, err
}
