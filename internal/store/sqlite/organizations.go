package sqlite

import "github.com/guidon-flags/guidon/internal/store"

const organizationColumns = `id, name, slug, created_at, updated_at`

func scanOrganization(row scanner) (o store.Organization, err error) {
	err = row.Scan(&o.ID, &o.Name, &o.Slug, instant{&o.CreatedAt}, instant{&o.UpdatedAt})
	return o, err
}

func (r reading) Organizations() ([]store.Organization, error) {
	return list(r.unit, scanOrganization, `SELECT `+organizationColumns+` FROM organizations ORDER BY created_at, id`)
}

func (r reading) Organization(id string) (store.Organization, error) {
	return single(r.unit, scanOrganization, `SELECT `+organizationColumns+` FROM organizations WHERE id = ?`, id)
}

func (e editing) InsertOrganization(o store.Organization) error {
	_, err := e.exec(`INSERT INTO organizations (`+organizationColumns+`) VALUES (?, ?, ?, ?, ?)`,
		o.ID, o.Name, o.Slug, micros(o.CreatedAt), micros(o.UpdatedAt))
	return e.credentials(0, conflict(err, "id"))
}

func (e editing) UpdateOrganization(o store.Organization) error {
	err := e.put(`UPDATE organizations SET name = ?, slug = ?, created_at = ?, updated_at = ? WHERE id = ?`,
		o.Name, o.Slug, micros(o.CreatedAt), micros(o.UpdatedAt), o.ID)
	return e.credentials(0, err)
}

const projectColumns = `id, uuid, organization_id, name, token, secret_hash, secret_backup_hash, time_zone,
	matching_version, personless_only, settings, created_at, updated_at`

func scanProject(row scanner) (p store.Project, err error) {
	err = row.Scan(&p.ID, &p.UUID, maybe{&p.OrganizationID}, &p.Name, &p.Token, &p.SecretHash, &p.SecretBackupHash, &p.TimeZone,
		&p.MatchingVersion, &p.PersonlessOnly, &p.Settings, instant{&p.CreatedAt}, instant{&p.UpdatedAt})
	return p, err
}

func (u *unit) projects() ([]store.Project, error) {
	return list(u, scanProject, `SELECT `+projectColumns+` FROM projects ORDER BY id`)
}

func (u *unit) project(id int64) (store.Project, error) {
	return single(u, scanProject, `SELECT `+projectColumns+` FROM projects WHERE id = ?`, id)
}

func (r reading) Projects() ([]store.Project, error)      { return r.projects() }
func (r reading) Project(id int64) (store.Project, error) { return r.project(id) }
func (r reading) ProjectByToken(token string) (store.Project, error) {
	return single(r.unit, scanProject, `SELECT `+projectColumns+` FROM projects WHERE token = ?`, token)
}

func (e editing) InsertProject(p store.Project) (store.Project, error) {
	err := e.insert(`INSERT INTO projects (`+projectColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
		append([]any{reference(p.ID)}, projectValues(p)...), &p.ID)
	if err := e.changed(p.ID, store.ChangeProject, conflict(err, "token")); err != nil {
		return store.Project{}, err
	}
	return e.project(p.ID)
}

func (e editing) UpdateProject(p store.Project) error {
	err := e.put(`UPDATE projects SET uuid = ?, organization_id = ?, name = ?, token = ?, secret_hash = ?, secret_backup_hash = ?,
		time_zone = ?, matching_version = ?, personless_only = ?, settings = ?, created_at = ?, updated_at = ? WHERE id = ?`,
		append(projectValues(p), p.ID)...)
	return e.changed(p.ID, store.ChangeProject, conflict(err, "token"))
}

// projectValues are the columns of a project after its id.
func projectValues(p store.Project) []any {
	var organization any
	if p.OrganizationID != "" {
		organization = p.OrganizationID
	}
	return []any{
		p.UUID, organization, p.Name, p.Token, p.SecretHash, p.SecretBackupHash, p.TimeZone,
		p.MatchingVersion, p.PersonlessOnly, document(p.Settings, "{}"), micros(p.CreatedAt), micros(p.UpdatedAt),
	}
}

func (e editing) DeleteProject(id int64) error {
	if err := e.put(`DELETE FROM projects WHERE id = ?`, id); err != nil { // and, by cascade, all but its activities
		return err
	}
	if _, err := e.exec(`DELETE FROM activities WHERE project_id = ?`, id); err != nil {
		return err
	}
	e.touch(id, store.ChangeProject)
	e.touch(id, store.ChangeDefinitions)
	e.touch(id, store.ChangeCredentials)
	return nil
}

// changed announces a change unless err is set, and returns err.
func (e editing) changed(project int64, kind store.ChangeKind, err error) error {
	if err == nil {
		e.touch(project, kind)
	}
	return err
}

func (e editing) definitions(project int64, err error) error {
	return e.changed(project, store.ChangeDefinitions, err)
}

func (e editing) credentials(project int64, err error) error {
	return e.changed(project, store.ChangeCredentials, err)
}
