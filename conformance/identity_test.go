package conformance_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/guidon-flags/guidon/internal/identity/identitytest"
	"github.com/guidon-flags/guidon/internal/store"
)

var identitySuite = &suite{name: "identity", http: runIdentity, v1: identityV1}

// runIdentity sends the steps of a scenario to a node and looks into its store.
func runIdentity(t *testing.T, raw json.RawMessage) {
	c := decode[identitytest.Case](t, raw)
	st, project := sendSteps(t, &c)
	identitytest.Check(t, st, project, &c)
}

// identityV1 is a scenario whose events are sent to the capture endpoint of
// version 1, with the same outcome.
func identityV1(t *testing.T, raw json.RawMessage) func(t *testing.T) {
	c := decode[identitytest.Case](t, raw)
	if !c.HasEvents() {
		return nil // requests are in one form
	}
	return func(t *testing.T) {
		v1, personless := c.V1(t)
		st, project := sendSteps(t, &v1)
		if !personless {
			identitytest.Check(t, st, project, &v1)
		}
	}
}

// sendSteps starts a node with the initial state of a scenario and sends its
// steps. It returns the node's store and the scenario's project there.
func sendSteps(t *testing.T, c *identitytest.Case) (store.Store, int64) {
	t.Helper()
	s := startNode(t, func() time.Time { return identitytest.Now }, nil)
	st := s.node.Store()
	project := identitytest.Setup(t, st, c)
	rev, err := st.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.node.Set().Refresh(t.Context(), rev); err != nil {
		t.Fatal(err)
	}
	base, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	for i := range c.Steps {
		req := c.Steps[i].Request(t).WithContext(t.Context())
		req.RequestURI = "" // it was made for a handler
		req.URL.Scheme, req.URL.Host, req.Host = base.Scheme, base.Host, base.Host
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		c.Steps[i].CheckResponse(t, resp)
		resp.Body.Close()
	}
	return st, project.ID
}
