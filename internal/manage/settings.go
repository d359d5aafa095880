package manage

import (
	"encoding/json"
	"strconv"

	"github.com/guidon-flags/guidon/internal/store"
)

// settings are what a project keeps in Project.Settings.
type settings struct{ object }

// readSettings reads a project's; unreadable ones are empty.
func readSettings(p store.Project) settings {
	o, err := parseObject(p.Settings)
	if err != nil {
		return settings{}
	}
	return settings{o}
}

// is reports whether a switch is on.
func (s settings) is(name string) bool { return string(s.get(name)) == "true" }

func (s settings) integer(name string) (int64, bool) {
	n, err := strconv.ParseInt(string(s.get(name)), 10, 64)
	return n, err == nil
}

// texts reads a list of texts, empty if there is none.
func (s settings) texts(name string) []string {
	var out []string
	if json.Unmarshal(s.get(name), &out) != nil {
		return nil
	}
	return out
}
