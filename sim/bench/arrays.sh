#!/bin/sh
# Verilates the arrays with their weight memory and drain bank and compares random layers with integer products:
#     sim/bench/arrays.sh ROWS MAC_CHANNELS GATES [LAYERS [MUTATION]]
# GATES 1: the counters as they are built; 0: those that simulate fast.
set -eu
cd -- "$(dirname -- "$0")/../.."
rows=$1 channels=$2 gates=$3
shift 3
bench=$(sh sim/bench/verilate.sh "arrays-$rows-$channels-$gates" arrays_bench Varrays \
    "-GROWS=$rows -GMAC_CHANNELS=$channels -GGATES=$gates" "-DROWS=$rows -DMAC_CHANNELS=$channels" \
    sim/bench/arrays_bench.sv -- sim/bench/arrays.cpp sim/bench/arrays_model.cpp)
exec "$bench" "$@"
