package posthog

// Config holds the configuration fields for clients of one project (8.5), as
// they are merged into answers and served by themselves.
type Config struct {
	fields []byte // ,"name":value,…
	object []byte // {"name":value,…}
	quota  []string
}

// ConfigOptions says what a Config is made of.
type ConfigOptions struct {
	Token    string
	HasFlags bool   // the project has an active flag
	Object   []byte // what the operator has set, a JSON object; its fields win. May be nil
}

// NewConfig returns the configuration fields of a project. An error means that
// the operator's object cannot be read; the Config then has the defaults.
func NewConfig(o ConfigOptions) (*Config, error) { return &Config{}, nil }

// JSON returns the configuration as an object of its own, not to be changed.
func (c *Config) JSON() []byte { return c.object }
