package identity_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/guidon-flags/guidon/internal/identity"
	"github.com/guidon-flags/guidon/internal/identity/identitytest"
	"github.com/guidon-flags/guidon/internal/store"
)

var at = time.Date(2025, 5, 5, 10, 20, 30, 0, time.UTC)

// event makes an event; properties is a JSON object or empty.
func event(name, id, properties string) identity.Event {
	return identity.Event{
		UUID: "0190a5e0-7b1c-7c5e-9a3e-2f6d0c1b4a55", Name: name, DistinctID: id, Time: at, Properties: []byte(properties),
	}
}

// world is a store with one project and a service on it.
type world struct {
	store.Store
	*identity.Service
	project store.Project
}

func newWorld(t *testing.T, o identity.Options) *world {
	t.Helper()
	st := open(t)
	if o.Now == nil {
		o.Now = func() time.Time { return identitytest.Now }
	}
	return &world{st, identity.New(st, o), identitytest.Setup(t, st, &identitytest.Case{})}
}

func (w *world) capture(t *testing.T, events ...identity.Event) {
	t.Helper()
	capture(t, w.Service, w.project, events...)
}

// person returns the person of an id, nil if there is none.
func (w *world) person(t *testing.T, id string) *store.Person {
	t.Helper()
	var p store.Person
	err := w.View(t.Context(), func(tx store.ReadTx) (err error) {
		p, err = tx.PersonByDistinctID(w.project.ID, id)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return &p
}

// persons describes all persons: ids, * if identified, properties.
func (w *world) persons(t *testing.T) string {
	t.Helper()
	var list []string
	err := w.View(t.Context(), func(tx store.ReadTx) error {
		persons, err := tx.Persons(store.PersonQuery{Project: w.project.ID, Limit: 1000})
		for _, p := range persons {
			mark := ""
			if p.Identified {
				mark = "*"
			}
			var m map[string]json.RawMessage
			if err := json.Unmarshal(p.Properties, &m); err != nil {
				return err
			}
			delete(m, "$creator_event_uuid")
			doc, err := json.Marshal(m)
			if err != nil {
				return err
			}
			list = append(list, strings.Join(p.DistinctIDs, ",")+mark+string(doc))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(list)
	return strings.Join(list, " | ")
}

// warnings returns the types of all warnings, oldest first.
func (w *world) warnings(t *testing.T) []string {
	t.Helper()
	var types []string
	err := w.View(t.Context(), func(tx store.ReadTx) error {
		list, err := tx.Warnings(w.project.ID, 1000)
		for _, one := range slices.Backward(list) {
			types = append(types, one.Type)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return types
}

// TestRules holds what the conformance cases leave open.
func TestRules(t *testing.T) {
	top := func(e identity.Event, set, once string) identity.Event {
		e.Set, e.SetOnce = []byte(set), []byte(once)
		return e
	}
	long := strings.Repeat("i", 300)
	for _, c := range []struct {
		name     string
		options  identity.Options
		optOut   bool
		events   []identity.Event
		want     string
		warnings []string
	}{
		{
			name: "opt-out makes everything personless, explicit or not", optOut: true,
			events: []identity.Event{event("e", "a", `{"$process_person_profile":true,"$set":{"x":1}}`)},
		},
		{
			name: "opt-out drops identify", optOut: true,
			events:   []identity.Event{event("$identify", "a", `{"$anon_distinct_id":"b"}`)},
			warnings: []string{"invalid_event_when_process_person_profile_is_false"},
		},
		{name: "cookieless is personless", events: []identity.Event{event("e", "a", `{"$cookieless_mode":true}`)}},
		{
			name:   "odd $process_person_profile",
			events: []identity.Event{event("e", "a", `{"$process_person_profile":"no"}`)}, want: `a{}`,
			warnings: []string{"invalid_process_person_profile"},
		},
		{
			name:     "odd $process_person_profile is not explicit",
			events:   []identity.Event{event("$feature_flag_called", "a", `{"$process_person_profile":1,"$feature_flag":"f"}`)},
			warnings: []string{"invalid_process_person_profile"},
		},
		{name: "flag call with empty groups", events: []identity.Event{event("$feature_flag_called", "a", `{"$groups":{ }}`)}},
		{name: "flag call of a person", events: []identity.Event{
			event("e", "a", ``),
			event("$feature_flag_called", "a", `{"$set":{"x":1}}`),
		}, want: `a{"x":1}`},
		{name: "events of other products", events: []identity.Event{
			event("$snapshot", "a", ``), event("$exception", "a", ``), event("$ai_generation", "a", ``),
			event("$web_vitals", "a", `{"$set":{"x":1}}`), event("$$heatmap", "a", ``),
		}},
		{name: "no documents", events: []identity.Event{event("e", "a", ``)}, want: `a{}`},
		{name: "$set that is no object", events: []identity.Event{top(event("e", "a", `{"$set":[1],"$set_once":"x","$unset":5}`), `"x"`, `null`)}, want: `a{}`},
		{name: "top-level $set alone", events: []identity.Event{top(event("e", "a", `{}`), `{"x":1}`, `{"x":2,"y":2}`)}, want: `a{"x":1,"y":2}`},
		{
			name: "numbers stay as written", events: []identity.Event{event("$set", "a", `{"$set":{"n":1.50,"big":123456789012345678901234567890,"e":[1e2, 1.0]}}`)},
			want: `a{"big":123456789012345678901234567890,"e":[1e2,1.0],"n":1.50}`,
		},
		{
			name: "NUL in texts and names", events: []identity.Event{event("$set", "a", `{"$set":{"a\u0000b":"c\u0000d","l":["\u0000"],"lone":"\ud800"}}`)},
			want: "a{\"a\uFFFDb\":\"c\uFFFDd\",\"l\":[\"\uFFFD\"],\"lone\":\"\uFFFD\"}",
		},
		{name: "$unset as an object", events: []identity.Event{event("$set", "a", `{"$set":{"x":1,"y":1}}`), event("$set", "a", `{"$unset":{"x":true}}`)}, want: `a{"y":1}`},
		{name: "$unset after $set", events: []identity.Event{event("$set", "a", `{"$set":{"x":1}}`), event("$set", "a", `{"$set":{"x":2,"z":3},"$unset":["x","z"]}`)}, want: `a{"z":3}`},
		{name: "null counts as present for $set_once", events: []identity.Event{event("$set", "a", `{"$set":{"x":null}}`), event("$set", "a", `{"$set_once":{"x":1}}`)}, want: `a{"x":null}`},
		{
			name: "noise filter off", options: identity.Options{NoNoiseFilter: true},
			events: []identity.Event{event("e", "a", `{"$set":{"$os":"a"}}`), event("e", "a", `{"$set":{"$os":"b"}}`)}, want: `a{"$os":"b"}`,
		},
		{
			name:   "noise filter leaves $set events alone",
			events: []identity.Event{event("e", "a", `{"$set":{"$os":"a"}}`), event("$set", "a", `{"$set":{"$os":"b"}}`)}, want: `a{"$os":"b"}`,
		},
		{
			name:   "noise and $unset",
			events: []identity.Event{event("e", "a", `{"$set":{"$os":"a","x":1}}`), event("e", "a", `{"$set":{"$os":"b"},"$unset":["x"]}`)}, want: `a{"$os":"b"}`,
		},
		{
			name: "host of a server library", events: []identity.Event{event("e", "a", `{"$lib":"posthog-node","$os":"Linux","$os_name":"L","$os_version":"6","$browser":"x"}`)},
			want: `a{"$browser":"x","$initial_browser":"x"}`,
		},
		{name: "$os_name yields to $os", events: []identity.Event{event("e", "a", `{"$os":"A","$os_name":"B"}`)}, want: `a{"$initial_os":"A","$os":"A"}`},
		{
			name: "names of initial properties", events: []identity.Event{event("e", "a", `{"_kx":"k","utm_source":"u"}`)},
			want: `a{"$initial__kx":"k","$initial_utm_source":"u","_kx":"k","utm_source":"u"}`,
		},
		{name: "survey", events: []identity.Event{event("e", "a", ``), event("survey shown", "a", ``)}, want: `a{"$survey_last_seen_date":"2025-05-05T10:20:30.000Z"}`},
		{name: "M1: own id", events: []identity.Event{event("$identify", "a", `{"$anon_distinct_id":"a"}`)}, want: `a{}`},
		{
			name: "null as anonymous id", events: []identity.Event{event("$identify", "a", `{"$anon_distinct_id":null}`)}, want: `a{}`,
			warnings: []string{"cannot_merge_with_illegal_distinct_id"},
		},
		{
			name: "object as anonymous id", events: []identity.Event{event("$identify", "a", `{"$anon_distinct_id":{}}`)}, want: `a{}`,
			warnings: []string{"cannot_merge_with_illegal_distinct_id"},
		},
		{
			name: "blank anonymous id", events: []identity.Event{event("$identify", "a", `{"$anon_distinct_id":" "}`)}, want: `a{}`,
			warnings: []string{"cannot_merge_with_illegal_distinct_id"},
		},
		{
			name: "illegal id in single quotes and capitals", events: []identity.Event{event("$identify", "'ANONYMOUS'", `{"$anon_distinct_id":"b"}`)}, want: `'ANONYMOUS'{}`,
			warnings: []string{"cannot_merge_with_illegal_distinct_id"},
		},
		{name: "number as anonymous id", events: []identity.Event{event("$identify", "a", `{"$anon_distinct_id":17}`)}, want: `a,17*{}`},
		{name: "long anonymous id", events: []identity.Event{event("$identify", "a", `{"$anon_distinct_id":"`+long+`"}`)}, want: `a,` + long[:200] + `*{}`},
		{
			name: "alias that is not truthy", events: []identity.Event{
				event("$create_alias", "a", `{"alias":""}`), event("$create_alias", "b", `{"alias":0}`), event("$create_alias", "c", `{"alias":-0.0e5}`),
				event("$create_alias", "d", `{"alias":false}`), event("$merge_dangerously", "e", `{"alias":null}`), event("$merge_dangerously", "f", ``),
			},
			want: `a{} | b{} | c{} | d{} | e{} | f{}`,
		},
		{
			name: "too many ids", options: identity.Options{MaxDistinctIDs: 1},
			events: []identity.Event{event("$identify", "a", `{"$anon_distinct_id":"b"}`), event("e", "c", ``), event("$merge_dangerously", "c", `{"alias":"a","$set":{"x":1}}`)},
			want:   `a,b*{} | c*{"x":1}`, warnings: []string{"cannot_merge_too_many_distinct_ids"},
		},
		{name: "$groupidentify makes no person", events: []identity.Event{event("$groupidentify", "a", `{"$group_type":"t","$group_key":"k"}`)}},
		{
			name: "$groupidentify makes a person if told to", options: identity.Options{GroupIdentifyCreatesPerson: true},
			events: []identity.Event{event("$groupidentify", "a", `{"$group_type":"t","$group_key":"k","$set":{"x":1},"$browser":"b"}`)}, want: `a{}`,
		},
		{
			name: "creation above the limit", events: []identity.Event{event("$set", "a", `{"$set":{"x":"`+strings.Repeat("x", 655_340)+`"}}`)},
			warnings: []string{"person_properties_size_violation"},
		},
		{
			name: "a document that is too big by itself", events: []identity.Event{event("e", "a", ``), event("$set", "a", `{"$set":{"x":"`+strings.Repeat("x", 700_000)+`"}}`)},
			want: `a{}`, warnings: []string{"person_properties_size_violation"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, c.options)
			w.project.PersonlessOnly = c.optOut
			w.capture(t, c.events...)
			if diff := cmp.Diff(c.want, w.persons(t)); diff != "" {
				t.Errorf("persons (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.warnings, w.warnings(t)); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
			for typ, n := range w.Stats().Warnings {
				if want := count(c.warnings, typ); n != want {
					t.Errorf("%d warnings %s counted, want %d", n, typ, want)
				}
			}
		})
	}
}

func count(list []string, s string) (n int64) {
	for _, one := range list {
		if one == s {
			n++
		}
	}
	return n
}

func TestPersonUUID(t *testing.T) {
	for _, c := range []struct {
		project  int64
		id, want string
	}{
		{1, "test", "246f7a43-5507-564f-b687-793ee3c2dd79"},
		{2, "test", "00ce873a-549c-548e-bbec-cc804a385dd8"},
		{1, "test2", "45c17302-ee44-5596-916a-0eba21f4b638"},
	} {
		if got := identity.PersonUUID(c.project, c.id); got != c.want {
			t.Errorf("PersonUUID(%d, %q) = %s, want %s", c.project, c.id, got, c.want)
		}
	}
}

func TestLastSeenIsTheHour(t *testing.T) {
	w := newWorld(t, identity.Options{})
	w.capture(t, event("e", "a", ``))
	seen := func() string { return w.person(t, "a").LastSeenAt.Format("15:04") }
	if got := seen(); got != "10:00" {
		t.Errorf("after creation: %s", got)
	}
	later := event("e", "a", `{"$update_person_last_seen_at":false}`)
	later.Time = at.Add(2 * time.Hour)
	w.capture(t, later)
	if got := seen(); got != "10:00" {
		t.Errorf("after an event that says no: %s", got)
	}
	later.Properties = nil
	w.capture(t, later, event("e", "a", ``))
	if got := seen(); got != "12:00" {
		t.Errorf("after a later and an earlier event: %s", got)
	}
	if p := w.person(t, "a"); p.Version != 1 {
		t.Errorf("version %d, want 1: one write", p.Version)
	}
}

func TestMergeKeepsVersionsAndTimes(t *testing.T) {
	w := newWorld(t, identity.Options{})
	early := event("e", "old", ``)
	early.Time = at.Add(-48 * time.Hour)
	w.capture(t, early, event("e", "new", ``), event("$set", "old", `{"$set":{"x":1}}`), event("$set", "old", `{"$set":{"x":2}}`),
		event("$create_alias", "new", `{"alias":"old"}`))
	p := w.person(t, "old")
	if p.Version != 3 || !p.CreatedAt.Equal(early.Time) || !p.LastSeenAt.Equal(at.Truncate(time.Hour)) {
		t.Errorf("version %d, created %v, seen %v", p.Version, p.CreatedAt, p.LastSeenAt)
	}
	if s := w.Stats(); s.Created != 2 || s.Merged != 1 || s.Events != 5 {
		t.Errorf("stats %+v", s)
	}
}

func TestOversizedPersonIsTrimmed(t *testing.T) {
	w := newWorld(t, identity.Options{})
	value := quotedOf(100_000)
	doc := map[string]json.RawMessage{"email": value, "aa": value, "ab": value, "b": value, "c": value, "d": value, "e": value}
	stored, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	err = w.Identify(t.Context(), w.project.ID, func(tx store.IdentityTx) error {
		_, err := tx.InsertPerson(store.Person{UUID: identity.PersonUUID(w.project.ID, "a"), Properties: stored, CreatedAt: at}, []string{"a"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	w.capture(t, event("$set", "a", `{"$set":{"x":1}}`))
	var left map[string]json.RawMessage
	if err := json.Unmarshal(w.person(t, "a").Properties, &left); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(slices.Sorted(maps.Keys(left)), " "); got != "b c d e email x" {
		t.Errorf("left are %s, want b c d e email x", got)
	}
	// Within the limit now, it is not trimmed but refused.
	w.capture(t, event("$set", "a", `{"$set":{"y":`+string(quotedOf(300_000))+`}}`))
	if got := w.warnings(t); !slices.Equal(got, []string{"person_properties_size_violation"}) {
		t.Errorf("warnings %q", got)
	}
}

func quotedOf(n int) []byte { return []byte(`"` + strings.Repeat("v", n) + `"`) }

// TestMergeAboveTheLimit: ids join, the survivor keeps its own properties.
func TestMergeAboveTheLimit(t *testing.T) {
	w := newWorld(t, identity.Options{})
	big := string(quotedOf(400_000))
	w.capture(t, event("$set", "a", `{"$set":{"a":`+big+`}}`))
	w.capture(t, event("$set", "b", `{"$set":{"b":`+big+`}}`))
	w.capture(t, event("$identify", "b", `{"$anon_distinct_id":"a","$set":{"x":1}}`))
	p := w.person(t, "a")
	if !slices.Equal(p.DistinctIDs, []string{"b", "a"}) || !p.Identified || len(p.Properties) > 500_000 || strings.Contains(string(p.Properties), `"x"`) {
		t.Errorf("ids %q, identified %t, %d bytes of properties", p.DistinctIDs, p.Identified, len(p.Properties))
	}
	if got := w.warnings(t); !slices.Equal(got, []string{"person_properties_size_violation"}) {
		t.Errorf("warnings %q", got)
	}
}

func TestGroups(t *testing.T) {
	w := newWorld(t, identity.Options{})
	group := func(properties string) identity.Event { return event("$groupidentify", "u", properties) }
	w.capture(t,
		group(`{"$group_type":"company","$group_key":"acme","$group_set":{"a":1,"b":{"c":1}}}`),
		group(`{"$group_type":"company","$group_key":"acme","$group_set":{"a":1}}`), // no change
		group(`{"$group_type":"company","$group_key":""}`),
		group(`{"$group_type":0,"$group_key":"x"}`),
		group(`{"$group_type":"`+strings.Repeat("t", 401)+`","$group_key":"x"}`),
		event("e", "u", `{"$groups":{"zeta":"1","alpha":"2","company":"acme"}}`),
		event("$delete_group_property", "u", `{"$group_type":"company","$group_key":"acme","$group_unset":["b","zz"]}`),
		event("$delete_group_property", "u", `{"$group_type":"nope","$group_key":"acme","$group_unset":["b"]}`),
		group(`{"$group_type":"alpha","$group_key":"k","$group_set":{"x":`+string(quotedOf(656_000))+`}}`),
	)
	late := group(`{"$group_type":"alpha","$group_key":"future"}`)
	late.Time = identitytest.Now.Add(time.Hour)
	w.capture(t, late)
	var got []string
	err := w.View(t.Context(), func(tx store.ReadTx) error {
		types, err := tx.GroupTypes(w.project.ID)
		for _, typ := range types {
			got = append(got, fmt.Sprint(typ.Index, typ.Name))
			groups, err := tx.Groups(store.GroupQuery{Project: w.project.ID, Index: typ.Index})
			if err != nil {
				return err
			}
			for _, g := range groups {
				got = append(got, fmt.Sprint(g.Key, string(g.Properties), g.Version, g.CreatedAt.Equal(at), g.CreatedAt.Equal(identitytest.Now)))
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"0company", `acme{"a":1}2 true false`, "1zeta", "2alpha", `future{}1 false true`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	if got := w.warnings(t); !slices.Equal(got, []string{"group_key_too_long", "group_upsert_message_size_too_large"}) {
		t.Errorf("warnings %q", got)
	}
}

// touches records the flags that are touched and can fail.
type touches struct {
	store.Store
	list  []string
	fail  error
	twice bool // run every function twice, as a store may
}

type touchTx struct {
	store.IdentityTx
	t *touches
}

func (tx touchTx) TouchFlag(key string, at time.Time) error {
	tx.t.list = append(tx.t.list, key+" "+at.Format("15:04:05"))
	return tx.IdentityTx.TouchFlag(key, at)
}

var errAgain = errors.New("again")

func (s *touches) Identify(ctx context.Context, project int64, fn func(tx store.IdentityTx) error) error {
	if s.fail != nil {
		return s.fail
	}
	if s.twice {
		err := s.Store.Identify(ctx, project, func(tx store.IdentityTx) error {
			if err := fn(tx); err != nil {
				return err
			}
			return errAgain
		})
		if !errors.Is(err, errAgain) {
			return err
		}
	}
	return s.Store.Identify(ctx, project, func(tx store.IdentityTx) error { return fn(touchTx{tx, s}) })
}

func TestFlagCallsAreThrottled(t *testing.T) {
	st := &touches{Store: open(t)}
	project := identitytest.Setup(t, st, &identitytest.Case{})
	s := newService(st)
	call := func(key string, after time.Duration) identity.Event {
		e := event("$feature_flag_called", "u", `{"$feature_flag":"`+key+`"}`)
		e.Time = at.Add(after)
		return e
	}
	capture(t, s, project, call("b", 0), call("a", time.Second), call("a", 0), event("$feature_flag_called", "u", ``))
	capture(t, s, project, call("a", 59*time.Second))
	st.fail = errAgain
	if err := s.Capture(t.Context(), identity.Settings{ID: project.ID}, []identity.Event{call("a", 2*time.Minute)}); !errors.Is(err, errAgain) {
		t.Fatalf("error %v, want that of the store", err)
	}
	st.fail = nil
	capture(t, s, project, call("a", 2*time.Minute), call("a", -time.Hour))
	capture(t, s, project, call("c", identitytest.Now.Add(time.Hour).Sub(at)))
	want := []string{"a 10:20:31", "b 10:20:30", "a 10:22:30", "c 00:00:00"}
	if diff := cmp.Diff(want, st.list); diff != "" {
		t.Errorf("touched (-want +got):\n%s", diff)
	}
}

// TestRepeatedTransactions: a store may run a transaction again; nothing is
// counted twice.
func TestRepeatedTransactions(t *testing.T) {
	st := &touches{Store: open(t), twice: true}
	w := &world{st, newService(st), identitytest.Setup(t, st.Store, &identitytest.Case{})}
	w.capture(t, event("$identify", "a", `{"$anon_distinct_id":"b","$groups":{"t":1}}`), event("$identify", "a", `{"$anon_distinct_id":"null"}`))
	s := w.Stats()
	if s.Created != 1 || s.Events != 2 || s.Warnings["cannot_merge_with_illegal_distinct_id"] != 1 || len(w.warnings(t)) != 1 {
		t.Errorf("stats %+v", s)
	}
}

func TestLargeRequestsAreApplied(t *testing.T) {
	w := newWorld(t, identity.Options{})
	var events []identity.Event
	for i := range 2500 {
		events = append(events, event("$set", fmt.Sprint("u", i%7), fmt.Sprintf(`{"$set":{"n":%d}}`, i)))
	}
	w.capture(t, events...)
	if got, want := w.persons(t), `u0{"n":2499} | u1{"n":2493} | u2{"n":2494} | u3{"n":2495} | u4{"n":2496} | u5{"n":2497} | u6{"n":2498}`; got != want {
		t.Errorf("persons %s, want %s", got, want)
	}
}

// A person that is refused for its size leaves no ids that count as merged.
func TestRefusedCreationMergesNothing(t *testing.T) {
	w := newWorld(t, identity.Options{})
	w.capture(t, event("$identify", "a", `{"$anon_distinct_id":"b","$set":{"x":"`+strings.Repeat("x", 655_340)+`"}}`))
	if got := w.persons(t); got != "" {
		t.Fatalf("persons %.100s, want none", got)
	}
	err := w.Identify(t.Context(), w.project.ID, func(tx store.IdentityTx) error {
		for _, id := range []string{"a", "b"} {
			if _, merged, err := tx.Personless(id); err != nil || merged {
				t.Errorf("%s: merged %v, error %v; want false", id, merged, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// portions counts the transactions of a store.
type portions struct {
	store.Store
	count int
	fail  int // the transaction that fails, from 1; 0: none does
}

func (s *portions) Identify(ctx context.Context, project int64, fn func(tx store.IdentityTx) error) error {
	if s.count++; s.count == s.fail {
		return store.ErrUnavailable
	}
	return s.Store.Identify(ctx, project, fn)
}

// Events that take long one by one must not hold the store from the first to
// the last of them.
func TestSlowEventsShareTheStore(t *testing.T) {
	w := newWorld(t, identity.Options{})
	st := &portions{Store: w.Store}
	now := identitytest.Now
	w.Service = identity.New(st, identity.Options{Now: func() time.Time {
		now = now.Add(60 * time.Millisecond)
		return now
	}})
	var events []identity.Event
	for i := range 6 {
		events = append(events, event("$set", "u", fmt.Sprintf(`{"$set":{"n":%d}}`, i)))
	}
	w.capture(t, events...)
	if want := 3; st.count != want {
		t.Errorf("%d transactions, want %d", st.count, want)
	}
	if diff := cmp.Diff(`u{"n":5}`, w.persons(t)); diff != "" {
		t.Error(diff)
	}
	if got := w.Stats().Events; got != int64(len(events)) {
		t.Errorf("%d events counted, want %d", got, len(events))
	}
}

// TestCaptureFront: two events are in each transaction, but those of which
// nothing is stored. The events before a transaction that fails are done with.
func TestCaptureFront(t *testing.T) {
	for _, c := range []struct {
		fail, n int
		persons string
	}{
		{1, 0, ""},
		{2, 3, `u{"n":1}`},
		{3, 5, `u{"n":3}`},
		{0, 7, `u{"n":4}`},
	} {
		w := newWorld(t, identity.Options{})
		now := identitytest.Now
		w.Service = identity.New(&portions{Store: w.Store, fail: c.fail}, identity.Options{Now: func() time.Time {
			now = now.Add(60 * time.Millisecond)
			return now
		}})
		events := []identity.Event{event("$exception", "u", `{}`)}
		for i := range 5 {
			events = append(events, event("$set", "u", fmt.Sprintf(`{"$set":{"n":%d}}`, i)))
		}
		events = append(events, event("$exception", "u", `{}`))
		n, err := w.CaptureFront(t.Context(), identity.Settings{ID: w.project.ID}, events)
		if n != c.n || (err != nil) != (c.fail > 0) || err != nil && !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("transaction %d fails: %d events, %v; want %d", c.fail, n, err, c.n)
		}
		if diff := cmp.Diff(c.persons, w.persons(t)); diff != "" {
			t.Errorf("transaction %d fails: persons (-want +got):\n%s", c.fail, diff)
		}
	}
}

// TestLifted: what is said beside the properties counts before them.
func TestLifted(t *testing.T) {
	for _, c := range []struct{ properties, lifted, want string }{
		{`{"$set":{"a":1}}`, `{"$process_person_profile":false}`, ""},
		{`{"$process_person_profile":false,"$set":{"a":1}}`, `{"$process_person_profile":true}`, `u{"a":1}`},
		{`{"$cookieless_mode":true}`, `{"$cookieless_mode":false}`, "u{}"},
		{`{"$os":"Linux"}`, `{"$lib":"posthog-go"}`, "u{}"},
		{`{"$os":"Linux","$lib":"posthog-go"}`, `{"$lib":"web"}`, `u{"$initial_os":"Linux","$os":"Linux"}`},
		{``, `{"$lib":"web"}`, "u{}"},
	} {
		w := newWorld(t, identity.Options{})
		e := event("e", "u", c.properties)
		e.Lifted = []byte(c.lifted)
		w.capture(t, e)
		if diff := cmp.Diff(c.want, w.persons(t)); diff != "" {
			t.Errorf("%s with %s: persons (-want +got):\n%s", c.properties, c.lifted, diff)
		}
	}
}

func TestLookupReadsItsOwnWrites(t *testing.T) {
	w := newWorld(t, identity.Options{})
	for i := range 20 {
		w.capture(t, event("$set", "a", fmt.Sprintf(`{"$set":{"n":%d}}`, i)))
		d, err := w.Lookup(t.Context(), store.SubjectQuery{Project: w.project.ID, DistinctID: "a", Person: true})
		if err != nil || d.Person == nil || !strings.Contains(string(d.Person.Properties), fmt.Sprintf(`"n":%d`, i)) {
			t.Fatalf("look-up %d: %+v, %v", i, d, err)
		}
	}
}
