package manage

import (
	"context"
	"errors"
	"slices"

	"github.com/guidon-flags/guidon/internal/eval"
	"github.com/guidon-flags/guidon/internal/feature"
	"github.com/guidon-flags/guidon/internal/snapshot"
	"github.com/guidon-flags/guidon/internal/store"
	"github.com/guidon-flags/guidon/internal/wire/jsonval"
)

// Subject says for whom flags are evaluated, with what is stored about it.
type Subject struct {
	DistinctID string
	Person     string            // uuid or number, instead of DistinctID; empty: none
	Groups     map[string]string // group keys by the name of their type
}

// Evaluation is what a flag is for a subject.
type Evaluation struct {
	Flag     store.Flag
	Disabled bool         // the flag is not active: it was not evaluated
	Missing  bool         // it has no result (for example, it cannot be decoded)
	Result   eval.Result  // if neither
	Subject  store.Person // zero: the distinct id has no person

	// Of Explain only.
	Trace      *eval.Trace         // nil: the flag cannot be decoded
	Conditions []feature.Condition // of a flag of version 1, shared and not to be changed
}

// Evaluate evaluates a project's flags, those with the keys given or all if
// there are none, whatever their runtime and contexts, newest first (5.10).
func (s *Flags) Evaluate(ctx context.Context, project int64, subject Subject, keys []string) ([]Evaluation, error) {
	var out []Evaluation
	err := s.view(ctx, func(tx store.ReadTx) error {
		out = out[:0]
		flags, err := tx.Flags(project, false)
		if err != nil {
			return err
		}
		v, err := compile(tx, project, flags)
		if err != nil {
			return err
		}
		in, person, err := s.input(tx, v, project, subject)
		if err != nil {
			return err
		}
		var results eval.Results
		v.Program.Decide(in, eval.Selection{}, &results)
		byFlag := make(map[int64]eval.Result)
		for _, r := range results.Items {
			byFlag[v.Program.Flag(r.Flag).ID] = r
		}
		for _, f := range slices.Backward(flags) {
			if slices.Contains(hiddenContexts, f.CreationContext) || len(keys) > 0 && !slices.Contains(keys, f.Key) {
				continue
			}
			r, found := byFlag[f.ID]
			out = append(out, Evaluation{Flag: f, Disabled: !f.Active, Missing: !found, Result: r, Subject: person})
		}
		return nil
	})
	return out, err
}

// Explain evaluates one flag, with the flags it depends on, and tells how it
// came to its result. NotFound: there is no such flag, or no such person.
func (s *Flags) Explain(ctx context.Context, project int64, ref string, subject Subject) (Evaluation, error) {
	var out Evaluation
	err := s.view(ctx, func(tx store.ReadTx) error {
		f, err := flagByRef(tx, project, ref)
		if err != nil {
			return err
		}
		flags, err := closure(tx, f)
		if err != nil {
			return err
		}
		v, err := compile(tx, project, flags)
		if err != nil {
			return err
		}
		in, person, err := s.input(tx, v, project, subject)
		if err != nil {
			return err
		}
		out = Evaluation{Flag: f, Disabled: !f.Active, Missing: true, Subject: person}
		if i, ok := v.Program.Index(f.Key); ok {
			t := v.Program.Explain(in, eval.Selection{}, i)
			out.Trace, out.Missing, out.Result = &t, t.Omitted, t.Result
			if targeting := v.Program.Flag(i).Targeting; targeting != nil {
				out.Conditions = targeting.Conditions
			}
		}
		return nil
	})
	return out, err
}

// input gathers what is stored about a subject. The person is zero if a
// distinct id has none.
func (s *Flags) input(tx store.ReadTx, v *snapshot.Version, project int64, subject Subject) (*eval.Input, store.Person, error) {
	in := &eval.Input{}
	in.Reset(v.Program)
	in.Now = s.clock()
	person, err := subjectPerson(tx, project, subject)
	switch {
	case errors.Is(err, store.ErrNotFound) && subject.Person == "":
		in.DistinctID = subject.DistinctID
		in.StoreNoPerson()
	case err != nil:
		return nil, person, err
	default:
		in.DistinctID = subject.DistinctID
		if in.DistinctID == "" && len(person.DistinctIDs) > 0 {
			in.DistinctID = person.DistinctIDs[0]
		}
		if err := storePerson(in, v.Program, tx, person); err != nil {
			return nil, person, err
		}
		overrides, err := tx.Overrides(project, person.ID)
		if err != nil {
			return nil, person, err
		}
		for key, hashKey := range overrides {
			if i, ok := v.Program.Index(key); ok {
				in.SetOverride(i, hashKey)
			}
		}
	}
	for name, key := range subject.Groups {
		if err := addGroup(in, tx, v.Program, project, name, key); err != nil {
			return nil, person, err
		}
	}
	return in, person, nil
}

func subjectPerson(tx store.PersonReader, project int64, subject Subject) (store.Person, error) {
	if subject.Person != "" {
		return personByRef(tx, project, subject.Person)
	}
	return tx.PersonByDistinctID(project, subject.DistinctID)
}

func addGroup(in *eval.Input, tx store.GroupReader, prog *eval.Program, project int64, name, key string) error {
	index, ok := prog.GroupIndex(name)
	if !ok {
		return nil
	}
	in.SetGroupKey(index, feature.Text(key))
	g, err := tx.Group(project, int(index), key)
	if errors.Is(err, store.ErrNotFound) {
		g, err = store.Group{Project: project, Index: int(index), Key: key, Properties: store.JSON("{}")}, nil
	}
	if err != nil {
		return err
	}
	storeGroup(in, prog, g)
	return nil
}

// PropertiesUsed returns the stored properties of a person that a flag's own
// conditions read, as an object.
func PropertiesUsed(e Evaluation) store.JSON {
	props, err := parseObject(e.Subject.Properties)
	if err != nil || e.Trace == nil {
		return store.JSON("{}")
	}
	var out object
	for _, c := range e.Trace.Conditions {
		for _, f := range c.Filters {
			if f.Property.Type != feature.PersonProperty {
				continue
			}
			if v := props.get(f.Property.Key); v != nil {
				out.set(f.Property.Key, v)
			}
		}
	}
	return out.encode()
}

// GroupKeys reads the groups of a request: an object of texts and numbers.
func GroupKeys(raw store.JSON) (map[string]string, error) {
	groups := make(map[string]string)
	err := jsonval.Members(raw, func(name, value []byte) error {
		if key := text(value); key != "" {
			groups[string(name)] = key
		}
		return nil
	})
	return groups, err
}
