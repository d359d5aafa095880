package server_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/guidon-flags/guidon/internal/store"
)

const ofrepBulk = "/ofrep/v1/evaluate/flags"

// seedOFREP adds the flags that conformance/http/README.md describes for
// ofrep.json.
func seedOFREP(tx store.Tx) error {
	const (
		all   = `"groups":[{"properties":[],"rollout_percentage":100}]`
		pro   = `"properties":[{"key":"plan","type":"person","operator":"exact","value":["pro"]}]`
		red   = `"multivariate":{"variants":[{"key":"red","rollout_percentage":100},{"key":"blue","rollout_percentage":0}]}`
		rules = `{"version":2,"return_type":%q,"default_value":%s,"rules":[{"id":"11111111-1111-4111-8111-111111111111",` +
			`"targeting":{"properties":[%s]},"value":%s,%s}]}`
		targeted   = `"rule_type":"targeted_release"`
		percentage = `"rule_type":"percentage_rollout","rollout_percentage":100,"on_rollout_miss":"continue",` +
			`"assignment_algorithm":"sha1_60_v1","seed":"seed"`
		isPro = `{"key":"plan","type":"person","operator":"exact","value":"pro"}`
	)
	yes := true
	var errs []error
	for _, f := range []store.Flag{
		{Key: "colors", Active: true, Filters: []byte(`{` + all + `,` + red + `,"payloads":{"red":"\"#f00\""}}`)},
		{Key: "colors-off", Active: true, Filters: []byte(`{"groups":[{"properties":[],"rollout_percentage":0}],` + red + `}`)},
		{Key: "pinned", Active: true, Filters: []byte(`{"groups":[{"properties":[],"rollout_percentage":100,"variant":"red"}],` + red + `}`)},
		{Key: "nearly-all", Active: true, Filters: []byte(`{"groups":[{"properties":[],"rollout_percentage":99.999}]}`)},
		{Key: "nearly-all-pros", Active: true, Filters: []byte(`{"groups":[{` + pro + `,"rollout_percentage":99.999}]}`)},
		{Key: "pro", Active: true, Filters: []byte(`{"groups":[{` + pro + `,"rollout_percentage":100}],"payloads":{"true":{"a":1}}}`)},
		{Key: "big", Active: true, Filters: []byte(`{"groups":[{"properties":[{"key":"seats","type":"group","group_type_index":0,` +
			`"operator":"gt","value":100}],"rollout_percentage":100}],"aggregation_group_type_index":0}`)},
		{Key: "by-device", Active: true, BucketingIdentifier: "device_id", Filters: []byte(`{"groups":[{"properties":[],"rollout_percentage":99.999}]}`)},
		{Key: "beta", Active: true, Filters: []byte(`{"groups":[{"properties":[],"rollout_percentage":0}],"feature_enrollment":true}`)},
		{Key: "held-out", Active: true, Filters: []byte(`{` + all + `,"holdout":{"id":7,"exclusion_percentage":100}}`)},
		{Key: "dependent", Active: true, Filters: []byte(`{"groups":[{"properties":[{"key":"999","type":"flag",` +
			`"operator":"flag_evaluates_to","value":true}],"rollout_percentage":100}]}`)},
		{Key: "broken", Active: true, Filters: []byte(`{"groups":[{"properties":[{"key":"id","type":"cohort","value":999}],"rollout_percentage":100}]}`)},
		{Key: "secret", Active: true, EncryptedPayloads: &yes, RemoteConfiguration: &yes, Filters: []byte(`{` + all + `}`)},
		{Key: "limit", Active: true, Filters: fmt.Appendf(nil, rules, "number", "10", isPro, "25", targeted)},
		{Key: "theme", Active: true, Filters: fmt.Appendf(nil, rules, "object", "null", "", `{"dark":[1,"a"]}`, percentage)},
		{Key: "greeting", Active: true, Filters: fmt.Appendf(nil, rules, "string", "null", isPro, `"Hello"`, targeted)},
		{Key: "kill", Active: true, Filters: fmt.Appendf(nil, rules, "boolean", "true", isPro, `false`, targeted)},
	} {
		errs = append(errs, insertFlag(tx, f))
	}
	return errors.Join(errs...)
}

