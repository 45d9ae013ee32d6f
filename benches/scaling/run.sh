#!/bin/sh
# How the services scale, simulated: writes docs/scaling.md and its plots from infra/autoscaling.yml.
#
#   benches/scaling/run.sh           10,000 loads under the template and each way that it is compared with
#   benches/scaling/run.sh 600       so many
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
python=$("$root/benches/environment" scaling)
cd "$root"
cargo build --release --locked --quiet -p precis-scaling
mkdir -p target/scaling
target/release/scaling study --loads "${1:-10000}" > target/scaling/study.json
target/release/scaling sweep --loads "$((${1:-10000} / 32))" > target/scaling/sweep.json
exec "$python" benches/scaling/plot.py target/scaling docs
