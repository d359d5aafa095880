// Package identitytest runs the identity scenarios of conformance/identity, in
// the form that the README there describes, against a store and whatever
// applies events to it. Suites of several packages use it: the rules by
// themselves, and the server's handlers.
package identitytest

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Token is the token of the project that scenarios run in.
const Token = "phc_conformance_identity"

// File is one file of scenarios.
type File struct {
	Format   string `json:"format"`
	Category string `json:"category"`
	Token    string `json:"token"`
	Cases    []Case `json:"cases"`
}

// Case is one scenario.
type Case struct {
	ID      string  `json:"id"`
	Title   string  `json:"title"`
	Initial Initial `json:"initial"`
	Steps   []Step  `json:"steps"`
	Expect  Expect  `json:"expect"`
}

// Initial is the state before the first step.
type Initial struct {
	Team struct {
		OptOut bool `json:"person_processing_opt_out"`
	} `json:"team"`
	Persons   []Person   `json:"persons"`
	Flags     []Flag     `json:"flags"`
	Overrides []Override `json:"hash_key_overrides"`
	Cohorts   []Cohort   `json:"static_cohorts"`
}

// Step is one request: events to capture, or an exact HTTP request.
type Step struct {
	Capture []json.RawMessage `json:"capture"`
	HTTP    *HTTPRequest      `json:"http"`
	Expect  ExpectResponse    `json:"expect_response"`
}

// HTTPRequest is an exact request.
type HTTPRequest struct {
	Method     string            `json:"method"`
	Path       string            `json:"path"`
	Query      string            `json:"query"`
	Headers    map[string]string `json:"headers"`
	JSON       json.RawMessage   `json:"json"`
	Text       string            `json:"body"`
	BodyBase64 string            `json:"body_base64"`
}

// Body returns the bytes to send.
func (r *HTTPRequest) Body(t *testing.T) []byte {
	t.Helper()
	switch {
	case r.JSON != nil:
		return r.JSON
	case r.BodyBase64 != "":
		b, err := base64.StdEncoding.DecodeString(r.BodyBase64)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	return []byte(r.Text)
}

// ExpectResponse is what the answer to an HTTPRequest must be.
type ExpectResponse struct {
	Status       int             `json:"status"`
	JSON         json.RawMessage `json:"json"`
	JSONSubset   json.RawMessage `json:"json_subset"`
	TextContains string          `json:"text_contains"`
	Empty        bool            `json:"empty"`
	ResultAnyOf  []string        `json:"result_any_of"` // in place of each result in JSON
}

// Expect is the state after the last step. Nil lists are not compared.
type Expect struct {
	Persons      []Person    `json:"persons"`
	Groups       []Group     `json:"groups"`
	GroupTypes   []GroupType `json:"group_types"`
	Overrides    []Override  `json:"hash_key_overrides"`
	Cohorts      []Cohort    `json:"static_cohorts"`
	Flags        []Flag      `json:"flags"`
	Warnings     []string    `json:"warnings"`
	CheckCreator bool        `json:"check_creator_event_uuid"`
}

// Person is a person as scenarios write it.
type Person struct {
	DistinctIDs      []string        `json:"distinct_ids"`
	Properties       json.RawMessage `json:"properties"`
	Identified       bool            `json:"is_identified"`
	CreatedAt        *time.Time      `json:"created_at"`
	UUIDOfDistinctID string          `json:"uuid_of_distinct_id"`
}

// Flag is a flag.
type Flag struct {
	Key          string     `json:"key"`
	LastCalledAt *time.Time `json:"last_called_at"`
}

// Override is a sticky assignment; DistinctID names the person.
type Override struct {
	DistinctID string   `json:"distinct_id"`
	FlagKey    string   `json:"feature_flag_key"`
	HashKey    string   `json:"hash_key"`
	AnyOf      []string `json:"hash_key_any_of"`
}

// Cohort is a static cohort; Members are distinct ids that name persons.
type Cohort struct {
	Name    string   `json:"name"`
	Members []string `json:"members"`
}

// Group is a group.
type Group struct {
	Index      int             `json:"group_type_index"`
	Key        string          `json:"group_key"`
	Properties json.RawMessage `json:"group_properties"`
}

// GroupType is a group type with its index.
type GroupType struct {
	Name  string `json:"group_type"`
	Index int    `json:"group_type_index"`
}

// Load reads all scenario files of dir but those whose names are left out.
func Load(t *testing.T, dir string, except ...string) []File {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no scenarios in %s: %v", dir, err)
	}
	var files []File
	for _, name := range names {
		if contains(except, filepath.Base(name)) {
			continue
		}
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var f File
		if err := json.Unmarshal(data, &f); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !strings.HasPrefix(f.Format, "identity-scenarios/") || f.Token != Token {
			t.Fatalf("%s: format %q, token %q", name, f.Format, f.Token)
		}
		files = append(files, f)
	}
	return files
}

func contains(list []string, s string) bool {
	for _, have := range list {
		if have == s {
			return true
		}
	}
	return false
}
