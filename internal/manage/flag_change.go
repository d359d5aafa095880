package manage

import (
	"regexp"
	"slices"
	"strings"

	"github.com/guidon-flags/guidon/internal/store"
)

// FlagChange is what a request says about a flag. Absent fields are left as
// they are, or get their defaults on create. Nil pointers and empty texts of
// the nullable fields mean null.
type FlagChange struct {
	Key                 Optional[string]
	Name                Optional[string]
	Filters             Optional[store.JSON] // a JSON value of any type
	Active              Optional[bool]
	Archived            Optional[bool]
	Deleted             Optional[bool]
	Continuity          Optional[*bool]
	EnrichedAnalytics   Optional[*bool]
	RemoteConfiguration Optional[*bool]
	EncryptedPayloads   Optional[*bool]
	Runtime             Optional[string]
	BucketingIdentifier Optional[string]
	Tags                Optional[[]string]
	Contexts            Optional[[]string]
	CreationContext     string

	// Version and Original are the flag as the client read it, for the
	// detection of conflicts (5.4); Given are the request's fields as written.
	Version  *int64
	Original store.JSON // an object; nil: not sent
	Given    map[string]store.JSON
	IfMatch  *int64 // the version that the header If-Match names
}

const maxKeyLength = 400

var keyPattern = regexp.MustCompile(`^[a-zA-Z0-9_-]+$`)

// checkKey checks a flag's key for itself; whether it is free is another
// question.
func checkKey(key string) error {
	if key == "" {
		return invalid("key", "blank", "This field may not be blank.")
	}
	if err := tooLong("key", key, maxKeyLength); err != nil {
		return err
	}
	if !keyPattern.MatchString(key) {
		return invalid("key", "invalid_key", "Only letters, numbers, hyphens (-) & underscores (_) are allowed.")
	}
	return nil
}

// normalizeTags trims, lower-cases and de-duplicates tags.
func normalizeTags(tags []string) []string {
	out := make([]string, 0, len(tags))
	for _, t := range tags {
		t = strings.ToLower(strings.TrimSpace(t))
		if t != "" && !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	slices.Sort(out)
	return out
}

const (
	maxContexts      = 50
	maxContextLength = 255
)

// normalizeContexts checks the names of evaluation contexts and brings them
// into the form in which they are compared.
func normalizeContexts(names []string) ([]string, error) {
	if len(names) > maxContexts {
		return nil, invalid("evaluation_contexts", "invalid", "evaluation_contexts must be a list of at most %d items.", maxContexts)
	}
	out := make([]string, 0, len(names))
	for _, n := range names {
		n = strings.ToLower(strings.TrimSpace(n))
		if n == "" || tooLong("", n, maxContextLength) != nil {
			return nil, invalid("evaluation_contexts", "invalid", "Invalid evaluation context name.")
		}
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out, nil
}

// apply writes the plain fields of ch into f. Filters are merged elsewhere.
func (ch *FlagChange) apply(f *store.Flag) error {
	ch.Key.into(&f.Key)
	ch.Name.into(&f.Name)
	ch.Active.into(&f.Active)
	ch.Archived.into(&f.Archived)
	ch.Continuity.into(&f.Continuity)
	ch.EnrichedAnalytics.into(&f.EnrichedAnalytics)
	ch.RemoteConfiguration.into(&f.RemoteConfiguration)
	ch.EncryptedPayloads.into(&f.EncryptedPayloads)
	ch.Runtime.into(&f.Runtime)
	ch.BucketingIdentifier.into(&f.BucketingIdentifier)
	if ch.Tags.Set {
		f.Tags = normalizeTags(ch.Tags.Value)
	}
	if ch.Contexts.Set {
		names, err := normalizeContexts(ch.Contexts.Value)
		if err != nil {
			return err
		}
		f.Contexts = names
	}
	return nil
}

// forget makes a field absent, by its name in requests.
func (ch *FlagChange) forget(field string) {
	switch field {
	case "key":
		ch.Key.Set = false
	case "name":
		ch.Name.Set = false
	case "filters":
		ch.Filters.Set = false
	case "active":
		ch.Active.Set = false
	case "archived":
		ch.Archived.Set = false
	case "deleted":
		ch.Deleted.Set = false
	case "ensure_experience_continuity":
		ch.Continuity.Set = false
	case "has_enriched_analytics":
		ch.EnrichedAnalytics.Set = false
	case "is_remote_configuration":
		ch.RemoteConfiguration.Set = false
	case "has_encrypted_payloads":
		ch.EncryptedPayloads.Set = false
	case "evaluation_runtime":
		ch.Runtime.Set = false
	case "bucketing_identifier":
		ch.BucketingIdentifier.Set = false
	case "tags":
		ch.Tags.Set = false
	case "evaluation_contexts":
		ch.Contexts.Set = false
	}
}
