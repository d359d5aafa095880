package sqlite

import (
	"context"
	"time"

	"github.com/guidon-flags/guidon/internal/store"
)

// identifying is a store.IdentityTx: everything is in one project.
type identifying struct {
	*unit
	id int64 // the project
}

var _ store.IdentityTx = identifying{}

// Identify implements store.Identities.
func (s *Store) Identify(ctx context.Context, project int64, fn func(tx store.IdentityTx) error) error {
	return s.write(ctx, func(u *unit) error { return fn(identifying{u, project}) })
}

func (t identifying) PersonOf(distinctID string) (store.Person, error) {
	return t.personOf(t.id, distinctID)
}

func (t identifying) Person(id int64) (store.Person, error) {
	return t.withDistinctIDs(t.personByID(t.id, id))
}

func (t identifying) CountDistinctIDs(person int64) (n int, err error) {
	err = t.one(`SELECT count(*) FROM distinct_ids WHERE person_id = ? AND project_id = ?`, []any{person, t.id}, &n)
	return n, err
}

func (t identifying) InsertPerson(p store.Person, distinctIDs []string) (store.Person, error) {
	for _, id := range distinctIDs { // first, so that a conflict leaves nothing behind
		if err := t.free(id); err != nil {
			return store.Person{}, err
		}
	}
	p, err := t.insertPerson(p)
	if err != nil {
		return store.Person{}, err
	}
	for i, id := range distinctIDs {
		if err := t.own(p.ID, id, i+1); err != nil {
			return store.Person{}, err
		}
	}
	return p, nil
}

// free fails if a distinct id has an owner.
func (t identifying) free(distinctID string) error {
	var owners int
	err := t.one(`SELECT count(*) FROM distinct_ids WHERE project_id = ? AND distinct_id = ?`, []any{t.id, distinctID}, &owners)
	if err == nil && owners > 0 {
		return &store.ConflictError{Field: "distinct_id"}
	}
	return err
}

func (t identifying) insertPerson(p store.Person) (store.Person, error) {
	p.Project, p.DistinctIDs = t.id, nil
	p.CreatedAt, p.LastSeenAt = stored(p.CreatedAt), stored(p.LastSeenAt)
	p.Properties = []byte(document(p.Properties, "{}"))
	err := t.insert(`INSERT INTO persons (project_id, uuid, properties, identified, created_at, last_seen_at, version)
		VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id`, []any{
		t.id, p.UUID, string(p.Properties), p.Identified,
		micros(p.CreatedAt), optional(p.LastSeenAt), p.Version,
	}, &p.ID)
	return p, conflict(err, "uuid")
}

// own makes a distinct id a person's. Ids at a smaller position are older.
func (t identifying) own(person int64, distinctID string, position int) error {
	_, err := t.exec(`INSERT INTO distinct_ids (project_id, distinct_id, person_id, position) VALUES (?, ?, ?, ?)`,
		t.id, distinctID, person, position)
	if violates(err, primaryKey) {
		return &store.ConflictError{Field: "distinct_id"}
	}
	return err
}

func (t identifying) UpdatePerson(p store.Person) error {
	return t.put(`UPDATE persons SET properties = ?, identified = ?, created_at = ?, last_seen_at = ?, version = ? WHERE id = ? AND project_id = ?`,
		document(p.Properties, "{}"), p.Identified, micros(p.CreatedAt), optional(p.LastSeenAt), p.Version, p.ID, t.id)
}

func (t identifying) AddDistinctID(person int64, distinctID string) error {
	last, err := t.lastPosition(person)
	if err != nil {
		return err
	}
	return t.own(person, distinctID, last+1)
}

// lastPosition is the position of a person's newest distinct id. ErrNotFound
// if there is no such person.
func (t identifying) lastPosition(person int64) (last int, err error) {
	err = t.one(`SELECT coalesce((SELECT max(position) FROM distinct_ids WHERE person_id = p.id), 0)
		FROM persons p WHERE p.id = ? AND p.project_id = ?`, []any{person, t.id}, &last)
	return last, err
}

