package snapshot_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/snapshot"
	"github.com/guidon-flags/guidon/internal/store"
)

func TestCompile(t *testing.T) {
	yes := true
	const everybody = `{"groups":[{"properties":[],"rollout_percentage":100}]}`
	defs := store.Definitions{
		Project: store.Project{ID: 7, TimeZone: "Europe/Berlin", MatchingVersion: 2},
		GroupTypes: []store.GroupType{
			{Project: 7, Index: 0, Name: "company"}, {Project: 7, Index: 3, Name: "workspace"}, {Project: 7, Index: 9, Name: "x"},
		},
		Flags: []store.Flag{
			{ID: 1, Key: "plain", Active: true, Version: 3, Filters: []byte(everybody)},
			{ID: 2, Key: "undecodable", Active: true, Filters: []byte(`{"groups":[{"properties":[{"key":"x"}]}]}`)},
			{ID: 3, Key: "no-json", Active: true, Filters: []byte(`{`)},
			{ID: 4, Key: "unsupported", Active: true, Filters: []byte(`{"version":3}`)},
			{ID: 5, Key: "malformed-v2", Active: true, Filters: []byte(`{"version":2,"rules":7}`)},
			{ID: 6, Key: "secret-payload", Active: true, EncryptedPayloads: &yes, RemoteConfiguration: &yes, Filters: []byte(everybody)},
			{ID: 7, Key: "remote", Active: true, RemoteConfiguration: &yes, Filters: []byte(everybody)},
			{ID: 8, Key: "inactive", Filters: []byte(everybody)},
			{ID: 9, Key: "deleted", Active: true, Deleted: true, Filters: []byte(everybody)},
			{
				ID: 10, Key: "all-columns", Active: true, Continuity: &yes, HasExperiment: true, Runtime: "server",
				BucketingIdentifier: "device_id", Contexts: []string{"web"}, Filters: []byte(everybody),
			},
		},
		Cohorts: []store.Cohort{
			{ID: 1, Name: "static", Static: true, Filters: []byte(`{"properties":{"type":"?"}}`)},
			{ID: 2, Name: "broken", Filters: []byte(`{"properties":{"type":"?"}}`)},
			{ID: 3, Name: "deleted", Deleted: true},
		},
	}
	v, err := snapshot.Compile(defs)
	if err != nil {
		t.Fatal(err)
	}

	var got []feature.Flag
	for i := range v.Program.Len() {
		f := *v.Program.Flag(i)
		if want := v.Flags[v.Stored[i]].Key; f.Key != want {
			t.Errorf("Stored[%d] leads to %s, want %s", i, want, f.Key)
		}
		if f.Targeting == nil && f.Rules == nil && f.Fault == "" {
			t.Errorf("%s has no configuration", f.Key)
		}
		f.Targeting, f.Rules = nil, nil
		if f.Fault != "" {
			f.Fault = "…"
		}
		got = append(got, f)
	}
	want := []feature.Flag{
		{ID: 1, Key: "plain", Active: true, Version: 3},
		{ID: 4, Key: "unsupported", Active: true, Fault: "…"},
		{ID: 5, Key: "malformed-v2", Active: true, Fault: "…"},
		{ID: 7, Key: "remote", Active: true},
		{ID: 8, Key: "inactive"},
		{
			ID: 10, Key: "all-columns", Active: true, Continuity: true, HasExperiment: true, Runtime: feature.RuntimeServer,
			BucketByDevice: true, EvaluationContext: []string{"web"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("flags (-want +got):\n%s", diff)
	}
	if _, ok := v.Program.GroupIndex("workspace"); !ok {
		t.Error("group type workspace is unknown")
	}

	faulty := map[string]bool{}
	for _, f := range v.Faults {
		if f.Reason == "" {
			t.Errorf("fault %+v gives no reason", f)
		}
		faulty[f.Flag] = true
	}
	for _, key := range []string{"undecodable", "no-json"} {
		if !faulty[key] {
			t.Errorf("no fault tells of %s", key)
		}
	}
	if faulty["plain"] {
		t.Error("a sound flag is reported")
	}
}

func TestDerivedIsMadeOncePerVersion(t *testing.T) {
	made := 0
	d := snapshot.NewDerived(func(v *snapshot.Version) int64 { made++; return v.Project.ID })
	other := snapshot.NewDerived(func(*snapshot.Version) string { return "other" })
	var versions []*snapshot.Version
	for id := range int64(3) {
		v, err := snapshot.Compile(store.Definitions{Project: store.Project{ID: id}})
		if err != nil {
			t.Fatal(err)
		}
		versions = append(versions, v)
	}
	for range 4 {
		for _, v := range versions {
			if got := d.Of(v); got != v.Project.ID {
				t.Errorf("Of = %d, want %d", got, v.Project.ID)
			}
			if got := other.Of(v); got != "other" {
				t.Errorf("the other kind gives %q", got)
			}
		}
	}
	if made != len(versions) {
		t.Errorf("made %d times, want %d", made, len(versions))
	}
	v := versions[0]
	if n := testing.AllocsPerRun(100, func() { d.Of(v) }); n != 0 {
		t.Errorf("Of allocates %v times", n)
	}
}
