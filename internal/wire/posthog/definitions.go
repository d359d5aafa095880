package posthog

// DefinitionFlag is a flag as the definitions feed needs it. Deleted flags are
// not among them.
type DefinitionFlag struct {
	ID                  int64
	Key                 string
	Name                string
	Active              bool
	Version             int64
	Continuity          bool // ensure_experience_continuity
	EncryptedPayloads   bool
	RemoteConfiguration bool
	Runtime             string   // empty: null
	BucketingIdentifier string   // empty: null
	Contexts            []string // evaluation_contexts
	HasExperiment       bool
	SurveyOwned         bool   // targets or samples a survey
	Filters             []byte // the filters document, any version

	// DependencyChain lists for a dependency of the flag, by the id of the
	// flag it names, the keys in evaluation order, the target last; empty if
	// it is missing or in a cycle. It may be nil if Filters names no flags.
	DependencyChain func(id int64) []string
}

// DefinitionCohort is a cohort as the definitions feed needs it.
type DefinitionCohort struct {
	ID      int64
	Static  bool
	Filters []byte // null or {"properties": tree}
	Groups  []byte // the older form
}

// DefinitionInput is what the definitions of a project are made of.
type DefinitionInput struct {
	Project         int64
	Flags           []DefinitionFlag
	Cohorts         []DefinitionCohort
	GroupTypes      map[int]string // by index
	MatchingVersion int            // property_matching_version
}

// Definitions is the answer to a definitions request (section 11). It is
// immutable.
type Definitions struct {
	Body    []byte
	ETag    string   // W/"16 hex digits", of Body
	Dropped []string // keys of flags that could not be encoded and are left out
}

// NewDefinitions encodes the definitions that SDKs evaluate locally.
func NewDefinitions(in DefinitionInput) Definitions { return Definitions{} }

