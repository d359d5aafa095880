package decide

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/snapshot"
	"github.com/guidon-flags/guidon/internal/store"
)

// stub answers look-ups with functions.
type stub struct {
	lookup func(ctx context.Context, q store.SubjectQuery) (store.SubjectData, error)
	write  func(ids, keys []string, hashKey string) (int, error)
}

func (s stub) Lookup(ctx context.Context, q store.SubjectQuery) (store.SubjectData, error) {
	return s.lookup(ctx, q)
}

func (s stub) WriteOverrides(_ context.Context, _ int64, ids, keys []string, hashKey string) (int, error) {
	return s.write(ids, keys, hashKey)
}

// unasked fails the test when anything is looked up.
func unasked(t *testing.T) Subjects {
	return stub{
		lookup: func(_ context.Context, q store.SubjectQuery) (store.SubjectData, error) {
			t.Errorf("looked up %+v", q)
			return store.SubjectData{}, nil
		},
		write: func([]string, []string, string) (int, error) { t.Error("wrote"); return 0, nil },
	}
}

func everybody() feature.Condition {
	return feature.Condition{Rollout: 100, GroupType: feature.NoGroup}
}

func flag(id int64, key string, conditions ...feature.Condition) feature.Flag {
	return feature.Flag{
		ID: id, Key: key, Active: true,
		Targeting: &feature.Targeting{Conditions: conditions, GroupType: feature.NoGroup},
	}
}

func plan(value string) feature.Condition {
	c := everybody()
	c.Properties = []feature.Property{{Key: "plan", Operator: feature.Exact, Value: feature.Text(value), GroupType: feature.NoGroup}}
	return c
}

func versionOf(flags ...feature.Flag) *snapshot.Version {
	p, _ := eval.Compile(&feature.Project{ID: 1, GroupTypes: [feature.MaxGroupTypes]string{"company"}, Flags: flags})
	return &snapshot.Version{Definitions: store.Definitions{Project: store.Project{ID: 1}}, Program: p}
}

// show renders an answer: "key", "key=variant", "!key" for off, "key?code" for
// failed, in parentheses if not requested.
func show(v *snapshot.Version, ans *Answer) string {
	var parts []string
	for i := range ans.Items {
		r := &ans.Items[i]
		s := v.Program.Flag(r.Flag).Key
		switch {
		case r.Failure != nil:
			s += "?" + r.Failure.Code
		case !r.Enabled:
			s = "!" + s
		case r.Variant != "":
			s += "=" + r.Variant
		}
		if !r.Requested {
			s = "(" + s + ")"
		}
		parts = append(parts, s)
	}
	if ans.Errors {
		parts = append(parts, "errors")
	}
	return strings.Join(parts, " ")
}

func TestSelection(t *testing.T) {
	client, server, web, survey := flag(1, "client", everybody()), flag(2, "server", everybody()), flag(3, "web", everybody()), flag(4, "survey-targeting-x", everybody())
	client.Runtime, server.Runtime = feature.RuntimeClient, feature.RuntimeServer
	web.EvaluationContext = []string{"web", "docs"}
	onServer := everybody()
	onServer.Properties = []feature.Property{{Key: "2", Type: feature.FlagDependency, Operator: feature.FlagEvaluatesTo, Value: feature.Bool(true), GroupType: feature.NoGroup}}
	dependent := flag(5, "dependent", onServer)
	off := flag(6, "off", everybody())
	off.Active = false
	v := versionOf(client, server, web, survey, dependent, off)
	clients := feature.Runtimes(feature.RuntimeAny, feature.RuntimeClient)
	tests := []struct {
		name string
		req  Request
		want string
	}{
		{"all", Request{AllKeys: true}, "client server web survey-targeting-x dependent"},
		{"client", Request{AllKeys: true, Runtimes: clients}, "client web survey-targeting-x !dependent"},
		{"undecided", Request{AllKeys: true, Runtimes: feature.Runtimes(feature.RuntimeAny)}, "web survey-targeting-x !dependent"},
		{"context", Request{AllKeys: true, Contexts: []string{"docs", "x"}}, "client server web survey-targeting-x dependent"},
		{"other context", Request{AllKeys: true, Contexts: []string{"Web"}}, "client server survey-targeting-x dependent"},
		{"runtime and context", Request{AllKeys: true, Runtimes: clients, Contexts: []string{"x"}}, "client survey-targeting-x !dependent"},
		{"surveys", Request{AllKeys: true, SurveysOnly: true}, "survey-targeting-x"},
		{"key", Request{Keys: []string{"web"}}, "web"},
		{"key with dependency", Request{Keys: []string{"dependent"}}, "(server) dependent"},
		{"filtered key", Request{Keys: []string{"server", "web"}, Runtimes: clients}, "web"},
		{"unknown and inactive keys", Request{Keys: []string{"nope", "off"}}, ""},
		{"no keys", Request{}, ""},
	}
	var ans Answer // reused on purpose
	e := New(unasked(t), Options{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e.Decide(t.Context(), v, &tt.req, &ans)
			if got := show(v, &ans); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if ans.Looked {
				t.Error("Looked although nothing is needed")
			}
		})
	}
}

