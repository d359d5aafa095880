package server

import (
	"encoding/json"

	"github.com/guidon-flags/guidon/internal/snapshot"
	"github.com/guidon-flags/guidon/internal/wire/posthog"
)

// clientConfig are the configuration fields of a version's project (8.5).
var clientConfig = snapshot.NewDerived(func(v *snapshot.Version) *posthog.Config {
	o := posthog.ConfigOptions{Token: v.Project.Token}
	for i := range v.Program.Len() {
		o.HasFlags = o.HasFlags || v.Program.Flag(i).Active
	}
	var settings struct {
		ClientConfig json.RawMessage `json:"client_config"`
	}
	if json.Unmarshal(v.Project.Settings, &settings) == nil {
		o.Object = settings.ClientConfig
	}
	c, err := posthog.NewConfig(o)
	if err != nil {
		// What the operator set cannot be read; c holds the defaults, and
		// clients are better off with those than with nothing.
		return c
	}
	return c
})
