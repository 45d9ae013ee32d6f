#!/bin/sh
# How long documents wait, and how many are done a second, by the way batches are made: a simulation whose batches cost
# what they cost in MiniLM. Writes docs/batching.md and docs/batching.svg.
#
#   benches/batching/run.sh              with the costs in shared/summarizer/examples/batching (the same page each time)
#   benches/batching/run.sh --measure    with those of this machine, on one core (the model: PRECIS_MODEL)
#   benches/batching/run.sh A B C        with these: seconds of a batch = A + B × tokens + C × sum of squares
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
python=$("$root/benches/environment" batching)
cargo build --release --locked --quiet --manifest-path "$root/Cargo.toml" --workspace --example batching --example batch_cost
if [ "${1:-}" = --measure ]; then
    model=${PRECIS_MODEL:-$root/models/all-MiniLM-L6-v2}
    measured=$(RAYON_NUM_THREADS=1 "$root/target/release/examples/batch_cost" "$model")
    echo "$measured"
    # shellcheck disable=SC2046 # three words
    set -- $(echo "$measured" | "$python" -c 'import json, sys; print(*json.load(sys.stdin)["fit"])')
fi
exec "$python" "$root/benches/batching/plot.py" "$root/target/release/examples/batching" "$root/docs" "$@"
