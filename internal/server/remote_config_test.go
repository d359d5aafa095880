package server_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/guidon-flags/guidon/internal/store"
)

// seedRemoteConfigs makes the flags that conformance/http/README.md describes.
func seedRemoteConfigs(tx store.Tx) error {
	yes := true
	payload := func(json string) string { return fmt.Sprintf(`{"groups":[],"payloads":{"true": %s}}`, json) }
	for _, f := range []struct{ key, filters string }{
		{"limits", payload(`"{\"max\":5}"`)},
		{"inactive", payload(`"\"on hold\""`)},
		{"1", payload(`"\"one\""`)},
		{"deleted", payload(`"\"one\""`)},
		{"imported", payload(`{"a": [1, 2]}`)},
		{"none", `{"groups":[]}`},
		{"null", payload(`null`)},
		{"false", payload(`false`)},
		{"zero", payload(`0`)},
		{"empty-text", payload(`""`)},
		{"empty-list", payload(`[ ]`)},
		{"empty-object", payload(`{}`)},
		{"variant-only", `{"groups":[],"payloads":{"control":"1"}}`},
		{"encrypted", payload(`"gAAAAABcipher"`)},
		{"encrypted-nothing", `{"groups":[]}`},
		{"unreadable", `{`},
	} {
		flag := store.Flag{Key: f.key, Filters: []byte(f.filters), RemoteConfiguration: &yes}
		flag.Active = f.key != "inactive"
		flag.Deleted = f.key == "deleted"
		if strings.HasPrefix(f.key, "encrypted") {
			flag.EncryptedPayloads = &yes
		}
		if err := insertFlag(tx, flag); err != nil {
			return fmt.Errorf("%s: %w", f.key, err)
		}
	}
	return nil
}

func TestRemoteConfig(t *testing.T) {
	nodes := statefulNodes(t, seedRemoteConfigs)
	v, _, _ := nodes[""].set.ByID(1)
	ids := make(map[string]string)
	for i := range v.Flags {
		ids["{"+v.Flags[i].Key+"}"] = fmt.Sprint(v.Flags[i].ID)
	}
	for _, c := range loadCases[exchangeCase](t, "remote_config.json") {
		t.Run(c.ID, func(t *testing.T) {
			c.Path = strings.ReplaceAll(c.Path, "{limits}", ids["{limits}"])
			c.runExactly(t, nodes[c.State])
		})
	}
}

// What an encrypted remote configuration holds is nowhere else either.
func TestEncryptedPayloadsStayAtHome(t *testing.T) {
	n := newNode(t, nodeOptions{seed: seedRemoteConfigs})
	for _, path := range []string{"/flags/definitions", "/array/phc_a/config"} {
		rec := n.do("GET", path, "Authorization", "Bearer phs_a")
		if rec.Code != 200 || strings.Contains(rec.Body.String(), "cipher") {
			t.Errorf("%s: %d %s", path, rec.Code, rec.Body)
		}
	}
}
