package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/guidon-flags/guidon/internal/store"
)

const personalKeyColumns = `id, user_id, label, hash, mask, scopes, scoped_projects, scoped_organizations, created_at, last_used_at, last_rolled_at`

func scanPersonalKey(row scanner) (k store.PersonalKey, err error) {
	err = row.Scan(&k.ID, &k.UserID, &k.Label, &k.Hash, &k.Mask, elements[string]{&k.Scopes}, elements[int64]{&k.ScopedProjects},
		elements[string]{&k.ScopedOrganizations}, instant{&k.CreatedAt}, instant{&k.LastUsedAt}, instant{&k.LastRolledAt})
	return k, err
}

func (r reading) PersonalKeys(user int64) ([]store.PersonalKey, error) {
	return list(r.unit, scanPersonalKey, `SELECT `+personalKeyColumns+` FROM personal_keys WHERE user_id = ? ORDER BY created_at, id`, user)
}

func (r reading) PersonalKey(id string) (store.PersonalKey, error) {
	return single(r.unit, scanPersonalKey, `SELECT `+personalKeyColumns+` FROM personal_keys WHERE id = ?`, id)
}

func (r reading) PersonalKeyByHash(hash string) (store.PersonalKey, error) {
	return single(r.unit, scanPersonalKey, `SELECT `+personalKeyColumns+` FROM personal_keys WHERE hash = ?`, hash)
}

func (e editing) InsertPersonalKey(k store.PersonalKey) error {
	_, err := e.exec(`INSERT INTO personal_keys (`+personalKeyColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		append([]any{k.ID}, personalKeyValues(k)...)...)
	return e.credentials(0, conflict(err, "hash"))
}

func (e editing) UpdatePersonalKey(k store.PersonalKey) error {
	err := e.put(`UPDATE personal_keys SET user_id = ?, label = ?, hash = ?, mask = ?, scopes = ?, scoped_projects = ?,
		scoped_organizations = ?, created_at = ?, last_used_at = ?, last_rolled_at = ? WHERE id = ?`, append(personalKeyValues(k), k.ID)...)
	return e.credentials(0, conflict(err, "hash"))
}

// personalKeyValues are the columns of a key after its id.
func personalKeyValues(k store.PersonalKey) []any {
	return []any{
		k.UserID, k.Label, k.Hash, k.Mask, array(k.Scopes), array(k.ScopedProjects), array(k.ScopedOrganizations),
		micros(k.CreatedAt), optional(k.LastUsedAt), optional(k.LastRolledAt),
	}
}

func (e editing) DeletePersonalKey(id string) error {
	return e.credentials(0, e.put(`DELETE FROM personal_keys WHERE id = ?`, id))
}

const projectKeyColumns = `id, project_id, label, hash, mask, scopes, created_by, created_at, last_used_at`

func scanProjectKey(row scanner) (k store.ProjectKey, err error) {
	err = row.Scan(&k.ID, &k.Project, &k.Label, &k.Hash, &k.Mask, elements[string]{&k.Scopes}, &k.CreatedBy,
		instant{&k.CreatedAt}, instant{&k.LastUsedAt})
	return k, err
}

func (r reading) ProjectKeys(project int64) ([]store.ProjectKey, error) {
	return list(r.unit, scanProjectKey, `SELECT `+projectKeyColumns+` FROM project_keys WHERE project_id = ? ORDER BY created_at, id`, project)
}

func (r reading) ProjectKey(project int64, id string) (store.ProjectKey, error) {
	return single(r.unit, scanProjectKey, `SELECT `+projectKeyColumns+` FROM project_keys WHERE id = ? AND project_id = ?`, id, project)
}

func (r reading) ProjectKeyByHash(hash string) (store.ProjectKey, error) {
	return single(r.unit, scanProjectKey, `SELECT `+projectKeyColumns+` FROM project_keys WHERE hash = ?`, hash)
}

func (e editing) InsertProjectKey(k store.ProjectKey) error {
	_, err := e.exec(`INSERT INTO project_keys (`+projectKeyColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		k.ID, k.Project, k.Label, k.Hash, k.Mask, array(k.Scopes), k.CreatedBy, micros(k.CreatedAt), optional(k.LastUsedAt))
	return e.credentials(k.Project, e.projectKeyConflict(k, err))
}

func (e editing) UpdateProjectKey(k store.ProjectKey) error {
	err := e.put(`UPDATE project_keys SET label = ?, hash = ?, mask = ?, scopes = ?, created_by = ?, created_at = ?, last_used_at = ?
		WHERE id = ? AND project_id = ?`, k.Label, k.Hash, k.Mask, array(k.Scopes), k.CreatedBy, micros(k.CreatedAt),
		optional(k.LastUsedAt), k.ID, k.Project)
	return e.credentials(k.Project, e.projectKeyConflict(k, err))
}

// projectKeyConflict tells the two unique columns of project keys apart.
func (e editing) projectKeyConflict(k store.ProjectKey, err error) error {
	if !violates(err, unique) {
		return conflict(err, "")
	}
	var others int
	lookUp := e.one(`SELECT count(*) FROM project_keys WHERE hash = ? AND id <> ?`, []any{k.Hash, k.ID}, &others)
	switch {
	case lookUp != nil:
		return lookUp
	case others > 0:
		return &store.ConflictError{Field: "hash"}
	}
	return &store.ConflictError{Field: "label"}
}

func (e editing) DeleteProjectKey(project int64, id string) error {
	return e.credentials(project, e.put(`DELETE FROM project_keys WHERE id = ? AND project_id = ?`, id, project))
}

// KeyUsed implements store.KeyUsage.
func (s *Store) KeyUsed(ctx context.Context, kind store.KeyKind, id string, at time.Time) error {
	var query string
	switch kind {
	case store.KeyPersonal:
		query = `UPDATE personal_keys SET last_used_at = ?1 WHERE id = ?2 AND (last_used_at IS NULL OR last_used_at <= ?1 - ?3)`
	case store.KeyProject:
		query = `UPDATE project_keys SET last_used_at = ?1 WHERE id = ?2 AND (last_used_at IS NULL OR last_used_at <= ?1 - ?3)`
	default:
		return fmt.Errorf("sqlite: there is no key kind %d", kind)
	}
	return s.write(ctx, func(u *unit) error {
		_, err := u.exec(query, micros(at), id, time.Hour.Microseconds())
		return err
	})
}
