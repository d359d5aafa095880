package posthog

import (
	"strings"

	"github.com/guidon-flags/guidon/internal/feature"
)

// The sets of flag runtimes that a request can ask for (7.1); the zero set is
// what an explicit all means.
var (
	runtimeClient    = feature.Runtimes(feature.RuntimeAny, feature.RuntimeClient)
	runtimeServer    = feature.Runtimes(feature.RuntimeAny, feature.RuntimeServer)
	runtimeUndecided = feature.Runtimes(feature.RuntimeAny)
)

// DetectRuntimes says which runtimes' flags a request gets when its body does
// not say so: by its User-Agent, then by whether it has one of the headers that
// only browsers send (Origin, Referer, Sec-Fetch-Mode, Sec-Fetch-Site).
func DetectRuntimes(userAgent string, browserHeaders bool) feature.RuntimeSet {
	if s := sdkRuntimes(sdkOf(userAgent)); s != runtimeUndecided {
		return s
	}
	switch {
	case containsAny(userAgent, "Mozilla/", "Chrome/", "Safari/", "Firefox/", "Edge/"):
		return runtimeClient
	case containsAny(userAgent, "python-requests/", "curl/"):
		return runtimeServer
	case browserHeaders:
		return runtimeClient
	}
	return runtimeUndecided
}

// sdkOf returns the name in a User-Agent of the form posthog-<name>/<version>,
// empty if it has another form.
func sdkOf(userAgent string) string {
	rest, ok := strings.CutPrefix(userAgent, "posthog-")
	name, version, cut := strings.Cut(rest, "/")
	if !ok || !cut || version == "" {
		return ""
	}
	return name
}

// sdkRuntimes says where an SDK runs. An unknown one decides nothing, and what
// else the request shows counts.
func sdkRuntimes(name string) feature.RuntimeSet {
	switch name {
	case "python", "ruby", "php", "java", "go", "node", "dotnet", "elixir", "rs", "server":
		return runtimeServer
	case "js", "android", "ios", "react-native", "flutter":
		return runtimeClient
	}
	return runtimeUndecided
}

// SDKName returns the name under which usage is counted (section 18), "other"
// for clients that are not known.
func SDKName(userAgent string) string {
	switch sdkOf(userAgent) {
	case "js":
		return "posthog-js"
	case "node":
		return "posthog-node"
	case "python":
		return "posthog-python"
	case "php":
		return "posthog-php"
	case "ruby":
		return "posthog-ruby"
	case "go":
		return "posthog-go"
	case "java":
		return "posthog-java"
	case "dotnet":
		return "posthog-dotnet"
	case "elixir":
		return "posthog-elixir"
	case "android":
		return "posthog-android"
	case "ios":
		return "posthog-ios"
	case "react-native":
		return "posthog-react-native"
	case "flutter":
		return "posthog-flutter"
	}
	return "other"
}

func containsAny(s string, parts ...string) bool {
	for _, p := range parts {
		if strings.Contains(s, p) {
			return true
		}
	}
	return false
}
