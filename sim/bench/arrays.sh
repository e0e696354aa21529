#!/bin/sh
# Verilates the arrays with their weight memory and drain bank and compares random layers with integer products:
#     sim/bench/arrays.sh ROWS MAC_CHANNELS [GATES [-- LAYERS [MUTATION]]]
# GATES 1: the counters as they are built, not those that simulate fast.
set -eu
cd -- "$(dirname -- "$0")/../.."
rows=$1 channels=$2 gates=0
shift 2
if [ $# -gt 0 ] && [ "$1" != -- ]; then gates=$1; shift; fi
[ $# -eq 0 ] || shift
folder=build/verilated/arrays-$rows-$channels-$gates
up=../../.. # from the folder, where make runs; CURDIR: as in hw/build.sh
mkdir -p "$folder"
verilator --cc --exe --build -O3 --assert --x-initial unique --unroll-count 1024 -GROWS="$rows" -GMAC_CHANNELS="$channels" \
    -GGATES="$gates" -Ihw -y hw/datapath -y hw/memory -y hw/control --prefix Varrays --top-module arrays_bench --Mdir "$folder" \
    -MAKEFLAGS "CURDIR=. OBJCACHE=$(command -v ccache || true)" \
    -CFLAGS "-std=gnu++17 -O1 -I$up/sim/bench -DROWS=$rows -DMAC_CHANNELS=$channels" \
    hw/bitdial_descriptor_pkg.sv sim/bench/arrays_bench.sv "$up/sim/bench/arrays.cpp" "$up/sim/bench/arrays_model.cpp" \
    >"$folder/build.log" 2>&1 || { tail -20 "$folder/build.log"; exit 3; }
exec "$folder/Varrays" "$@"
