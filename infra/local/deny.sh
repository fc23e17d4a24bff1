#!/bin/sh
# cargo deny with the advisory database of the day.
set -eu
if ! command -v cargo-deny >/dev/null 2>&1; then
    echo "Installing cargo-deny (once, a few minutes)"
    cargo install --quiet --locked cargo-deny
fi
if cargo deny --log-level error fetch db 2>/dev/null; then
    exec cargo deny --log-level error check
fi
# Where the database cannot be cloned (an isolated network), a snapshot beside the repository stands in for it.
snapshot=../shared/advisory-db.tar.gz
if [ ! -f "$snapshot" ]; then
    echo "The advisory database cannot be fetched from https://github.com/rustsec/advisory-db" >&2
    exit 1
fi
echo "The advisory database cannot be cloned here; using the snapshot $snapshot"
# The folder name is cargo-deny's own: the repository's name and a hash of its address.
database=${CARGO_HOME:-$HOME/.cargo}/advisory-dbs/advisory-db-3157b0e258782691
if [ ! -d "$database/.git" ]; then
    rm -rf "$database"
    mkdir -p "$database"
    tar -xzf "$snapshot" -C "$database"
    git -C "$database" init --quiet --initial-branch=main
    git -C "$database" add --all
    git -C "$database" -c user.name=snapshot -c user.email=snapshot@localhost commit --quiet --message snapshot
fi
cargo fetch --quiet --locked
exec cargo deny --log-level error --offline check