// newOFREPNode is a node with these flags and the group type company.
func newOFREPNode(t testing.TB, o nodeOptions) *node {
	t.Helper()
	if o.store == nil {
		first := newNode(t, nodeOptions{})
		err := first.store.Identify(t.Context(), 1, func(tx store.IdentityTx) error {
			_, err := tx.InsertGroupType("company", time.Unix(1700000000, 0))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		first.edit(t, seedOFREP)
		o.store = first.store.Store
	}
	return newNode(t, o)
}

func TestOFREP(t *testing.T) {
	nodes := map[string]*node{
		"":               newOFREPNode(t, nodeOptions{}),
		"store_down":     newOFREPNode(t, nodeOptions{}),
		"nothing_loaded": newOFREPNode(t, nodeOptions{down: true}),
	}
	nodes["store_down"].cutOff()
	for _, c := range loadCases[exchangeCase](t, "ofrep.json") {
		t.Run(c.ID, func(t *testing.T) {
			n := nodes[c.State]
			if n == nil {
				t.Fatalf("unknown state %q", c.State)
			}
			rec := c.run(t, n)
			if c.Answer == nil {
				return
			}
			if !utf8.Valid(rec.Body.Bytes()) {
				t.Errorf("body %.200q is not UTF-8", rec.Body)
			}
			var got map[string]any
			if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil {
				t.Fatalf("body %.200q: %v", rec.Body, err)
			}
			checkOFREPShape(t, got)
			if want, ok := c.Answer["errorDetails"]; ok && want == nil { // a sentence
				delete(c.Answer, "errorDetails")
				delete(got, "errorDetails")
			}
			if diff := cmp.Diff(c.Answer, got); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			if ct := rec.Header().Get("Content-Type"); ct != "application/json" {
				t.Errorf("content type %q", ct)
			}
		})
	}
}

// checkOFREPShape checks an answer by the protocol's schemas and by what the
// providers demand beyond them (clients 10.2).
func checkOFREPShape(t *testing.T, answer map[string]any) {
	t.Helper()
	if flags, ok := answer["flags"]; ok {
		list, ok := flags.([]any)
		if !ok {
			t.Errorf("flags is %T", flags)
		}
		for _, f := range list {
			entry, ok := f.(map[string]any)
			if !ok || entry["key"] == nil {
				t.Fatalf("entry %v has no key", f)
			}
			checkOFREPShape(t, entry)
		}
		return
	}
	if code, ok := answer["errorCode"]; ok {
		if !slices.Contains([]any{"PARSE_ERROR", "TARGETING_KEY_MISSING", "INVALID_CONTEXT", "GENERAL", "FLAG_NOT_FOUND"}, code) {
			t.Errorf("errorCode %v", code)
		}
		if detail, ok := answer["errorDetails"].(string); !ok || detail == "" {
			t.Errorf("errorDetails %v", answer["errorDetails"])
		}
		return
	}
	reason, _ := answer["reason"].(string)
	if !slices.Contains([]string{"TARGETING_MATCH", "SPLIT", "DEFAULT", "DISABLED"}, reason) {
		t.Errorf("reason %q", reason)
	}
	if variant, ok := answer["variant"].(string); !ok {
		t.Errorf("variant %v", variant)
	}
	value, has := answer["value"]
	if has == (reason == "DISABLED") || has && value == nil {
		t.Errorf("reason %s with value %v", reason, value)
	}
	metadata, ok := answer["metadata"].(map[string]any)
	if !ok {
		t.Fatalf("metadata %v", answer["metadata"])
	}
	for name, v := range metadata {
		switch v.(type) {
		case string, float64, bool:
		default:
			t.Errorf("metadata %s is a %T", name, v)
		}
	}
}

// askOFREP asks for all flags.
func askOFREP(t testing.TB, n *node, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	return n.post(ofrepBulk, body, append([]string{"Authorization", "Bearer phs_a"}, headers...)...)
}

// Whatever changes in a context, a 304 says that the client has the very answer
// that it would get.
func TestOFREPTagNeverHidesAChange(t *testing.T) {
	n := newOFREPNode(t, nodeOptions{})
	if err := n.set.Refresh(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(10, 4))
	pick := func(of ...any) any { return of[rnd.IntN(len(of))] }
	attributes := map[string]any{"targetingKey": "u"}
	change := func() {
		switch rnd.IntN(8) {
		case 0:
			attributes["targetingKey"] = fmt.Sprint("user-", rnd.IntN(50))
		case 1, 2:
			attributes["plan"] = pick("pro", "free", nil, true, 7, "Pro")
		case 3:
			attributes["groups"] = map[string]any{"company": pick("acme", "initech", 12, nil)}
		case 4:
			attributes["groupProperties"] = map[string]any{"company": map[string]any{"seats": pick(1, 100, 101, "250", nil)}}
		case 5:
			attributes["$device_id"] = pick("d-1", "d-2", nil, 5)
		case 6:
			attributes["$feature_enrollment/beta"] = pick(true, false, "true", nil)
		case 7:
			delete(attributes, pick("plan", "groups", "groupProperties", "$device_id", "nothing").(string))
		}
	}
	tag, had, same, other := "", "", 0, 0
	for i := range 10_000 {
		change()
		raw, err := json.Marshal(map[string]any{"context": attributes})
		if err != nil {
			t.Fatal(err)
		}
		got := askOFREP(t, n, string(raw), "If-None-Match", tag)
		whole := askOFREP(t, n, string(raw)).Body.String()
		switch got.Code {
		case http.StatusNotModified:
			if whole != had || got.Body.Len() > 0 {
				t.Fatalf("step %d: 304 for %s; the client has\n%s\nand should have\n%s", i, raw, had, whole)
			}
			same++
		case http.StatusOK:
			if whole == had {
				t.Fatalf("step %d: 200 for an answer that the client has", i)
			}
			other++
		default:
			t.Fatalf("step %d: status %d: %s", i, got.Code, got.Body)
		}
		tag, had = got.Header().Get("ETag"), whole
	}
	if same < 1000 || other < 1000 {
		t.Errorf("%d times the same and %d times another answer: the test says little", same, other)
	}
}

// The tag of an answer is the same on another node, after a restart, and however
// the context is written; a changed definition has another.
func TestOFREPTagIsThatOfTheAnswer(t *testing.T) {
	n := newOFREPNode(t, nodeOptions{})
	tag := askOFREP(t, n, `{"context":{"targetingKey":"u","plan":"pro"}}`).Header().Get("ETag")
	if tag == "" {
		t.Fatal("no tag")
	}
	again := newNode(t, nodeOptions{store: n.store.Store})
	for _, body := range []string{
		`{"context":{"targetingKey":"u","plan":"pro"}}`,
		` { "context" : {"plan":"p\u0072o", "targetingKey":"u"}, "more": 1}`,
	} {
		for _, match := range []string{tag, "W/" + tag, `"x", ` + tag} {
			if rec := askOFREP(t, again, body, "If-None-Match", match); rec.Code != http.StatusNotModified || rec.Header().Get("ETag") != tag {
				t.Errorf("%s with %s: %d, tag %s", body, match, rec.Code, rec.Header().Get("ETag"))
			}
		}
	}
	n.edit(t, func(tx store.Tx) error {
		return insertFlag(tx, store.Flag{Key: "newest", Active: true, Filters: []byte(`{"groups":[{"properties":[],"rollout_percentage":100}]}`)})
	})
	if rec := askOFREP(t, n, `{"context":{"targetingKey":"u","plan":"pro"}}`, "If-None-Match", tag); rec.Code != http.StatusOK {
		t.Errorf("status %d after an edit", rec.Code)
	}
}

// For the same subject, OpenFeature's clients see the value that PostHog's see,
// in its own terms; and one flag's answer is its entry among all.
func TestOFREPAgreesWithFlags(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 10))
	for range 12 {
		kinds := map[string]bool{} // by key: multivariate
		n := newNode(t, nodeOptions{seed: randomFlags(rnd, kinds)})
		for i := range 50 {
			credential, runtime := "phc_a", "client"
			if i%2 > 0 {
				credential, runtime = "phs_a", "all"
			}
			id := fmt.Sprint("user-", rnd.IntN(1000))
			properties := map[string]any{"plan": fmt.Sprint("plan-", rnd.IntN(4)), "age": rnd.IntN(60)}
			flags := detailsOf(t, n, map[string]any{
				"token": "phc_a", "distinct_id": id, "person_properties": properties, "evaluation_runtime": runtime,
			})
			attributes := maps.Clone(properties)
			attributes["targetingKey"] = id
			context, err := json.Marshal(map[string]any{"context": attributes})
			if err != nil {
				t.Fatal(err)
			}
			var bulk struct{ Flags []json.RawMessage }
			decodeAnswer(t, n.post(ofrepBulk, string(context), "X-API-Key", credential), &bulk)
			seen := 0
			for _, raw := range bulk.Flags {
				var got ofrepFlag
				if err := json.Unmarshal(raw, &got); err != nil {
					t.Fatal(err)
				}
				if one := n.post(ofrepBulk+"/"+got.Key, string(context), "X-API-Key", credential); one.Body.String() != string(raw) {
					t.Fatalf("alone %s, among all %s", one.Body, raw)
				}
				want, ok := flags[got.Key]
				if !ok {
					if got.Reason != "DISABLED" || got.Metadata["reasonCode"] != "inactive" {
						t.Errorf("%s: /flags does not have it: %s", got.Key, raw)
					}
					continue
				}
				seen++
				want.compare(t, got, kinds[got.Key])
			}
			if seen != len(flags) {
				t.Fatalf("%d flags of %d", seen, len(flags))
			}
		}
	}
}

