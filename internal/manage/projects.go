package manage

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // time zones must be known wherever the binary runs

	"github.com/google/uuid"

	"github.com/guidon-flags/guidon/internal/auth"
	"github.com/guidon-flags/guidon/internal/store"
)

// Projects changes and reads projects (section 13).
type Projects struct{ *core }

// matchingVersion is the property_matching_version of new projects: exact
// compares booleans by their text.
const matchingVersion = 2

// ProjectChange is what a request says about a project; absent fields are left
// as they are.
type ProjectChange struct {
	Name           Optional[string]
	TimeZone       Optional[string]
	PersonlessOnly Optional[bool]
	Settings       map[string]store.JSON // by name, see Settings; other names are ignored
}

// ProjectView is a project with what answers show beside the row.
type ProjectView struct {
	store.Project
	Level      int // the caller's in the organization
	GroupTypes []store.GroupType
}

// Setting is one of the settings that a project keeps as JSON.
type Setting struct {
	Name    string
	Default string // as JSON
	Check   func(store.JSON) bool
}

// Settings lists the settings of a project that have no column of their own,
// in the order in which they are shown.
var Settings = []Setting{
	{"app_urls", "[]", isTexts},
	{"flags_persistence_default", "false", isBoolean},
	{"feature_flag_confirmation_enabled", "false", isBoolean},
	{"feature_flag_confirmation_message", "null", isTextOrNull},
	{"require_evaluation_contexts", "false", isBoolean},
	{"default_evaluation_contexts_enabled", "false", isBoolean},
	{"require_feature_flag_tags", "false", isBoolean},
	{"feature_flag_limit", "null", isCountOrNull},
	{"filters_enforcement", `"full"`, isEnforcement},
	{"session_recording_opt_in", "false", isBoolean},
	{"heatmaps_opt_in", "false", isBoolean},
	{"surveys_opt_in", "false", isBoolean},
	{"autocapture_exceptions_opt_in", "false", isBoolean},
	{"autocapture_web_vitals_opt_in", "false", isBoolean},
	{"recording_domains", "[]", isTexts},
	{"cookieless_server_hash_mode", "0", isSmallNumber},
	{"client_config", "null", isObjectOrNull}, // fields for clients beside the flags (docs/http.md, section 8.5)
}

func isBoolean(raw store.JSON) bool {
	return isNull(raw) || string(raw) == "true" || string(raw) == "false"
}

func isTextOrNull(raw store.JSON) bool { return isNull(raw) || raw[0] == '"' }

func isObjectOrNull(raw store.JSON) bool { return isNull(raw) || raw[0] == '{' }

func isTexts(raw store.JSON) bool {
	var s []string
	return json.Unmarshal(raw, &s) == nil
}

func isCountOrNull(raw store.JSON) bool {
	var n int
	return isNull(raw) || json.Unmarshal(raw, &n) == nil && n >= 1 && n <= 20_000
}

func isSmallNumber(raw store.JSON) bool {
	var n int8
	return isNull(raw) || json.Unmarshal(raw, &n) == nil
}

func isEnforcement(raw store.JSON) bool { return text(raw) == "full" || text(raw) == "safety" }

// Get returns what is shown of a project.
func (s *Projects) Get(ctx context.Context, a Access) (ProjectView, error) {
	v := ProjectView{Level: a.Level}
	err := s.view(ctx, func(tx store.ReadTx) error {
		var err error
		if v.Project, err = tx.Project(a.Project.ID); err != nil {
			return err
		}
		v.GroupTypes, err = tx.GroupTypes(a.Project.ID)
		return err
	})
	return v, err
}

// List returns the projects that the caller may touch, by id, of one
// organization unless it is empty.
func (s *Projects) List(ctx context.Context, who Caller, organization string) ([]store.Project, error) {
	var out []store.Project
	err := s.view(ctx, func(tx store.ReadTx) error {
		var err error
		out, err = visibleProjects(tx, who, organization)
		return err
	})
	return out, err
}

