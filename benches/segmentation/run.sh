#!/bin/sh
# Where sentences end: ours beside pysbd (MIT), on texts with known truth, in one run.
#
#   benches/segmentation/run.sh [ROWS.jsonl…]     default: shared/summarizer/tests/truth/*.jsonl
#
# Makes a Python environment under target/ on its first run (PyPI: pysbd).
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
venv=$root/target/segmentation/venv
if [ ! -e "$venv/ready" ]; then
    echo "making a Python environment in $venv" >&2
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$root/benches/segmentation/requirements.txt"
    touch "$venv/ready"
fi
cargo build --release --locked --quiet --manifest-path "$root/Cargo.toml" --workspace --example segment
[ $# -gt 0 ] || set -- "$root"/shared/summarizer/tests/truth/*.jsonl
exec "$venv/bin/python" "$root/benches/segmentation/score.py" "$root/target/release/examples/segment" "$@"
