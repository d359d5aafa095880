package conformance_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/guidon-flags/guidon/internal/identity/identitytest"
)

var identitySuite = &suite{name: "identity", http: runIdentity}

// runIdentity sends the steps of a scenario to a node and looks into its store.
func runIdentity(t *testing.T, raw json.RawMessage) {
	c := decode[identitytest.Case](t, raw)
	s := startNode(t, identitytest.Now, nil)
	st := s.node.Store()
	project := identitytest.Setup(t, st, &c)
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
	identitytest.Check(t, st, project.ID, &c)
}
