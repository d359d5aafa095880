package eval

import (
	"maps"
	"slices"
	"strings"

	"github.com/guidon-flags/guidon/internal/feature"
)

// derivations are the slots of the properties that come from other properties
// or from the request itself (5.2); NoSlot where nothing reads them.
type derivations struct {
	distinctID Slot
	created    Slot // the person's creation time (5.5)
	groupKey   [feature.MaxGroupTypes]Slot
	os, osName Slot // both or none
	initial    []initialTwin
}

// initialTwin says that the property to, unless set, is that of from.
type initialTwin struct{ to, from Slot }

func noDerivations() derivations {
	d := derivations{distinctID: NoSlot, created: NoSlot, os: NoSlot, osName: NoSlot}
	for g := range d.groupKey {
		d.groupKey[g] = NoSlot
	}
	return d
}

// Names of properties that the service fills in.
const (
	nameDistinctID   = "distinct_id"
	nameGroupKey     = "$group_key"
	nameOS           = "$os"
	nameOSName       = "$os_name"
	prefixInitial    = "$initial_"
	prefixEnrollment = "$feature_enrollment/" // followed by the flag's key
)

// initialNames are the properties with an $initial_ twin (5.2.4), as they
// stand behind that prefix. Those in plainInitial are called the same without
// it, the others have a $ in its place.
var (
	dollarInitial = setOf("app_build app_name app_namespace app_version browser browser_version device_type " +
		"current_url pathname os os_version referring_domain referrer screen_height screen_width " +
		"viewport_height viewport_width raw_user_agent")
	plainInitial = setOf("utm_source utm_medium utm_campaign utm_content utm_term gclid gad_source gclsrc dclid " +
		"gbraid wbraid fbclid msclkid twclid li_fat_id mc_cid igshid ttclid rdt_cid epik qclid sccid irclid _kx")
)

func setOf(names string) map[string]bool {
	set := make(map[string]bool)
	for _, n := range strings.Fields(names) {
		set[n] = true
	}
	return set
}

// initialSource returns the name of the property that fills name when it is
// not set, empty if there is none.
func initialSource(name string) string {
	rest, ok := strings.CutPrefix(name, prefixInitial)
	switch {
	case ok && dollarInitial[rest]:
		return "$" + rest
	case ok && plainInitial[rest]:
		return rest
	}
	return ""
}

// deriveProperties finds out what is to be filled in, and gives slots to the
// names that this reads.
func (c *compiler) deriveProperties() {
	d, person := &c.p.derive, c.p.names[personScope]
	for _, name := range slices.Sorted(maps.Keys(person)) {
		if from := initialSource(name); from != "" {
			d.initial = append(d.initial, initialTwin{to: person[name], from: c.slot(personScope, from)})
		}
	}
	_, os := person[nameOS]
	_, alias := person[nameOSName]
	if os || alias {
		d.os, d.osName = c.slot(personScope, nameOS), c.slot(personScope, nameOSName)
	}
	if s, ok := person[nameDistinctID]; ok {
		d.distinctID = s
	}
	if s, ok := person[feature.MetadataKey]; ok {
		d.created = s
	}
	for g := range d.groupKey {
		if s, ok := c.p.names[groupScope(feature.GroupIndex(g))][nameGroupKey]; ok {
			d.groupKey[g] = s
		}
	}
}
