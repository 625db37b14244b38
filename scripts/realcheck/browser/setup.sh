#!/bin/sh
# Installs the browser of the checks: Debian's Chromium (as root, Debian 12), and the package that drives it.
# None of it is a part of Conjunct: packages go to node_modules beside the package.json, which are not committed.
set -eu
cd "$(dirname "$0")"

# Debian 12 has an older Node.js than the packages of the checks take, so this one is not installed here.
if ! command -v npm >/dev/null || ! node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)'; then
    echo "This needs Node.js 20.19 or newer, with npm. Install it first." >&2
    exit 1
fi
if ! command -v chromium >/dev/null; then
    if ! command -v apt-get >/dev/null; then
        echo "This needs Chromium as the command chromium; there is no apt-get here to install it with." >&2
        exit 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update
    apt-get install --yes --no-install-recommends chromium
fi
npm install --no-package-lock --ignore-scripts --no-audit --no-fund
