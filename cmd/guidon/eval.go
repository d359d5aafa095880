package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/guidon-flags/guidon/internal/decide"
	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/snapshot"
	"github.com/guidon-flags/guidon/internal/store"
	"github.com/guidon-flags/guidon/internal/wire/posthog"
)

type evalCmd struct {
	File string `arg:"" type:"existingfile" help:"Definitions: what /flags/definitions answers, or a list of flags as the management API writes them."`

	DistinctID      string            `required:"" env:"-" help:"Who asks."`
	AnonID          string            `env:"-" help:"The anonymous id from before the login."`
	DeviceID        string            `env:"-" help:"The device, for flags that bucket by it."`
	Person          string            `env:"-" placeholder:"JSON" help:"Person properties, an object."`
	Group           map[string]string `env:"-" placeholder:"TYPE=KEY" help:"A group the subject belongs to; may be repeated."`
	GroupProperties string            `env:"-" placeholder:"JSON" help:"Properties by group type, an object of objects."`
	Flag            []string          `env:"-" placeholder:"KEY" help:"Only this flag; may be repeated."`
	At              time.Time         `env:"-" placeholder:"TIME" help:"The time that relative dates count from, RFC 3339. Default: now."`
	Explain         bool              `env:"-" help:"Tell for each flag how it came to its result."`
	JSON            bool              `env:"-" help:"Print the answer that the server would give."`
}

// nobody is a person store that knows nobody: everything about the subject is
// on the command line.
type nobody struct{}

// Lookup implements decide.Subjects.
func (nobody) Lookup(context.Context, store.SubjectQuery) (store.SubjectData, error) {
	return store.SubjectData{}, nil
}

// WriteOverrides implements decide.Subjects.
func (nobody) WriteOverrides(context.Context, int64, []string, []string, string) (int, error) {
	return 0, nil
}

// Run decides and prints.
func (c *evalCmd) Run(term terminal) error {
	defs, err := readDefinitions(c.File)
	if err != nil {
		return err
	}
	v, err := snapshot.Compile(defs)
	if err != nil {
		return err
	}
	for _, f := range v.Faults {
		fmt.Fprintf(term.err, "warning: %s\n", faultText(f))
	}
	req, err := c.request()
	if err != nil {
		return err
	}
	var ans decide.Answer
	decide.New(nobody{}, decide.Options{}).Decide(context.Background(), v, req, &ans)
	if c.JSON {
		meta := &posthog.Meta{RequestID: "00000000-0000-0000-0000-000000000000", EvaluatedAt: req.Now.UnixMilli()}
		text := posthog.NewAnswers(v.Program).Append(nil, posthog.V2, &ans.Results, meta)
		fmt.Fprintf(term.out, "%s\n", text)
		return nil
	}
	for i := range ans.Items {
		if r := &ans.Items[i]; r.Requested {
			fmt.Fprintln(term.out, resultLine(v.Program.Flag(r.Flag).Key, r))
			if c.Explain {
				explain(term.out, v.Program, &ans.Traces[i])
			}
		}
	}
	return nil
}

func faultText(f eval.Fault) string {
	if f.Flag != "" {
		return fmt.Sprintf("flag %s: %s", f.Flag, f.Reason)
	}
	return fmt.Sprintf("cohort %d: %s", f.Cohort, f.Reason)
}

// request builds the question by way of the body that an SDK would send, so
// that values mean exactly what they mean to the server.
func (c *evalCmd) request() (*decide.Request, error) {
	body := map[string]any{"token": "eval", "distinct_id": c.DistinctID, "groups": c.Group}
	for field, text := range map[string]string{"person_properties": c.Person, "group_properties": c.GroupProperties} {
		if text == "" {
			continue
		}
		var object map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &object); err != nil {
			return nil, fmt.Errorf("--%s: not a JSON object: %w", map[string]string{
				"person_properties": "person", "group_properties": "group-properties",
			}[field], err)
		}
		body[field] = json.RawMessage(text)
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	var wire posthog.FlagsRequest
	if err := wire.Decode(raw, posthog.BodyHints{}); err != nil {
		return nil, err
	}
	if c.At.IsZero() {
		c.At = time.Now()
	}
	return &decide.Request{
		DistinctID: wire.DistinctID, AnonID: c.AnonID, DeviceID: c.DeviceID, Properties: &wire,
		AllKeys: len(c.Flag) == 0, Keys: c.Flag,
		ReadOnly: true, Trace: c.Explain, Now: c.At,
	}, nil
}

func resultLine(key string, r *eval.Result) string {
	value := strconv.FormatBool(r.Enabled)
	if r.Variant != "" {
		value = strconv.Quote(r.Variant)
	}
	if r.Failure != nil {
		value = "failed"
	}
	line := fmt.Sprintf("%s = %s  (%s: %s)", key, value, r.Code(), strings.TrimSuffix(r.Description(), "."))
	if r.Payload != "" {
		line += "  payload " + r.Payload
	}
	return line
}
