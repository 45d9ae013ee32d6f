#!/bin/sh
# Words a CPU-second: our whole summarizer without and with its model beside LexRank of sumy (and, where
# sentence-transformers is installed in the bench's environment, MiniLM with LexRank), in one run.
# Writes docs/speed.md.
#
#   benches/speed/run.sh [FOLDER [DOCUMENTS]]     FOLDER holds eval/*.jsonl (default: ../shared beside the repository);
#                                                 of each set that many documents are taken (default: 15)
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
shared=${1:-${PRECIS_SHARED:-$root/../shared}}
if [ ! -d "$shared/eval" ]; then
    echo "skipped: no evaluation sets in $shared" >&2
    exit 0
fi
python=$("$root/benches/environment" speed)
# One thread: CPU-seconds of threads that only wait are none of its work.
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1
cargo build --release --locked --quiet --manifest-path "$root/Cargo.toml" --workspace --example speed
model=${PRECIS_MODEL:-$root/models/all-MiniLM-L6-v2}
exec "$python" "$root/benches/speed/speed.py" "$root/target/release/examples/speed" "$model" "$root/docs/speed.md" \
    "${2:-15}" "$shared"/eval/*.jsonl
