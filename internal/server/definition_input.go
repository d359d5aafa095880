package server

import (
	"slices"
	"strconv"
	"strings"

	"github.com/guidon-flags/guidon/internal/decide"
	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/snapshot"
	"github.com/guidon-flags/guidon/internal/wire/posthog"
)

// definitionInput collects what the definitions of a version are made of.
func definitionInput(v *snapshot.Version) posthog.DefinitionInput {
	in := posthog.DefinitionInput{
		Project:         v.Project.ID,
		GroupTypes:      make(map[int]string, len(v.GroupTypes)),
		MatchingVersion: v.Project.MatchingVersion,
	}
	for _, g := range v.GroupTypes {
		in.GroupTypes[g.Index] = g.Name
	}
	chains := newChains(v.Program)
	for i := range v.Flags {
		f := &v.Flags[i]
		in.Flags = append(in.Flags, posthog.DefinitionFlag{
			ID: f.ID, Key: f.Key, Name: f.Name, Active: f.Active, Version: f.Version,
			Continuity:          isTrue(f.Continuity),
			EncryptedPayloads:   isTrue(f.EncryptedPayloads),
			RemoteConfiguration: isTrue(f.RemoteConfiguration),
			Runtime:             f.Runtime,
			BucketingIdentifier: f.BucketingIdentifier,
			Contexts:            f.Contexts,
			HasExperiment:       f.HasExperiment,
			SurveyOwned:         f.CreationContext == "surveys" || strings.HasPrefix(f.Key, decide.SurveyPrefix),
			Filters:             f.Filters,
			DependencyChain:     chains.to,
		})
	}
	for i := range v.Cohorts {
		c := &v.Cohorts[i]
		in.Cohorts = append(in.Cohorts, posthog.DefinitionCohort{
			ID: c.ID, Static: c.Static, Filters: c.Filters, Groups: c.Groups,
		})
	}
	return in
}

func isTrue(b *bool) bool { return b != nil && *b }

// chains finds the order in which the dependencies of flags are evaluated.
type chains struct {
	byID map[int64]*feature.Flag
	made map[int64][]string // by flag; nil: missing, or in a cycle or behind one
}

func newChains(p *eval.Program) *chains {
	c := &chains{byID: make(map[int64]*feature.Flag, p.Len()), made: make(map[int64][]string)}
	for i := range p.Len() {
		f := p.Flag(i)
		c.byID[f.ID] = f
	}
	return c
}

// to returns the keys of all that flag id depends on, each after its own
// dependencies, and its own key last; nil if it or one of them is missing or
// in a cycle.
func (c *chains) to(id int64) []string {
	if chain, ok := c.made[id]; ok {
		return chain
	}
	c.made[id] = nil // what comes back here is in a cycle
	f, ok := c.byID[id]
	if !ok {
		return nil
	}
	var chain []string
	for _, dependency := range dependencies(f) {
		before := c.to(dependency)
		if before == nil {
			return nil
		}
		for _, key := range before {
			if !slices.Contains(chain, key) {
				chain = append(chain, key)
			}
		}
	}
	chain = append(chain, f.Key)
	c.made[id] = chain
	return chain
}

// dependencies lists the ids of the flags that f names, each once, in the order
// of its conditions or rules. An id that cannot be read is -1, which no flag
// has.
func dependencies(f *feature.Flag) []int64 {
	var ids []int64
	add := func(properties []feature.Property) {
		for i := range properties {
			if properties[i].Type != feature.FlagDependency {
				continue
			}
			id, err := strconv.ParseInt(properties[i].Key, 10, 64)
			if err != nil {
				id = -1
			}
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	if f.Targeting != nil {
		for i := range f.Targeting.Conditions {
			add(f.Targeting.Conditions[i].Properties)
		}
	}
	if f.Rules != nil {
		for i := range f.Rules.Rules {
			add(f.Rules.Rules[i].Properties)
		}
	}
	return ids
}
