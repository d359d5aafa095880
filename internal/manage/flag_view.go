package manage

import (
	"cmp"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/guidon-flags/guidon/internal/store"
	"github.com/guidon-flags/guidon/internal/wire/filters"
)

// FlagView is a flag with what answers show beside the row.
type FlagView struct {
	store.Flag
	Creator   *store.User // nil: none, or gone
	Modifier  *store.User
	Features  []store.EarlyAccessFeature
	Decorated store.JSON // Filters with the names of cohorts and groups
	Status    FlagStatus
}

// viewer makes views, remembering what several flags share.
type viewer struct {
	c        *core
	tx       store.ReadTx
	project  int64
	users    map[int64]*store.User
	cohorts  map[int64]string
	features map[int64][]store.EarlyAccessFeature // by flag
}

func (c *core) viewer(tx store.ReadTx, project int64) *viewer {
	return &viewer{c: c, tx: tx, project: project, users: make(map[int64]*store.User), cohorts: make(map[int64]string)}
}

// flagView makes the view of one flag.
func (c *core) flagView(tx store.ReadTx, f store.Flag) (FlagView, error) {
	return c.viewer(tx, f.Project).flag(f)
}

func (v *viewer) flag(f store.Flag) (FlagView, error) {
	out := FlagView{Flag: f, Status: statusOf(f, v.c.clock())}
	var err error
	if out.Creator, err = v.user(f.CreatedBy); err != nil {
		return out, err
	}
	if out.Modifier, err = v.user(f.ModifiedBy); err != nil {
		return out, err
	}
	if out.Features, err = v.featuresOf(f.ID); err != nil {
		return out, err
	}
	out.Decorated, err = v.decorate(f.Filters)
	if isTrue(f.EncryptedPayloads) {
		out.Decorated = redactPayloads(out.Decorated)
	}
	return out, err
}

// ShownFilters are a flag's filters as they may be shown, without cipher texts.
func ShownFilters(f store.Flag) store.JSON {
	if isTrue(f.EncryptedPayloads) {
		return redactPayloads(f.Filters)
	}
	return f.Filters
}

func (v *viewer) user(id int64) (*store.User, error) {
	if id == 0 {
		return nil, nil
	}
	if u, ok := v.users[id]; ok {
		return u, nil
	}
	u, err := v.tx.User(id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		v.users[id] = nil
	case err != nil:
		return nil, err
	default:
		v.users[id] = &u
	}
	return v.users[id], nil
}

func (v *viewer) featuresOf(flag int64) ([]store.EarlyAccessFeature, error) {
	if v.features == nil {
		all, err := v.tx.EarlyAccessFeatures(v.project)
		if err != nil {
			return nil, err
		}
		v.features = make(map[int64][]store.EarlyAccessFeature)
		for _, e := range all {
			v.features[e.FlagID] = append(v.features[e.FlagID], e)
		}
	}
	return v.features[flag], nil
}

// decorate adds the names of cohorts and groups to filters (section 4).
func (v *viewer) decorate(raw store.JSON) (store.JSON, error) {
	var failed error // the first error of a look-up within Decorate
	out := filters.Decorate(raw, filters.Display{
		Cohort: func(id int64) string {
			name, err := v.cohortName(id)
			failed = cmp.Or(failed, err)
			return name
		},
		Group: func(index int, key string) string {
			g, err := v.tx.Group(v.project, index, key)
			if errors.Is(err, store.ErrNotFound) {
				return ""
			}
			failed = cmp.Or(failed, err)
			return GroupName(g)
		},
	})
	return out, failed
}

func (v *viewer) cohortName(id int64) (string, error) {
	if name, ok := v.cohorts[id]; ok {
		return name, nil
	}
	c, err := v.tx.Cohort(v.project, id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return "", err
	}
	v.cohorts[id] = c.Name
	return c.Name, nil
}

// GroupName is how a group is shown: its property "name", else its key.
func GroupName(g store.Group) string {
	var props struct {
		Name json.RawMessage `json:"name"`
	}
	if json.Unmarshal(g.Properties, &props) == nil {
		if name := text(props.Name); name != "" {
			return name
		}
	}
	return g.Key
}

// EligibleForExperiment reports whether a flag has 2 to 20 variants.
func EligibleForExperiment(f store.Flag) bool {
	n := len(variantsOf(f.Filters))
	return n >= 2 && n <= 20
}

// variant is what the rules look at of a variant.
type variant struct {
	Key     string   `json:"key"`
	Percent *float64 `json:"rollout_percentage"`
}

// variantsOf reads the variants of a stored document, nil if it has none.
func variantsOf(filters store.JSON) []variant {
	var doc struct {
		Multivariate *struct {
			Variants []variant `json:"variants"`
		} `json:"multivariate"`
	}
	if json.Unmarshal(filters, &doc) != nil || doc.Multivariate == nil {
		return nil
	}
	return doc.Multivariate.Variants
}

// formatID is a number as it stands in the audit log.
func formatID(id int64) string { return strconv.FormatInt(id, 10) }
