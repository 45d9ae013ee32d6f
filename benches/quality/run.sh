#!/bin/sh
# Summary quality in one table: ours beside lead, LexRank and TextRank, all in this run.
#
#   benches/quality/run.sh [FOLDER]     FOLDER holds eval/*.jsonl and office/ (default: ../shared beside the repository)
#
# Makes a Python environment under target/ on its first run (PyPI: rouge-score, sumy, numpy, nltk).
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
shared=${1:-${PRECIS_SHARED:-$root/../shared}}
venv=$root/target/quality/venv
if [ ! -d "$shared/eval" ]; then
    echo "skipped: no evaluation sets in $shared" >&2
    exit 0
fi
if [ ! -e "$venv/ready" ]; then
    echo "making a Python environment in $venv" >&2
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$root/benches/quality/requirements.txt"
    touch "$venv/ready"
fi
cargo build --release --locked --quiet --manifest-path "$root/Cargo.toml" --workspace --example quality
exec "$venv/bin/python" "$root/benches/quality/score.py" "$shared" "$root/target/release/examples/quality" "$root/target/quality"
