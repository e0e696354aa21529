#!/bin/sh
# Verilates the front together with the arrays and compares sums with convolutions by definition:
#     sim/bench/core.sh ROWS MAC_CHANNELS [FAULT [LAYERS [SEED]]]
set -eu
cd -- "$(dirname -- "$0")/../.."
rows=$1 channels=$2 fault=${3:-0}
folder=build/verilated/core-$rows-$channels-$fault
up=../../.. # from the folder, where make runs; CURDIR: as in hw/build.sh
mkdir -p "$folder"
verilator --cc --exe --build -O3 --assert --x-initial unique --unroll-count 1024 -GROWS="$rows" -GMAC_CHANNELS="$channels" -GFAULT="$fault" \
    -Ihw -y hw/control -y hw/datapath -y hw/memory -y sim/bench --prefix Vcore --top-module core_top --Mdir "$folder" \
    -MAKEFLAGS "CURDIR=. OBJCACHE=$(command -v ccache || true)" \
    -CFLAGS "-std=gnu++17 -O1 -I$up/sim/bench -DROWS=$rows -DMAC_CHANNELS=$channels -DACT_WORDS=2048" \
    hw/bitdial_descriptor_pkg.sv hw/bitdial_walk_pkg.sv sim/bench/core_top.sv "$up/sim/bench/core.cpp" \
    "$up/sim/bench/front_layers.cpp" "$up/sim/bench/front_model.cpp" >"$folder/build.log" 2>&1 || { tail -20 "$folder/build.log"; exit 3; }
exec "$folder/Vcore" "${4:-100}" "${5:-1}"
