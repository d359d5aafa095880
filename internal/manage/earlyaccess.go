package manage

import (
	"context"
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/guidon-flags/guidon/internal/store"
	"github.com/guidon-flags/guidon/internal/wire/filters"
)

// EarlyAccess changes and reads early access features (section 8). A feature's
// stage decides whether people can enrol in its flag.
type EarlyAccess struct{ *core }

// FeatureChange is what a request says about an early access feature; absent
// fields are left as they are.
type FeatureChange struct {
	Name             Optional[string]
	Description      Optional[string]
	Stage            Optional[string]
	DocumentationURL Optional[string]
	Payload          Optional[store.JSON] // a JSON value of any type
	FlagID           Optional[int64]      // on create only; 0: make a flag
	RolloutToAll     bool
}

// FeatureView is a feature with its flag.
type FeatureView struct {
	store.EarlyAccessFeature
	Flag *store.Flag // nil: none, or gone
}

// Stages are the stages of a feature, from the first idea to its end.
var Stages = []string{"draft", "concept", "alpha", "beta", "general-availability", "archived"}

// released are the stages in which enrolment decides.
var released = []string{"alpha", "beta", "general-availability"}

const (
	maxFeatureName = 200
	maxFeatureURL  = 800
)

// List returns a page of a project's features, newest first, and how many
// there are.
func (s *EarlyAccess) List(ctx context.Context, project int64, limit, offset int) (page []FeatureView, total int, err error) {
	err = s.view(ctx, func(tx store.ReadTx) error {
		all, err := tx.EarlyAccessFeatures(project)
		if err != nil {
			return err
		}
		total, page = len(all), page[:0]
		for _, e := range pageOf(all, limit, offset) {
			v, err := featureView(tx, e)
			if err != nil {
				return err
			}
			page = append(page, v)
		}
		return nil
	})
	return page, total, err
}

// Public returns the features in some stages of the project with a token, for
// anybody. NotFound: there is no such project.
func (s *EarlyAccess) Public(ctx context.Context, token string, stages []string) ([]FeatureView, error) {
	var out []FeatureView
	err := s.view(ctx, func(tx store.ReadTx) error {
		p, err := tx.ProjectByToken(token)
		if err != nil {
			return err
		}
		all, err := tx.EarlyAccessFeatures(p.ID)
		if err != nil {
			return err
		}
		out = out[:0]
		for _, e := range all {
			if !slices.Contains(stages, e.Stage) {
				continue
			}
			v, err := featureView(tx, e)
			if err != nil {
				return err
			}
			out = append(out, v)
		}
		return nil
	})
	return out, err
}

// Get returns a feature.
func (s *EarlyAccess) Get(ctx context.Context, project int64, id string) (FeatureView, error) {
	var v FeatureView
	err := s.view(ctx, func(tx store.ReadTx) error {
		e, err := tx.EarlyAccessFeature(project, id)
		if err != nil {
			return err
		}
		v, err = featureView(tx, e)
		return err
	})
	return v, err
}

func featureView(tx store.FlagReader, e store.EarlyAccessFeature) (FeatureView, error) {
	v := FeatureView{EarlyAccessFeature: e}
	if e.FlagID == 0 {
		return v, nil
	}
	f, err := tx.Flag(e.Project, e.FlagID)
	if err != nil {
		if errors.Is(err, store.ErrNotFound) {
			return v, nil
		}
		return v, err
	}
	v.Flag = &f
	return v, nil
}

// Create makes a feature, and a flag for it unless one is named.
func (s *EarlyAccess) Create(ctx context.Context, who Caller, project int64, ch FeatureChange) (FeatureView, error) {
	var v FeatureView
	err := s.edit(ctx, who, func(tx store.Tx) error {
		e := store.EarlyAccessFeature{ID: uuid.NewString(), Project: project, Payload: store.JSON("{}"), CreatedAt: s.clock()}
		switch {
		case !ch.Name.Set:
			return required("name")
		case !ch.Stage.Set:
			return required("stage")
		}
		if err := ch.apply(&e); err != nil {
			return err
		}
		f, err := s.linkedFlag(tx, who, e, ch)
		if err != nil {
			return err
		}
		e.FlagID = f.ID
		if err := tx.InsertEarlyAccessFeature(e); err != nil {
			return err
		}
		if _, err := s.enrol(tx, who, f, e.Stage, ch.RolloutToAll); err != nil {
			return err
		}
		if err := record(tx, project, ScopeEarlyAccess, e.ID, "created", e.Name, nil); err != nil {
			return err
		}
		v, err = featureView(tx, e)
		return err
	})
	return v, err
}

// linkedFlag finds the flag that a new feature is to use, or makes one.
func (s *EarlyAccess) linkedFlag(tx store.Tx, who Caller, e store.EarlyAccessFeature, ch FeatureChange) (store.Flag, error) {
	if ch.FlagID.Value == 0 {
		doc := `{"groups":[{"properties":[],"rollout_percentage":0}]}`
		if slices.Contains(released, e.Stage) {
			doc = `{"groups":[{"properties":[],"rollout_percentage":0}],"feature_enrollment":true}`
		}
		return s.create(tx, who, e.Project, FlagChange{
			Key:             Given(slug(e.Name)),
			Name:            Given("Feature Flag for Feature " + e.Name),
			Filters:         Given(store.JSON(doc)),
			CreationContext: "early_access_features",
		})
	}
	f, err := tx.Flag(e.Project, ch.FlagID.Value)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return f, err
	}
	if err != nil || f.Deleted {
		return f, invalid("feature_flag_id", "invalid", "Feature Flag with this ID does not exist")
	}
	features, err := featuresOf(tx, f)
	if err != nil {
		return f, err
	}
	if err != nil {
		return f, err
	}
	switch {
	case len(features) > 0:
		return f, invalid("feature_flag_id", "invalid", "Linked feature flag %s already has a feature attached to it.", f.Key)
	case len(filters.ReadReferences(f.Filters).GroupTypes) > 0:
		return f, invalid("feature_flag_id", "invalid", "Group-based feature flags are not supported for Early Access Features.")
	case len(variantsOf(f.Filters)) > 0:
		return f, invalid("feature_flag_id", "invalid", "Multivariate feature flags are not supported for Early Access Features.")
	}
	return f, nil
}

