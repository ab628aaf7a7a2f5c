#!/bin/sh
# Makes what the browser tests need: Debian's Chromium, and axe-core and playwright-core beside this file.
# Running it again is harmless. CHROMIUM names another browser than /usr/bin/chromium.
set -eu
cd "$(dirname "$0")"
browser=${CHROMIUM:-/usr/bin/chromium}
if ! [ -x "$browser" ]; then
    [ "$(id -u)" = 0 ] || { echo "setup.sh: $browser is missing: apt-get install chromium" >&2; exit 1; }
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends chromium
fi
command -v node >/dev/null || { echo "setup.sh: node is missing: apt-get install nodejs npm" >&2; exit 1; }
if ! [ node_modules/.package-lock.json -nt package-lock.json ]; then
    PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --silent --no-audit --no-fund --ignore-scripts
fi
