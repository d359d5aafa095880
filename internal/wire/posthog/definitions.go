package posthog

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/wire/jsonval"
)

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

// NewDefinitions encodes the definitions that SDKs evaluate locally, flags by
// key. Left out are remote configurations that are encrypted, and flags that
// surveys own.
//
// Flags whose configuration SDKs do not know (rules v2) are in it under their
// key, but in a form that makes every SDK ask the server: without a trace of
// them, a client that asks for all flags would believe it has them.
func NewDefinitions(in DefinitionInput) Definitions {
	e := newDefinitionEncoder(in)
	var flags [][]byte
	for {
		failed := len(e.dropped)
		flags = flags[:0]
		clear(e.reached)
		for _, f := range e.served {
			if body, err := e.appendFlag(nil, f); err == nil {
				flags = append(flags, body)
			} else {
				e.drop(f)
			}
		}
		if len(e.dropped) == failed {
			break // otherwise what depends on the dropped ones is to be told
		}
	}
	b := append([]byte(nil), `{"flags":[`...)
	b = append(b, bytes.Join(flags, []byte{','})...)
	b = append(b, `],"group_type_mapping":{`...)
	for i, index := range slices.Sorted(maps.Keys(in.GroupTypes)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendName(b, strconv.Itoa(index))
		b = feature.AppendQuoted(b, in.GroupTypes[index])
	}
	b = append(b, `},"cohorts":{`...)
	b = e.appendCohorts(b)
	b = append(b, `},"minimal_flag_called_events":false,"property_matching_version":`...)
	b = strconv.AppendInt(b, int64(max(in.MatchingVersion, 1)), 10)
	b = append(b, '}')
	return Definitions{Body: b, ETag: etagOf(b), Dropped: e.dropped}
}

// definitionEncoder holds what is looked up while definitions are encoded.
type definitionEncoder struct {
	in      DefinitionInput
	served  []*DefinitionFlag // by key
	keys    map[int64]string  // of all flags, by id
	serves  map[string]bool   // keys of those served
	cohorts map[int64]*DefinitionCohort
	reached map[int64]bool // cohorts that a flag names
	dropped []string
}

func newDefinitionEncoder(in DefinitionInput) *definitionEncoder {
	e := &definitionEncoder{
		in:      in,
		keys:    make(map[int64]string),
		serves:  make(map[string]bool),
		cohorts: make(map[int64]*DefinitionCohort),
		reached: make(map[int64]bool),
	}
	for i := range in.Flags {
		f := &in.Flags[i]
		e.keys[f.ID] = f.Key
		if f.SurveyOwned || f.EncryptedPayloads && f.RemoteConfiguration {
			continue
		}
		e.served = append(e.served, f)
		e.serves[f.Key] = true
	}
	slices.SortFunc(e.served, func(f, g *DefinitionFlag) int {
		return cmp.Or(strings.Compare(f.Key, g.Key), cmp.Compare(f.ID, g.ID))
	})
	for i := range in.Cohorts {
		e.cohorts[in.Cohorts[i].ID] = &in.Cohorts[i]
	}
	return e
}

func (e *definitionEncoder) drop(f *DefinitionFlag) {
	e.dropped = append(e.dropped, f.Key)
	e.served = slices.DeleteFunc(slices.Clone(e.served), func(g *DefinitionFlag) bool { return g == f })
	delete(e.serves, f.Key)
}

// serverOnly are the filters of a flag that SDKs must not evaluate.
const serverOnly = `{"groups":[],"multivariate":null,"payloads":{}}`

func (e *definitionEncoder) appendFlag(b []byte, f *DefinitionFlag) ([]byte, error) {
	if !jsontext.Value(f.Filters).IsValid(decodeOptions...) {
		return nil, errDocument
	}
	known, err := isVersion1(f.Filters)
	if err != nil {
		return nil, err
	}
	b = append(b, `{"id":`...)
	b = strconv.AppendInt(b, f.ID, 10)
	b = append(b, `,"team_id":`...)
	b = strconv.AppendInt(b, e.in.Project, 10)
	b = append(b, `,"name":`...)
	b = feature.AppendQuoted(b, f.Name)
	b = append(b, `,"key":`...)
	b = feature.AppendQuoted(b, f.Key)
	b = append(b, `,"active":`...)
	b = strconv.AppendBool(b, f.Active)
	b = append(b, `,"deleted":false,"version":`...)
	b = strconv.AppendInt(b, f.Version, 10)
	b = append(b, `,"ensure_experience_continuity":`...)
	b = strconv.AppendBool(b, f.Continuity || !known) // no SDK decides such a flag
	b = append(b, `,"has_encrypted_payloads":`...)
	b = strconv.AppendBool(b, f.EncryptedPayloads)
	b = append(b, `,"evaluation_runtime":`...)
	b = appendTextOrNull(b, f.Runtime)
	b = append(b, `,"evaluation_contexts":`...)
	b = appendTexts(b, f.Contexts)
	b = append(b, `,"bucketing_identifier":`...)
	b = appendTextOrNull(b, f.BucketingIdentifier)
	b = append(b, `,"has_experiment":`...)
	b = strconv.AppendBool(b, f.HasExperiment)
	b = append(b, `,"filters":`...)
	if known {
		if b, err = e.appendFilters(b, f); err != nil {
			return nil, err
		}
	} else {
		b = append(b, serverOnly...)
	}
	return append(b, '}'), nil
}

// isVersion1 reports whether a filters document is of version 1 (1.9).
func isVersion1(filters []byte) (bool, error) {
	v1 := true
	err := jsonval.Members(filters, func(name, value []byte) error {
		if string(name) == "version" {
			n, err := strconv.ParseFloat(string(value), 64)
			v1 = err == nil && n == 1
		}
		return nil
	})
	return v1, err
}
