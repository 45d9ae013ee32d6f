#!/bin/sh
# What long documents cost: time and memory of the summarizer (without a model) from 10 pages to 3,000; writes
# docs/long-documents.md and docs/long-documents.svg, and prints the exponent of the fit.
#
#   benches/length/run.sh [PAGES…]
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
python=$("$root/benches/environment" length)
cargo build --release --locked --quiet --manifest-path "$root/Cargo.toml" --workspace --example length
exec "$python" "$root/benches/length/plot.py" "$root/target/release/examples/length" "$root/docs" "$@"
