#!/bin/sh
# Verilates the XNOR array's counters in both of their forms and compares counts: sim/bench/count.sh [VECTORS [FAULT]]
set -eu
cd -- "$(dirname -- "$0")/../.."
bench=$(sh sim/bench/verilate.sh count count_top Vcount "" "" sim/bench/count_top.sv -- sim/bench/count.cpp)
exec "$bench" "$@"
