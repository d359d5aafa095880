package evaltest

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/wire/filters"
	"github.com/guidon-flags/guidon/internal/wire/jsonval"
)

// DefaultNow is the time of requests that name none.
var DefaultNow = time.Date(2024, 3, 31, 12, 0, 0, 0, time.UTC)

// Definitions returns the project's definitions as a store would hand them
// out: without deleted flags and those that cannot be decoded.
func (c *Case) Definitions() *feature.Project {
	p := &feature.Project{
		ID:               1,
		TimeZone:         c.Project.TimeZone,
		ExplicitMatching: c.Request.Explicit == nil || *c.Request.Explicit,
		RealtimeCohorts:  c.Project.Realtime,
	}
	for g, name := range c.Project.GroupTypeMapping {
		if g >= 0 && g < feature.MaxGroupTypes {
			p.GroupTypes[g] = name
		}
	}
	for i := range c.Project.Flags {
		if f, ok := c.Project.Flags[i].definition(); ok {
			p.Flags = append(p.Flags, f)
		}
	}
	for i := range c.Project.Cohorts {
		if co := &c.Project.Cohorts[i]; !co.Deleted {
			p.Cohorts = append(p.Cohorts, co.definition())
		}
	}
	return p
}

func (f *Flag) definition() (feature.Flag, bool) {
	if f.Deleted {
		return feature.Flag{}, false
	}
	out := feature.Flag{
		ID: f.ID, Key: f.Key, Version: f.Version, Active: f.Active,
		Continuity:     f.Continuity != nil && *f.Continuity,
		BucketByDevice: f.Bucketing != nil && *f.Bucketing == "device_id",
		HasExperiment:  true,
	}
	cfg, err := filters.Read(f.Filters, filters.Limits{})
	if err != nil {
		return feature.Flag{}, false
	}
	cfg.Set(&out)
	return out, true
}

func (co *Cohort) definition() feature.Cohort {
	out := feature.Cohort{ID: co.ID, Static: co.Static}
	if co.Type != nil {
		out.Kind = filters.CohortKind(*co.Type)
	}
	out.Root, out.Malformed = filters.ReadCohort(co.Filters, co.Groups)
	return out
}

// Selection returns what the request asks for and what is excluded.
func (c *Case) Selection(p *eval.Program) eval.Selection {
	var sel eval.Selection
	if c.Request.FlagKeys != nil {
		sel.Wanted = make([]bool, p.Len())
		for _, key := range c.Request.FlagKeys {
			if i, ok := p.Index(key); ok {
				sel.Wanted[i] = true
			}
		}
	}
	if c.Request.Excluded != nil {
		sel.Excluded = make([]bool, p.Len())
		for i := range sel.Excluded {
			sel.Excluded[i] = slices.Contains(c.Request.Excluded, p.Flag(i).ID)
		}
	}
	return sel
}

