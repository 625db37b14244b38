#!/bin/sh
# Installs what the check needs: the browser, and axe-core, which judges how accessible a page is.
# None of it is a part of Conjunct: packages go to node_modules beside the package.json, which are not committed.
set -eu
cd "$(dirname "$0")"

sh ../browser/setup.sh
npm install --no-package-lock --ignore-scripts --no-audit --no-fund