func (t identifying) MergePerson(from, into int64) error {
	if from == into {
		return t.violated("person %d cannot be merged into itself", from)
	}
	if _, err := t.lastPosition(from); err != nil {
		return err
	}
	last, err := t.lastPosition(into)
	if err != nil {
		return err
	}
	// What the survivor has already stays behind and goes with the person.
	for _, move := range []string{
		`UPDATE OR IGNORE hash_key_overrides SET person_id = ? WHERE person_id = ?`,
		`UPDATE OR IGNORE cohort_members SET person_id = ? WHERE person_id = ?`,
	} {
		if _, err := t.exec(move, into, from); err != nil {
			return err
		}
	}
	if _, err := t.exec(`UPDATE distinct_ids SET person_id = ?, position = position + ? WHERE person_id = ?`, into, last, from); err != nil {
		return err
	}
	return t.DeletePerson(from)
}

func (t identifying) SplitDistinctID(distinctID string, p store.Person) error {
	if _, err := t.PersonOf(distinctID); err != nil {
		return err
	}
	p, err := t.insertPerson(p)
	if err != nil {
		return err
	}
	return t.put(`UPDATE distinct_ids SET person_id = ?, position = 1 WHERE project_id = ? AND distinct_id = ?`, p.ID, t.id, distinctID)
}

func (t identifying) DeletePerson(id int64) error {
	return t.put(`DELETE FROM persons WHERE id = ? AND project_id = ?`, id, t.id) // the rest goes by cascade
}

func (t identifying) Personless(distinctID string) (used, merged bool, err error) {
	err = t.each(`SELECT used, merged FROM personless_ids WHERE project_id = ? AND distinct_id = ?`, []any{t.id, distinctID},
		func(row scanner) error { return row.Scan(&used, &merged) })
	return used, merged, err
}

func (t identifying) MarkPersonless(distinctID string) error {
	_, err := t.exec(`INSERT INTO personless_ids (project_id, distinct_id, used, merged) VALUES (?, ?, 1, 0)
		ON CONFLICT (project_id, distinct_id) DO UPDATE SET used = 1 WHERE used = 0`, t.id, distinctID)
	return err
}

func (t identifying) MarkMerged(distinctID string) error {
	_, err := t.exec(`INSERT INTO personless_ids (project_id, distinct_id, used, merged) VALUES (?, ?, 0, 1)
		ON CONFLICT (project_id, distinct_id) DO UPDATE SET merged = 1 WHERE merged = 0`, t.id, distinctID)
	return err
}

func (t identifying) GroupTypes() ([]store.GroupType, error) { return t.groupTypes(t.id) }

func (t identifying) InsertGroupType(name string, at time.Time) (store.GroupType, error) {
	types, err := t.groupTypes(t.id)
	if err != nil {
		return store.GroupType{}, err
	}
	free := 0
	for _, have := range types { // by index
		if have.Name == name {
			return have, nil
		}
		if have.Index == free {
			free++
		}
	}
	if free == store.MaxGroupTypes {
		return store.GroupType{}, &store.ConflictError{Field: "group_type_index"}
	}
	added := store.GroupType{Project: t.id, Index: free, Name: name, CreatedAt: stored(at)}
	_, err = t.exec(`INSERT INTO group_types (`+groupTypeColumns+`) VALUES (?, ?, ?, '', '', ?)`, t.id, free, name, micros(at))
	if err != nil {
		return store.GroupType{}, err
	}
	t.touch(t.id, store.ChangeDefinitions)
	return added, nil
}

func (t identifying) Group(index int, key string) (store.Group, error) {
	return t.group(t.id, index, key)
}

func (t identifying) InsertGroup(g store.Group) error {
	g.Project = t.id
	return t.insertGroup(g)
}

func (t identifying) UpdateGroup(g store.Group) error {
	g.Project = t.id
	return t.updateGroup(g)
}

func (t identifying) TouchFlag(key string, at time.Time) error {
	_, err := t.exec(`UPDATE flags SET last_called_at = ?1 WHERE project_id = ?2 AND key = ?3 AND deleted = 0
		AND (last_called_at IS NULL OR last_called_at < ?1)`, micros(at), t.id, key)
	return err
}

func (t identifying) AddWarning(w store.Warning) error {
	w.Project = t.id
	return t.addWarning(w)
}