// ofrepFlag is an answer about a flag.
type ofrepFlag struct {
	Key      string
	Value    any
	Reason   string
	Variant  string
	Metadata map[string]any
}

// flagDetail is a flag of an answer of /flags.
type flagDetail struct {
	Enabled bool
	Variant *string
	Reason  struct{ Code string }
	// Payload is a text of JSON, or null.
	Metadata struct{ Payload *string }
}

func (d *flagDetail) compare(t *testing.T, got ofrepFlag, multivariate bool) {
	t.Helper()
	var value any = d.Enabled
	variant := fmt.Sprint(d.Enabled)
	switch {
	case d.Variant != nil:
		value, variant = *d.Variant, *d.Variant
	case multivariate && !d.Enabled:
		value = nil
	}
	if got.Value != value || got.Variant != variant || got.Metadata["reasonCode"] != d.Reason.Code {
		t.Errorf("%s: %+v, /flags says %v %s %s", got.Key, got, value, variant, d.Reason.Code)
	}
	var payload any
	if d.Metadata.Payload != nil {
		payload = *d.Metadata.Payload
	}
	if got.Metadata["payload"] != payload {
		t.Errorf("%s: payload %v, /flags says %v", got.Key, got.Metadata["payload"], payload)
	}
}

func decodeAnswer(t testing.TB, rec *httptest.ResponseRecorder, into any) {
	t.Helper()
	if rec.Code != http.StatusOK {
		t.Fatalf("status %d: %s", rec.Code, rec.Body)
	}
	if err := json.Unmarshal(rec.Body.Bytes(), into); err != nil {
		t.Fatal(err)
	}
}

