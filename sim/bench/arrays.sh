#!/bin/sh
# Verilates the arrays with their weight memory and drain bank and compares random layers with integer products:
#     sim/bench/arrays.sh ROWS MAC_CHANNELS [FAULT [LAYERS]]
set -eu
cd -- "$(dirname -- "$0")/../.."
rows=$1 channels=$2 fault=${3:-0} layers=${4:-400}
folder=build/verilated/arrays-$rows-$channels-$fault
up=../../.. # from the folder, where make runs; CURDIR: as in hw/build.sh
mkdir -p "$folder"
verilator --cc --exe --build -O3 --assert --unroll-count 1024 -GROWS="$rows" -GMAC_CHANNELS="$channels" -GFAULT="$fault" -Ihw \
    -y hw/datapath -y hw/memory -y hw/control --prefix Varrays --top-module arrays_bench --Mdir "$folder" \
    -MAKEFLAGS "CURDIR=. OBJCACHE=$(command -v ccache || true)" \
    -CFLAGS "-std=gnu++17 -O1 -I$up -DROWS=$rows -DMAC_CHANNELS=$channels" \
    hw/bitdial_descriptor_pkg.sv sim/bench/arrays_bench.sv "$up/sim/bench/arrays.cpp" >"$folder/build.log" 2>&1 || { tail -20 "$folder/build.log"; exit 3; }
exec "$folder/Varrays" "$layers"
