package e2e

import (
	"os"
	"os/exec"
	"testing"
)

// TestPosthogNode runs each script of node/ against a server of its own. The
// scripts check values and that the SDK reported no error.
func TestPosthogNode(t *testing.T) {
	if _, err := os.Stat("node/node_modules/posthog-node"); err != nil {
		if os.Getenv("GUIDON_TEST_REQUIRE") != "" {
			t.Fatal("node packages are missing: ./e2e/run.sh installs them")
		}
		t.Skip("node packages are missing: ./e2e/run.sh installs them")
	}
	node := os.Getenv("GUIDON_NODE")
	if node == "" {
		node = "node"
	}
	for _, script := range []string{"remote.mjs", "local.mjs", "ofrep.mjs"} {
		t.Run(script, func(t *testing.T) {
			s := start(t)
			s.createFlags()
			s.createRemoteConfig()
			cmd := exec.CommandContext(t.Context(), node, script)
			cmd.Dir = "node"
			cmd.Env = append(os.Environ(), "HOST="+s.url, "TOKEN="+projectToken, "KEY="+personalKey, "SECRET="+secretKey)
			out, err := cmd.CombinedOutput()
			t.Logf("%s", out)
			if err != nil {
				t.Error(err)
			}
		})
	}
}
