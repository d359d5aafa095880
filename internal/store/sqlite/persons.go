package sqlite

import "github.com/guidon-flags/guidon/internal/store"

const personColumns = `p.id, p.project_id, p.uuid, p.properties, p.identified, p.created_at, p.last_seen_at, p.version`

func scanPerson(row scanner) (p store.Person, err error) {
	err = row.Scan(&p.ID, &p.Project, &p.UUID, &p.Properties, &p.Identified, instant{&p.CreatedAt}, instant{&p.LastSeenAt}, &p.Version)
	return p, err
}

// page is a limit of which 0 means 100.
func page(limit int) int {
	if limit <= 0 {
		return 100
	}
	return limit
}

func (u *unit) personByID(project, id int64) (store.Person, error) {
	return single(u, scanPerson, `SELECT `+personColumns+` FROM persons p WHERE p.id = ? AND p.project_id = ?`, id, project)
}

func (u *unit) personOf(project int64, distinctID string) (store.Person, error) {
	return single(u, scanPerson, `SELECT `+personColumns+` FROM distinct_ids d JOIN persons p ON p.id = d.person_id
		WHERE d.project_id = ? AND d.distinct_id = ?`, project, distinctID)
}

// withDistinctIDs fills in the ids of the one person that a look-up found.
func (u *unit) withDistinctIDs(p store.Person, err error) (store.Person, error) {
	if err != nil {
		return store.Person{}, err
	}
	p.DistinctIDs, err = list(u, func(row scanner) (id string, err error) {
		err = row.Scan(&id)
		return id, err
	}, `SELECT distinct_id FROM distinct_ids WHERE person_id = ? ORDER BY position`, p.ID)
	return p, err
}

// fillDistinctIDs fills in the ids of many persons with one statement.
func (u *unit) fillDistinctIDs(persons []store.Person) error {
	at := make(map[int64]*store.Person, len(persons))
	ids := make([]int64, len(persons))
	for i := range persons {
		ids[i] = persons[i].ID
		at[persons[i].ID] = &persons[i]
	}
	return u.each(`SELECT d.person_id, d.distinct_id FROM json_each(?) j CROSS JOIN distinct_ids d ON d.person_id = j.value
		ORDER BY d.person_id, d.position`, []any{array(ids)}, func(row scanner) error {
		var id int64
		var distinctID string
		if err := row.Scan(&id, &distinctID); err != nil {
			return err
		}
		at[id].DistinctIDs = append(at[id].DistinctIDs, distinctID)
		return nil
	})
}

func (r reading) PersonByID(project, id int64) (store.Person, error) {
	return r.withDistinctIDs(r.personByID(project, id))
}

func (r reading) PersonByUUID(project int64, uuid string) (store.Person, error) {
	return r.withDistinctIDs(single(r.unit, scanPerson,
		`SELECT `+personColumns+` FROM persons p WHERE p.project_id = ? AND p.uuid = ?`, project, uuid))
}

func (r reading) PersonByDistinctID(project int64, distinctID string) (store.Person, error) {
	return r.withDistinctIDs(r.personOf(project, distinctID))
}

func (r reading) Persons(q store.PersonQuery) ([]store.Person, error) {
	query := `SELECT ` + personColumns + ` FROM persons p WHERE p.project_id = ?`
	args := []any{q.Project}
	where := func(condition string, values ...any) {
		query += " AND " + condition
		args = append(args, values...)
	}
	if q.DistinctID != "" {
		where(`p.id = (SELECT person_id FROM distinct_ids WHERE project_id = ? AND distinct_id = ?)`, q.Project, q.DistinctID)
	}
	if q.Email != "" {
		where(`json_extract(p.properties, '$.email') = ?`, q.Email)
	}
	if q.Search != "" {
		where(`(instr(lower(json_extract(p.properties, '$.email')), lower(?)) > 0
			OR p.id = (SELECT person_id FROM distinct_ids WHERE project_id = ? AND distinct_id = ?))`, q.Search, q.Project, q.Search)
	}
	order := "DESC"
	if q.AfterID != 0 {
		order = "ASC"
		where(`p.id > ?`, q.AfterID)
	}
	persons, err := list(r.unit, scanPerson, query+` ORDER BY p.id `+order+` LIMIT ? OFFSET ?`, append(args, page(q.Limit), q.Offset)...)
	if err != nil {
		return nil, err
	}
	return persons, r.fillDistinctIDs(persons)
}

func (r reading) CountPersons(project int64) (n int64, err error) {
	err = r.one(`SELECT count(*) FROM persons WHERE project_id = ?`, []any{project}, &n)
	return n, err
}

func (r reading) Overrides(project, person int64) (map[string]string, error) {
	overrides := make(map[string]string)
	err := r.each(`SELECT flag_key, hash_key FROM hash_key_overrides WHERE person_id = ? AND project_id = ?`, []any{person, project},
		func(row scanner) error {
			var flag, hash string
			err := row.Scan(&flag, &hash)
			overrides[flag] = hash
			return err
		})
	return overrides, err
}
