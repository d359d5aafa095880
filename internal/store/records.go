package store

import "time"

// JSON is a JSON text exactly as it was written. What comes from a store is
// nil only in the fields that say so.
type JSON = []byte

// Organization owns projects and has users.
type Organization struct {
	ID        string // UUID
	Name      string
	Slug      string
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Project is a project and its one environment; both have the same id.
type Project struct {
	ID               int64
	UUID             string
	OrganizationID   string // empty: none
	Name             string
	Token            string // phc_…, public, unique
	SecretHash       string // of the secret token phs_…; empty: none. See auth for the form
	SecretBackupHash string // the previous secret token, still valid; empty: none
	TimeZone         string // IANA name
	MatchingVersion  int    // property_matching_version: 1 legacy, 2 explicit
	PersonlessOnly   bool   // person_processing_opt_out
	Settings         JSON   // an object: every other setting, see manage
	CreatedAt        time.Time
	UpdatedAt        time.Time
}

// Flag is a feature flag as it is managed.
type Flag struct {
	ID                  int64
	Project             int64
	Key                 string
	Name                string
	Filters             JSON // the filters document, any version
	Active              bool
	Archived            bool
	Deleted             bool
	Version             int64 // 1 on insert; the store raises it on every update
	Continuity          *bool // ensure_experience_continuity
	EnrichedAnalytics   *bool
	RemoteConfiguration *bool
	EncryptedPayloads   *bool
	Runtime             string // evaluation_runtime: "server", "client", "all"; empty: null
	BucketingIdentifier string // "distinct_id", "device_id"; empty: null
	Tags                []string
	Contexts            []string // evaluation_contexts
	CreationContext     string   // "feature_flags", "surveys", …
	HasExperiment       bool
	CreatedBy           int64 // user id, 0: none
	ModifiedBy          int64
	CreatedAt           time.Time
	UpdatedAt           time.Time
	LastCalledAt        time.Time // zero: never
}

// FlagVersion is a flag as it was after one write. The store appends one for
// each insert and update.
type FlagVersion struct {
	Flag   Flag
	Author Author
	At     time.Time
}

// Cohort is a cohort as it is managed.
type Cohort struct {
	ID           int64
	Project      int64
	Name         string
	Description  string
	Static       bool
	Kind         string // cohort_type; empty: null
	Filters      JSON   // nil or {"properties": tree}
	Groups       JSON   // nil or a list: the older form
	Deleted      bool
	Count        *int64 // members of a static cohort when last counted; nil: unknown
	Calculating  bool   // an import is under way
	ErrorsCount  int
	CreatedBy    int64
	CreatedAt    time.Time
	UpdatedAt    time.Time
	LastComputed time.Time // zero: never
}

// EarlyAccessFeature is a feature that people can enrol in.
type EarlyAccessFeature struct {
	ID               string // UUID
	Project          int64
	FlagID           int64 // 0: none
	Name             string
	Description      string
	Stage            string
	DocumentationURL string
	Payload          JSON // an object
	CreatedAt        time.Time
}

// GroupType maps an index of a project to a name.
type GroupType struct {
	Project      int64
	Index        int // 0 to 4
	Name         string
	NameSingular string
	NamePlural   string
	CreatedAt    time.Time
}

// Person is somebody with at least one distinct id.
type Person struct {
	ID         int64
	Project    int64
	UUID       string
	Properties JSON // an object
	Identified bool
	CreatedAt  time.Time
	LastSeenAt time.Time // zero: unknown
	Version    int64

	// DistinctIDs is filled only where a method says so, oldest first.
	DistinctIDs []string
}

// Group is an account, company or whatever else persons belong to.
type Group struct {
	Project    int64
	Index      int
	Key        string
	Properties JSON // an object
	CreatedAt  time.Time
	Version    int64
}

// User is somebody who manages projects.
type User struct {
	ID           int64
	UUID         string
	DistinctID   string
	Email        string // unique, compared without case
	FirstName    string
	LastName     string
	PasswordHash string // empty: no password login
	Active       bool
	CreatedAt    time.Time
}

// Membership makes a user a member of an organization.
type Membership struct {
	OrganizationID string
	UserID         int64
	Level          int // 1 member, 8 admin, 15 owner
	JoinedAt       time.Time
}

// PersonalKey acts for a user.
type PersonalKey struct {
	ID                  string // short random text
	UserID              int64
	Label               string
	Hash                string // unique; see auth for the form
	Mask                string // "phx_...abcd"
	Scopes              []string
	ScopedProjects      []int64  // empty: all
	ScopedOrganizations []string // empty: all
	CreatedAt           time.Time
	LastUsedAt          time.Time // zero: never
	LastRolledAt        time.Time
}

// ProjectKey is a secret key of one project.
type ProjectKey struct {
	ID         string
	Project    int64
	Label      string // unique in the project
	Hash       string // unique
	Mask       string
	Scopes     []string
	CreatedBy  int64
	CreatedAt  time.Time
	LastUsedAt time.Time
}

// Activity is one entry of the audit log.
type Activity struct {
	ID       int64
	Project  int64 // 0: of the organization
	Author   Author
	Scope    string // "FeatureFlag", "Cohort", …
	ItemID   string
	Activity string // "created", "updated", "deleted"
	Detail   JSON   // {"name", "changes": [...]}
	At       time.Time
}

// Warning is something odd in captured events that a person should see.
type Warning struct {
	Project int64
	Type    string
	Detail  JSON // event uuid, distinct ids; no property values
	At      time.Time
}
