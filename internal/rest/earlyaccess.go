package rest

import (
	"encoding/json"
	"net/http"

	"github.com/guidon-flags/guidon/internal/manage"
	"github.com/guidon-flags/guidon/internal/store"
)

// featureRoutes are the routes of early access features (8). Writing one
// writes its flag, so that the scope for flags is needed too (3).
func featureRoutes() []Route {
	read := scopes("early_access_feature:read")
	write := scopes("early_access_feature:write")
	const p = "/early_access_feature"
	return []Route{
		{Method: "GET", Pattern: p, Scopes: read, handle: listFeatures},
		{Method: "POST", Pattern: p, Scopes: write, handle: withFlagScope(createFeature)},
		{Method: "GET", Pattern: p + "/{feature}", Scopes: read, handle: getFeature},
		{Method: "PATCH", Pattern: p + "/{feature}", Scopes: write, handle: withFlagScope(updateFeature)},
		{Method: "PUT", Pattern: p + "/{feature}", Scopes: write, handle: withFlagScope(updateFeature)},
		{Method: "DELETE", Pattern: p + "/{feature}", Scopes: write, handle: withFlagScope(deleteFeature)},
	}
}

// withFlagScope runs a handler that writes a flag by the way only for keys that
// may write flags.
func withFlagScope(next func(*call) (reply, error)) func(*call) (reply, error) {
	return func(c *call) (reply, error) {
		if !c.principal.Allows("feature_flag", "write") {
			p := missingScope("feature_flag:write")
			p.detail = "This action also modifies a feature flag, which requires the `feature_flag:write` scope in addition to `early_access_feature:write`. " +
				"Add the scope to the key and try again."
			return reply{}, p
		}
		return next(c)
	}
}

// featureJSON is an early access feature in answers.
type featureJSON struct {
	ID               string          `json:"id"`
	Flag             *flagBrief      `json:"feature_flag"`
	Name             string          `json:"name"`
	Description      string          `json:"description"`
	Stage            string          `json:"stage"`
	DocumentationURL string          `json:"documentation_url"`
	Payload          json.RawMessage `json:"payload"`
	CreatedAt        stamp           `json:"created_at"`
}

func newFeature(v manage.FeatureView) featureJSON {
	out := featureJSON{
		ID: v.ID, Name: v.Name, Description: v.Description, Stage: v.Stage, DocumentationURL: v.DocumentationURL,
		Payload: payloadOf(v.EarlyAccessFeature), CreatedAt: stamp(v.CreatedAt),
	}
	if v.Flag != nil {
		b := newFlagBrief(*v.Flag)
		out.Flag = &b
	}
	return out
}

func payloadOf(e store.EarlyAccessFeature) json.RawMessage {
	if len(e.Payload) == 0 {
		return json.RawMessage("{}")
	}
	return e.Payload
}

// featureBrief is a feature as browsers get it, and within flags.
type featureBrief struct {
	ID               string          `json:"id"`
	Name             string          `json:"name"`
	Description      string          `json:"description"`
	Stage            string          `json:"stage"`
	DocumentationURL string          `json:"documentationUrl"`
	Payload          json.RawMessage `json:"payload"`
	FlagKey          orNull          `json:"flagKey"`
}

func newFeatureBrief(e store.EarlyAccessFeature, flagKey string) featureBrief {
	return featureBrief{
		ID: e.ID, Name: e.Name, Description: e.Description, Stage: e.Stage, DocumentationURL: e.DocumentationURL,
		Payload: payloadOf(e), FlagKey: orNull(flagKey),
	}
}

// publicFeatures answers browsers with the features that people can enrol in.
func publicFeatures(c *call) (reply, error) {
	token := c.query.Get("token")
	if token == "" {
		return reply{}, &problem{
			status: http.StatusUnauthorized, kind: "authentication_error", code: "missing_api_key",
			detail: "API key not provided. You can find your project API key in PostHog project settings.",
		}
	}
	stages := c.query["stage"]
	if len(stages) == 0 {
		stages = []string{"beta"}
	}
	features, err := c.api.m.EarlyAccess.Public(c.r.Context(), token, stages)
	if refusal := asRefusal(err); refusal != nil && refusal.Kind == manage.NotFound {
		return reply{}, &problem{
			status: http.StatusUnauthorized, kind: "authentication_error", code: "invalid_api_key",
			detail: "Project API key invalid. You can find your project API key in PostHog project settings.",
		}
	}
	if err != nil {
		return reply{}, err
	}
	return ok(map[string]any{"earlyAccessFeatures": each(features, func(v manage.FeatureView) featureBrief {
		key := ""
		if v.Flag != nil {
			key = v.Flag.Key
		}
		return newFeatureBrief(v.EarlyAccessFeature, key)
	})})
}

func listFeatures(c *call) (reply, error) {
	limit, offset := c.paging()
	page, total, err := c.api.m.EarlyAccess.List(c.r.Context(), c.project(), limit, offset)
	if err != nil {
		return reply{}, err
	}
	return c.page(each(page, newFeature), total, limit, offset)
}

func getFeature(c *call) (reply, error) {
	v, err := c.api.m.EarlyAccess.Get(c.r.Context(), c.project(), c.params["feature"])
	return featureReply(http.StatusOK, v, err)
}

func featureReply(status int, v manage.FeatureView, err error) (reply, error) {
	if err != nil {
		return reply{}, err
	}
	return reply{status: status, body: newFeature(v)}, nil
}

func (c *call) featureChange() (manage.FeatureChange, error) {
	f, err := c.body()
	if err != nil {
		return manage.FeatureChange{}, err
	}
	ch := manage.FeatureChange{
		Name:             f.filled("name"),
		Description:      f.nullableText("description"),
		Stage:            f.text("stage"),
		DocumentationURL: f.nullableText("documentation_url"),
		RolloutToAll:     f.boolean("rollout_to_all").Value,
	}
	if f.has("payload") {
		ch.Payload = manage.Given([]byte(f.document("payload")))
	}
	if f.has("feature_flag_id") && !f.null("feature_flag_id") {
		ch.FlagID = f.integer("feature_flag_id")
	}
	return ch, f.err
}

func createFeature(c *call) (reply, error) {
	ch, err := c.featureChange()
	if err != nil {
		return reply{}, err
	}
	v, err := c.api.m.EarlyAccess.Create(c.r.Context(), c.who, c.project(), ch)
	return featureReply(http.StatusCreated, v, err)
}

func updateFeature(c *call) (reply, error) {
	ch, err := c.featureChange()
	if err != nil {
		return reply{}, err
	}
	v, err := c.api.m.EarlyAccess.Update(c.r.Context(), c.who, c.project(), c.params["feature"], ch)
	return featureReply(http.StatusOK, v, err)
}

func deleteFeature(c *call) (reply, error) {
	if err := c.api.m.EarlyAccess.Delete(c.r.Context(), c.who, c.project(), c.params["feature"]); err != nil {
		return reply{}, err
	}
	return empty(http.StatusNoContent)
}
