package sqlite

import (
	"encoding/json"

	"github.com/guidon-flags/guidon/internal/store"
)

const flagColumns = `id, project_id, key, name, filters, active, archived, deleted, version, continuity, enriched_analytics,
	remote_configuration, encrypted_payloads, runtime, bucketing_identifier, tags, contexts, creation_context,
	has_experiment, created_by, modified_by, created_at, updated_at, last_called_at`

func scanFlag(row scanner) (f store.Flag, err error) {
	err = row.Scan(&f.ID, &f.Project, &f.Key, &f.Name, &f.Filters, &f.Active, &f.Archived, &f.Deleted, &f.Version,
		&f.Continuity, &f.EnrichedAnalytics, &f.RemoteConfiguration, &f.EncryptedPayloads, &f.Runtime,
		&f.BucketingIdentifier, elements[string]{&f.Tags}, elements[string]{&f.Contexts}, &f.CreationContext,
		&f.HasExperiment, &f.CreatedBy, &f.ModifiedBy, instant{&f.CreatedAt}, instant{&f.UpdatedAt}, instant{&f.LastCalledAt})
	return f, err
}

// flagValues are the columns of a flag after its id and project.
func flagValues(f store.Flag) []any {
	return []any{
		f.Key, f.Name, document(f.Filters, "{}"), f.Active, f.Archived, f.Deleted, f.Version, truth(f.Continuity),
		truth(f.EnrichedAnalytics), truth(f.RemoteConfiguration), truth(f.EncryptedPayloads), f.Runtime,
		f.BucketingIdentifier, array(f.Tags), array(f.Contexts), f.CreationContext, f.HasExperiment, f.CreatedBy,
		f.ModifiedBy, micros(f.CreatedAt), micros(f.UpdatedAt), optional(f.LastCalledAt),
	}
}

func (u *unit) flag(project, id int64) (store.Flag, error) {
	return single(u, scanFlag, `SELECT `+flagColumns+` FROM flags WHERE id = ? AND project_id = ?`, id, project)
}

func (u *unit) flags(project int64, deleted bool) ([]store.Flag, error) {
	return list(u, scanFlag, `SELECT `+flagColumns+` FROM flags WHERE project_id = ? AND deleted <= ? ORDER BY id`, project, deleted)
}

func (r reading) Flag(project, id int64) (store.Flag, error) { return r.flag(project, id) }

func (r reading) FlagByKey(project int64, key string) (store.Flag, error) {
	return single(r.unit, scanFlag, `SELECT `+flagColumns+` FROM flags WHERE project_id = ? AND key = ? AND deleted = 0`, project, key)
}

func (r reading) Flags(project int64, deleted bool) ([]store.Flag, error) {
	return r.flags(project, deleted)
}

func (e editing) InsertFlag(f store.Flag) (store.Flag, error) {
	f.Version = 1
	err := e.insert(`INSERT INTO flags (`+flagColumns+`)
		VALUES (NULLIF(?, 0), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
		append([]any{f.ID, f.Project}, flagValues(f)...), &f.ID)
	if err != nil {
		return store.Flag{}, conflict(err, "key")
	}
	return e.wroteFlag(f.Project, f.ID)
}

func (e editing) UpdateFlag(f store.Flag) (store.Flag, error) {
	old, err := e.flag(f.Project, f.ID)
	if err != nil {
		return store.Flag{}, err
	}
	f.Version = old.Version + 1
	if f.LastCalledAt.Before(old.LastCalledAt) {
		f.LastCalledAt = old.LastCalledAt // calls go on while people edit
	}
	err = e.put(`UPDATE flags SET key = ?, name = ?, filters = ?, active = ?, archived = ?, deleted = ?, version = ?,
		continuity = ?, enriched_analytics = ?, remote_configuration = ?, encrypted_payloads = ?, runtime = ?,
		bucketing_identifier = ?, tags = ?, contexts = ?, creation_context = ?, has_experiment = ?, created_by = ?,
		modified_by = ?, created_at = ?, updated_at = ?, last_called_at = ? WHERE id = ?`, append(flagValues(f), f.ID)...)
	if err != nil {
		return store.Flag{}, conflict(err, "key")
	}
	return e.wroteFlag(f.Project, f.ID)
}

// wroteFlag appends the version for a write and announces it.
func (e editing) wroteFlag(project, id int64) (store.Flag, error) {
	f, err := e.flag(project, id)
	if err != nil {
		return store.Flag{}, err
	}
	record, err := json.Marshal(newFlagRecord(f))
	if err != nil {
		return store.Flag{}, e.violated("encode version of flag %d: %w", id, err)
	}
	_, err = e.exec(`INSERT INTO flag_versions (flag_id, version, author_id, author_reason, at, filters, record) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		f.ID, f.Version, e.author.UserID, e.author.Reason, micros(e.now()), string(f.Filters), string(record))
	if err := e.definitions(project, err); err != nil {
		return store.Flag{}, err
	}
	return f, nil
}

