package store

import "time"

// ReadTx is one consistent state. It is valid until the function it was given
// to returns, and belongs to that function's goroutine.
//
// Single-row methods return ErrNotFound when there is no such row. Lists are
// never nil-significant: an empty list may be nil.
type ReadTx interface {
	OrganizationReader
	FlagReader
	CohortReader
	PersonReader
	GroupReader
	AccountReader
	ActivityReader
}

// Tx is a ReadTx that can change what it reads. Changes are seen by its own
// later reads. The revision feed and flag versions are written by the store.
type Tx interface {
	ReadTx
	OrganizationWriter
	FlagWriter
	CohortWriter
	GroupWriter
	AccountWriter
	ActivityWriter
}

// OrganizationReader reads organizations and projects.
type OrganizationReader interface {
	Organizations() ([]Organization, error)
	Organization(id string) (Organization, error)
	Projects() ([]Project, error) // by id
	Project(id int64) (Project, error)
	ProjectByToken(token string) (Project, error)
}

// OrganizationWriter changes organizations and projects.
type OrganizationWriter interface {
	InsertOrganization(o Organization) error // the caller makes the id
	UpdateOrganization(o Organization) error
	// InsertProject assigns the id if p.ID is 0. ConflictError: token.
	InsertProject(p Project) (Project, error)
	UpdateProject(p Project) error
	DeleteProject(id int64) error // with all that belongs to it
}

// FlagReader reads flags.
type FlagReader interface {
	Flag(project, id int64) (Flag, error)              // deleted ones too
	FlagByKey(project int64, key string) (Flag, error) // not deleted
	// Flags lists a project's by id, those deleted only if asked for.
	Flags(project int64, deleted bool) ([]Flag, error)
	FlagVersions(project, id int64) ([]FlagVersion, error) // oldest first
	FlagVersion(project, id, version int64) (FlagVersion, error)
	EarlyAccessFeatures(project int64) ([]EarlyAccessFeature, error) // newest first
	EarlyAccessFeature(project int64, id string) (EarlyAccessFeature, error)
}

// FlagWriter changes flags. Key must be unique among a project's flags that
// are not deleted; otherwise ConflictError "key".
type FlagWriter interface {
	// InsertFlag assigns ID and Version 1.
	InsertFlag(f Flag) (Flag, error)
	// UpdateFlag writes all fields of f and raises Version by one from the
	// stored one. ErrNotFound.
	UpdateFlag(f Flag) (Flag, error)
	// RemoveFlag takes a row away for good, with its versions and overrides.
	RemoveFlag(project, id int64) error
	InsertEarlyAccessFeature(f EarlyAccessFeature) error // the caller makes the id
	UpdateEarlyAccessFeature(f EarlyAccessFeature) error
	DeleteEarlyAccessFeature(project int64, id string) error
}

// CohortReader reads cohorts and the members of static ones.
type CohortReader interface {
	Cohort(project, id int64) (Cohort, error) // deleted ones too
	Cohorts(project int64, deleted bool) ([]Cohort, error)
	// CohortMembers lists persons of a static cohort by person id, with their
	// distinct ids.
	CohortMembers(project, cohort int64, limit, offset int) ([]Person, error)
	CountCohortMembers(project, cohort int64) (int64, error)
	CohortsOfPerson(project, person int64) ([]int64, error)
}

// CohortWriter changes cohorts and the members of static ones.
type CohortWriter interface {
	InsertCohort(c Cohort) (Cohort, error) // assigns ID
	UpdateCohort(c Cohort) error
	// AddCohortMembers adds persons by id, ignoring those that are in already
	// or do not exist, and returns how many it added.
	AddCohortMembers(project, cohort int64, persons []int64) (int, error)
	// RemoveCohortMember reports whether the person was a member.
	RemoveCohortMember(project, cohort, person int64) (bool, error)
}

// PersonQuery selects persons. Zero fields do not restrict.
type PersonQuery struct {
	Project    int64
	DistinctID string
	Email      string // property email, exact
	Search     string // part of the email without case, or a whole distinct id
	AfterID    int64  // for walking all persons by id
	Limit      int    // 0: 100
	Offset     int
}

// PersonReader reads persons; all have their distinct ids filled in.
type PersonReader interface {
	PersonByID(project, id int64) (Person, error)
	PersonByUUID(project int64, uuid string) (Person, error)
	PersonByDistinctID(project int64, distinctID string) (Person, error)
	// Persons lists by id, newest first; oldest first if AfterID is used.
	Persons(q PersonQuery) ([]Person, error)
	CountPersons(project int64) (int64, error)
	Overrides(project, person int64) (map[string]string, error)
}

// GroupQuery selects groups of one type.
type GroupQuery struct {
	Project int64
	Index   int
	Search  string // part of the key or of the property name, without case
	After   string // key after which to go on
	Limit   int    // 0: 100
}

