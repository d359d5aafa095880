package filters_test

import (
	"fmt"
	"testing"

	"github.com/guidon-flags/guidon/internal/wire/filters"
)

// project is the filters of n flags of mixed sizes, of the kinds that people
// write.
func project(n int) [][]byte {
	docs := make([][]byte, n)
	for i := range docs {
		switch i % 4 {
		case 0:
			docs[i] = fmt.Appendf(nil, `{"groups":[{"properties":[],"rollout_percentage":%d}],"payloads":{}}`, i%101)
		case 1:
			docs[i] = fmt.Appendf(nil, `{"groups":[{"variant":null,"properties":[{"key":"email","type":"person","value":"@company%d.com",`+
				`"operator":"icontains"}],"rollout_percentage":100,"aggregation_group_type_index":null}],"payloads":{"true":"{\"n\":%d}"},`+
				`"multivariate":null,"aggregation_group_type_index":null}`, i, i)
		case 2:
			docs[i] = fmt.Appendf(nil, `{"groups":[{"properties":[{"key":"id","type":"cohort","value":%d,"operator":"in"},`+
				`{"key":"plan","type":"person","value":["pro","enterprise"],"operator":"exact"}],"rollout_percentage":33.33},`+
				`{"properties":[{"key":"$app_version","type":"person","value":"1.2.%d","operator":"semver_gte"}],"rollout_percentage":50}],`+
				`"multivariate":{"variants":[{"key":"control","name":"","rollout_percentage":50},{"key":"test","name":"","rollout_percentage":50}]}}`, i, i)
		case 3:
			docs[i] = fmt.Appendf(nil, `{"groups":[{"properties":[{"key":"%d","type":"flag","value":true,"operator":"flag_evaluates_to"},`+
				`{"key":"$geoip_country_code","type":"person","value":["DE","FR","IT","ES"],"operator":"exact"},`+
				`{"key":"created","type":"person","value":"-30d","operator":"is_date_after"}],"rollout_percentage":100,"description":"wave %d"}],`+
				`"holdout":{"id":7,"exclusion_percentage":5},"early_exit":false}`, i-1, i)
		}
	}
	return docs
}

// BenchmarkRead1000 reads a project of 1,000 flags.
func BenchmarkRead1000(b *testing.B) {
	docs := project(1000)
	size := 0
	for _, doc := range docs {
		size += len(doc)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		for _, doc := range docs {
			if _, err := filters.Read(doc, filters.Limits{}); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkValidate checks one document as a write does.
func BenchmarkValidate(b *testing.B) {
	doc := project(4)[2]
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if _, v := filters.Validate(doc, filters.Options{}); v != nil {
			b.Fatal(v)
		}
	}
}
