package rest

import (
	"encoding/json"
	"strings"

	"github.com/guidon-flags/guidon/internal/manage"
	"github.com/guidon-flags/guidon/internal/store"
)

// flagJSON is a flag in answers (section 4).
type flagJSON struct {
	ID                 int64           `json:"id"`
	Name               string          `json:"name"`
	Key                string          `json:"key"`
	Filters            json.RawMessage `json:"filters"`
	Deleted            bool            `json:"deleted"`
	Active             bool            `json:"active"`
	Archived           bool            `json:"archived"`
	CreatedBy          *userJSON       `json:"created_by"`
	CreatedAt          stamp           `json:"created_at"`
	UpdatedAt          stamp           `json:"updated_at"`
	Version            int64           `json:"version"`
	LastModifiedBy     *userJSON       `json:"last_modified_by"`
	Continuity         bool            `json:"ensure_experience_continuity"`
	ExperimentSet      []int64         `json:"experiment_set"`
	ExperimentMetadata []any           `json:"experiment_set_metadata"`
	Surveys            []any           `json:"surveys"`
	Features           []featureBrief  `json:"features"`
	Rollout            json.RawMessage `json:"rollout_percentage"`
	Simple             bool            `json:"is_simple_flag"`
	CanEdit            bool            `json:"can_edit"`
	Tags               []string        `json:"tags"`
	Contexts           []string        `json:"evaluation_contexts"`
	UsageDashboard     *int64          `json:"usage_dashboard"`
	Dashboards         []int64         `json:"analytics_dashboards"`
	EnrichedAnalytics  *bool           `json:"has_enriched_analytics"`
	AccessLevel        string          `json:"user_access_level"`
	RemoteConfig       *bool           `json:"is_remote_configuration"`
	EncryptedPayloads  *bool           `json:"has_encrypted_payloads"`
	Status             string          `json:"status"`
	Runtime            orNull          `json:"evaluation_runtime"`
	Bucketing          orNull          `json:"bucketing_identifier"`
	LastCalledAt       stamp           `json:"last_called_at"`
	InReplaySettings   bool            `json:"is_used_in_replay_settings"`
	ForExperiment      bool            `json:"is_eligible_for_experiment"`
}

// flag makes the form of a flag for the caller.
func (c *call) flag(v manage.FlagView) flagJSON {
	level := "viewer"
	canEdit := c.principal.Allows("feature_flag", "write")
	if canEdit {
		level = "editor"
	}
	rollout, simple := simpleRollout(v.Filters)
	return flagJSON{
		ID: v.ID, Name: v.Name, Key: v.Key, Filters: rawJSON(v.Decorated),
		Deleted: v.Deleted, Active: v.Active, Archived: v.Archived,
		CreatedBy: newUser(v.Creator), CreatedAt: stamp(v.CreatedAt), UpdatedAt: stamp(v.UpdatedAt),
		Version: v.Version, LastModifiedBy: newUser(v.Modifier),
		Continuity:    v.Continuity != nil && *v.Continuity,
		ExperimentSet: []int64{}, ExperimentMetadata: []any{}, Surveys: []any{},
		Features: each(v.Features, func(e store.EarlyAccessFeature) featureBrief { return newFeatureBrief(e, v.Key) }),
		Rollout:  rollout, Simple: simple, CanEdit: canEdit, AccessLevel: level,
		Tags: list(v.Tags), Contexts: list(v.Contexts), Dashboards: []int64{},
		EnrichedAnalytics: v.EnrichedAnalytics, RemoteConfig: v.RemoteConfiguration, EncryptedPayloads: v.EncryptedPayloads,
		Status:  strings.ToUpper(v.Status.Status),
		Runtime: orNull(v.Runtime), Bucketing: orNull(v.BucketingIdentifier), LastCalledAt: stamp(v.LastCalledAt),
		ForExperiment: manage.EligibleForExperiment(v.Flag),
	}
}

// simpleRollout returns the percentage of a boolean flag with one condition
// that has no filters, null for others.
func simpleRollout(filters store.JSON) (percentage json.RawMessage, simple bool) {
	var doc struct {
		Groups []struct {
			Properties []json.RawMessage `json:"properties"`
			Percentage json.RawMessage   `json:"rollout_percentage"`
		} `json:"groups"`
		Multivariate json.RawMessage `json:"multivariate"`
	}
	null := json.RawMessage("null")
	if json.Unmarshal(filters, &doc) != nil || len(doc.Groups) != 1 || len(doc.Groups[0].Properties) > 0 ||
		len(doc.Multivariate) > 0 && string(doc.Multivariate) != "null" {
		return null, false
	}
	return rawJSON(doc.Groups[0].Percentage), true
}

