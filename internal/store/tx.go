package store

import "time"

// ReadTx is one consistent state. It is valid until the function it was given
// to returns, and belongs to that function's goroutine.
//
// Methods for one row return ErrNotFound when there is no such row. Lists are
// never nil-significant: an empty list may be nil. Whoever is given a project
// sees only that project's rows; others are not found.
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
// Update, Remove and Delete return ErrNotFound when there is no such row;
// Insert returns ConflictError "id" when the caller's id is taken.
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
	Organizations() ([]Organization, error) // oldest first
	Organization(id string) (Organization, error)
	Projects() ([]Project, error) // by id
	Project(id int64) (Project, error)
	ProjectByToken(token string) (Project, error)
}

// OrganizationWriter changes organizations and projects.
type OrganizationWriter interface {
	InsertOrganization(o Organization) error // the caller makes the id
	UpdateOrganization(o Organization) error
	// InsertProject assigns the id if p.ID is 0 and returns the project as
	// stored. OrganizationID may be empty. ConflictError: token, id.
	InsertProject(p Project) (Project, error)
	UpdateProject(p Project) error // ConflictError: token
	DeleteProject(id int64) error  // with all that belongs to it, also its part of the audit log
}

// FlagReader reads flags.
type FlagReader interface {
	Flag(project, id int64) (Flag, error)              // deleted ones too
	FlagByKey(project int64, key string) (Flag, error) // not deleted
	// Flags lists a project's by id, those deleted only if asked for.
	Flags(project int64, deleted bool) ([]Flag, error)
	FlagVersions(project, id int64) ([]FlagVersion, error) // oldest first, at least one
	FlagVersion(project, id, version int64) (FlagVersion, error)
	EarlyAccessFeatures(project int64) ([]EarlyAccessFeature, error) // newest first
	EarlyAccessFeature(project int64, id string) (EarlyAccessFeature, error)
}

// FlagWriter changes flags. Key must be unique among a project's flags that
// are not deleted; otherwise ConflictError "key".
type FlagWriter interface {
	// InsertFlag assigns ID, unless f has one as imports do, and Version 1, and
	// returns the flag as stored. ConflictError "id" if the ID is taken.
	InsertFlag(f Flag) (Flag, error)
	// UpdateFlag writes all fields of f, raises Version by one from the stored
	// one and returns the flag as stored. LastCalledAt only moves forward.
	UpdateFlag(f Flag) (Flag, error)
	// RemoveFlag takes a row away for good, with its versions, and with the
	// overrides for its key unless a live flag has that key.
	RemoveFlag(project, id int64) error
	// InsertEarlyAccessFeature: the caller makes the id. A feature whose flag
	// is removed has FlagID 0 from then on.
	InsertEarlyAccessFeature(f EarlyAccessFeature) error
	UpdateEarlyAccessFeature(f EarlyAccessFeature) error
	DeleteEarlyAccessFeature(project int64, id string) error
}

// CohortReader reads cohorts and the members of static ones.
type CohortReader interface {
	Cohort(project, id int64) (Cohort, error) // deleted ones too
	Cohorts(project int64, deleted bool) ([]Cohort, error)
	// CohortMembers lists persons of a static cohort by person id, with their
	// distinct ids. Limit 0 is 100.
	CohortMembers(project, cohort int64, limit, offset int) ([]Person, error)
	CountCohortMembers(project, cohort int64) (int64, error)
	CohortsOfPerson(project, person int64) ([]int64, error) // sorted; deleted cohorts too
}

// CohortWriter changes cohorts and the members of static ones.
type CohortWriter interface {
	// InsertCohort assigns ID, unless c has one as imports do, and returns the
	// cohort as stored. ConflictError "id" if the ID is taken.
	InsertCohort(c Cohort) (Cohort, error)
	UpdateCohort(c Cohort) error
	// AddCohortMembers adds persons by id, ignoring those that are in already
	// or do not exist, and returns how many it added. ErrNotFound: the cohort.
	AddCohortMembers(project, cohort int64, persons []int64) (int, error)
	// RemoveCohortMember reports whether the person was a member. ErrNotFound:
	// the cohort.
	RemoveCohortMember(project, cohort, person int64) (bool, error)
}

// PersonQuery selects persons. Zero fields do not restrict.
type PersonQuery struct {
	Project    int64
	DistinctID string
	Email      string // property email, exact
	Search     string // part of the email without (at least ASCII) case, or a whole distinct id
	AfterID    int64  // for walking all persons by id, oldest first; -1 to begin
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
	// Overrides maps flag keys to a person's hash keys.
	Overrides(project, person int64) (map[string]string, error)
}

// GroupQuery selects groups of one type.
type GroupQuery struct {
	Project int64
	Index   int
	Search  string // part of the key or of the property "name", without (at least ASCII) case
	After   string // key after which to go on
	Limit   int    // 0: 100
}

// GroupReader reads group types and groups.
type GroupReader interface {
	GroupTypes(project int64) ([]GroupType, error) // by index
	Group(project int64, index int, key string) (Group, error)
	Groups(q GroupQuery) ([]Group, error) // by key, in byte order
}

// GroupWriter changes group types and groups.
type GroupWriter interface {
	UpdateGroupType(t GroupType) error              // ConflictError: name
	DeleteGroupType(project int64, index int) error // with its groups
	InsertGroup(g Group) error                      // ConflictError: group_key
	UpdateGroup(g Group) error                      // Properties and Version
}

