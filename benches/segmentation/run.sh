#!/bin/sh
# Where sentences end: ours beside pysbd (MIT), on texts with known truth, in one run.
#
#   benches/segmentation/run.sh [ROWS.jsonl…]     default: shared/summarizer/tests/truth/*.jsonl
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
python=$("$root/benches/environment" segmentation)
cargo build --release --locked --quiet --manifest-path "$root/Cargo.toml" --workspace --example segment
[ $# -gt 0 ] || set -- "$root"/shared/summarizer/tests/truth/*.jsonl
exec "$python" "$root/benches/segmentation/score.py" "$root/target/release/examples/segment" "$@"
