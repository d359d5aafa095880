package manage

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/guidon-flags/guidon/internal/pattern"
	"github.com/guidon-flags/guidon/internal/store"
	"github.com/guidon-flags/guidon/internal/wire/filters"
)

// checkDefinition checks the definition of a dynamic cohort and brings it into
// its stored form (7).
func checkDefinition(tx store.Tx, c *store.Cohort) error {
	event, _, err := eventCriterion(tx, *c)
	if err != nil {
		return err
	}
	if event != nil && c.ID != 0 {
		flags, err := flagsUsing(tx, *c)
		if err != nil {
			return err
		}
		if len(flags) > 0 {
			return invalid("filters", "behavioral_cohort_found", "Behavioral filters cannot be added to cohorts used in feature flags.")
		}
	}
	checked, violation := filters.ValidateCohort(c.Filters, 0)
	if violation != nil {
		return refusedFilters(violation)
	}
	c.Filters = checked
	refs := filters.ReadCohortReferences(c.Filters, nil)
	for _, p := range refs.Patterns {
		if _, err := pattern.Compile(p.Source); err != nil {
			return invalid("filters", "invalid", "%s: invalid regex pattern", p.Path)
		}
	}
	for _, id := range refs.Cohorts {
		if c.ID != 0 && id == c.ID {
			return errCohortLoop()
		}
		if _, err := liveCohort(tx, c.Project, filters.Reference{ID: id, OK: true, Text: strconv.FormatInt(id, 10)}); err != nil {
			return err
		}
	}
	return checkNoLoop(tx, *c)
}

// checkNoLoop checks that no way along the references of c leads back to it.
func checkNoLoop(tx store.CohortReader, c store.Cohort) error {
	if c.ID == 0 {
		return nil // nothing can refer to a cohort that is not there yet
	}
	loop := false
	err := walkCohorts(tx, c, func(_ store.Cohort, refs filters.CohortReferences) bool {
		loop = slices.Contains(refs.Cohorts, c.ID)
		return !loop
	})
	if err == nil && loop {
		err = errCohortLoop()
	}
	return err
}

func errCohortLoop() error {
	return invalid("filters", "invalid", "Cohorts cannot reference other cohorts in a loop.")
}

// eventCriterion finds the first criterion of a cohort, or of a cohort that it
// refers to, that needs event history, with the name of the cohort that has
// it; nil if there is none. The walk stops at static cohorts, whatever criteria
// they carry.
func eventCriterion(tx store.CohortReader, c store.Cohort) (event *filters.EventCriterion, cohort string, err error) {
	err = walkCohorts(tx, c, func(c store.Cohort, refs filters.CohortReferences) bool {
		if len(refs.Events) == 0 {
			return true
		}
		event, cohort = &refs.Events[0], c.Name
		return false
	})
	return event, cohort, err
}

// walkCohorts visits a cohort and those that it refers to, each once, without
// static ones, until visit returns false.
func walkCohorts(tx store.CohortReader, c store.Cohort, visit func(store.Cohort, filters.CohortReferences) bool) error {
	queue := []store.Cohort{c}
	seen := map[int64]bool{c.ID: true}
	for i := 0; i < len(queue); i++ {
		if queue[i].Static {
			continue
		}
		refs := filters.ReadCohortReferences(queue[i].Filters, queue[i].Groups)
		if !visit(queue[i], refs) {
			return nil
		}
		for _, id := range refs.Cohorts {
			if seen[id] {
				continue
			}
			seen[id] = true
			next, err := tx.Cohort(c.Project, id)
			if errors.Is(err, store.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			queue = append(queue, next)
		}
	}
	return nil
}

// checkCohortUnused refuses to delete a cohort that active flags use.
func checkCohortUnused(tx store.ReadTx, c store.Cohort) error {
	flags, err := flagsUsing(tx, c)
	if err != nil || len(flags) == 0 {
		return err
	}
	keys := make([]string, len(flags))
	for i, f := range flags {
		keys[i] = f.Key
	}
	return refused("This cohort is used in %d active feature flag(s): %s. Please remove the cohort from these feature flags before deleting it.", len(flags), strings.Join(keys, ", "))
}

// flagsUsing lists the live active flags whose conditions name a cohort,
// directly or through another one, by key.
func flagsUsing(tx store.ReadTx, c store.Cohort) ([]store.Flag, error) {
	users, err := cohortsUsing(tx, c)
	if err != nil {
		return nil, err
	}
	all, err := tx.Flags(c.Project, false)
	if err != nil {
		return nil, err
	}
	var out []store.Flag
	for _, f := range all {
		if f.Active && slices.ContainsFunc(cohortReferences(f.Filters), func(id int64) bool { return users[id] }) {
			out = append(out, f)
		}
	}
	slices.SortFunc(out, func(a, b store.Flag) int { return strings.Compare(a.Key, b.Key) })
	return out, nil
}

// cohortsUsing returns the ids of c and of the live cohorts that refer to it,
// however indirectly.
func cohortsUsing(tx store.CohortReader, c store.Cohort) (map[int64]bool, error) {
	all, err := tx.Cohorts(c.Project, false)
	if err != nil {
		return nil, err
	}
	refersTo := make(map[int64][]int64) // who refers to a cohort
	for _, other := range all {
		if other.Static {
			continue
		}
		for _, id := range filters.ReadCohortReferences(other.Filters, other.Groups).Cohorts {
			refersTo[id] = append(refersTo[id], other.ID)
		}
	}
	users := map[int64]bool{c.ID: true}
	queue := []int64{c.ID}
	for i := 0; i < len(queue); i++ {
		for _, user := range refersTo[queue[i]] {
			if !users[user] {
				users[user] = true
				queue = append(queue, user)
			}
		}
	}
	return users, nil
}
