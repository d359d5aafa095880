package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestReadmeExample runs the README's first example as it stands, with the keys
// put in that a newcomer puts in.
func TestReadmeExample(t *testing.T) {
	s := start(t)
	raw, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(raw), "<!-- example: first-flag -->\n```sh\n")
	if !ok {
		t.Fatal("README.md has no example first-flag")
	}
	script, _, _ := strings.Cut(rest, "```")
	for placeholder, value := range map[string]string{
		"HOST=http://127.0.0.1:8000": "HOST=" + s.url,
		"KEY=phx_…":                  "KEY=" + personalKey,
		"TOKEN=phc_…":                "TOKEN=" + projectToken,
	} {
		if !strings.Contains(script, placeholder) {
			t.Fatalf("the example lacks %s", placeholder)
		}
		script = strings.Replace(script, placeholder, value, 1)
	}
	out, err := exec.CommandContext(t.Context(), "bash", "-euc", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	answers := json.NewDecoder(strings.NewReader(string(out)))
	var created struct {
		Key string `json:"key"`
	}
	var decided struct {
		Flags map[string]struct {
			Enabled bool `json:"enabled"`
			Reason  struct {
				Code  string `json:"code"`
				Index *int   `json:"condition_index"`
			} `json:"reason"`
		} `json:"flags"`
	}
	if err := answers.Decode(&created); err != nil || created.Key != "new-checkout" {
		t.Fatalf("%v: %s", err, out)
	}
	if err := answers.Decode(&decided); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	f := decided.Flags["new-checkout"]
	if !f.Enabled || f.Reason.Code != "condition_match" || f.Reason.Index == nil || *f.Reason.Index != 0 {
		t.Errorf("the README promises another answer than %s", out)
	}
}