// Update changes a feature and, with its stage, its flag.
func (s *EarlyAccess) Update(ctx context.Context, who Caller, project int64, id string, ch FeatureChange) (FeatureView, error) {
	var v FeatureView
	err := s.edit(ctx, who, func(tx store.Tx) error {
		stored, err := tx.EarlyAccessFeature(project, id)
		if err != nil {
			return err
		}
		e := stored
		if err := ch.apply(&e); err != nil {
			return err
		}
		if err := tx.UpdateEarlyAccessFeature(e); err != nil {
			return err
		}
		if v, err = featureView(tx, e); err != nil {
			return err
		}
		if v.Flag != nil && (e.Stage != stored.Stage || ch.RolloutToAll) {
			f, err := s.enrol(tx, who, *v.Flag, e.Stage, ch.RolloutToAll)
			if err != nil {
				return err
			}
			v.Flag = &f
		}
		return record(tx, project, ScopeEarlyAccess, id, "updated", e.Name, diff(ScopeEarlyAccess, featureFields(stored), featureFields(e)))
	})
	return v, err
}

// Delete removes a feature; its flag stays, without enrolment.
func (s *EarlyAccess) Delete(ctx context.Context, who Caller, project int64, id string) error {
	return s.edit(ctx, who, func(tx store.Tx) error {
		e, err := tx.EarlyAccessFeature(project, id)
		if err != nil {
			return err
		}
		v, err := featureView(tx, e)
		if err != nil {
			return err
		}
		if v.Flag != nil {
			if _, err := s.enrol(tx, who, *v.Flag, "archived", false); err != nil {
				return err
			}
		}
		if err := tx.DeleteEarlyAccessFeature(project, id); err != nil {
			return err
		}
		return record(tx, project, ScopeEarlyAccess, id, "deleted", e.Name, nil)
	})
}

// enrol brings a flag in line with the stage of its feature.
func (s *EarlyAccess) enrol(tx store.Tx, who Caller, stored store.Flag, stage string, rolloutToAll bool) (store.Flag, error) {
	o, err := parseObject(stored.Filters)
	if err != nil || !isVersion1(o) {
		return stored, invalid("feature_flag_id", "invalid", "The configuration of this feature flag cannot be edited here.")
	}
	o.remove(legacyKeys...)
	switch {
	case stage == "general-availability" && rolloutToAll:
		o.remove("feature_enrollment")
		o.set("groups", store.JSON(everybody))
	case slices.Contains(released, stage):
		o.set("feature_enrollment", store.JSON("true"))
	default:
		o.remove("feature_enrollment")
	}
	f := stored
	f.Filters = o.encode()
	if sameJSON(f.Filters, stored.Filters) {
		return stored, nil
	}
	return s.saveFlag(tx, who, stored, f)
}

func featureFields(e store.EarlyAccessFeature) []field {
	return []field{
		{"name", toJSON(e.Name)},
		{"description", toJSON(e.Description)},
		{"stage", toJSON(e.Stage)},
		{"documentation_url", toJSON(e.DocumentationURL)},
		{"payload", e.Payload},
	}
}

// apply writes the fields of ch into e and checks them.
func (ch *FeatureChange) apply(e *store.EarlyAccessFeature) error {
	ch.Name.into(&e.Name)
	ch.Description.into(&e.Description)
	ch.Stage.into(&e.Stage)
	ch.DocumentationURL.into(&e.DocumentationURL)
	if strings.TrimSpace(e.Name) == "" {
		return invalid("name", "blank", "This field may not be blank.")
	}
	if err := tooLong("name", e.Name, maxFeatureName); err != nil {
		return err
	}
	if !slices.Contains(Stages, e.Stage) {
		return invalid("stage", "invalid_choice", "\"%s\" is not a valid choice.", e.Stage)
	}
	if err := tooLong("documentation_url", e.DocumentationURL, maxFeatureURL); err != nil {
		return err
	}
	if u, err := url.Parse(e.DocumentationURL); e.DocumentationURL != "" &&
		(err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return invalid("documentation_url", "invalid", "Enter a valid URL.")
	}
	if ch.Payload.Set {
		e.Payload = store.JSON("{}")
		if !isNull(ch.Payload.Value) {
			if _, err := parseObject(ch.Payload.Value); err != nil {
				return invalid("payload", "invalid", "payload must be an object.")
			}
			e.Payload = compact(ch.Payload.Value)
		}
	}
	return nil
}

var (
	notInSlug = regexp.MustCompile(`[^a-z0-9_\s-]+`)
	slugGaps  = regexp.MustCompile(`[\s-]+`)
)

// slug makes a flag key of a name.
func slug(name string) string {
	s := notInSlug.ReplaceAllString(strings.ToLower(name), "")
	return strings.Trim(slugGaps.ReplaceAllString(strings.TrimSpace(s), "-"), "-_")
}
