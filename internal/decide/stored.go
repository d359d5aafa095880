package decide

import (
	"context"
	"errors"
	"time"

	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/snapshot"
	"github.com/guidon-flags/guidon/internal/store"
	"github.com/guidon-flags/guidon/internal/wire/jsonval"
)

// The failures of flags whose stored data is not there (9.3).
var (
	failDeadline    = &eval.Failure{Code: "timeout:persons_db_deadline", Description: "Timeout: persons_db_deadline"}
	failClientGone  = &eval.Failure{Code: "timeout:client_timeout", Description: "Timeout: client_timeout"}
	failUnavailable = &eval.Failure{Code: "database_unavailable", Description: "Database connection error during evaluation"}
	failDatabase    = &eval.Failure{Code: "database_error", Description: "Database error during evaluation"}
	failData        = &eval.Failure{Code: "data_parsing_error", Description: "Stored data could not be read"}
	failOverrides   = &eval.Failure{Code: "hash_key_override_error", Description: "Hash key overrides could not be processed"}
	failInternal    = &eval.Failure{Code: "internal_error", Description: "Internal error during evaluation"}
)

// errData: a stored document is not what it should be.
var errData = errors.New("stored properties are not a JSON object")

// failureOf returns what the flags fail with that needed what err kept away.
func failureOf(err error) *eval.Failure {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return failDeadline
	case errors.Is(err, context.Canceled):
		return failClientGone
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, store.ErrClosed):
		return failUnavailable
	case errors.Is(err, errData):
		return failData
	}
	return failDatabase
}

// load asks for what is needed and puts it into ans.in. That takes one round
// trip, unless it fails or sticky assignments are to be written.
func (e *Engine) load(ctx context.Context, v *snapshot.Version, req *Request, ans *Answer, needs eval.Needs) {
	ans.Looked = true
	ctx, cancel := context.WithTimeout(ctx, e.o.Deadline)
	defer cancel()
	q := ans.query(v.Project.ID, req, needs)
	data, err := e.lookup(ctx, q)
	failed := err
	if err != nil && q.Overrides && (q.Person || len(q.Groups) > 0) && ctx.Err() == nil {
		// If only overrides are out of reach, flags without continuity are
		// evaluated as ever (8.4).
		q.Overrides, q.AnonID = false, ""
		data, err = e.lookup(ctx, q)
	}
	if err == nil {
		err = ans.fillStored(v.Program, q, &data)
	}
	if err != nil && (q.Person || len(q.Groups) > 0) {
		ans.in.FailStored(failureOf(err))
	}
	if !needs.Overrides {
		return
	}
	if failed == nil {
		data.Overrides, failed = e.continuity(ctx, v, req, data)
	}
	if failed != nil {
		ans.in.FailOverrides(failOverrides)
		return
	}
	for key, hashKey := range data.Overrides {
		if i, ok := v.Program.Index(key); ok {
			ans.in.SetOverride(i, hashKey)
		}
	}
}

// query says in the store's terms what is needed. It is valid until the next
// request.
func (ans *Answer) query(project int64, req *Request, needs eval.Needs) store.SubjectQuery {
	q := store.SubjectQuery{Project: project, DistinctID: req.DistinctID, Person: needs.Person, Overrides: needs.Overrides}
	if needs.Overrides {
		q.AnonID = req.AnonID
	}
	ans.groups = ans.groups[:0]
	for g, needed := range needs.Groups {
		if needed {
			ans.groups = append(ans.groups, store.GroupRef{Index: g, Key: ans.in.GroupKey(feature.GroupIndex(g))})
		}
	}
	q.Groups = ans.groups
	return q
}

func (e *Engine) lookup(ctx context.Context, q store.SubjectQuery) (store.SubjectData, error) {
	if e.o.OnLookup == nil {
		return e.subjects.Lookup(ctx, q)
	}
	start := time.Now()
	data, err := e.subjects.Lookup(ctx, q)
	e.o.OnLookup(time.Since(start), err)
	return data, err
}

// continuity returns the overrides that count for the request, given what was
// looked up, after writing those that are missing (8.2). If the persons of the
// two ids lack an override for some flag with continuity, they get one for each
// such flag; what is there stays.
func (e *Engine) continuity(ctx context.Context, v *snapshot.Version, req *Request, data store.SubjectData) (map[string]string, error) {
	keys := v.Program.ContinuityKeys()
	if req.AnonID == "" || req.ReadOnly || data.OverridePersons == 0 || hasAll(data.Overrides, keys) {
		return data.Overrides, nil
	}
	rows, err := e.subjects.WriteOverrides(ctx, v.Project.ID, []string{req.DistinctID, req.AnonID}, keys, req.AnonID)
	if e.o.OnWrite != nil {
		e.o.OnWrite(rows, err)
	}
	if err != nil {
		return nil, err
	}
	// Which row counts depends on who owns which id, and another node may have
	// written first.
	data, err = e.lookup(ctx, store.SubjectQuery{
		Project: v.Project.ID, DistinctID: req.DistinctID, AnonID: req.AnonID, Overrides: true,
	})
	return data.Overrides, err
}

func hasAll(overrides map[string]string, keys []string) bool {
	for _, k := range keys {
		if _, ok := overrides[k]; !ok {
			return false
		}
	}
	return true
}

// fillStored sets the person and the groups that q asked for. Only properties
// that some flag reads are decoded.
func (ans *Answer) fillStored(p *eval.Program, q store.SubjectQuery, data *store.SubjectData) error {
	in := &ans.in
	if q.Person {
		if err := ans.fillPerson(p, data); err != nil {
			return err
		}
	}
	for i := range data.Groups {
		index := feature.GroupIndex(data.Groups[i].Index)
		err := eachProperty(data.Groups[i].Properties, func(name []byte) eval.Slot { return p.GroupSlot(index, name) },
			func(s eval.Slot, v feature.Value) { in.SetStoredGroup(index, s, v) })
		if err != nil {
			return err
		}
	}
	for _, ref := range q.Groups { // last: until then they count as not loaded
		in.StoreGroup(feature.GroupIndex(ref.Index))
	}
	return nil
}

func (ans *Answer) fillPerson(p *eval.Program, data *store.SubjectData) error {
	if data.Person == nil {
		ans.in.StoreNoPerson()
		return nil
	}
	if err := eachProperty(data.Person.Properties, p.PersonSlot, ans.in.SetStoredPerson); err != nil {
		return err
	}
	ans.in.StorePerson(data.Person.CreatedAt) // last: until then it counts as not loaded
	ans.in.SetCohorts(data.Cohorts)
	return nil
}

// eachProperty calls set for the properties in a stored object that have a
// slot.
func eachProperty(object []byte, slot func(name []byte) eval.Slot, set func(eval.Slot, feature.Value)) error {
	err := jsonval.Members(object, func(name, value []byte) error {
		s := slot(name)
		if s == eval.NoSlot {
			return nil
		}
		v, err := jsonval.Parse(value)
		if err == nil {
			set(s, v)
		}
		return err
	})
	if err != nil {
		return errData
	}
	return nil
}
