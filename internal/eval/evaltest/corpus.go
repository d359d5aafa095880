package evaltest

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
)

// corpusCase is a case of rules_v2/corpus/v1_evaluation.json.
type corpusCase struct {
	ID          string `json:"id"`
	Notes       string `json:"notes"`
	Definitions struct {
		Flags            []Flag         `json:"flags"`
		GroupTypeMapping map[int]string `json:"group_type_mapping"`
	} `json:"definitions"`
	Context  Request `json:"context"`
	Expected struct {
		Flags map[string]struct {
			Enabled bool            `json:"enabled"`
			Variant *string         `json:"variant"`
			Payload json.RawMessage `json:"payload"`
			Reason  struct {
				Code           string `json:"code"`
				ConditionIndex *int   `json:"condition_index"`
			} `json:"reason"`
		} `json:"flags"`
		Omitted []string `json:"omitted_flags"`
	} `json:"expected"`
}

// LoadCorpus reads the v1 corpus. Its dependency filters name flags by key; the
// cases returned name them by id. The error bit is expected where flags are
// omitted though active, since only circles do that.
func LoadCorpus(file string) ([]Case, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var corpus struct {
		Cases []corpusCase `json:"cases"`
	}
	if err := json.Unmarshal(data, &corpus); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	cases := make([]Case, len(corpus.Cases))
	for i := range corpus.Cases {
		if cases[i], err = corpus.Cases[i].convert(); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", file, corpus.Cases[i].ID, err)
		}
	}
	return cases, nil
}

func (cc *corpusCase) convert() (Case, error) {
	c := Case{ID: cc.ID, Source: "rules v2 contract, v1 corpus", Note: cc.Notes, Request: cc.Context}
	c.Project.Flags = cc.Definitions.Flags
	c.Project.GroupTypeMapping = cc.Definitions.GroupTypeMapping
	ids := make(map[string]int64)
	active := make(map[string]bool)
	for _, f := range c.Project.Flags {
		ids[f.Key], active[f.Key] = f.ID, f.Active
	}
	for i := range c.Project.Flags {
		f := &c.Project.Flags[i]
		var err error
		if f.Filters, err = dependenciesByID(f.Filters, ids); err != nil {
			return Case{}, err
		}
	}
	c.Expected.Omitted = cc.Expected.Omitted
	for _, key := range cc.Expected.Omitted {
		c.Expected.Errors = c.Expected.Errors || active[key]
	}
	c.Expected.Flags = make(map[string]FlagResult)
	for key, e := range cc.Expected.Flags {
		code := e.Reason.Code
		c.Expected.Flags[key] = FlagResult{
			Enabled: e.Enabled, Variant: e.Variant, Payload: e.Payload,
			ReasonCode: &code, ConditionIndex: e.Reason.ConditionIndex,
		}
	}
	return c, nil
}

// unknownFlag is an id that no flag of the corpus has.
const unknownFlag = 1 << 40

// dependenciesByID rewrites the dependency filters of a v1 document from keys
// to ids. A key that no flag has becomes the id of no flag.
func dependenciesByID(raw json.RawMessage, ids map[string]int64) (json.RawMessage, error) {
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, err
	}
	var groups []map[string]json.RawMessage
	if err := json.Unmarshal(doc["groups"], &groups); err != nil {
		return nil, err
	}
	for _, g := range groups {
		var properties []map[string]any
		if err := json.Unmarshal(orNull(g["properties"]), &properties); err != nil {
			return nil, err
		}
		rewritten := false
		for _, p := range properties {
			if p["type"] != "flag" {
				continue
			}
			id, ok := ids[p["key"].(string)]
			if !ok {
				id = unknownFlag
			}
			p["key"] = strconv.FormatInt(id, 10)
			rewritten = true
		}
		if !rewritten {
			continue // what was not touched keeps its numbers as written
		}
		var err error
		if g["properties"], err = json.Marshal(properties); err != nil {
			return nil, err
		}
	}
	var err error
	if doc["groups"], err = json.Marshal(groups); err != nil {
		return nil, err
	}
	return json.Marshal(doc)
}

func orNull(raw json.RawMessage) json.RawMessage {
	if raw == nil {
		return json.RawMessage("null")
	}
	return raw
}
