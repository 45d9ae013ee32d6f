#!/bin/sh
# How the services scale, simulated: writes docs/scaling.md and its plots from infra/autoscaling.yml.
#
#   benches/scaling/run.sh           1,200 loads under the template, fewer under each way that it is compared with: a minute
#   benches/scaling/run.sh 10000     so many: three minutes
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
python=$("$root/benches/environment" scaling)
cd "$root"
cargo build --release --locked --quiet -p precis-scaling
mkdir -p target/scaling
target/release/scaling study --loads "${1:-1200}" > target/scaling/study.json
# A sweep has some fifty lines: of each a few loads.
target/release/scaling sweep --loads "$((40 + ${1:-1200} / 32))" > target/scaling/sweep.json
exec "$python" benches/scaling/plot.py target/scaling docs
