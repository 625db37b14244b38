#!/bin/sh
# Installs what the check needs: Debian's Redmine, its SQLite adapter, and the web server that runs it (Debian 12; as root).
# The system gets no Redmine of its own by this: the check makes its own, in a temporary folder.
set -eu

if ! command -v apt-get >/dev/null; then
    echo "This needs Debian's packages; there is no apt-get here." >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update
echo "redmine redmine/instances/default/dbconfig-install boolean false" | debconf-set-selections
apt-get install --yes --no-install-recommends redmine redmine-sqlite puma
