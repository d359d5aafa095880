package sqlite

import "github.com/guidon-flags/guidon/internal/store"

const cohortColumns = `id, project_id, name, description, static, kind, filters, groups, deleted, count, calculating,
	errors_count, created_by, created_at, updated_at, last_computed`

func scanCohort(row scanner) (c store.Cohort, err error) {
	err = row.Scan(&c.ID, &c.Project, &c.Name, &c.Description, &c.Static, &c.Kind, &c.Filters, &c.Groups, &c.Deleted,
		&c.Count, &c.Calculating, &c.ErrorsCount, &c.CreatedBy, instant{&c.CreatedAt}, instant{&c.UpdatedAt}, instant{&c.LastComputed})
	return c, err
}

// cohortValues are the columns of a cohort after its id and project.
func cohortValues(c store.Cohort) []any {
	return []any{
		c.Name, c.Description, c.Static, c.Kind, nullable(c.Filters), nullable(c.Groups), c.Deleted,
		count(c.Count), c.Calculating, c.ErrorsCount, c.CreatedBy, micros(c.CreatedAt), micros(c.UpdatedAt), optional(c.LastComputed),
	}
}

func (u *unit) cohort(project, id int64) (store.Cohort, error) {
	return single(u, scanCohort, `SELECT `+cohortColumns+` FROM cohorts WHERE id = ? AND project_id = ?`, id, project)
}

func (u *unit) cohorts(project int64, deleted bool) ([]store.Cohort, error) {
	return list(u, scanCohort, `SELECT `+cohortColumns+` FROM cohorts WHERE project_id = ? AND deleted <= ? ORDER BY id`, project, deleted)
}

func (r reading) Cohort(project, id int64) (store.Cohort, error) { return r.cohort(project, id) }

func (r reading) Cohorts(project int64, deleted bool) ([]store.Cohort, error) {
	return r.cohorts(project, deleted)
}

func (r reading) CohortMembers(project, cohort int64, limit, offset int) ([]store.Person, error) {
	persons, err := list(r.unit, scanPerson, `SELECT `+personColumns+` FROM cohort_members m JOIN persons p ON p.id = m.person_id
		WHERE m.cohort_id = ? AND p.project_id = ? ORDER BY m.person_id LIMIT ? OFFSET ?`, cohort, project, page(limit), offset)
	if err != nil {
		return nil, err
	}
	return persons, r.fillDistinctIDs(persons)
}

func (r reading) CountCohortMembers(project, cohort int64) (n int64, err error) {
	err = r.one(`SELECT count(*) FROM cohort_members m JOIN cohorts c ON c.id = m.cohort_id
		WHERE m.cohort_id = ? AND c.project_id = ?`, []any{cohort, project}, &n)
	return n, err
}

func (r reading) CohortsOfPerson(project, person int64) ([]int64, error) {
	return list(r.unit, scanID, `SELECT m.cohort_id FROM cohort_members m JOIN persons p ON p.id = m.person_id
		WHERE m.person_id = ? AND p.project_id = ? ORDER BY m.cohort_id`, person, project)
}

func scanID(row scanner) (id int64, err error) {
	err = row.Scan(&id)
	return id, err
}

func (e editing) InsertCohort(c store.Cohort) (store.Cohort, error) {
	err := e.insert(`INSERT INTO cohorts (`+cohortColumns+`)
		VALUES (NULLIF(?, 0), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
		append([]any{c.ID, c.Project}, cohortValues(c)...), &c.ID)
	if err := e.definitions(c.Project, conflict(err, "id")); err != nil {
		return store.Cohort{}, err
	}
	return e.cohort(c.Project, c.ID)
}

func (e editing) UpdateCohort(c store.Cohort) error {
	err := e.put(`UPDATE cohorts SET name = ?, description = ?, static = ?, kind = ?, filters = ?, groups = ?, deleted = ?, count = ?,
		calculating = ?, errors_count = ?, created_by = ?, created_at = ?, updated_at = ?, last_computed = ?
		WHERE id = ? AND project_id = ?`, append(cohortValues(c), c.ID, c.Project)...)
	return e.definitions(c.Project, err)
}

func (e editing) AddCohortMembers(project, cohort int64, persons []int64) (int, error) {
	if _, err := e.cohort(project, cohort); err != nil {
		return 0, err
	}
	n, err := e.exec(`INSERT OR IGNORE INTO cohort_members (person_id, cohort_id)
		SELECT p.id, ? FROM json_each(?) j CROSS JOIN persons p ON p.id = j.value AND p.project_id = ?`, cohort, array(persons), project)
	return int(n), err
}

func (e editing) RemoveCohortMember(project, cohort, person int64) (bool, error) {
	if _, err := e.cohort(project, cohort); err != nil {
		return false, err
	}
	n, err := e.exec(`DELETE FROM cohort_members WHERE person_id = ? AND cohort_id = ?`, person, cohort)
	return n > 0, err
}
