#!/bin/sh
# What long documents cost: time and memory of the summarizer (without a model) from 10 pages to 3,000; writes
# docs/long-documents.md and docs/long-documents.svg, and prints the exponent of the fit.
#
#   benches/length/run.sh [PAGES…]
#
# Makes a Python environment under target/ on its first run (PyPI: matplotlib).
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
venv=$root/target/length/venv
if [ ! -e "$venv/ready" ]; then
    echo "making a Python environment in $venv" >&2
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$root/benches/length/requirements.txt"
    touch "$venv/ready"
fi
cargo build --release --locked --quiet --manifest-path "$root/Cargo.toml" --workspace --example length
exec "$venv/bin/python" "$root/benches/length/plot.py" "$root/target/release/examples/length" "$root/docs" "$@"