func detailsOf(t testing.TB, n *node, body map[string]any) map[string]flagDetail {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct{ Flags map[string]flagDetail }
	decodeAnswer(t, n.post("/flags?v=2", string(raw)), &answer)
	return answer.Flags
}

// randomFlags makes a project: conditions on two properties, rollouts, variants,
// payloads, dependencies, runtimes, inactive flags.
func randomFlags(rnd *rand.Rand, multivariate map[string]bool) func(store.Tx) error {
	return func(tx store.Tx) error {
		var errs []error
		for i := range 5 + rnd.IntN(20) {
			key := fmt.Sprintf("random-%d", i)
			filters := map[string]any{"payloads": map[string]any{"true": `{"n":1}`, "a": `"A"`}}
			if rnd.IntN(2) == 0 {
				multivariate[key] = true
				filters["multivariate"] = map[string]any{"variants": []any{
					map[string]any{"key": "a", "rollout_percentage": 60}, map[string]any{"key": "b", "rollout_percentage": 40},
				}}
			}
			if rnd.IntN(6) == 0 {
				filters["holdout"] = map[string]any{"id": 3, "exclusion_percentage": 30}
			}
			var groups []any
			for range 1 + rnd.IntN(3) {
				group := map[string]any{"rollout_percentage": []float64{0, 30, 80, 100}[rnd.IntN(4)], "properties": randomFilters(rnd, i)}
				if multivariate[key] && rnd.IntN(3) == 0 {
					group["variant"] = "b"
				}
				groups = append(groups, group)
			}
			filters["groups"] = groups
			raw, err := json.Marshal(filters)
			runtime := []string{"", "all", "client", "server"}[rnd.IntN(4)]
			errs = append(errs, err, insertFlag(tx, store.Flag{Key: key, Active: rnd.IntN(8) > 0, Runtime: runtime, Filters: raw}))
		}
		return errors.Join(errs...)
	}
}

