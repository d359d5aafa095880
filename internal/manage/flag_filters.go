package manage

import (
	"errors"
	"slices"
	"strings"

	"github.com/guidon-flags/guidon/internal/pattern"
	"github.com/guidon-flags/guidon/internal/store"
	"github.com/guidon-flags/guidon/internal/wire/filters"
)

// maxDependencyDepth is how long a chain of flag dependencies may be.
const maxDependencyDepth = 100

// setFilters merges given into f's filters and checks the result: its form by
// package filters, then what it refers to, then that the evaluator's compiler
// accepts it (5.4, 6). stored is the flag as it was, nil on create.
func (c *core) setFilters(tx store.Tx, f, stored *store.Flag, given store.JSON) error {
	opts, err := filterOptions(tx, f.Project)
	if err != nil {
		return err
	}
	opts.Create = stored == nil
	doc := given
	if stored != nil {
		merged, violation := filters.Merge(stored.Filters, given)
		if violation != nil {
			return refusedFilters(violation)
		}
		doc = merged
	}
	doc, violation := filters.Validate(doc, opts)
	if violation != nil {
		return refusedFilters(violation)
	}
	f.Filters = doc
	check := contextCheck{tx: tx, flag: f, stored: stored, refs: filters.ReadReferences(doc)}
	for _, rule := range []func() error{check.earlyAccess, check.dependencies, check.patterns, check.cohorts} {
		if err := rule(); err != nil {
			return err
		}
	}
	return checkCompiles(tx, f, stored)
}

func refusedFilters(v *filters.Violation) error { return invalid("filters", v.Code, "%s", v.Detail) }

// filterOptions says how a project wants filters to be checked.
func filterOptions(tx store.ReadTx, project int64) (filters.Options, error) {
	var opts filters.Options
	p, err := tx.Project(project)
	if err != nil {
		return opts, err
	}
	if text(readSettings(p).get("filters_enforcement")) == "safety" {
		opts.Enforcement = filters.EnforceSafety
	}
	types, err := tx.GroupTypes(project)
	for _, t := range types {
		opts.GroupTypes = append(opts.GroupTypes, t.Index)
	}
	return opts, err
}

// checkCompiles refuses what the evaluator's compiler does not accept, unless
// the stored flag has the same fault already.
func checkCompiles(tx store.ReadTx, f, stored *store.Flag) error {
	faults, err := faultsOf(tx, *f)
	if err != nil || len(faults) == 0 {
		return err
	}
	var known []string
	if stored != nil {
		if known, err = faultsOf(tx, *stored); err != nil {
			return err
		}
	}
	for _, fault := range faults {
		if !slices.Contains(known, fault) {
			return invalid("filters", "invalid", "%s", fault)
		}
	}
	return nil
}

// contextCheck checks filters of valid form against the rest of the project
// (6.3). Errors have the attribute "filters".
type contextCheck struct {
	tx     store.Tx
	flag   *store.Flag
	stored *store.Flag // nil on create
	refs   filters.References
}

func (c *contextCheck) earlyAccess() error {
	if c.stored == nil || len(c.refs.GroupTypes) == 0 {
		return nil
	}
	features, err := featuresOf(c.tx, *c.stored)
	if err != nil || len(features) == 0 {
		return err
	}
	return invalid("filters", "invalid", "Cannot use group aggregation in any condition set when the flag is linked to an Early Access Feature.")
}

func (c *contextCheck) dependencies() error {
	if c.refs.AllGroups {
		return nil
	}
	for _, ref := range c.refs.Flags {
		if err := c.dependency(ref); err != nil {
			return err
		}
	}
	return c.acyclic(*c.flag, nil, make(map[int64]bool))
}

func (c *contextCheck) dependency(ref filters.Reference) error {
	if !ref.OK {
		return invalid("filters", "invalid", "Flag dependencies must reference flag IDs (integers), not flag keys. Invalid reference: '%s'", ref.Text)
	}
	if c.stored != nil && ref.ID == c.stored.ID {
		return invalid("filters", "invalid", "Feature flag '%s' cannot depend on itself", c.flag.Key)
	}
	dep, err := c.tx.Flag(c.flag.Project, ref.ID)
	switch {
	case errors.Is(err, store.ErrNotFound) || err == nil && dep.Deleted:
		return invalid("filters", "invalid", "Flag dependency references non-existent flag with ID %d", ref.ID)
	case err != nil:
		return err
	case !dep.Active:
		return invalid("filters", "invalid", "Cannot create dependency on disabled flag '%s' (ID: %d). Flag dependencies must reference active flags only.", dep.Key, dep.ID)
	}
	return nil
}

// acyclic walks along the dependencies of f, which was reached by path, and
// refuses a way back to the flag itself, or one that is too long.
func (c *contextCheck) acyclic(f store.Flag, path []string, done map[int64]bool) error {
	path = append(path, f.Key)
	if len(path) > maxDependencyDepth {
		return invalid("filters", "invalid", "Flag dependencies are nested deeper than %d levels.", maxDependencyDepth)
	}
	for _, id := range flagReferences(f.Filters) {
		if c.stored != nil && id == c.stored.ID {
			return invalid("filters", "invalid", "Circular dependency detected: %s", strings.Join(append(path, c.flag.Key), " → "))
		}
		if done[id] {
			continue
		}
		done[id] = true
		dep, err := c.tx.Flag(f.Project, id)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if err := c.acyclic(dep, path, done); err != nil {
			return err
		}
	}
	return nil
}

// patterns checks regular expressions that are not stored on this flag already,
// with the engine that will evaluate them.
func (c *contextCheck) patterns() error {
	var known []filters.Pattern
	if c.stored != nil {
		known = filters.ReadReferences(c.stored.Filters).Patterns
	}
	for _, p := range c.refs.Patterns {
		if slices.ContainsFunc(known, func(k filters.Pattern) bool { return k.Source == p.Source }) {
			continue
		}
		if _, err := pattern.Compile(p.Source); err != nil {
			return invalid("filters", "invalid", "%s: invalid regex pattern", p.Path)
		}
	}
	return nil
}

// cohorts checks that the cohorts named exist and can be used by flags.
func (c *contextCheck) cohorts() error {
	for _, ref := range c.refs.Cohorts {
		cohort, err := liveCohort(c.tx, c.flag.Project, ref)
		if err != nil {
			return err
		}
		event, name, err := eventCriterion(c.tx, cohort)
		if err != nil {
			return err
		}
		if event != nil {
			return invalid("filters", "behavioral_cohort_found", "Cohort '%s' has an event-based condition on '%s' (%s) and cannot be used in feature flags.", name, event.Key, event.What)
		}
	}
	return nil
}

// liveCohort finds a cohort that filters name.
func liveCohort(tx store.CohortReader, project int64, ref filters.Reference) (store.Cohort, error) {
	gone := invalid("filters", "cohort_does_not_exist", "Cohort with id %s does not exist", ref.Text)
	if !ref.OK {
		return store.Cohort{}, gone
	}
	cohort, err := tx.Cohort(project, ref.ID)
	if errors.Is(err, store.ErrNotFound) || err == nil && cohort.Deleted {
		return cohort, gone
	}
	return cohort, err
}