func TestFailedLookup(t *testing.T) {
	v := versionOf(flag(1, "free", everybody()), flag(2, "stored", plan("pro")))
	tests := []struct {
		err  error
		want string
	}{
		{store.ErrUnavailable, "database_unavailable"},
		{fmt.Errorf("read: %w", store.ErrClosed), "database_unavailable"},
		{fmt.Errorf("read: %w", context.DeadlineExceeded), "timeout:persons_db_deadline"},
		{errors.Join(store.ErrUnavailable, context.DeadlineExceeded), "timeout:persons_db_deadline"},
		{context.Canceled, "timeout:client_timeout"},
		{errors.New("syntax"), "database_error"},
	}
	for _, tt := range tests {
		var looked error
		e := New(stub{lookup: func(context.Context, store.SubjectQuery) (store.SubjectData, error) {
			return store.SubjectData{}, tt.err
		}}, Options{OnLookup: func(_ time.Duration, err error) { looked = err }})
		var ans Answer
		e.Decide(t.Context(), v, &Request{DistinctID: "u", AllKeys: true}, &ans)
		if got, want := show(v, &ans), "free stored?"+tt.want+" errors"; got != want {
			t.Errorf("%v: got %q, want %q", tt.err, got, want)
		}
		if !errors.Is(looked, tt.err) {
			t.Errorf("OnLookup got %v, want %v", looked, tt.err)
		}
	}
}

func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := versionOf(flag(1, "free", everybody()), flag(2, "stored", plan("pro")))
		e := New(stub{lookup: func(ctx context.Context, _ store.SubjectQuery) (store.SubjectData, error) {
			<-ctx.Done()
			return store.SubjectData{}, ctx.Err()
		}}, Options{Deadline: 70 * time.Millisecond})
		start := time.Now()
		var ans Answer
		e.Decide(t.Context(), v, &Request{DistinctID: "u", AllKeys: true}, &ans)
		if took := time.Since(start); took != 70*time.Millisecond {
			t.Errorf("took %v", took)
		}
		if got, want := show(v, &ans), "free stored?timeout:persons_db_deadline errors"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestUnreadableProperties(t *testing.T) {
	grouped := everybody()
	grouped.GroupType = 0
	grouped.Properties = []feature.Property{{Key: "size", Type: feature.GroupProperty, Operator: feature.Exact, Value: feature.Text("1"), GroupType: 0}}
	byGroup := flag(3, "group", grouped)
	byGroup.Targeting.GroupType = 0
	v := versionOf(flag(1, "free", everybody()), flag(2, "person", plan("pro")), byGroup)
	e := New(stub{lookup: func(_ context.Context, q store.SubjectQuery) (store.SubjectData, error) {
		return store.SubjectData{
			Person: &store.Person{ID: 1, Properties: []byte(`{"plan":"pro"}`)},
			Groups: []store.Group{{Index: 0, Key: q.Groups[0].Key, Properties: []byte(`["size"]`)}},
		}, nil
	}}, Options{})
	var ans Answer
	e.Decide(t.Context(), v, &Request{DistinctID: "u", AllKeys: true, Properties: company("acme")}, &ans)
	if got, want := show(v, &ans), "free person group?data_parsing_error errors"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// company brings a group of the type with index 0.
type company string

func (c company) Fill(_ *eval.Program, in *eval.Input) { in.SetGroupKey(0, feature.Text(string(c))) }

func TestContinuity(t *testing.T) {
	sticky := func(id int64, key string) feature.Flag {
		c := everybody()
		c.Rollout = 50
		f := flag(id, key, c)
		f.Continuity = true
		return f
	}
	v := versionOf(sticky(1, "a"), sticky(2, "b"), flag(3, "c", everybody()))
	var wrote string
	tests := []struct {
		name    string
		req     Request
		before  map[string]string
		persons int
		wrote   string
		lookups int
	}{
		{"no anonymous id", Request{}, nil, 1, "", 1},
		{"nobody stored", Request{AnonID: "anon"}, nil, 0, "", 1},
		{"none has a row", Request{AnonID: "anon"}, nil, 1, "[u anon] [a b] anon", 2},
		{"one lacks a row", Request{AnonID: "anon"}, map[string]string{"a": "x"}, 2, "[u anon] [a b] anon", 2},
		{"all there", Request{AnonID: "anon"}, map[string]string{"a": "x", "b": "y"}, 2, "", 1},
		{"read only", Request{AnonID: "anon", ReadOnly: true}, nil, 1, "", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wrote = ""
			lookups := 0
			e := New(stub{
				lookup: func(_ context.Context, q store.SubjectQuery) (store.SubjectData, error) {
					lookups++
					if !q.Overrides || q.Person || q.DistinctID != "u" || q.AnonID != tt.req.AnonID {
						t.Errorf("query = %+v", q)
					}
					return store.SubjectData{Overrides: tt.before, OverridePersons: tt.persons}, nil
				},
				write: func(ids, keys []string, hashKey string) (int, error) {
					wrote = fmt.Sprint(ids, " ", keys, " ", hashKey)
					return 2, nil
				},
			}, Options{})
			req := tt.req
			req.DistinctID, req.AllKeys = "u", true
			var ans Answer
			e.Decide(t.Context(), v, &req, &ans)
			if wrote != tt.wrote {
				t.Errorf("wrote %q, want %q", wrote, tt.wrote)
			}
			if lookups != tt.lookups {
				t.Errorf("%d look-ups, want %d", lookups, tt.lookups)
			}
			if ans.Errors {
				t.Errorf("got %q", show(v, &ans))
			}
		})
	}
}