func randomFilters(rnd *rand.Rand, flag int) []any {
	out := []any{}
	if rnd.IntN(2) == 0 {
		out = append(out, map[string]any{"type": "person", "key": "plan", "operator": "exact", "value": []any{fmt.Sprint("plan-", rnd.IntN(4))}})
	}
	if rnd.IntN(3) == 0 {
		out = append(out, map[string]any{"type": "person", "key": "age", "operator": "gt", "value": rnd.IntN(60)})
	}
	if flag > 0 && rnd.IntN(4) == 0 { // ids follow the flags of the seed
		out = append(out, map[string]any{"type": "flag", "key": fmt.Sprint(5 + rnd.IntN(flag)), "operator": "flag_evaluates_to", "value": rnd.IntN(2) == 0})
	}
	return out
}

const ofrepBody = `{"context":{"targetingKey":"user-4711","plan":"plan-3","$os":"Mac OS X","$browser":"Chrome","email":"a@example.com"}}`

func BenchmarkOFREP(b *testing.B) {
	n := newNode(b, nodeOptions{seed: seedMany(100)})
	token := []string{"Authorization", "Bearer phc_a"}
	b.Run("one", func(b *testing.B) {
		benchmark(b, 200, n.handler, "POST", ofrepBulk+"/flag-050", ofrepBody, token...)
	})
	b.Run("100", func(b *testing.B) {
		benchmark(b, 200, n.handler, "POST", ofrepBulk, ofrepBody, token...)
	})
	b.Run("100 unchanged", func(b *testing.B) {
		tag := n.post(ofrepBulk, ofrepBody, token...).Header().Get("ETag")
		benchmark(b, 304, n.handler, "POST", ofrepBulk, ofrepBody, append(token, "If-None-Match", tag)...)
	})
}

// A request must not cost more allocations the more flags there are.
func TestOFREPAllocatesNothingPerFlag(t *testing.T) {
	skipWherePoolsDrop(t)
	allocations := func(flags int) float64 {
		n := newNode(t, nodeOptions{seed: seedMany(flags)})
		run, _ := exchange(t, n.handler, "POST", ofrepBulk, ofrepBody, "Authorization", "Bearer phc_a")
		run()
		return testing.AllocsPerRun(200, run)
	}
	few, many := allocations(10), allocations(300)
	t.Logf("%v allocations for 10 flags, %v for 300", few, many)
	if many > few+2 {
		t.Errorf("%v allocations for 300 flags, %v for 10", many, few)
	}
}
