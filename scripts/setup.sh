#!/usr/bin/env bash
# Installs the system libraries that are missing, and says nothing if none is.
set -euo pipefail
libraries="librdkafka-dev libsqlite3-dev libcurl4-openssl-dev libzstd-dev zlib1g-dev libssl-dev libsimdjson-dev pkg-config g++ curl"
brew_libraries="librdkafka sqlite curl zstd zlib openssl@3 simdjson pkg-config"
[ "${1:-}" = python ] && libraries="python3 python3-venv python3-pip" && brew_libraries="python3"

if command -v dpkg-query >/dev/null; then
    missing=""
    for library in $libraries; do
        dpkg-query -W -f '${Status}' "$library" 2>/dev/null | grep -q 'ok installed' || missing="$missing $library"
    done
    [ -z "$missing" ] && exit 0
    echo "installing:$missing"
    as_root=""
    [ "$(id -u)" = 0 ] || as_root=sudo
    $as_root apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null
elif command -v brew >/dev/null; then
    # shellcheck disable=SC2086
    brew list $brew_libraries >/dev/null 2>&1 || brew install $brew_libraries
else
    echo "Neither apt nor Homebrew is here. Install by hand: $libraries" >&2
    exit 1
fi
