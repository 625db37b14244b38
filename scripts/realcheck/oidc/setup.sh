#!/bin/sh
# Installs what the check needs: the browser, and the OAuth server, as package.json names them.
# None of it is a part of Conjunct: packages go to node_modules beside the package.json, which are not committed.
set -eu
cd "$(dirname "$0")"

sh ../browser/setup.sh
npm install --no-package-lock --ignore-scripts --no-audit --no-fund