// GroupReader reads group types and groups.
type GroupReader interface {
	GroupTypes(project int64) ([]GroupType, error) // by index
	Group(project int64, index int, key string) (Group, error)
	Groups(q GroupQuery) ([]Group, error) // by key
}

// GroupWriter changes group types and groups.
type GroupWriter interface {
	UpdateGroupType(t GroupType) error
	DeleteGroupType(project int64, index int) error // with its groups
	InsertGroup(g Group) error                      // ConflictError: group_key
	UpdateGroup(g Group) error
}

// AccountReader reads users, memberships and keys.
type AccountReader interface {
	User(id int64) (User, error)
	UserByEmail(email string) (User, error)
	Users() ([]User, error)
	Memberships(user int64) ([]Membership, error)
	Members(organization string) ([]Membership, error)
	PersonalKeys(user int64) ([]PersonalKey, error)
	PersonalKey(id string) (PersonalKey, error)
	PersonalKeyByHash(hash string) (PersonalKey, error)
	ProjectKeys(project int64) ([]ProjectKey, error)
	ProjectKey(project int64, id string) (ProjectKey, error)
	ProjectKeyByHash(hash string) (ProjectKey, error)
}

// AccountWriter changes users, memberships and keys.
type AccountWriter interface {
	InsertUser(u User) (User, error) // assigns ID. ConflictError: email
	UpdateUser(u User) error
	PutMembership(m Membership) error
	DeleteMembership(organization string, user int64) error
	InsertPersonalKey(k PersonalKey) error // the caller makes the id
	UpdatePersonalKey(k PersonalKey) error
	DeletePersonalKey(id string) error
	InsertProjectKey(k ProjectKey) error // ConflictError: label
	UpdateProjectKey(k ProjectKey) error
	DeleteProjectKey(project int64, id string) error
}

// ActivityQuery selects activities; zero fields do not restrict.
type ActivityQuery struct {
	Project int64
	Scope   string
	ItemID  string
	Limit   int // 0: 100
	Offset  int
}

// ActivityReader reads the audit log and capture warnings, newest first.
type ActivityReader interface {
	Activities(q ActivityQuery) (entries []Activity, total int, err error)
	Warnings(project int64, limit int) ([]Warning, error)
}

// ActivityWriter appends to the audit log; ID, Author and At are the store's.
type ActivityWriter interface {
	AddActivity(a Activity) error
}

// IdentityTx is the transaction in which captured events take effect, all in
// one project. Reads see earlier writes of the same transaction.
type IdentityTx interface {
	// PersonOf returns the person that owns a distinct id. ErrNotFound.
	PersonOf(distinctID string) (Person, error)
	// Person returns a person with its distinct ids. ErrNotFound.
	Person(id int64) (Person, error)
	// CountDistinctIDs returns how many distinct ids a person has.
	CountDistinctIDs(person int64) (int, error)
	// InsertPerson inserts p (ID is assigned, Version as given) owning
	// distinctIDs in this order. ConflictError "distinct_id" if one is owned.
	InsertPerson(p Person, distinctIDs []string) (Person, error)
	// UpdatePerson writes Properties, Identified, CreatedAt, LastSeenAt and
	// Version of the person with p.ID.
	UpdatePerson(p Person) error
	// AddDistinctID gives a person another id. ConflictError "distinct_id".
	AddDistinctID(person int64, distinctID string) error
	// MergePerson moves the distinct ids, hash-key overrides and static
	// cohort memberships of from to into, and deletes from. Where both have
	// an override for a flag, into's stays; double memberships collapse.
	MergePerson(from, into int64) error
	// SplitDistinctID takes a distinct id away from its person and gives it
	// to p, which is inserted.
	SplitDistinctID(distinctID string, p Person) error
	// DeletePerson removes a person and all that hangs on it.
	DeletePerson(id int64) error

	// Personless reports whether a distinct id was used without a person, and
	// whether such use has since been merged into a person.
	Personless(distinctID string) (used, merged bool, err error)
	// MarkPersonless remembers a personless use.
	MarkPersonless(distinctID string) error
	// MarkMerged remembers that a distinct id now belongs to a person.
	MarkMerged(distinctID string) error

	GroupTypes() ([]GroupType, error) // by index
	// InsertGroupType allocates the next free index for name, or returns the
	// type if it exists; ErrConflict when all five are taken.
	InsertGroupType(name string, at time.Time) (GroupType, error)
	Group(index int, key string) (Group, error) // ErrNotFound
	InsertGroup(g Group) error
	UpdateGroup(g Group) error // Properties and Version

	// TouchFlag moves LastCalledAt of the live flag with key forward to at. It
	// raises neither the flag's version nor the revision; unknown keys are
	// ignored.
	TouchFlag(key string, at time.Time) error
	// AddWarning keeps the newest thousand warnings per project.
	AddWarning(w Warning) error
}