func (e editing) RemoveFlag(project, id int64) error {
	f, err := e.flag(project, id)
	if err != nil {
		return err
	}
	if err := e.put(`DELETE FROM flags WHERE id = ?`, id); err != nil { // its versions go by cascade
		return err
	}
	// Overrides belong to a key. One scan of the table, for an operation that
	// is rare, instead of an index to be kept up by every override.
	_, err = e.exec(`DELETE FROM hash_key_overrides WHERE project_id = ?1 AND flag_key = ?2
		AND NOT EXISTS (SELECT 1 FROM flags WHERE project_id = ?1 AND key = ?2 AND deleted = 0)`, project, f.Key)
	return e.definitions(project, err)
}

const earlyAccessColumns = `id, project_id, flag_id, name, description, stage, documentation_url, payload, created_at`

func scanEarlyAccess(row scanner) (f store.EarlyAccessFeature, err error) {
	err = row.Scan(&f.ID, &f.Project, referred{&f.FlagID}, &f.Name, &f.Description, &f.Stage, &f.DocumentationURL, &f.Payload, instant{&f.CreatedAt})
	return f, err
}

func (r reading) EarlyAccessFeatures(project int64) ([]store.EarlyAccessFeature, error) {
	return list(r.unit, scanEarlyAccess,
		`SELECT `+earlyAccessColumns+` FROM early_access_features WHERE project_id = ? ORDER BY created_at DESC, id DESC`, project)
}

func (r reading) EarlyAccessFeature(project int64, id string) (store.EarlyAccessFeature, error) {
	return single(r.unit, scanEarlyAccess,
		`SELECT `+earlyAccessColumns+` FROM early_access_features WHERE id = ? AND project_id = ?`, id, project)
}

func (e editing) InsertEarlyAccessFeature(f store.EarlyAccessFeature) error {
	_, err := e.exec(`INSERT INTO early_access_features (`+earlyAccessColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		f.ID, f.Project, reference(f.FlagID), f.Name, f.Description, f.Stage, f.DocumentationURL, document(f.Payload, "{}"), micros(f.CreatedAt))
	return e.definitions(f.Project, conflict(err, "id"))
}

func (e editing) UpdateEarlyAccessFeature(f store.EarlyAccessFeature) error {
	err := e.put(`UPDATE early_access_features SET flag_id = ?, name = ?, description = ?, stage = ?, documentation_url = ?,
		payload = ?, created_at = ? WHERE id = ? AND project_id = ?`, reference(f.FlagID), f.Name, f.Description, f.Stage,
		f.DocumentationURL, document(f.Payload, "{}"), micros(f.CreatedAt), f.ID, f.Project)
	return e.definitions(f.Project, err)
}

func (e editing) DeleteEarlyAccessFeature(project int64, id string) error {
	return e.definitions(project, e.put(`DELETE FROM early_access_features WHERE id = ? AND project_id = ?`, id, project))
}