// SetRequest resets in for p and sets what the request brings.
func (c *Case) SetRequest(p *eval.Program, in *eval.Input) error {
	in.Reset(p)
	in.DistinctID, in.AnonID, in.DeviceID = c.Request.DistinctID, c.Request.AnonID, c.Request.DeviceID
	in.Now = DefaultNow
	if c.Request.Now != "" {
		now, err := time.Parse(time.RFC3339Nano, c.Request.Now)
		if err != nil {
			return err
		}
		in.Now = now
	}
	if c.Request.OverridesOnly {
		in.OverridesOnly()
	}
	err := each(c.Request.PersonProperties, func(name string, v feature.Value) {
		in.SetPerson(p.PersonSlot([]byte(name)), v)
	})
	if err != nil {
		return err
	}
	for typeName, raw := range c.Request.Groups {
		key, err := jsonval.Parse(raw)
		if err != nil {
			return err
		}
		if g, ok := p.GroupIndex(typeName); ok {
			in.SetGroupKey(g, key)
		}
	}
	for typeName, properties := range c.Request.GroupProperties {
		g, ok := p.GroupIndex(typeName)
		if !ok {
			continue
		}
		err := each(properties, func(name string, v feature.Value) {
			in.SetGroup(g, p.GroupSlot(g, []byte(name)), v)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// SetStored sets the stored data that need names, as far as there are any, and
// the faults of the case.
func (c *Case) SetStored(p *eval.Program, in *eval.Input, need eval.Needs) error {
	if need.Person {
		if err := c.setPerson(p, in); err != nil {
			return err
		}
	}
	for g, needed := range need.Groups {
		g := feature.GroupIndex(g)
		if !needed {
			continue
		}
		in.StoreGroup(g)
		for _, row := range c.Project.Groups {
			if row.Type != int(g) || row.Key != in.GroupKey(g) {
				continue
			}
			err := each(row.Properties, func(name string, v feature.Value) {
				in.SetStoredGroup(g, p.GroupSlot(g, []byte(name)), v)
			})
			if err != nil {
				return err
			}
		}
	}
	if need.Overrides {
		c.setOverrides(p, in)
	}
	return nil
}

func (c *Case) setPerson(p *eval.Program, in *eval.Input) error {
	person := c.person(c.Request.DistinctID)
	if person == nil {
		in.StoreNoPerson()
		return nil
	}
	created := DefaultNow
	if person.CreatedAt != "" {
		var err error
		if created, err = time.Parse(time.RFC3339Nano, person.CreatedAt); err != nil {
			return err
		}
	}
	in.StorePerson(created)
	var cohorts []int64
	for _, members := range []map[int64][]int64{c.Project.Members, c.Project.LiveMembers} {
		for cohort, persons := range members {
			if slices.Contains(persons, person.ID) && slices.Contains(p.StaticCohorts(), cohort) {
				cohorts = append(cohorts, cohort)
			}
		}
	}
	slices.Sort(cohorts)
	in.SetCohorts(cohorts)
	return each(person.Properties, func(name string, v feature.Value) {
		in.SetStoredPerson(p.PersonSlot([]byte(name)), v)
	})
}

// setOverrides sets the hash keys of the persons that own the request's ids,
// after those that are missing were written; the owner of the distinct id goes
// first (8.2).
func (c *Case) setOverrides(p *eval.Program, in *eval.Input) {
	if c.Faults.HashKey {
		in.FailOverrides(&eval.Failure{Code: "hash_key_override_error", Description: "Hash key overrides are not available"})
		return
	}
	var persons []int64
	for _, id := range []string{c.Request.AnonID, c.Request.DistinctID} {
		if person := c.person(id); person != nil {
			persons = append(persons, person.ID)
		}
	}
	rows := c.Project.Overrides
	if c.Request.AnonID != "" {
		rows = written(rows, persons, p.ContinuityKeys(), c.Request.AnonID)
	}
	for _, person := range persons {
		for _, o := range rows {
			if i, ok := p.Index(o.Flag); ok && o.Person == person {
				in.SetOverride(i, o.HashKey)
			}
		}
	}
}

// written returns rows and, if the persons lack one for some flag, the one for
// each pair of person and flag that has none.
func written(rows []Override, persons []int64, flags []string, hashKey string) []Override {
	lacking := func(flag string) bool {
		return !slices.ContainsFunc(rows, func(o Override) bool { return o.Flag == flag && slices.Contains(persons, o.Person) })
	}
	if !slices.ContainsFunc(flags, lacking) {
		return rows
	}
	out := slices.Clone(rows)
	for _, person := range persons {
		for _, flag := range flags {
			if !slices.ContainsFunc(out, func(o Override) bool { return o.Flag == flag && o.Person == person }) {
				out = append(out, Override{Person: person, Flag: flag, HashKey: hashKey})
			}
		}
	}
	return out
}

// person finds the person that owns an id. Like that of requests, it counts up
// to its 200th character only (1.7).
func (c *Case) person(distinctID string) *Person {
	if id := []rune(distinctID); len(id) > 200 {
		distinctID = string(id[:200])
	}
	for i := range c.Project.Persons {
		if slices.Contains(c.Project.Persons[i].DistinctIDs, distinctID) {
			return &c.Project.Persons[i]
		}
	}
	return nil
}

func each(properties map[string]json.RawMessage, set func(name string, v feature.Value)) error {
	for name, raw := range properties {
		v, err := jsonval.Parse(raw)
		if err != nil {
			return fmt.Errorf("property %s: %w", name, err)
		}
		set(name, v)
	}
	return nil
}

// Answer turns results into the form of expectations.
func Answer(p *eval.Program, out *eval.Results) Expected {
	e := Expected{Flags: make(map[string]FlagResult), Errors: out.Errors}
	for i := range out.Items {
		r := &out.Items[i]
		code := r.Code()
		f := FlagResult{Enabled: r.Enabled, Payload: json.RawMessage("null"), ReasonCode: &code, Failed: r.Failure != nil}
		if r.Variant != "" {
			f.Variant = &r.Variant
		}
		if r.Payload != "" {
			f.Payload = json.RawMessage(r.Payload)
		}
		if r.Condition >= 0 {
			f.ConditionIndex = &r.Condition
		}
		e.Flags[p.Flag(r.Flag).Key] = f
	}
	return e
}
