package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"github.com/guidon-flags/guidon/internal/config"
)

func parse(t *testing.T, args ...string) (config.Serve, error) {
	t.Helper()
	var cli struct {
		Serve config.Serve `cmd:""`
	}
	p, err := kong.New(&cli, kong.DefaultEnvars(strings.TrimSuffix(config.EnvPrefix, "_")))
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Parse(append([]string{"serve"}, args...))
	return cli.Serve, err
}

func TestDefaults(t *testing.T) {
	s, err := parse(t)
	if err != nil {
		t.Fatal(err)
	}
	data, err := filepath.Abs("guidon-data")
	if err != nil {
		t.Fatal(err)
	}
	want := config.Serve{
		Listen: "127.0.0.1:8000", AdminListen: "127.0.0.1:8001", Data: data,
		DatabaseSync: "full", PersonPropertyNoiseFilter: true,
		StoredDataTimeout: time.Second, PollInterval: time.Second, DrainDelay: time.Second, ShutdownTimeout: 20 * time.Second,
		LogLevel: "info", LogFormat: "json",
	}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Errorf("defaults differ (-want +got):\n%s", diff)
	}
}

func TestPrecedence(t *testing.T) {
	file := filepath.Join(t.TempDir(), "guidon.env")
	text := "# comment\n\nGUIDON_LISTEN=file:1\nGUIDON_ADMIN_LISTEN = \"file:2\"\nGUIDON_BOOTSTRAP_PROJECT_TOKEN='phc_file'\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GUIDON_ADMIN_LISTEN", "env:2")
	// LoadFile sets variables for the process: let the test restore them.
	for _, name := range []string{"GUIDON_LISTEN", "GUIDON_BOOTSTRAP_PROJECT_TOKEN"} {
		t.Setenv(name, "")
		os.Unsetenv(name)
	}
	if err := config.LoadFile(file); err != nil {
		t.Fatal(err)
	}
	s, err := parse(t, "--poll-interval", "3s")
	if err != nil {
		t.Fatal(err)
	}
	if s.Listen != "file:1" || s.AdminListen != "env:2" || s.Bootstrap.ProjectToken != "phc_file" || s.PollInterval != 3*time.Second {
		t.Errorf("got %+v", s)
	}
	s, err = parse(t, "--listen", "flag:1")
	if err != nil || s.Listen != "flag:1" {
		t.Errorf("a flag must beat the file: %q, %v", s.Listen, err)
	}
}

func TestErrorsNameTheSetting(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"--trusted-proxies=10.0.0.0/40", "--trusted-proxies"},
		{"--poll-interval=0s", "--poll-interval"},
		{"--log-level=loud", "--log-level"},
		{"--database-sync=never", "--database-sync"},
		{"--stored-data-timeout=soon", "--stored-data-timeout"},
	} {
		if _, err := parse(t, c.args); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v does not name %s", c.args, err, c.want)
		}
	}
}

func TestParseFileRefuses(t *testing.T) {
	for _, text := range []string{"GUIDON_LISTEN", "LISTEN=1", "=x"} {
		if _, err := config.ParseFile(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), "line 1") {
			t.Errorf("ParseFile(%q) error = %v, want one that names the line", text, err)
		}
	}
}

func TestPrefixes(t *testing.T) {
	s := config.Serve{TrustedProxies: []string{"10.1.2.3/8", "192.0.2.1", "2001:db8::/32"}}
	var got []string
	for _, p := range s.Prefixes() {
		got = append(got, p.String())
	}
	if want := "10.0.0.0/8 192.0.2.1/32 2001:db8::/32"; strings.Join(got, " ") != want {
		t.Errorf("Prefixes() = %v, want %s", got, want)
	}
}
