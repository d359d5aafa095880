package posthog

import (
	"bytes"
	"errors"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/wire/jsonval"
)

// Config holds the configuration fields for clients of one project (8.5), as
// they are merged into answers and served by themselves. It is immutable.
type Config struct {
	token  string
	fields []byte   // ,"name":value for each, to end an object with
	object []byte   // the same as an object
	quota  []string // what the operator's object says about quotas
}

// ConfigOptions says what a Config is made of.
type ConfigOptions struct {
	Token    string
	HasFlags bool   // the project has an active flag: false makes clients not ask at all
	Object   []byte // what the operator has set, a JSON object; its fields win. May be nil
}

// NewConfig returns the configuration fields of a project: what a client that
// uses flags alone needs, overlaid by the operator's own. It leaves surveys
// out, since browsers fetch scripts when they see it even as false.
//
// hasFeatureFlags is always the project's own, and names that belong to the
// answer are dropped. An error means that the operator's object cannot be read;
// the Config then has the defaults.
func NewConfig(o ConfigOptions) (*Config, error) {
	own, quota, err := operatorFields(o.Object)
	c := &Config{token: o.Token, quota: quota}
	add := func(name string, value []byte) {
		c.fields = append(c.fields, ',')
		c.fields = feature.AppendQuoted(c.fields, name)
		c.fields = append(c.fields, ':')
		c.fields = append(c.fields, value...)
	}
	for _, d := range defaultConfig {
		if !slices.ContainsFunc(own, func(f configField) bool { return f.name == d.name }) {
			add(d.name, d.value)
		}
	}
	add("token", feature.AppendQuoted(nil, o.Token))
	add("hasFeatureFlags", strconv.AppendBool(nil, o.HasFlags))
	for _, f := range own {
		add(f.name, f.value)
	}
	c.object = append([]byte{'{'}, c.fields[1:]...)
	c.object = append(c.object, '}')
	return c, err
}

type configField struct {
	name  string
	value []byte
}

var defaultConfig = []configField{
	{"supportedCompression", []byte(`["gzip","gzip-js"]`)},
	{"sessionRecording", []byte(`false`)},
	{"heatmaps", []byte(`false`)},
	{"capturePerformance", []byte(`false`)},
	{"autocapture_opt_out", []byte(`false`)},
	{"autocaptureExceptions", []byte(`false`)},
	{"siteApps", []byte(`[]`)},
	{"toolbarParams", []byte(`{}`)},
	{"isAuthenticated", []byte(`false`)},
	{"config", []byte(`{"enable_collect_everything":true}`)},
}

// reserved are the names that belong to the answer, are known better here, or
// hold code (siteAppsJS).
var reserved = []string{
	"errorsWhileComputingFlags", "flags", "featureFlags", "featureFlagPayloads", "requestId", "evaluatedAt",
	"quotaLimited", "quota_limited", "minimalFlagCalledEvents", "token", "hasFeatureFlags", "siteAppsJS",
}

// operatorFields reads the operator's object: fields in order, of several with
// one name the last, and the resources in quotaLimited.
func operatorFields(object []byte) (fields []configField, quota []string, err error) {
	if len(bytes.TrimSpace(object)) == 0 {
		return nil, nil, nil
	}
	if !jsontext.Value(object).IsValid(decodeOptions...) {
		return nil, nil, errors.New("the configuration is not valid JSON")
	}
	err = jsonval.Members(object, func(name, value []byte) error {
		n := string(name)
		if n == "quotaLimited" {
			quota = quotaList(value)
		}
		if slices.Contains(reserved, n) {
			return nil
		}
		compact := jsontext.Value(bytes.Clone(value))
		if err := compact.Compact(decodeOptions...); err != nil {
			return err
		}
		fields = slices.DeleteFunc(fields, func(f configField) bool { return f.name == n })
		fields = append(fields, configField{n, compact})
		return nil
	})
	if err != nil {
		return nil, nil, errors.New("the configuration is not a JSON object")
	}
	return fields, quota, nil
}

func quotaList(value []byte) []string {
	var quota []string
	_ = jsonval.Elements(value, func(v []byte) error { // anything but a list says nothing
		if v[0] == '"' {
			text, _ := jsonval.AppendUnquote(nil, v)
			quota = append(quota, string(text))
		}
		return nil
	})
	return quota
}
