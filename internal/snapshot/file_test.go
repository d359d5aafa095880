package snapshot

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/guidon-flags/guidon/internal/store"
)

// everything has a value in every field that files must bring back.
func everything() store.Definitions {
	yes, no, count := true, false, int64(12)
	at := time.Date(2026, 4, 5, 6, 7, 8, 9000, time.UTC)
	return store.Definitions{
		Revision: 42,
		Project: store.Project{
			ID: 7, UUID: "u", OrganizationID: "o", Name: "Näme", Token: "phc_x", SecretHash: "sha256$1",
			SecretBackupHash: "sha256$2", TimeZone: "UTC", MatchingVersion: 2, PersonlessOnly: true,
			Settings: []byte(`{"a":1}`), CreatedAt: at, UpdatedAt: at,
		},
		Flags: []store.Flag{{
			ID: 1, Project: 7, Key: "k", Name: "n", Filters: []byte(`{"groups": [ ] }`), Active: true, Archived: true,
			Version: 3, Continuity: &yes, EnrichedAnalytics: &no, RemoteConfiguration: &yes, EncryptedPayloads: &no,
			Runtime: "server", BucketingIdentifier: "device_id", Tags: []string{"t"}, Contexts: []string{"c"},
			CreationContext: "surveys", HasExperiment: true, CreatedBy: 1, ModifiedBy: 2, CreatedAt: at, UpdatedAt: at,
			LastCalledAt: at,
		}},
		Cohorts: []store.Cohort{{
			ID: 5, Project: 7, Name: "c", Description: "d", Static: true, Kind: "static", Filters: []byte(`{"properties":{}}`),
			Groups: []byte(`[]`), Count: &count, Calculating: true, ErrorsCount: 2, CreatedBy: 3, CreatedAt: at, UpdatedAt: at,
			LastComputed: at,
		}},
		GroupTypes: []store.GroupType{{Project: 7, Index: 1, Name: "company", NameSingular: "s", NamePlural: "p", CreatedAt: at}},
	}
}

func TestFileRoundTrip(t *testing.T) {
	at := time.Date(2026, 7, 8, 9, 10, 11, 12000, time.UTC)
	for name, defs := range map[string]store.Definitions{
		"everything": everything(),
		"nothing":    {Project: store.Project{ID: 1}},
	} {
		text, err := encodeFile(&defs, at)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeFile(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(defs, got.defs); diff != "" {
			t.Errorf("%s (-written +read):\n%s", name, diff)
		}
		if !got.at.Equal(at) {
			t.Errorf("%s: time %v, want %v", name, got.at, at)
		}
	}
}

// A file written by an earlier version of the program is still read: the one
// in testdata must never have to change.
func TestFileOfFormat1(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "format-1.definitions"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := decodeFile(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(everything(), got.defs); diff != "" {
		t.Errorf("(-want +read):\n%s", diff)
	}
}

// Any single damaged byte is noticed.
func TestDamageIsNoticed(t *testing.T) {
	defs := everything()
	text, err := encodeFile(&defs, time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	for i := range text {
		damaged := bytes.Clone(text)
		damaged[i] ^= 0x10
		if _, err := decodeFile(damaged); err == nil {
			t.Errorf("byte %d of %d is damaged and nobody notices", i, len(text))
		}
		if _, err := decodeFile(text[:i]); err == nil {
			t.Errorf("cut after %d bytes and nobody notices", i)
		}
	}
}

func FuzzDecodeFile(f *testing.F) {
	defs := everything()
	text, err := encodeFile(&defs, time.Unix(0, 0))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(fileMagic))
	f.Fuzz(func(t *testing.T, text []byte) {
		if got, err := decodeFile(text); err == nil {
			if _, err := encodeFile(&got.defs, got.at); err != nil {
				t.Errorf("read but cannot be written: %v", err)
			}
		}
	})
}
