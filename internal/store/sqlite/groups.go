package sqlite

import (
	"strings"

	"github.com/guidon-flags/guidon/internal/store"
)

const groupColumns = `project_id, type_index, key, properties, created_at, version`

func scanGroup(row scanner) (g store.Group, err error) {
	err = row.Scan(&g.Project, &g.Index, &g.Key, &g.Properties, instant{&g.CreatedAt}, &g.Version)
	return g, err
}

func (u *unit) group(project int64, index int, key string) (store.Group, error) {
	return single(u, scanGroup, `SELECT `+groupColumns+` FROM groups WHERE project_id = ? AND type_index = ? AND key = ?`, project, index, key)
}

func (u *unit) insertGroup(g store.Group) error {
	_, err := u.exec(`INSERT INTO groups (`+groupColumns+`) VALUES (?, ?, ?, ?, ?, ?)`,
		g.Project, g.Index, g.Key, document(g.Properties, "{}"), micros(g.CreatedAt), g.Version)
	if violates(err, primaryKey) {
		return &store.ConflictError{Field: "group_key"}
	}
	return err
}

func (u *unit) updateGroup(g store.Group) error {
	return u.put(`UPDATE groups SET properties = ?, version = ? WHERE project_id = ? AND type_index = ? AND key = ?`,
		document(g.Properties, "{}"), g.Version, g.Project, g.Index, g.Key)
}

const groupTypeColumns = `project_id, type_index, name, name_singular, name_plural, created_at`

func scanGroupType(row scanner) (t store.GroupType, err error) {
	err = row.Scan(&t.Project, &t.Index, &t.Name, &t.NameSingular, &t.NamePlural, instant{&t.CreatedAt})
	return t, err
}

func (u *unit) groupTypes(project int64) ([]store.GroupType, error) {
	return list(u, scanGroupType, `SELECT `+groupTypeColumns+` FROM group_types WHERE project_id = ? ORDER BY type_index`, project)
}

func (r reading) GroupTypes(project int64) ([]store.GroupType, error) { return r.groupTypes(project) }

func (r reading) Group(project int64, index int, key string) (store.Group, error) {
	return r.group(project, index, key)
}

func (r reading) Groups(q store.GroupQuery) ([]store.Group, error) {
	query := `SELECT ` + groupColumns + ` FROM groups WHERE project_id = ? AND type_index = ? AND key > ?`
	args := []any{q.Project, q.Index, q.After}
	if search := strings.ToLower(q.Search); search != "" {
		query += ` AND (instr(lower(key), ?) > 0 OR instr(lower(json_extract(properties, '$.name')), ?) > 0)`
		args = append(args, search, search)
	}
	return list(r.unit, scanGroup, query+` ORDER BY key LIMIT ?`, append(args, page(q.Limit))...)
}

func (e editing) UpdateGroupType(t store.GroupType) error {
	err := e.put(`UPDATE group_types SET name = ?, name_singular = ?, name_plural = ?, created_at = ? WHERE project_id = ? AND type_index = ?`,
		t.Name, t.NameSingular, t.NamePlural, micros(t.CreatedAt), t.Project, t.Index)
	return e.definitions(t.Project, conflict(err, "name"))
}

func (e editing) DeleteGroupType(project int64, index int) error {
	return e.definitions(project, e.put(`DELETE FROM group_types WHERE project_id = ? AND type_index = ?`, project, index))
}

func (e editing) InsertGroup(g store.Group) error { return e.insertGroup(g) }
func (e editing) UpdateGroup(g store.Group) error { return e.updateGroup(g) }
