package manage

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/guidon-flags/guidon/internal/store"
)

// FlagFilter selects flags of a list (5.1). Zero fields do not restrict, save
// that archived flags are left out unless Archived is set.
type FlagFilter struct {
	Active        string // "", "true", "false", "STALE"
	Archived      *bool
	CreatedBy     []int64
	Search        string
	Key           string
	Type          string // "", "boolean", "multivariant", "experiment", "remote_config"
	Runtime       string
	Tags          []string
	ExcludedTags  []string
	ExcludedKeys  []string
	HasContexts   *bool
	ForExperiment bool
	Order         string // a field name, "-" before it for descending; empty: newest first
	Limit, Offset int    // of List; Limit 0: no limit
}

const maxSearch = 200

// List returns the selected flags in order, a page of them, with the number of
// all that are selected.
func (s *Flags) List(ctx context.Context, project int64, q FlagFilter) (page []FlagView, total int, err error) {
	err = s.view(ctx, func(tx store.ReadTx) error {
		flags, err := s.selectFlags(tx, project, q)
		if err != nil {
			return err
		}
		total = len(flags)
		page = page[:0]
		v := s.viewer(tx, project)
		for _, f := range pageOf(flags, q.Limit, q.Offset) {
			view, err := v.flag(f)
			if err != nil {
				return err
			}
			page = append(page, view)
		}
		return nil
	})
	return page, total, err
}

// IDs returns the ids of all selected flags, in order.
func (s *Flags) IDs(ctx context.Context, project int64, q FlagFilter) ([]int64, error) {
	ids := []int64{}
	err := s.view(ctx, func(tx store.ReadTx) error {
		flags, err := s.selectFlags(tx, project, q)
		ids = ids[:0]
		for _, f := range flags {
			ids = append(ids, f.ID)
		}
		return err
	})
	return ids, err
}

// pageOf cuts a page out of a list; limit 0 means all.
func pageOf[T any](all []T, limit, offset int) []T {
	all = all[min(max(offset, 0), len(all)):]
	if limit > 0 {
		all = all[:min(limit, len(all))]
	}
	return all
}

func (c *core) selectFlags(tx store.FlagReader, project int64, q FlagFilter) ([]store.Flag, error) {
	keep, err := q.predicate(c.clock())
	if err != nil {
		return nil, err
	}
	less, err := flagOrder(q.Order)
	if err != nil {
		return nil, err
	}
	flags, err := tx.Flags(project, false)
	if err != nil {
		return nil, err
	}
	flags = slices.DeleteFunc(flags, func(f store.Flag) bool { return !keep(f) })
	slices.SortStableFunc(flags, less)
	return flags, nil
}

// hiddenContexts are the creation contexts whose flags belong to something
// else and are not listed.
var hiddenContexts = []string{"surveys", "product_tours"}

func (q *FlagFilter) predicate(now time.Time) (func(store.Flag) bool, error) {
	search, err := searchPattern(q.Search)
	if err != nil {
		return nil, err
	}
	return func(f store.Flag) bool {
		return !slices.Contains(hiddenContexts, f.CreationContext) &&
			f.Archived == (q.Archived != nil && *q.Archived) &&
			q.matchesActive(f, now) &&
			(len(q.CreatedBy) == 0 || slices.Contains(q.CreatedBy, f.CreatedBy)) &&
			(search == nil || search.MatchString(f.Key) || search.MatchString(f.Name)) &&
			(q.Key == "" || strings.EqualFold(q.Key, f.Key)) &&
			(q.Type == "" || flagType(f, q.Type)) &&
			(q.Runtime == "" || q.Runtime == f.Runtime) &&
			(len(q.Tags) == 0 || overlap(q.Tags, f.Tags)) &&
			!overlap(q.ExcludedTags, f.Tags) &&
			!slices.Contains(q.ExcludedKeys, f.Key) &&
			(q.HasContexts == nil || *q.HasContexts == (len(f.Contexts) > 0)) &&
			(!q.ForExperiment || EligibleForExperiment(f))
	}, nil
}

func (q *FlagFilter) matchesActive(f store.Flag, now time.Time) bool {
	switch q.Active {
	case "true":
		return f.Active
	case "false":
		return !f.Active
	case "STALE":
		return stale(f, now)
	}
	return true
}

// searchPattern makes a search term into a pattern in which runs of spaces
// stand for any run of spaces, dashes and underscores; nil if it is empty.
func searchPattern(term string) (*regexp.Regexp, error) {
	if tooLong("", term, maxSearch) != nil {
		return nil, invalid("search", "invalid", "Search term cannot exceed %d characters", maxSearch)
	}
	words := strings.Fields(term)
	if len(words) == 0 {
		return nil, nil
	}
	for i, w := range words {
		words[i] = regexp.QuoteMeta(w)
	}
	return regexp.Compile(`(?i)` + strings.Join(words, `[\s_-]+`))
}

func flagType(f store.Flag, want string) bool {
	switch want {
	case "boolean":
		return len(variantsOf(f.Filters)) == 0
	case "multivariant":
		return len(variantsOf(f.Filters)) > 0
	case "experiment":
		return f.HasExperiment
	case "remote_config":
		return isTrue(f.RemoteConfiguration)
	}
	return true
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool {
		return slices.ContainsFunc(b, func(t string) bool { return strings.EqualFold(strings.TrimSpace(s), t) })
	})
}

// flagOrder returns the comparison for a field name.
func flagOrder(order string) (func(a, b store.Flag) int, error) {
	if order == "" {
		order = "-created_at"
	}
	name, descending := strings.CutPrefix(order, "-")
	by, ok := flagOrders[name]
	if !ok {
		return nil, invalid("order", "invalid_choice", "\"%s\" is not a valid choice.", order)
	}
	return func(a, b store.Flag) int {
		n := cmp.Or(by(a, b), cmp.Compare(a.ID, b.ID))
		if descending {
			return -n
		}
		return n
	}, nil
}

var flagOrders = map[string]func(a, b store.Flag) int{
	"id":             func(a, b store.Flag) int { return cmp.Compare(a.ID, b.ID) },
	"key":            func(a, b store.Flag) int { return strings.Compare(a.Key, b.Key) },
	"name":           func(a, b store.Flag) int { return strings.Compare(a.Name, b.Name) },
	"created_at":     func(a, b store.Flag) int { return a.CreatedAt.Compare(b.CreatedAt) },
	"updated_at":     func(a, b store.Flag) int { return a.UpdatedAt.Compare(b.UpdatedAt) },
	"last_called_at": func(a, b store.Flag) int { return a.LastCalledAt.Compare(b.LastCalledAt) },
}
