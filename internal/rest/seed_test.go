package rest_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/guidon-flags/guidon/internal/auth"
	"github.com/guidon-flags/guidon/internal/store"
)

func decode[T any](t *testing.T, raw []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return v
}

// seedPersons inserts persons; the variables person1, person2, … are their
// uuids.
func seedPersons(t *testing.T, w *world, project int64, raw []byte, vars map[string]string) {
	t.Helper()
	type person struct {
		DistinctIDs []string        `json:"distinct_ids"`
		Properties  json.RawMessage `json:"properties"`
	}
	for i, p := range decode[[]person](t, raw) {
		id := uuid.NewString()
		if p.Properties == nil {
			p.Properties = json.RawMessage(`{}`)
		}
		err := w.store.Identify(t.Context(), project, func(tx store.IdentityTx) error {
			_, err := tx.InsertPerson(store.Person{
				UUID: id, Properties: p.Properties, Identified: true, CreatedAt: w.clock.Now(),
			}, p.DistinctIDs)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		vars[fmt.Sprintf("person%d", i+1)] = id
	}
}

func seedGroupTypes(t *testing.T, w *world, project int64, raw []byte) {
	t.Helper()
	err := w.store.Identify(t.Context(), project, func(tx store.IdentityTx) error {
		for _, name := range decode[[]string](t, raw) {
			if _, err := tx.InsertGroupType(name, w.clock.Now()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// seedCohorts inserts cohorts that the API refuses; the variables cohort1,
// cohort2, … are their ids.
func seedCohorts(t *testing.T, w *world, project int64, raw []byte, vars map[string]string) {
	t.Helper()
	type cohort struct {
		Name    string          `json:"name"`
		Static  bool            `json:"static"`
		Filters json.RawMessage `json:"filters"`
		Groups  json.RawMessage `json:"groups"`
	}
	for i, c := range decode[[]cohort](t, raw) {
		w.edit(func(tx store.Tx) error {
			made, err := tx.InsertCohort(store.Cohort{
				Project: project, Name: c.Name, Static: c.Static, Filters: expandJSON(t, c.Filters, vars), Groups: store.JSON(c.Groups),
				CreatedAt: w.clock.Now(), UpdatedAt: w.clock.Now(),
			})
			vars[fmt.Sprintf("cohort%d", i+1)] = fmt.Sprint(made.ID)
			return err
		})
	}
}

// seedFlags inserts flags as they may stand in an old database; the variables
// flag1, flag2, … are their ids.
func seedFlags(t *testing.T, w *world, project int64, raw []byte, vars map[string]string) {
	t.Helper()
	type flag struct {
		Key          string          `json:"key"`
		Filters      json.RawMessage `json:"filters"`
		Inactive     bool            `json:"inactive"`
		Context      string          `json:"creation_context"`
		AgeDays      int             `json:"age_days"`
		CalledDays   *int            `json:"called_days_ago"`
		Experimental bool            `json:"experiment"`
		Remote       bool            `json:"remote"`
		Encrypted    bool            `json:"encrypted"`
	}
	day := 24 * time.Hour
	for i, f := range decode[[]flag](t, raw) {
		row := store.Flag{
			Project: project, Key: f.Key, Filters: expandJSON(t, f.Filters, vars), Active: !f.Inactive, CreationContext: f.Context,
			HasExperiment: f.Experimental, RemoteConfiguration: &f.Remote, EncryptedPayloads: &f.Encrypted, Runtime: "all", BucketingIdentifier: "distinct_id",
			CreatedAt: w.clock.Now().Add(-time.Duration(f.AgeDays) * day), UpdatedAt: w.clock.Now(),
		}
		if f.CalledDays != nil {
			row.LastCalledAt = w.clock.Now().Add(-time.Duration(*f.CalledDays) * day)
		}
		w.edit(func(tx store.Tx) error {
			made, err := tx.InsertFlag(row)
			vars[fmt.Sprintf("flag%d", i+1)] = fmt.Sprint(made.ID)
			return err
		})
	}
}

// sessionOf is a login session of the administrator at a level.
func sessionOf(w *world, level int) *auth.Principal {
	return &auth.Principal{
		Kind: auth.LoginSession, User: w.admin,
		Memberships: []store.Membership{{OrganizationID: w.org, UserID: w.admin.ID, Level: level}},
	}
}
