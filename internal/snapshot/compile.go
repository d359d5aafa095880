package snapshot

import (
	"fmt"
	"runtime/debug"

	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/store"
	"github.com/guidon-flags/guidon/internal/wire/filters"
	"github.com/guidon-flags/guidon/internal/wire/jsonval"
)

// Compile makes a Version of a project as it is stored, which it keeps. What
// cannot be compiled is among the Version's Faults; an error means a defect of
// ours that the definitions have brought to light.
func Compile(defs store.Definitions) (v *Version, err error) {
	defer func() {
		if r := recover(); r != nil {
			v, err = nil, fmt.Errorf("compiling project %d panicked: %v\n%s", defs.Project.ID, r, debug.Stack())
		}
	}()
	v = &Version{Definitions: defs}
	p := &feature.Project{
		ID:               defs.Project.ID,
		TimeZone:         defs.Project.TimeZone,
		ExplicitMatching: defs.Project.MatchingVersion == 2,
		RealtimeCohorts:  realtimeCohorts(&defs.Project),
	}
	for _, g := range defs.GroupTypes {
		if 0 <= g.Index && g.Index < feature.MaxGroupTypes {
			p.GroupTypes[g.Index] = g.Name
		}
	}
	for i := range defs.Flags {
		f := &defs.Flags[i]
		if f.Deleted || isTrue(f.EncryptedPayloads) && isTrue(f.RemoteConfiguration) {
			continue // 1.1: not loaded for evaluation at all
		}
		flag, err := convertFlag(f)
		if err != nil {
			// 1.1.2: as if the flag did not exist.
			v.Faults = append(v.Faults, eval.Fault{Flag: f.Key, Reason: err.Error()})
			continue
		}
		p.Flags = append(p.Flags, flag)
		v.Stored = append(v.Stored, i)
	}
	for i := range defs.Cohorts {
		if !defs.Cohorts[i].Deleted {
			p.Cohorts = append(p.Cohorts, convertCohort(&defs.Cohorts[i]))
		}
	}
	var faults []eval.Fault
	v.Program, faults = eval.Compile(p)
	v.Faults = append(v.Faults, faults...)
	return v, nil
}

// realtimeCohorts reports whether memberships of realtime and behavioural
// cohorts are stored with the persons, as where another system keeps them up
// to date (6.2). It is the project setting realtime_cohorts_enabled.
func realtimeCohorts(p *store.Project) bool {
	on := false
	err := jsonval.Members(p.Settings, func(name, value []byte) error {
		if string(name) == "realtime_cohorts_enabled" {
			on = string(value) == "true"
		}
		return nil
	})
	return err == nil && on
}

func convertFlag(f *store.Flag) (feature.Flag, error) {
	flag := feature.Flag{
		ID:                f.ID,
		Key:               f.Key,
		Version:           f.Version,
		Active:            f.Active,
		Continuity:        isTrue(f.Continuity),
		BucketByDevice:    f.BucketingIdentifier == "device_id",
		HasExperiment:     f.HasExperiment,
		Runtime:           runtimeOf(f.Runtime),
		EvaluationContext: f.Contexts,
	}
	config, err := filters.Read(f.Filters, filters.Limits{})
	if err != nil {
		return flag, err
	}
	config.Set(&flag)
	return flag, nil
}

func convertCohort(c *store.Cohort) feature.Cohort {
	cohort := feature.Cohort{ID: c.ID, Name: c.Name, Kind: filters.CohortKind(c.Kind), Static: c.Static}
	if !c.Static {
		cohort.Root, cohort.Malformed = filters.ReadCohort(c.Filters, c.Groups)
	}
	return cohort
}

func runtimeOf(name string) feature.Runtime {
	switch name {
	case "client":
		return feature.RuntimeClient
	case "server":
		return feature.RuntimeServer
	}
	return feature.RuntimeAny
}

func isTrue(b *bool) bool { return b != nil && *b }
