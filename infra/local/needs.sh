#!/bin/sh
# Checks for what the stack (`run`) or the tests (`test`) need, and installs the Debian packages among it.
set -eu
purpose=$1
packages=
absent() { ! command -v "$1" >/dev/null 2>&1; }
package() { packages="$packages $1"; }

if absent cargo; then
    echo "cargo is missing: install Rust 1.95 or later from https://rustup.rs" >&2
    exit 1
fi
if absent node || ! node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)'; then
    echo "Node.js 20 or later is missing (Debian 12 has 18): install it from https://nodejs.org" >&2
    exit 1
fi
if absent cc; then package gcc; fi
if absent strip; then package binutils; fi
if absent openssl; then package openssl; fi
if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then package python3-venv; fi
if [ "$purpose" = test ]; then
    if absent npm; then package npm; fi
    if absent git; then package git; fi
    if absent chromium && [ -z "${CHROMIUM:-}" ]; then package chromium; fi
    if absent fc-list || [ -z "$(fc-list :lang=zh file 2>/dev/null)" ]; then package "fontconfig fonts-noto-cjk"; fi
fi
if [ -z "$packages" ]; then exit 0; fi

if [ "$(id -u)" = 0 ]; then as_root=
elif ! absent sudo && sudo -n true 2>/dev/null; then as_root=sudo
else
    echo "These packages are missing, and installing them takes root:$packages" >&2
    echo "    sudo apt-get install -y$packages" >&2
    exit 1
fi
if absent apt-get; then
    echo "These are missing, under whatever name your system gives them:$packages" >&2
    exit 1
fi
echo "Installing$packages"
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq
# shellcheck disable=SC2086 # a list of words
$as_root apt-get install -y -qq --no-install-recommends $packages
