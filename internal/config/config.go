// Package config describes the settings of `guidon serve`: one struct whose tags
// give names, defaults and help. Every flag has an environment variable of the
// same name with the prefix GUIDON_ (--admin-listen is GUIDON_ADMIN_LISTEN);
// flags beat the environment, the environment beats the file, the file beats
// the default.
//
// Only the command line uses this package; other packages take an Options
// struct of their own.
package config

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"time"
)

// EnvPrefix starts the name of every environment variable.
const EnvPrefix = "GUIDON_"

// Serve are the settings of a node.
type Serve struct {
	Listen      string `default:"127.0.0.1:8000" placeholder:"ADDR" help:"Public address: SDK protocols and management API."`
	AdminListen string `default:"127.0.0.1:8001" placeholder:"ADDR" help:"Address for /metrics, /debug/pprof and deep health; never public."`
	Data        string `default:"./guidon-data" type:"path" help:"Data directory: database and last good definitions."`

	DatabaseSync string `default:"full" enum:"full,normal" help:"How a write reaches the disk before it is answered: full (survives a power cut) or normal (survives a crash of the process)."`

	TrustedProxies []string `placeholder:"CIDR" help:"Addresses of proxies whose X-Forwarded-For is believed. Empty: the first entry of the header is taken from anyone."`

	PersonPropertyNoiseFilter  bool `default:"true" negatable:"" help:"Do not write a person when an event changes nothing but browser, page and location properties."`
	GroupidentifyCreatesPerson bool `default:"false" negatable:"" help:"Create a person for the distinct id of a $$groupidentify event."`

	StoredDataTimeout time.Duration `default:"1s" help:"How long a decision waits for stored persons and groups before it answers without them."`
	PollInterval      time.Duration `default:"1s" help:"How often the change feed is read when no hint arrives."`
	DrainDelay        time.Duration `default:"1s" help:"How long a stopping server goes on accepting requests after it has ceased to be ready, so that load balancers notice."`
	ShutdownTimeout   time.Duration `default:"20s" help:"How long requests under way may take on a stop."`

	LogLevel  string `default:"info" enum:"debug,info,warn,error" help:"Least severe level that is logged."`
	LogFormat string `default:"json" enum:"json,text" help:"Form of log lines."`

	Bootstrap Bootstrap `embed:"" prefix:"bootstrap-" group:"First start (used once, when the store is empty)"`
}

// Bootstrap is what a first start creates. What is empty is made up and printed
// once.
type Bootstrap struct {
	ProjectToken  string `placeholder:"phc_…" help:"Token of project 1."`
	SecretKey     string `placeholder:"phs_…" help:"Secret of project 1."`
	PersonalKey   string `placeholder:"phx_…" help:"Key of the administrator, with all scopes."`
	AdminEmail    string `placeholder:"EMAIL" help:"The administrator's login."`
	AdminPassword string `help:"The administrator's password."`
}

// Validate names the first setting that cannot be used; kong calls it.
func (s *Serve) Validate() error {
	for _, c := range s.TrustedProxies {
		if _, err := netip.ParsePrefix(c); err != nil {
			if _, err := netip.ParseAddr(c); err != nil {
				return fmt.Errorf("--trusted-proxies: %q is neither an address nor a network such as 10.0.0.0/8", c)
			}
		}
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"stored-data-timeout", s.StoredDataTimeout},
		{"poll-interval", s.PollInterval},
		{"shutdown-timeout", s.ShutdownTimeout},
	} {
		if d.value <= 0 {
			return fmt.Errorf("--%s: must be more than zero", d.name)
		}
	}
	return nil
}

// Prefixes returns the trusted proxies as networks.
func (s *Serve) Prefixes() []netip.Prefix {
	var out []netip.Prefix
	for _, c := range s.TrustedProxies {
		if p, err := netip.ParsePrefix(c); err == nil {
			out = append(out, p.Masked())
		} else if a, err := netip.ParseAddr(c); err == nil {
			out = append(out, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	return out
}

// Level returns the log level.
func (s *Serve) Level() slog.Level {
	var l slog.Level
	_ = l.UnmarshalText([]byte(s.LogLevel)) // one of the enum
	return l
}

// LoadFile sets the environment variables that the file at path names, one
// NAME=value a line, unless they are set already. Blank lines and lines that
// start with # are passed over; a value may stand in double or single quotes.
func LoadFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	settings, err := ParseFile(f)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, s := range settings {
		if _, set := os.LookupEnv(s.Name); !set {
			if err := os.Setenv(s.Name, s.Value); err != nil {
				return fmt.Errorf("%s: %s: %w", path, s.Name, err)
			}
		}
	}
	return nil
}

// Setting is one line of a file.
type Setting struct{ Name, Value string }

// ParseFile reads settings in the form that LoadFile describes, in order. Names
// without the prefix GUIDON_ are refused: they are most likely mistakes.
func ParseFile(r io.Reader) ([]Setting, error) {
	var out []Setting
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok || !strings.HasPrefix(name, EnvPrefix) {
			return nil, fmt.Errorf("line %d: want %sNAME=value", n, EnvPrefix)
		}
		if len(value) >= 2 && (value[0] == '"' || value[0] == '\'') && value[len(value)-1] == value[0] {
			value = value[1 : len(value)-1]
		}
		out = append(out, Setting{name, value})
	}
	return out, lines.Err()
}
