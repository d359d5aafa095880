package sqlite

import "github.com/guidon-flags/guidon/internal/store"

const activityColumns = `id, project_id, author_id, author_reason, scope, item_id, activity, detail, at`

func scanActivity(row scanner) (a store.Activity, err error) {
	err = row.Scan(&a.ID, &a.Project, &a.Author.UserID, &a.Author.Reason, &a.Scope, &a.ItemID, &a.Activity, &a.Detail, instant{&a.At})
	return a, err
}

func (r reading) Activities(q store.ActivityQuery) (entries []store.Activity, total int, err error) {
	where, args := `1 = 1`, []any(nil)
	restrict := func(condition string, value any) {
		where += " AND " + condition
		args = append(args, value)
	}
	if q.Project != 0 {
		restrict(`project_id = ?`, q.Project)
	}
	if q.Scope != "" {
		restrict(`scope = ?`, q.Scope)
	}
	if q.ItemID != "" {
		restrict(`item_id = ?`, q.ItemID)
	}
	if err := r.one(`SELECT count(*) FROM activities WHERE `+where, args, &total); err != nil {
		return nil, 0, err
	}
	entries, err = list(r.unit, scanActivity, `SELECT `+activityColumns+` FROM activities WHERE `+where+` ORDER BY id DESC LIMIT ? OFFSET ?`,
		append(args, page(q.Limit), q.Offset)...)
	return entries, total, err
}

func (e editing) AddActivity(a store.Activity) error {
	_, err := e.exec(`INSERT INTO activities (project_id, author_id, author_reason, scope, item_id, activity, detail, at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, a.Project, e.author.UserID, e.author.Reason, a.Scope, a.ItemID, a.Activity,
		document(a.Detail, "{}"), micros(e.now()))
	return err
}

// keptWarnings is how many warnings a project has at most.
const keptWarnings = 1000

func (r reading) Warnings(project int64, limit int) ([]store.Warning, error) {
	return list(r.unit, func(row scanner) (w store.Warning, err error) {
		err = row.Scan(&w.Project, &w.Type, &w.Detail, instant{&w.At})
		return w, err
	}, `SELECT project_id, type, detail, at FROM warnings WHERE project_id = ? ORDER BY id DESC LIMIT ?`,
		project, min(page(limit), keptWarnings))
}

func (u *unit) addWarning(w store.Warning) error {
	var id int64
	err := u.insert(`INSERT INTO warnings (project_id, type, detail, at) VALUES (?, ?, ?, ?) RETURNING id`,
		[]any{w.Project, w.Type, document(w.Detail, "{}"), micros(w.At)}, &id)
	if err != nil || id%100 != 0 { // now and then is enough, since readers look no further
		return err
	}
	_, err = u.exec(`DELETE FROM warnings WHERE project_id = ?1 AND id <=
		(SELECT id FROM warnings WHERE project_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)`, w.Project, keptWarnings)
	return err
}