// Create makes a project in an organization, with a token of its own. Only
// admins may.
func (s *Projects) Create(ctx context.Context, who Caller, organization string, ch ProjectChange) (ProjectView, error) {
	var v ProjectView
	err := s.edit(ctx, who, func(tx store.Tx) error {
		if err := who.atLeast(tx, organization, LevelAdmin); err != nil {
			return err
		}
		p := newProject(organization, "Default project", auth.NewToken(), s.clock())
		if err := ch.apply(&p); err != nil {
			return err
		}
		p, err := tx.InsertProject(p)
		if err != nil {
			return err
		}
		level, err := who.level(tx, organization)
		if err != nil {
			return err
		}
		v = ProjectView{Project: p, Level: level}
		return record(tx, p.ID, ScopeProject, formatID(p.ID), "created", p.Name, nil)
	})
	return v, err
}

func newProject(organization, name, token string, now time.Time) store.Project {
	return store.Project{
		UUID: uuid.NewString(), OrganizationID: organization, Name: name, Token: token, TimeZone: "UTC",
		MatchingVersion: matchingVersion, Settings: store.JSON("{}"), CreatedAt: now, UpdatedAt: now,
	}
}

// Update changes a project.
func (s *Projects) Update(ctx context.Context, who Caller, a Access, ch ProjectChange) (ProjectView, error) {
	err := s.change(ctx, who, a.Project.ID, func(_ store.Tx, p *store.Project) error { return ch.apply(p) })
	if err != nil {
		return ProjectView{}, err
	}
	return s.Get(ctx, a)
}

// Delete removes a project with all that belongs to it. Only admins may.
func (s *Projects) Delete(ctx context.Context, who Caller, a Access) error {
	return s.edit(ctx, who, func(tx store.Tx) error {
		if err := who.atLeast(tx, a.Project.OrganizationID, LevelAdmin); err != nil {
			return err
		}
		if err := tx.DeleteProject(a.Project.ID); err != nil {
			return err
		}
		return record(tx, 0, ScopeProject, formatID(a.Project.ID), "deleted", a.Project.Name, nil)
	})
}

// ResetToken gives a project a new token; the old one stops. Only admins may.
func (s *Projects) ResetToken(ctx context.Context, who Caller, a Access) (ProjectView, error) {
	err := s.change(ctx, who, a.Project.ID, func(tx store.Tx, p *store.Project) error {
		p.Token = auth.NewToken()
		return who.atLeast(tx, p.OrganizationID, LevelAdmin)
	})
	if err != nil {
		return ProjectView{}, err
	}
	return s.Get(ctx, a)
}

// RotateSecret gives a project a new secret token, which it returns; the old
// one goes on working until DeleteBackupSecret. Only admins may.
func (s *Projects) RotateSecret(ctx context.Context, who Caller, a Access) (secret string, err error) {
	secret = auth.NewSecret()
	err = s.change(ctx, who, a.Project.ID, func(tx store.Tx, p *store.Project) error {
		p.SecretHash, p.SecretBackupHash = auth.Hash(secret), p.SecretHash
		return who.atLeast(tx, p.OrganizationID, LevelAdmin)
	})
	return secret, err
}

// DeleteBackupSecret ends the previous secret token. Only admins may.
func (s *Projects) DeleteBackupSecret(ctx context.Context, who Caller, a Access) error {
	return s.change(ctx, who, a.Project.ID, func(tx store.Tx, p *store.Project) error {
		p.SecretBackupHash = ""
		return who.atLeast(tx, p.OrganizationID, LevelAdmin)
	})
}

func (s *Projects) change(ctx context.Context, who Caller, id int64, to func(store.Tx, *store.Project) error) error {
	return s.edit(ctx, who, func(tx store.Tx) error {
		stored, err := tx.Project(id)
		if err != nil {
			return err
		}
		p := stored
		if err := to(tx, &p); err != nil {
			return err
		}
		p.UpdatedAt = s.clock()
		if err := tx.UpdateProject(p); err != nil {
			return err
		}
		return record(tx, id, ScopeProject, formatID(id), "updated", p.Name, diff(ScopeProject, projectFields(stored), projectFields(p)))
	})
}