// AccountReader reads users, memberships and keys.
type AccountReader interface {
	User(id int64) (User, error)
	UserByEmail(email string) (User, error)            // in any case
	Users() ([]User, error)                            // by id
	Memberships(user int64) ([]Membership, error)      // oldest first
	Members(organization string) ([]Membership, error) // by user
	PersonalKeys(user int64) ([]PersonalKey, error)    // oldest first
	PersonalKey(id string) (PersonalKey, error)
	PersonalKeyByHash(hash string) (PersonalKey, error)
	ProjectKeys(project int64) ([]ProjectKey, error) // oldest first
	ProjectKey(project int64, id string) (ProjectKey, error)
	ProjectKeyByHash(hash string) (ProjectKey, error)
}

// AccountWriter changes users, memberships and keys.
type AccountWriter interface {
	InsertUser(u User) (User, error) // assigns ID. ConflictError: email
	UpdateUser(u User) error         // ConflictError: email
	// PutMembership inserts a membership, or replaces the one that the user
	// has in that organization.
	PutMembership(m Membership) error
	DeleteMembership(organization string, user int64) error
	InsertPersonalKey(k PersonalKey) error // the caller makes the id. ConflictError: hash, id
	UpdatePersonalKey(k PersonalKey) error // ConflictError: hash
	DeletePersonalKey(id string) error
	InsertProjectKey(k ProjectKey) error // the caller makes the id. ConflictError: label, hash, id
	UpdateProjectKey(k ProjectKey) error // ConflictError: label, hash
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
	// Activities returns one page and how many entries there are on all.
	Activities(q ActivityQuery) (entries []Activity, total int, err error)
	Warnings(project int64, limit int) ([]Warning, error) // limit 0: 100
}

// ActivityWriter appends to the audit log; ID, Author and At are the store's.
type ActivityWriter interface {
	AddActivity(a Activity) error
}

// IdentityTx is the transaction in which captured events take effect, all in
// one project: a record's Project is the transaction's, whatever it says.
// Reads see earlier writes of the same transaction.
type IdentityTx interface {
	// PersonOf returns the person that owns a distinct id, without its
	// distinct ids. ErrNotFound.
	PersonOf(distinctID string) (Person, error)
	// Person returns a person with its distinct ids. ErrNotFound.
	Person(id int64) (Person, error)
	// CountDistinctIDs returns how many distinct ids a person has, 0 if it
	// does not exist.
	CountDistinctIDs(person int64) (int, error)
	// InsertPerson inserts p (ID is assigned, Version as given) owning
	// distinctIDs in this order, and returns it as stored, without its
	// distinct ids. ConflictError: "distinct_id" if one is owned, "uuid" if
	// another person of the project has it.
	InsertPerson(p Person, distinctIDs []string) (Person, error)
	// UpdatePerson writes Properties, Identified, CreatedAt, LastSeenAt and
	// Version of the person with p.ID. ErrNotFound.
	UpdatePerson(p Person) error
	// AddDistinctID gives a person another id, its newest. ErrNotFound: the
	// person. ConflictError "distinct_id" if it is owned, also by that person.
	AddDistinctID(person int64, distinctID string) error
	// MergePerson moves the distinct ids, hash-key overrides and static
	// cohort memberships of from to into, and deletes from. Where both have
	// an override for a flag, into's stays; double memberships collapse. The
	// ids of into count as older. ErrNotFound: either person. Properties and
	// the like are the caller's to write. from = into is a fault.
	MergePerson(from, into int64) error
	// SplitDistinctID takes a distinct id away from its person and gives it
	// to p, which is inserted. ErrNotFound: the id has no person.
	// ConflictError: "uuid".
	SplitDistinctID(distinctID string, p Person) error
	// DeletePerson removes a person with its distinct ids, overrides and
	// memberships; the ids may be used again at once. Personless marks stay.
	// ErrNotFound.
	DeletePerson(id int64) error

	// Personless reports whether a distinct id was used without a person, and
	// whether it was since marked as merged into one.
	Personless(distinctID string) (used, merged bool, err error)
	// MarkPersonless remembers a personless use; a mark as merged stays.
	MarkPersonless(distinctID string) error
	// MarkMerged remembers that a distinct id now belongs to a person, whether
	// or not it was used before.
	MarkMerged(distinctID string) error

	GroupTypes() ([]GroupType, error) // by index
	// InsertGroupType allocates the smallest free index for name, or returns
	// the type if it exists; ErrConflict when all MaxGroupTypes are taken. An
	// allocation raises the revision.
	InsertGroupType(name string, at time.Time) (GroupType, error)
	Group(index int, key string) (Group, error) // ErrNotFound
	InsertGroup(g Group) error                  // ConflictError: group_key. ErrNotFound: the type
	UpdateGroup(g Group) error                  // Properties and Version. ErrNotFound

	// TouchFlag moves LastCalledAt of the live flag with key forward to at. It
	// raises neither the flag's version nor the revision; unknown keys are
	// ignored.
	TouchFlag(key string, at time.Time) error
	// AddWarning keeps the newest thousand warnings per project.
	AddWarning(w Warning) error
}
