package manage

import (
	"errors"
	"slices"

	"github.com/guidon-flags/guidon/internal/snapshot"
	"github.com/guidon-flags/guidon/internal/store"
)

// compile makes of some flags of a project, with all its cohorts, exactly what
// nodes would serve.
func compile(tx store.ReadTx, project int64, flags []store.Flag) (*snapshot.Version, error) {
	p, err := tx.Project(project)
	if err != nil {
		return nil, err
	}
	defs := store.Definitions{Project: p, Flags: flags}
	if defs.GroupTypes, err = tx.GroupTypes(project); err != nil {
		return nil, err
	}
	if defs.Cohorts, err = tx.Cohorts(project, false); err != nil {
		return nil, err
	}
	return snapshot.Compile(defs)
}

// faultsOf lists why a flag cannot be evaluated. The flags it depends on are
// compiled with it.
func faultsOf(tx store.ReadTx, f store.Flag) ([]string, error) {
	flags, err := closure(tx, f)
	if err != nil {
		return nil, err
	}
	v, err := compile(tx, f.Project, flags)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, fault := range v.Faults {
		if fault.Flag == f.Key {
			out = append(out, fault.Reason)
		}
	}
	return out, nil
}

// closure lists a flag and all that it depends on, by id.
func closure(tx store.FlagReader, f store.Flag) ([]store.Flag, error) {
	out := []store.Flag{f}
	for i := 0; i < len(out); i++ {
		for _, id := range flagReferences(out[i].Filters) {
			if slices.ContainsFunc(out, func(g store.Flag) bool { return g.ID == id }) {
				continue
			}
			dep, err := tx.Flag(f.Project, id)
			if err != nil {
				if errors.Is(err, store.ErrNotFound) {
					continue
				}
				return nil, err
			}
			if !dep.Deleted {
				out = append(out, dep)
			}
		}
	}
	return out, nil
}
