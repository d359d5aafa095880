package identity

import "strings"

// set makes a set of words.
func set(words string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		m[w] = true
	}
	return m
}

// mapped are the properties of events that become properties of persons, with
// a twin "$initial_…" that is set once (5.1).
var mapped = set(`
	$app_build $app_name $app_namespace $app_version
	$browser $browser_version $device_type $current_url $pathname $os $os_name $os_version
	$referring_domain $referrer $screen_height $screen_width $viewport_height $viewport_width $raw_user_agent
	utm_source utm_medium utm_campaign utm_content utm_name utm_term
	gclid gad_source gclsrc dclid gbraid wbraid fbclid msclkid twclid li_fat_id mc_cid igshid ttclid
	rdt_cid irclid _kx epik qclid sccid`)

// hostMapped are those that describe the host of a server library rather than
// a person's device.
var hostMapped = set(`$os $os_name $os_version`)

var serverLibraries = set(`
	posthog-python posthog-node posthog-edge posthog-server posthog-go posthog-ruby
	posthog-php posthog-java posthog-dotnet posthog-elixir posthog-rs`)

// initialName is the name of the twin that is set once.
func initialName(name string) string { return "$initial_" + strings.Replace(name, "$", "", 1) }

// noisy are properties whose change alone is not worth a write (5.2, step 5).
var noisy = set(`
	$current_url $pathname $referring_domain $referrer
	$screen_height $screen_width $viewport_height $viewport_width
	$browser $browser_version $device_type $raw_user_agent $os $os_name $os_version
	$geoip_postal_code $geoip_time_zone $geoip_latitude $geoip_longitude $geoip_accuracy_radius
	$geoip_subdivision_1_code $geoip_subdivision_1_name
	$geoip_subdivision_2_code $geoip_subdivision_2_name
	$geoip_subdivision_3_code $geoip_subdivision_3_name
	$geoip_city_confidence $geoip_country_confidence $geoip_postal_code_confidence
	$geoip_subdivision_1_confidence $geoip_subdivision_2_confidence`)

// kept are properties that trimming never drops, besides the mapped ones.
var kept = set(`
	email name $session_id $window_id $pageview_id $host $user_id $device_id $anon_distinct_id
	$initial_referrer $initial_referring_domain
	$initial_utm_source $initial_utm_medium $initial_utm_campaign
	$initial_utm_content $initial_utm_name $initial_utm_term`)

func protected(name string) bool { return kept[name] || mapped[name] }

// Events that identity treats in a way of their own.
const (
	eventIdentify       = "$identify"
	eventAlias          = "$create_alias"
	eventMerge          = "$merge_dangerously"
	eventSet            = "$set"
	eventGroupIdentify  = "$groupidentify"
	eventGroupUnset     = "$delete_group_property"
	eventFlagCalled     = "$feature_flag_called"
	eventSurveyShown    = "survey shown"
	propertySurveySeen  = "$survey_last_seen_date"
	propertyCreatorUUID = "$creator_event_uuid"
)

// ignoredEvents belong to other products: they change nothing and create
// nobody (section 6), as do all whose names begin with "$ai_".
var ignoredEvents = set(`$snapshot $performance_event $$heatmap $exception $web_vitals $$client_ingestion_warning`)

func ignored(event string) bool { return ignoredEvents[event] || strings.HasPrefix(event, "$ai_") }

// needsPerson reports whether a personless event makes no sense (section 3,
// rule 3).
func needsPerson(event string) bool {
	switch event {
	case eventIdentify, eventAlias, eventMerge, eventGroupIdentify:
		return true
	}
	return false
}

// alwaysWritten reports whether the noise filter lets every change of the
// event through.
func alwaysWritten(event string) bool {
	switch event {
	case eventIdentify, eventAlias, eventMerge, eventSet:
		return true
	}
	return false
}

// illegalAnyCase and illegalExact are ids that faulty clients send for many
// people and that must never join persons (4.4).
var (
	illegalAnyCase = set(`anonymous guest distinctid distinct_id id not_authenticated email undefined true false`)
	illegalExact   = map[string]bool{"[object Object]": true, "NaN": true, "None": true, "none": true, "null": true, "0": true}
)

// illegal reports whether an id may not take part in a merge. Ids are compared
// as they are, and without one pair of quotes.
func illegal(id string) bool {
	if strings.TrimSpace(id) == "" {
		return true
	}
	if n := len(id); n >= 2 && (id[0] == '"' || id[0] == '\'') && id[n-1] == id[0] {
		id = id[1 : n-1]
	}
	return illegalExact[id] || illegalAnyCase[strings.ToLower(id)]
}