// flagBrief is a flag within other objects and for the toolbar (5.10).
type flagBrief struct {
	ID         int64           `json:"id"`
	Team       int64           `json:"team_id"`
	Name       string          `json:"name"`
	Key        string          `json:"key"`
	Filters    json.RawMessage `json:"filters"`
	Deleted    bool            `json:"deleted"`
	Active     bool            `json:"active"`
	Continuity bool            `json:"ensure_experience_continuity"`
	Version    int64           `json:"version"`
	Runtime    orNull          `json:"evaluation_runtime"`
	Bucketing  orNull          `json:"bucketing_identifier"`
	Contexts   []string        `json:"evaluation_contexts"`
}

func newFlagBrief(f store.Flag) flagBrief {
	return flagBrief{
		ID: f.ID, Team: f.Project, Name: f.Name, Key: f.Key, Filters: rawJSON(manage.ShownFilters(f)),
		Deleted: f.Deleted, Active: f.Active, Continuity: f.Continuity != nil && *f.Continuity, Version: f.Version,
		Runtime: orNull(f.Runtime), Bucketing: orNull(f.BucketingIdentifier), Contexts: list(f.Contexts),
	}
}

// flagVersionJSON is a flag as it was after one write (5.7).
type flagVersionJSON struct {
	ID                int64           `json:"id"`
	Key               string          `json:"key"`
	Name              string          `json:"name"`
	Filters           json.RawMessage `json:"filters"`
	Active            bool            `json:"active"`
	Deleted           bool            `json:"deleted"`
	Version           int64           `json:"version"`
	Continuity        bool            `json:"ensure_experience_continuity"`
	EnrichedAnalytics *bool           `json:"has_enriched_analytics"`
	RemoteConfig      *bool           `json:"is_remote_configuration"`
	EncryptedPayloads *bool           `json:"has_encrypted_payloads"`
	Runtime           orNull          `json:"evaluation_runtime"`
	Bucketing         orNull          `json:"bucketing_identifier"`
	LastCalledAt      stamp           `json:"last_called_at"`
	CreatedAt         stamp           `json:"created_at"`
	CreatedBy         *int64          `json:"created_by"`
	Historical        bool            `json:"is_historical"`
	At                stamp           `json:"version_timestamp"`
	ModifiedBy        *int64          `json:"modified_by"`
}

func newFlagVersion(v store.FlagVersion) flagVersionJSON {
	f := v.Flag
	return flagVersionJSON{
		ID: f.ID, Key: f.Key, Name: f.Name, Filters: rawJSON(f.Filters), Active: f.Active, Deleted: f.Deleted, Version: f.Version,
		Continuity:        f.Continuity != nil && *f.Continuity,
		EnrichedAnalytics: f.EnrichedAnalytics, RemoteConfig: f.RemoteConfiguration, EncryptedPayloads: f.EncryptedPayloads,
		Runtime: orNull(f.Runtime), Bucketing: orNull(f.BucketingIdentifier), LastCalledAt: stamp(f.LastCalledAt),
		CreatedAt: stamp(f.CreatedAt), CreatedBy: idOrNull(f.CreatedBy), Historical: true, At: stamp(v.At),
		ModifiedBy: idOrNull(v.Author.UserID),
	}
}

func idOrNull(id int64) *int64 {
	if id == 0 {
		return nil
	}
	return &id
}

// userJSON is a user within other objects.
type userJSON struct {
	ID             int64           `json:"id"`
	UUID           string          `json:"uuid"`
	DistinctID     string          `json:"distinct_id"`
	FirstName      string          `json:"first_name"`
	LastName       string          `json:"last_name"`
	Email          string          `json:"email"`
	EmailVerified  *bool           `json:"is_email_verified"`
	HedgehogConfig json.RawMessage `json:"hedgehog_config"`
	Role           *string         `json:"role_at_organization"`
}

func newUser(u *store.User) *userJSON {
	if u == nil {
		return nil
	}
	return &userJSON{
		ID: u.ID, UUID: u.UUID, DistinctID: u.DistinctID, FirstName: u.FirstName, LastName: u.LastName, Email: u.Email,
		HedgehogConfig: json.RawMessage("null"),
	}
}
