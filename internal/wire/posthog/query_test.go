package posthog

import "testing"

func TestQueryCases(t *testing.T) {
	type queryCase struct {
		ID, Rule, Note string
		Query          string
		Decide         bool
		Format         string
		Config         bool
		LibVersion     *string `json:"lib_version"`
		Compression    *string
		SurveysOnly    *bool `json:"surveys_only"`
		Detailed       *bool
		OverridesOnly  *bool `json:"overrides_only"`
		ReadOnly       *bool `json:"read_only"`
	}
	compressions := map[Compression]string{
		CompressionUnstated: "", CompressionGzip: "gzip",
		CompressionBase64: "base64", CompressionUnsupported: "unsupported",
	}
	for _, c := range loadCases[queryCase](t, "flags_query.json") {
		t.Run(c.ID, func(t *testing.T) {
			q := ParseFlagsQuery(c.Query)
			check(t, "format", q.Format(c.Decide).String(), &c.Format)
			check(t, "config", q.Config(c.Decide), &c.Config)
			check(t, "lib_version", q.LibVersion, c.LibVersion)
			check(t, "compression", compressions[q.Compression], c.Compression)
			check(t, "surveys_only", q.SurveysOnly, c.SurveysOnly)
			check(t, "detailed", q.Detailed, c.Detailed)
			check(t, "overrides_only", q.OverridesOnly, c.OverridesOnly)
			check(t, "read_only", q.ReadOnly(), c.ReadOnly)
		})
	}
}

// check compares what a case mentions.
func check[T comparable](t *testing.T, name string, got T, want *T) {
	t.Helper()
	if want != nil && got != *want {
		t.Errorf("%s = %v, want %v", name, got, *want)
	}
}
