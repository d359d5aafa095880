package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sort"
	"strconv"

	"github.com/guidon-flags/guidon/internal/store"
)

// fileFlag is a flag in a definitions file. Both the feed that SDKs download
// and the management API write flags in this form.
type fileFlag struct {
	ID                  int64           `json:"id"`
	Key                 string          `json:"key"`
	Name                string          `json:"name"`
	Active              *bool           `json:"active"`
	Deleted             bool            `json:"deleted"`
	Version             int64           `json:"version"`
	Continuity          *bool           `json:"ensure_experience_continuity"`
	Runtime             string          `json:"evaluation_runtime"`
	BucketingIdentifier string          `json:"bucketing_identifier"`
	Contexts            []string        `json:"evaluation_contexts"`
	HasExperiment       *bool           `json:"has_experiment"`
	Filters             json.RawMessage `json:"filters"`
}

// definitionsFile is what `guidon eval` reads: the body of /flags/definitions,
// a page of the management API's flag list, or a plain list of flags.
type definitionsFile struct {
	Flags           []fileFlag                 `json:"flags"`
	Results         []fileFlag                 `json:"results"`
	GroupTypes      map[string]string          `json:"group_type_mapping"`
	Cohorts         map[string]json.RawMessage `json:"cohorts"`
	MatchingVersion int                        `json:"property_matching_version"`
	TimeZone        string                     `json:"timezone"`
}

// readDefinitions reads a definitions file as if it were stored.
func readDefinitions(name string) (store.Definitions, error) {
	raw, err := os.ReadFile(name)
	if err != nil {
		return store.Definitions{}, err
	}
	var file definitionsFile
	if err := json.Unmarshal(raw, &file); err != nil {
		if json.Unmarshal(raw, &file.Flags) != nil {
			return store.Definitions{}, fmt.Errorf("%s: %w", name, err)
		}
	}
	defs, err := file.definitions()
	if err != nil {
		return defs, fmt.Errorf("%s: %w", name, err)
	}
	return defs, nil
}

func (file *definitionsFile) definitions() (store.Definitions, error) {
	flags := append(file.Flags, file.Results...)
	if len(flags) == 0 {
		return store.Definitions{}, errors.New(`holds no flags; want {"flags": [...]}, as /flags/definitions answers, or a list of flags`)
	}
	defs := store.Definitions{Project: store.Project{ID: 1, TimeZone: file.TimeZone, MatchingVersion: file.MatchingVersion}}
	if defs.Project.MatchingVersion == 0 {
		defs.Project.MatchingVersion = 2
	}
	ids := make(map[string]int64, len(flags))
	for i := range flags {
		if flags[i].ID == 0 {
			flags[i].ID = int64(i) + 1
		}
		if flags[i].Key == "" {
			return defs, fmt.Errorf("flags[%d].key is missing", i)
		}
		if _, twice := ids[flags[i].Key]; twice {
			return defs, fmt.Errorf("flags[%d].key: %q is there twice", i, flags[i].Key)
		}
		ids[flags[i].Key] = flags[i].ID
	}
	for i := range flags {
		f, err := flags[i].record(ids)
		if err != nil {
			return defs, fmt.Errorf("flags[%d].filters: %w", i, err)
		}
		if !f.Deleted {
			defs.Flags = append(defs.Flags, f)
		}
	}
	for index, name := range file.GroupTypes {
		i, err := strconv.Atoi(index)
		if err != nil || i < 0 || i > 4 {
			return defs, fmt.Errorf("group_type_mapping: %q is not an index from 0 to 4", index)
		}
		defs.GroupTypes = append(defs.GroupTypes, store.GroupType{Project: 1, Index: i, Name: name})
	}
	for text, tree := range file.Cohorts {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return defs, fmt.Errorf("cohorts: %q is not an id", text)
		}
		filters, err := json.Marshal(map[string]json.RawMessage{"properties": tree})
		if err != nil {
			return defs, fmt.Errorf("cohorts.%s: %w", text, err)
		}
		defs.Cohorts = append(defs.Cohorts, store.Cohort{ID: id, Project: 1, Filters: filters})
	}
	sort.Slice(defs.Cohorts, func(i, j int) bool { return defs.Cohorts[i].ID < defs.Cohorts[j].ID })
	return defs, nil
}

func (f *fileFlag) record(ids map[string]int64) (store.Flag, error) {
	filters, err := dependenciesByID(f.Filters, ids)
	if err != nil {
		return store.Flag{}, err
	}
	return store.Flag{
		ID: f.ID, Project: 1, Key: f.Key, Name: f.Name, Filters: filters,
		Active: f.Active == nil || *f.Active, Deleted: f.Deleted, Version: f.Version,
		Continuity: f.Continuity, Runtime: f.Runtime, BucketingIdentifier: f.BucketingIdentifier,
		Contexts: f.Contexts, HasExperiment: f.HasExperiment == nil || *f.HasExperiment,
	}, nil
}

// dependenciesByID turns dependencies that name a flag's key, as the feed has
// them, into those that name its id, as they are stored. Everything else in
// the document stays as it is.
func dependenciesByID(raw json.RawMessage, ids map[string]int64) (json.RawMessage, error) {
	if len(raw) == 0 {
		return json.RawMessage(`{"groups": []}`), nil
	}
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, err
	}
	var groups []map[string]json.RawMessage
	if json.Unmarshal(doc["groups"], &groups) != nil {
		return raw, nil // the reader of the document says what is wrong with it
	}
	for _, group := range groups {
		var properties []map[string]json.RawMessage
		if json.Unmarshal(group["properties"], &properties) != nil {
			continue
		}
		for _, p := range properties {
			var kind, key string
			if json.Unmarshal(p["type"], &kind) != nil || kind != "flag" || json.Unmarshal(p["key"], &key) != nil {
				continue
			}
			if id, ok := ids[key]; ok {
				p["key"] = json.RawMessage(strconv.Quote(strconv.FormatInt(id, 10)))
			}
		}
		text, err := json.Marshal(properties)
		if err != nil {
			return nil, err
		}
		group["properties"] = text
	}
	text, err := json.Marshal(groups)
	if err != nil {
		return nil, err
	}
	doc["groups"] = text
	return json.Marshal(doc)
}
