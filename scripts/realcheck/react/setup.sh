#!/bin/sh
# Installs what the check needs: Debian's Chromium (as root, Debian 12), and the packages that package.json names.
# None of them is a part of Conjunct: the packages go to node_modules beside this file, which is not committed.
set -eu
cd "$(dirname "$0")"

# Debian 12 has an older Node.js than vite takes, so this one is not installed here.
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
