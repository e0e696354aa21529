#!/bin/sh
# Verilates the front of the machine (walker, window reader, plane memory) alone and runs sim/bench/front.cpp over random
# layers: sim/bench/front.sh ROWS MAC_CHANNELS ACT_WORDS [FAULT] [-- options of the bench]
set -eu
cd -- "$(dirname -- "$0")/../.."
rows=$1 channels=$2 words=$3 fault=0
shift 3
if [ $# -gt 0 ] && [ "$1" != -- ]; then fault=$1; shift; fi
[ $# -eq 0 ] || shift
folder=build/verilated/front-$rows-$channels-$words-$fault
up=../../.. # from the folder, where make runs; CURDIR: as in hw/build.sh
mkdir -p "$folder"
verilator --cc --exe --build -O3 --assert --x-initial unique -GROWS="$rows" -GMAC_CHANNELS="$channels" -GACT_WORDS="$words" -GFAULT="$fault" \
    -Ihw -y hw/control -y hw/datapath -y hw/memory --prefix Vfront --top-module front_top --Mdir "$folder" \
    -MAKEFLAGS "CURDIR=. OBJCACHE=$(command -v ccache || true)" \
    -CFLAGS "-std=gnu++17 -O2 -I$up/sim/bench -DROWS=$rows -DMAC_CHANNELS=$channels -DACT_WORDS=$words" \
    hw/bitdial_descriptor_pkg.sv hw/bitdial_walk_pkg.sv sim/bench/front_top.sv "$up/sim/bench/front.cpp" \
    "$up/sim/bench/front_layers.cpp" "$up/sim/bench/front_model.cpp" \
    >"$folder/build.log" 2>&1 || { tail -20 "$folder/build.log"; exit 3; }
exec "$folder/Vfront" "$@"
