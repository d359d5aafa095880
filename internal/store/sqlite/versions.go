package sqlite

import (
	"encoding/json"
	"time"

	"github.com/guidon-flags/guidon/internal/store"
)

// flagRecord is a flag in flag_versions.record: all but the filters. Names are
// never changed or reused; a field that an old record lacks is the zero value.
type flagRecord struct {
	ID                  int64     `json:"id"`
	Project             int64     `json:"project"`
	Key                 string    `json:"key"`
	Name                string    `json:"name"`
	Active              bool      `json:"active"`
	Archived            bool      `json:"archived"`
	Deleted             bool      `json:"deleted"`
	Version             int64     `json:"version"`
	Continuity          *bool     `json:"continuity"`
	EnrichedAnalytics   *bool     `json:"enriched_analytics"`
	RemoteConfiguration *bool     `json:"remote_configuration"`
	EncryptedPayloads   *bool     `json:"encrypted_payloads"`
	Runtime             string    `json:"runtime"`
	BucketingIdentifier string    `json:"bucketing_identifier"`
	Tags                []string  `json:"tags"`
	Contexts            []string  `json:"contexts"`
	CreationContext     string    `json:"creation_context"`
	HasExperiment       bool      `json:"has_experiment"`
	CreatedBy           int64     `json:"created_by"`
	ModifiedBy          int64     `json:"modified_by"`
	CreatedAt           time.Time `json:"created_at"`
	UpdatedAt           time.Time `json:"updated_at"`
	LastCalledAt        time.Time `json:"last_called_at"`
}

func newFlagRecord(f store.Flag) flagRecord {
	return flagRecord{
		ID: f.ID, Project: f.Project, Key: f.Key, Name: f.Name, Active: f.Active, Archived: f.Archived, Deleted: f.Deleted,
		Version: f.Version, Continuity: f.Continuity, EnrichedAnalytics: f.EnrichedAnalytics,
		RemoteConfiguration: f.RemoteConfiguration, EncryptedPayloads: f.EncryptedPayloads, Runtime: f.Runtime,
		BucketingIdentifier: f.BucketingIdentifier, Tags: f.Tags, Contexts: f.Contexts, CreationContext: f.CreationContext,
		HasExperiment: f.HasExperiment, CreatedBy: f.CreatedBy, ModifiedBy: f.ModifiedBy, CreatedAt: f.CreatedAt,
		UpdatedAt: f.UpdatedAt, LastCalledAt: f.LastCalledAt,
	}
}

func (r flagRecord) flag(filters store.JSON) store.Flag {
	return store.Flag{
		ID: r.ID, Project: r.Project, Key: r.Key, Name: r.Name, Filters: filters, Active: r.Active, Archived: r.Archived,
		Deleted: r.Deleted, Version: r.Version, Continuity: r.Continuity, EnrichedAnalytics: r.EnrichedAnalytics,
		RemoteConfiguration: r.RemoteConfiguration, EncryptedPayloads: r.EncryptedPayloads, Runtime: r.Runtime,
		BucketingIdentifier: r.BucketingIdentifier, Tags: r.Tags, Contexts: r.Contexts, CreationContext: r.CreationContext,
		HasExperiment: r.HasExperiment, CreatedBy: r.CreatedBy, ModifiedBy: r.ModifiedBy, CreatedAt: r.CreatedAt,
		UpdatedAt: r.UpdatedAt, LastCalledAt: r.LastCalledAt,
	}
}

const flagVersionColumns = `v.author_id, v.author_reason, v.at, v.filters, v.record`

func scanFlagVersion(row scanner) (v store.FlagVersion, err error) {
	var filters, record []byte
	if err := row.Scan(&v.Author.UserID, &v.Author.Reason, instant{&v.At}, &filters, &record); err != nil {
		return v, err
	}
	var r flagRecord
	if err := json.Unmarshal(record, &r); err != nil {
		return v, err
	}
	v.Flag = r.flag(filters)
	return v, nil
}

func (r reading) FlagVersions(project, id int64) ([]store.FlagVersion, error) {
	versions, err := list(r.unit, scanFlagVersion, `SELECT `+flagVersionColumns+` FROM flag_versions v
		JOIN flags f ON f.id = v.flag_id WHERE v.flag_id = ? AND f.project_id = ? ORDER BY v.version`, id, project)
	if err == nil && len(versions) == 0 {
		return nil, store.ErrNotFound
	}
	return versions, err
}

func (r reading) FlagVersion(project, id, version int64) (store.FlagVersion, error) {
	return single(r.unit, scanFlagVersion, `SELECT `+flagVersionColumns+` FROM flag_versions v
		JOIN flags f ON f.id = v.flag_id WHERE v.flag_id = ? AND f.project_id = ? AND v.version = ?`, id, project, version)
}
