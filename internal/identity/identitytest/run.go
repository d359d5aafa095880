package identitytest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/guidon-flags/guidon/internal/identity"
	"github.com/guidon-flags/guidon/internal/store"
)

// Now is the time at which scenarios take place.
var Now = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Setup makes a new project with the initial state of c in st.
func Setup(t testing.TB, st store.Store, c *Case) store.Project {
	t.Helper()
	var project store.Project
	_, err := st.Edit(t.Context(), store.Author{}, func(tx store.Tx) error {
		org := store.Organization{ID: "0190a5e0-0000-7000-8000-000000000001", Name: "o", Slug: "o", CreatedAt: Now, UpdatedAt: Now}
		if err := tx.InsertOrganization(org); err != nil {
			return err
		}
		var err error
		project, err = tx.InsertProject(store.Project{
			UUID: "0190a5e0-0000-7000-8000-000000000002", OrganizationID: org.ID, Name: "p", Token: Token,
			TimeZone: "UTC", MatchingVersion: 1, PersonlessOnly: c.Initial.Team.OptOut,
			Settings: []byte(`{}`), CreatedAt: Now, UpdatedAt: Now,
		})
		if err != nil {
			return err
		}
		for _, f := range c.Initial.Flags {
			_, err := tx.InsertFlag(store.Flag{
				Project: project.ID, Key: f.Key, Active: true, CreatedAt: Now, UpdatedAt: Now,
				Filters: []byte(`{"groups":[{"properties":[],"rollout_percentage":100}]}`),
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	setupPersons(t, st, project.ID, &c.Initial)
	return project
}

func setupPersons(t testing.TB, st store.Store, project int64, in *Initial) {
	t.Helper()
	ids := map[string]int64{} // persons by distinct id
	err := st.Identify(t.Context(), project, func(tx store.IdentityTx) error {
		for _, p := range in.Persons {
			created := Now
			if p.CreatedAt != nil {
				created = *p.CreatedAt
			}
			named := p.UUIDOfDistinctID
			if named == "" {
				named = p.DistinctIDs[0]
			}
			made, err := tx.InsertPerson(store.Person{
				Project: project, UUID: identity.PersonUUID(project, named), Properties: p.Properties,
				Identified: p.Identified, CreatedAt: created,
			}, p.DistinctIDs)
			if err != nil {
				return err
			}
			for _, id := range p.DistinctIDs {
				ids[id] = made.ID
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range in.Overrides {
		if _, err := st.WriteOverrides(t.Context(), project, []string{o.DistinctID}, []string{o.FlagKey}, o.HashKey); err != nil {
			t.Fatal(err)
		}
	}
	_, err = st.Edit(t.Context(), store.Author{}, func(tx store.Tx) error {
		for _, c := range in.Cohorts {
			made, err := tx.InsertCohort(store.Cohort{
				Project: project, Name: c.Name, Static: true, Filters: []byte(`{}`), Groups: []byte(`[]`), CreatedAt: Now, UpdatedAt: Now,
			})
			if err != nil {
				return err
			}
			var members []int64
			for _, id := range c.Members {
				members = append(members, ids[id])
			}
			if _, err := tx.AddCohortMembers(project, made.ID, members); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Request returns the request of a step. Events to capture are one POST to
// /batch/.
func (s *Step) Request(t *testing.T) *http.Request {
	t.Helper()
	if s.HTTP == nil {
		r := httptest.NewRequest(http.MethodPost, "/batch/", bytes.NewReader(Batch(t, s.Capture)))
		r.Header.Set("Content-Type", "application/json")
		return r
	}
	target := s.HTTP.Path
	if s.HTTP.Query != "" {
		target += "?" + s.HTTP.Query
	}
	r := httptest.NewRequest(s.HTTP.Method, target, bytes.NewReader(s.HTTP.Body(t)))
	for name, value := range s.HTTP.Headers {
		r.Header.Set(name, value)
	}
	return r
}

// Batch returns the body of a batch of events.
func Batch(t *testing.T, events []json.RawMessage) []byte {
	t.Helper()
	body, err := json.Marshal(map[string]any{"api_key": Token, "batch": events})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// CheckResponse compares the answer to a step.
func (s *Step) CheckResponse(t *testing.T, res *http.Response) {
	t.Helper()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	want := s.Expect
	if s.HTTP == nil {
		want = ExpectResponse{Status: http.StatusOK, JSON: []byte(`{"status":1}`)}
	}
	if res.StatusCode != want.Status {
		t.Errorf("status %d, want %d; body %s", res.StatusCode, want.Status, body)
	}
	if want.JSON != nil && !sameJSON(want.JSON, body) && !sameResults(&want, body) {
		t.Errorf("body %s, want %s, results %q", body, want.JSON, want.ResultAnyOf)
	}
	if want.JSONSubset != nil && !containsJSON(body, want.JSONSubset) {
		t.Errorf("body %s, want at least %s", body, want.JSONSubset)
	}
	if want.Empty && len(body) > 0 {
		t.Errorf("body %s, want none", body)
	}
	if !strings.Contains(string(body), want.TextContains) {
		t.Errorf("body %q lacks %q", body, want.TextContains)
	}
}

// Check compares the state of a project with what c expects.
func Check(t *testing.T, st store.Store, project int64, c *Case) {
	t.Helper()
	err := st.View(t.Context(), func(tx store.ReadTx) error {
		return errors.Join(
			checkPersons(t, tx, project, &c.Expect),
			checkGroups(t, tx, project, &c.Expect),
			checkCohorts(t, tx, project, &c.Expect),
			checkFlags(t, tx, project, &c.Expect),
			checkWarnings(t, tx, project, &c.Expect),
		)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkPersons(t *testing.T, tx store.ReadTx, project int64, want *Expect) error {
	t.Helper()
	persons, err := tx.Persons(store.PersonQuery{Project: project, Limit: 1000})
	if err != nil {
		return err
	}
	if want.Persons != nil {
		if len(persons) != len(want.Persons) {
			t.Errorf("%d persons, want %d", len(persons), len(want.Persons))
		}
		for i := range want.Persons {
			checkPerson(t, persons, project, &want.Persons[i], want.CheckCreator)
		}
	}
	if want.Overrides == nil {
		return nil
	}
	var got, expected []string
	for _, p := range persons {
		overrides, err := tx.Overrides(project, p.ID)
		if err != nil {
			return err
		}
		for flag, hash := range overrides {
			got = append(got, fmt.Sprint(p.ID, " ", flag, " ", hash))
		}
	}
	for _, o := range want.Overrides {
		p, err := tx.PersonByDistinctID(project, o.DistinctID)
		if err != nil {
			return err
		}
		expected = append(expected, fmt.Sprint(p.ID, " ", o.FlagKey, " ", o.HashKey))
	}
	slices.Sort(got)
	slices.Sort(expected)
	if !slices.Equal(got, expected) {
		t.Errorf("overrides (person, flag, hash key) %q, want %q", got, expected)
	}
	return nil
}

func checkPerson(t *testing.T, persons []store.Person, project int64, want *Person, creator bool) {
	t.Helper()
	i := slices.IndexFunc(persons, func(p store.Person) bool { return sameSet(p.DistinctIDs, want.DistinctIDs) })
	if i < 0 {
		t.Errorf("no person with exactly the distinct ids %q", want.DistinctIDs)
		return
	}
	p := persons[i]
	if got := visible(t, p.Properties, creator); !sameJSON(got, want.Properties) {
		t.Errorf("properties of %q: %s, want %s", want.DistinctIDs, got, want.Properties)
	}
	if p.Identified != want.Identified {
		t.Errorf("identified of %q: %t, want %t", want.DistinctIDs, p.Identified, want.Identified)
	}
	if want.CreatedAt != nil && !p.CreatedAt.Equal(*want.CreatedAt) {
		t.Errorf("created_at of %q: %v, want %v", want.DistinctIDs, p.CreatedAt, want.CreatedAt)
	}
	if id := want.UUIDOfDistinctID; id != "" && p.UUID != identity.PersonUUID(project, id) {
		t.Errorf("uuid of %q: %s is not that of %q", want.DistinctIDs, p.UUID, id)
	}
}

// visible returns properties, without the creator's uuid unless asked for.
func visible(t *testing.T, properties []byte, creator bool) []byte {
	t.Helper()
	if creator {
		return properties
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(properties, &members); err != nil {
		t.Fatalf("stored properties %s: %v", properties, err)
	}
	delete(members, "$creator_event_uuid")
	out, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func checkGroups(t *testing.T, tx store.ReadTx, project int64, want *Expect) error {
	t.Helper()
	types, err := tx.GroupTypes(project)
	if err != nil {
		return err
	}
	var gotTypes, wantTypes, got, expected []string
	for _, typ := range types {
		gotTypes = append(gotTypes, fmt.Sprint(typ.Index, " ", typ.Name))
		groups, err := tx.Groups(store.GroupQuery{Project: project, Index: typ.Index, Limit: 1000})
		if err != nil {
			return err
		}
		for _, g := range groups {
			got = append(got, fmt.Sprint(g.Index, " ", g.Key, " ", canonical(g.Properties)))
		}
	}
	for _, typ := range want.GroupTypes {
		wantTypes = append(wantTypes, fmt.Sprint(typ.Index, " ", typ.Name))
	}
	for _, g := range want.Groups {
		expected = append(expected, fmt.Sprint(g.Index, " ", g.Key, " ", canonical(g.Properties)))
	}
	if want.GroupTypes != nil && !sameSet(gotTypes, wantTypes) {
		t.Errorf("group types %q, want %q", gotTypes, wantTypes)
	}
	if want.Groups != nil && !sameSet(got, expected) {
		t.Errorf("groups %q, want %q", got, expected)
	}
	return nil
}

func checkCohorts(t *testing.T, tx store.ReadTx, project int64, want *Expect) error {
	t.Helper()
	cohorts, err := tx.Cohorts(project, false)
	if err != nil {
		return err
	}
	for _, c := range want.Cohorts {
		i := slices.IndexFunc(cohorts, func(have store.Cohort) bool { return have.Name == c.Name })
		if i < 0 {
			t.Errorf("no cohort %q", c.Name)
			continue
		}
		persons, err := tx.CohortMembers(project, cohorts[i].ID, 1000, 0)
		if err != nil {
			return err
		}
		if len(persons) != len(c.Members) {
			t.Errorf("cohort %q has %d members, want %d", c.Name, len(persons), len(c.Members))
		}
		for _, id := range c.Members {
			if !slices.ContainsFunc(persons, func(p store.Person) bool { return slices.Contains(p.DistinctIDs, id) }) {
				t.Errorf("cohort %q lacks %q", c.Name, id)
			}
		}
	}
	return nil
}

func checkFlags(t *testing.T, tx store.ReadTx, project int64, want *Expect) error {
	t.Helper()
	for _, f := range want.Flags {
		got, err := tx.FlagByKey(project, f.Key)
		if err != nil {
			return err
		}
		if f.LastCalledAt != nil && !got.LastCalledAt.Equal(*f.LastCalledAt) {
			t.Errorf("last_called_at of %q: %v, want %v", f.Key, got.LastCalledAt, f.LastCalledAt)
		}
	}
	return nil
}

func checkWarnings(t *testing.T, tx store.ReadTx, project int64, want *Expect) error {
	t.Helper()
	if want.Warnings == nil {
		return nil
	}
	warnings, err := tx.Warnings(project, 1000)
	if err != nil {
		return err
	}
	var got []string
	for _, w := range slices.Backward(warnings) {
		got = append(got, w.Type)
	}
	if !slices.Equal(got, want.Warnings) {
		t.Errorf("warnings %q, want %q", got, want.Warnings)
	}
	return nil
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

func sameJSON(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

// containsJSON reports whether the object a has the members of the object b.
func containsJSON(a, b []byte) bool {
	var have, want map[string]json.RawMessage
	if json.Unmarshal(a, &have) != nil || json.Unmarshal(b, &want) != nil {
		return false
	}
	for name, value := range want {
		if !sameJSON(have[name], value) {
			return false
		}
	}
	return true
}

// sameResults reports whether body is the answer that want describes but for
// results, which may be any of want.ResultAnyOf.
func sameResults(want *ExpectResponse, body []byte) bool {
	type answer struct {
		Results map[string]map[string]string `json:"results"`
	}
	var have, literal answer
	if json.Unmarshal(body, &have) != nil || json.Unmarshal(want.JSON, &literal) != nil {
		return false
	}
	for uuid, entry := range have.Results {
		if !slices.Contains(want.ResultAnyOf, entry["result"]) || literal.Results[uuid] == nil {
			return false
		}
		literal.Results[uuid]["result"] = entry["result"]
	}
	return reflect.DeepEqual(have, literal)
}

// canonical returns a JSON text in the one form that equal values share.
func canonical(text []byte) string {
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return err.Error()
	}
	out, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(out)
}