// projectFields lists what of a project is logged; secrets only as having
// changed.
func projectFields(p store.Project) []field {
	out := []field{
		{"name", toJSON(p.Name)},
		{"timezone", toJSON(p.TimeZone)},
		{"api_token", toJSON(p.Token)},
		{"person_processing_opt_out", toJSON(p.PersonlessOnly)},
		{"secret_api_token", secretTrace(p.SecretHash)},
		{"secret_api_token_backup", secretTrace(p.SecretBackupHash)},
		{"default_evaluation_contexts", toJSON(list(readSettings(p).texts("default_evaluation_contexts")))},
	}
	for _, st := range Settings {
		out = append(out, field{st.Name, SettingOf(p, st)})
	}
	return out
}

// secretTrace is what the log shows of a secret: the end of its hash, which
// tells that it changed and not what it is.
func secretTrace(hash string) store.JSON {
	if hash == "" {
		return nil
	}
	return toJSON("…" + hash[max(0, len(hash)-8):])
}

// SettingOf returns a project's value of a setting as JSON.
func SettingOf(p store.Project, st Setting) store.JSON {
	if v := readSettings(p).get(st.Name); v != nil {
		return v
	}
	return store.JSON(st.Default)
}

const maxProjectName = 200

// apply writes the fields of ch into p and checks them.
func (ch *ProjectChange) apply(p *store.Project) error {
	ch.Name.into(&p.Name)
	if strings.TrimSpace(p.Name) == "" {
		return invalid("name", "blank", "This field may not be blank.")
	}
	if err := tooLong("name", p.Name, maxProjectName); err != nil {
		return err
	}
	if ch.TimeZone.Set {
		if _, err := time.LoadLocation(ch.TimeZone.Value); err != nil || ch.TimeZone.Value == "" || ch.TimeZone.Value == "Local" {
			return invalid("timezone", "invalid_choice", "\"%s\" is not a valid choice.", ch.TimeZone.Value)
		}
		p.TimeZone = ch.TimeZone.Value
	}
	ch.PersonlessOnly.into(&p.PersonlessOnly)
	kept := readSettings(*p)
	for _, st := range Settings {
		v, ok := ch.Settings[st.Name]
		if !ok {
			continue
		}
		if !st.Check(v) {
			return invalid(st.Name, "invalid", "Not a valid value.")
		}
		kept.set(st.Name, orNull(v))
	}
	p.Settings = kept.encode()
	return nil
}

// Contexts are the evaluation contexts of a project.
type Contexts struct {
	Default   []string // attached to new flags that name none, if Enabled
	Available []string // all that flags use
	Enabled   bool
}

// Contexts returns a project's evaluation contexts.
func (s *Projects) Contexts(ctx context.Context, project int64) (Contexts, error) {
	var c Contexts
	err := s.view(ctx, func(tx store.ReadTx) error {
		p, err := tx.Project(project)
		if err != nil {
			return err
		}
		set := readSettings(p)
		c = Contexts{Default: set.texts("default_evaluation_contexts"), Enabled: set.is("default_evaluation_contexts_enabled")}
		flags, err := tx.Flags(project, false)
		if err != nil {
			return err
		}
		c.Available = slices.Clone(c.Default)
		for _, f := range flags {
			c.Available = append(c.Available, f.Contexts...)
		}
		slices.Sort(c.Available)
		c.Available = slices.Compact(c.Available)
		return nil
	})
	return c, err
}

// SetDefaultContext adds a default evaluation context, or takes one away.
func (s *Projects) SetDefaultContext(ctx context.Context, who Caller, project int64, name string, add bool) error {
	names, err := normalizeContexts([]string{name})
	if err != nil {
		return invalid("context_name", "invalid", "Invalid evaluation context name.")
	}
	return s.change(ctx, who, project, func(_ store.Tx, p *store.Project) error {
		set := readSettings(*p)
		have := slices.DeleteFunc(set.texts("default_evaluation_contexts"), func(n string) bool { return n == names[0] })
		if add {
			have = append(have, names[0])
		}
		if len(have) > maxContexts {
			return refused("A project can have at most %d default evaluation contexts.", maxContexts)
		}
		set.set("default_evaluation_contexts", toJSON(list(have)))
		p.Settings = set.encode()
		return nil
	})
}
