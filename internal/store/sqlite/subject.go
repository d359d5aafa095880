package sqlite

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/guidon-flags/guidon/internal/store"
)

// The parts of a subject's statement. All have the same columns:
// part, number, text, text, truth, time, time, number.
const (
	partPerson = iota + 1
	partCohort
	partGroup
	partOverride
)

const (
	selectPerson = `SELECT 1, p.id, p.uuid, p.properties, p.identified, p.created_at, p.last_seen_at, p.version
		FROM distinct_ids d JOIN persons p ON p.id = d.person_id WHERE d.project_id = ?1 AND d.distinct_id = ?2`
	selectCohorts = `SELECT 2, m.cohort_id, '', '', 0, 0, 0, 0
		FROM distinct_ids d JOIN cohort_members m ON m.person_id = d.person_id WHERE d.project_id = ?1 AND d.distinct_id = ?2`
	selectGroups = `SELECT 3, g.type_index, g.key, g.properties, 0, g.created_at, 0, g.version
		FROM groups g WHERE g.project_id = ?1 AND (g.type_index, g.key) IN (VALUES `
	// A person without overrides has one row, so that persons can be counted.
	selectOverrides = `SELECT 4, d.person_id, coalesce(o.flag_key, ''), coalesce(o.hash_key, ''), d.distinct_id = ?2, 0, 0, o.flag_key IS NOT NULL
		FROM distinct_ids d LEFT JOIN hash_key_overrides o ON o.person_id = d.person_id
		WHERE d.project_id = ?1 AND d.distinct_id IN (?2, ?3)`
)

// subjectStatement is the statement for what q asks for; empty if that is
// nothing. One statement is one state, and there are few enough of them to
// keep all prepared.
func subjectStatement(q store.SubjectQuery) (query string, args []any) {
	anon := q.AnonID
	if anon == "" {
		anon = q.DistinctID
	}
	args = []any{q.Project, q.DistinctID, anon}
	var parts []string
	if q.Person {
		parts = append(parts, selectPerson, selectCohorts)
	}
	if q.Overrides {
		parts = append(parts, selectOverrides)
	} else if len(q.Groups) == 0 {
		args = args[:2]
	}
	if len(q.Groups) > 0 {
		var values []string
		for _, g := range q.Groups {
			values = append(values, fmt.Sprintf("(?%d, ?%d)", len(args)+1, len(args)+2))
			args = append(args, g.Index, g.Key)
		}
		parts = append(parts, selectGroups+strings.Join(values, ", ")+")")
	}
	return strings.Join(parts, " UNION ALL "), args
}

// Subject implements store.Subjects.
func (s *Store) Subject(ctx context.Context, q store.SubjectQuery) (store.SubjectData, error) {
	if len(q.Groups) > store.MaxGroupTypes {
		return store.SubjectData{}, fmt.Errorf("sqlite: %d groups asked for, at most %d are possible", len(q.Groups), store.MaxGroupTypes)
	}
	c := subjectRows{query: q}
	query, args := subjectStatement(q)
	err := s.look(ctx, func(u *unit) error {
		if query == "" {
			return nil
		}
		return u.each(query, args, c.add)
	})
	if err != nil {
		return store.SubjectData{}, err
	}
	slices.Sort(c.data.Cohorts)
	return c.data, nil
}

// subjectRows builds a subject from the rows of its statement.
type subjectRows struct {
	query store.SubjectQuery
	data  store.SubjectData

	persons []int64         // that own one of the ids; at most two
	own     map[string]bool // flag keys whose override is of DistinctID's person
}

// add takes one row in.
func (c *subjectRows) add(row scanner) error {
	var (
		part, version, number int64
		key, text             string
		truth                 bool
		created, seen         time.Time
	)
	if err := row.Scan(&part, &number, &key, &text, &truth, instant{&created}, instant{&seen}, &version); err != nil {
		return err
	}
	switch part {
	case partPerson:
		c.data.Person = &store.Person{
			ID: number, Project: c.query.Project, UUID: key, Properties: []byte(text), Identified: truth,
			CreatedAt: created, LastSeenAt: seen, Version: version,
		}
	case partCohort:
		c.data.Cohorts = append(c.data.Cohorts, number)
	case partGroup:
		c.data.Groups = append(c.data.Groups, store.Group{
			Project: c.query.Project, Index: int(number), Key: key,
			Properties: []byte(text), CreatedAt: created, Version: version,
		})
	case partOverride:
		c.addOverride(number, truth, key, text, version != 0)
	}
	return nil
}

// addOverride takes in a row of a person that owns one of the two ids; exists
// is false if it only stands for the person.
func (c *subjectRows) addOverride(person int64, own bool, flag, hash string, exists bool) {
	if !slices.Contains(c.persons, person) {
		c.persons = append(c.persons, person)
		c.data.OverridePersons++
	}
	if !exists || c.own[flag] {
		return
	}
	if c.data.Overrides == nil {
		c.data.Overrides, c.own = make(map[string]string), make(map[string]bool)
	}
	c.data.Overrides[flag] = hash
	c.own[flag] = own
}

// WriteOverrides implements store.Subjects.
func (s *Store) WriteOverrides(ctx context.Context, project int64, distinctIDs, flagKeys []string, hashKey string) (int, error) {
	var wrote int64
	err := s.write(ctx, func(u *unit) (err error) {
		wrote, err = u.exec(`INSERT OR IGNORE INTO hash_key_overrides (person_id, flag_key, project_id, hash_key)
			SELECT d.person_id, f.value, d.project_id, ?
			FROM json_each(?) j CROSS JOIN distinct_ids d ON d.project_id = ? AND d.distinct_id = j.value CROSS JOIN json_each(?) f`,
			hashKey, array(distinctIDs), project, array(flagKeys))
		return err
	})
	if err != nil {
		return 0, err
	}
	return int(wrote), nil
}
