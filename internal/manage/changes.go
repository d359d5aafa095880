package manage

import (
	"strings"

	"github.com/guidon-flags/guidon/internal/store"
)

// field is a named value of an object as requests and the audit log show it.
type field struct {
	name  string
	value store.JSON
}

// FieldChange is one changed field in the audit log (15).
type FieldChange struct {
	Type   string     `json:"type"`
	Action string     `json:"action"` // "created", "changed", "deleted"
	Field  string     `json:"field"`
	Before rawMessage `json:"before"`
	After  rawMessage `json:"after"`
}

// rawMessage is JSON text that is written as it is; nil is null.
type rawMessage []byte

// MarshalJSON returns m.
func (m rawMessage) MarshalJSON() ([]byte, error) {
	if m == nil {
		return []byte("null"), nil
	}
	return m, nil
}

// UnmarshalJSON keeps a copy of b.
func (m *rawMessage) UnmarshalJSON(b []byte) error {
	*m = append((*m)[:0], b...)
	return nil
}

// diff lists the fields that differ; before and after hold the same names in
// the same order.
func diff(scope string, before, after []field) []FieldChange {
	var out []FieldChange
	for i, b := range before {
		a := after[i]
		if sameJSON(b.value, a.value) {
			continue
		}
		action := "changed"
		switch {
		case isNull(b.value):
			action = "created"
		case isNull(a.value):
			action = "deleted"
		}
		out = append(out, FieldChange{Type: scope, Action: action, Field: b.name, Before: rawMessage(b.value), After: rawMessage(a.value)})
	}
	return out
}

// activityDetail is the form of Activity.Detail.
type activityDetail struct {
	Name    string        `json:"name"`
	ShortID *string       `json:"short_id"`
	Type    *string       `json:"type"`
	Trigger rawMessage    `json:"trigger"`
	Changes []FieldChange `json:"changes"`
}

// record appends to the audit log. An update without a change writes nothing.
func record(tx store.Tx, project int64, scope, id, activity, name string, changes []FieldChange) error {
	if activity == "updated" && len(changes) == 0 {
		return nil
	}
	if changes == nil {
		changes = []FieldChange{}
	}
	return tx.AddActivity(store.Activity{
		Project:  project,
		Scope:    scope,
		ItemID:   id,
		Activity: activity,
		Detail:   toJSON(activityDetail{Name: name, Changes: changes}),
	})
}

// Scopes of the audit log.
const (
	ScopeFlag         = "FeatureFlag"
	ScopeCohort       = "Cohort"
	ScopeEarlyAccess  = "EarlyAccessFeature"
	ScopePerson       = "Person"
	ScopeGroup        = "Group"
	ScopeProject      = "Team"
	ScopeOrganization = "Organization"
	ScopePersonalKey  = "PersonalAPIKey"
	ScopeProjectKey   = "ProjectSecretAPIKey"
)

// flagFields lists what of a flag is compared and logged, under the names of
// section 4.
func flagFields(f store.Flag) []field {
	return []field{
		{"key", toJSON(f.Key)},
		{"name", toJSON(f.Name)},
		{"filters", ShownFilters(f)},
		{"active", toJSON(f.Active)},
		{"archived", toJSON(f.Archived)},
		{"deleted", toJSON(f.Deleted)},
		{"ensure_experience_continuity", toJSON(f.Continuity != nil && *f.Continuity)},
		{"has_enriched_analytics", toJSON(f.EnrichedAnalytics)},
		{"is_remote_configuration", toJSON(f.RemoteConfiguration)},
		{"has_encrypted_payloads", toJSON(f.EncryptedPayloads)},
		{"evaluation_runtime", nullable(f.Runtime)},
		{"bucketing_identifier", nullable(f.BucketingIdentifier)},
		{"tags", toJSON(list(f.Tags))},
		{"evaluation_contexts", toJSON(list(f.Contexts))},
	}
}

// nullable encodes a text, null if it is empty.
func nullable(s string) store.JSON {
	if s == "" {
		return nil
	}
	return toJSON(s)
}

// list gives an empty list for nil, so that it is not encoded as null.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// deletedSuffix is what a deleted flag's key ends with if another may use it.
const deletedSuffix = ":deleted:"

// originalKey is a deleted flag's key as it was.
func originalKey(key string) string {
	name, _, _ := strings.Cut(key, deletedSuffix)
	return name
}
