package server_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/guidon-flags/guidon/internal/store"
)

// clientConfigCase is a case of client_config.json.
type clientConfigCase struct {
	exchangeCase
	ClientConfig json.RawMessage `json:"client_config"`
}

// runExactly compares the body to the byte.
func (c *exchangeCase) runExactly(t *testing.T, n *node) {
	t.Helper()
	rec := c.run(t, n)
	if diff := cmp.Diff(c.Text, rec.Body.String()); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

func TestClientConfig(t *testing.T) {
	nodes := statefulNodes(t, nil)
	for _, c := range loadCases[clientConfigCase](t, "client_config.json") {
		t.Run(c.ID, func(t *testing.T) {
			n := nodes[c.State]
			if c.ClientConfig != nil {
				n = newNode(t, nodeOptions{seed: func(tx store.Tx) error { return setClientConfig(tx, c.ClientConfig) }})
			}
			c.runExactly(t, n)
		})
	}
}

// statefulNodes are nodes in each state that cases name, with seed besides the
// usual.
func statefulNodes(t *testing.T, seed func(store.Tx) error) map[string]*node {
	t.Helper()
	nodes := map[string]*node{
		"":               newNode(t, nodeOptions{seed: seed}),
		"store_down":     newNode(t, nodeOptions{seed: seed}),
		"nothing_loaded": newNode(t, nodeOptions{down: true}),
	}
	nodes["store_down"].cutOff()
	return nodes
}

func setClientConfig(tx store.Tx, object []byte) error {
	p, err := tx.Project(1)
	if err != nil {
		return err
	}
	p.Settings = fmt.Appendf(nil, `{"client_config":%s}`, object)
	return tx.UpdateProject(p)
}

// What a browser loads follows the project: the tag changes with it, and so
// does whether there is a flag to ask for.
func TestClientConfigFollowsTheProject(t *testing.T) {
	n := newNode(t, nodeOptions{})
	before := n.do("GET", "/array/phc_b/config")
	n.edit(t, func(tx store.Tx) error {
		_, err := tx.InsertFlag(store.Flag{Project: 2, Key: "first", Active: true, Filters: []byte(`{"groups":[]}`)})
		return err
	})
	for _, path := range []string{"/array/phc_b/config", "/array/phc_b/config.js"} {
		after := n.do("GET", path, "If-None-Match", before.Header().Get("ETag"))
		if after.Code != 200 || !strings.Contains(after.Body.String(), `"hasFeatureFlags":true`) {
			t.Errorf("%s: %d %s", path, after.Code, after.Body)
		}
		if again := n.do("GET", path, "If-None-Match", after.Header().Get("ETag")); again.Code != 304 || again.Body.Len() != 0 {
			t.Errorf("%s again: %d with %d bytes", path, again.Code, again.Body.Len())
		}
	}
}