// TestFailedWrite: only flags that ask for continuity fail when an assignment
// cannot be written.
func TestFailedWrite(t *testing.T) {
	c := everybody()
	c.Rollout = 50
	sticky := flag(1, "sticky", c)
	sticky.Continuity = true
	v := versionOf(sticky, flag(2, "stored", plan("pro")), flag(3, "free", everybody()))
	var rows int
	var failed error
	e := New(stub{
		lookup: func(context.Context, store.SubjectQuery) (store.SubjectData, error) {
			return store.SubjectData{Person: &store.Person{Properties: []byte(`{"plan":"pro"}`)}, OverridePersons: 1}, nil
		},
		write: func([]string, []string, string) (int, error) { return 0, store.ErrUnavailable },
	}, Options{OnWrite: func(n int, err error) { rows, failed = n, err }})
	var ans Answer
	e.Decide(t.Context(), v, &Request{DistinctID: "u", AnonID: "anon", AllKeys: true}, &ans)
	if got, want := show(v, &ans), "sticky?hash_key_override_error stored free errors"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if rows != 0 || !errors.Is(failed, store.ErrUnavailable) {
		t.Errorf("OnWrite got %d, %v", rows, failed)
	}
}

// TestFailedOverrides: when overrides alone cannot be read, flags without
// continuity get their stored data all the same.
func TestFailedOverrides(t *testing.T) {
	c := everybody()
	c.Rollout = 50
	sticky := flag(1, "sticky", c)
	sticky.Continuity = true
	v := versionOf(sticky, flag(2, "stored", plan("pro")), flag(3, "free", everybody()))
	e := New(stub{
		lookup: func(_ context.Context, q store.SubjectQuery) (store.SubjectData, error) {
			if q.Overrides {
				return store.SubjectData{}, store.ErrUnavailable
			}
			return store.SubjectData{Person: &store.Person{Properties: []byte(`{"plan":"pro"}`)}}, nil
		},
	}, Options{})
	var ans Answer
	e.Decide(t.Context(), v, &Request{DistinctID: "u", AnonID: "anon", AllKeys: true}, &ans)
	if got, want := show(v, &ans), "sticky?hash_key_override_error stored free errors"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

type bomb struct{}

func (bomb) Fill(*eval.Program, *eval.Input) { panic("secret@example.com") }

// TestPanic: a defect becomes a failure of the flags that were asked for, and
// does not write what it saw into the log.
func TestPanic(t *testing.T) {
	v := versionOf(flag(1, "a", everybody()), flag(2, "b", everybody()))
	var log bytes.Buffer
	panics := 0
	e := New(unasked(t), Options{Logger: slog.New(slog.NewTextHandler(&log, nil)), OnPanic: func() { panics++ }})
	var ans Answer
	e.Decide(t.Context(), v, &Request{Keys: []string{"b"}, Properties: bomb{}}, &ans)
	if got, want := show(v, &ans), "b?internal_error errors"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if panics != 1 || !strings.Contains(log.String(), "evaluation panicked") || strings.Contains(log.String(), "secret") {
		t.Errorf("%d panics, log: %s", panics, &log)
	}
	e.Decide(t.Context(), v, &Request{AllKeys: true}, &ans)
	if got, want := show(v, &ans), "a b"; got != want {
		t.Errorf("afterwards got %q, want %q", got, want)
	}
}

func TestTraces(t *testing.T) {
	v := versionOf(flag(1, "a", everybody()), flag(2, "b", plan("pro")))
	e := New(stub{lookup: func(context.Context, store.SubjectQuery) (store.SubjectData, error) {
		return store.SubjectData{Person: &store.Person{Properties: []byte(`{"plan":"pro"}`)}}, nil
	}}, Options{})
	var ans Answer
	e.Decide(t.Context(), v, &Request{DistinctID: "u", AllKeys: true, Trace: true}, &ans)
	if len(ans.Traces) != len(ans.Items) {
		t.Fatalf("%d traces of %d results", len(ans.Traces), len(ans.Items))
	}
	for i := range ans.Traces {
		if ans.Traces[i].Result != ans.Items[i] {
			t.Errorf("trace %d is of %+v, want %+v", i, ans.Traces[i].Result, ans.Items[i])
		}
	}
	e.Decide(t.Context(), v, &Request{DistinctID: "u", AllKeys: true}, &ans)
	if len(ans.Traces) != 0 {
		t.Error("traces without being asked for")
	}
}

func manyFlags(n int) *snapshot.Version {
	var flags []feature.Flag
	for i := range n {
		c := plan("pro")
		c.Rollout = 50
		f := flag(int64(i), fmt.Sprint("flag-", i), c)
		if i%3 == 0 {
			f.Runtime = feature.RuntimeServer
		}
		flags = append(flags, f)
	}
	return versionOf(flags...)
}

type onPlan struct{}

func (onPlan) Fill(p *eval.Program, in *eval.Input) {
	in.SetPerson(p.PersonSlot([]byte("plan")), feature.Text("pro"))
}

// TestDecideDoesNotAllocate: a request that brings what the flags need costs no
// memory.
func TestDecideDoesNotAllocate(t *testing.T) {
	v := manyFlags(100)
	e := New(unasked(t), Options{})
	req := Request{
		DistinctID: "u", Properties: onPlan{}, AllKeys: true,
		Runtimes: feature.Runtimes(feature.RuntimeAny, feature.RuntimeClient), Contexts: []string{"web"}, Now: time.Unix(1789000000, 0),
	}
	keyed := req
	keyed.AllKeys, keyed.Keys = false, []string{"flag-7", "flag-8"}
	var ans Answer
	ctx := t.Context()
	for _, r := range []*Request{&req, &keyed} {
		e.Decide(ctx, v, r, &ans)
		if n := testing.AllocsPerRun(100, func() { e.Decide(ctx, v, r, &ans) }); n != 0 {
			t.Errorf("Decide allocates %v times (keys: %v)", n, r.Keys)
		}
	}
	if want := 66; slices.IndexFunc(ans.Items, func(r eval.Result) bool { return r.Flag == want }) >= 0 {
		t.Errorf("flag %d is in the answer", want)
	}
}

func BenchmarkDecide(b *testing.B) {
	for _, n := range []int{1, 100, 1000} {
		v := manyFlags(n)
		b.Run(fmt.Sprintf("brought/flags=%d", n), func(b *testing.B) {
			benchmarkDecide(b, v, &Request{DistinctID: "u", Properties: onPlan{}, AllKeys: true}, nil)
		})
		b.Run(fmt.Sprintf("stored/flags=%d", n), func(b *testing.B) {
			person := &store.Person{Properties: []byte(`{"$browser":"Chrome","$os":"Linux","email":"u@example.com","plan":"pro","$initial_referrer":"https://example.com"}`)}
			benchmarkDecide(b, v, &Request{DistinctID: "u", AllKeys: true},
				func(context.Context, store.SubjectQuery) (store.SubjectData, error) {
					return store.SubjectData{Person: person}, nil
				})
		})
	}
}

func benchmarkDecide(b *testing.B, v *snapshot.Version, req *Request, lookup func(context.Context, store.SubjectQuery) (store.SubjectData, error)) {
	e := New(stub{lookup: lookup}, Options{})
	var ans Answer
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		e.Decide(ctx, v, req, &ans)
	}
}
