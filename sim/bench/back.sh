#!/bin/sh
# Verilates hw/datapath/back.sv with the decoder of descriptors and runs random layers on it:
#     sim/bench/back.sh ROWS RQ [FAULT [LAYERS [SEED [MUTATION]]]]
# FAULT 1: a byte that is written first keeps its neighbour; MUTATION: faults of the model (back_model.h)
set -eu
cd -- "$(dirname -- "$0")/../.."
rows=$1 rq=$2 fault=${3:-0}
[ $# -gt 3 ] && shift 3 || shift $#
folder=build/verilated/back-$rows-$rq-$fault
up=../../.. # from the folder, where make runs; CURDIR: as in hw/build.sh
mkdir -p "$folder"
gcc -std=gnu11 -O2 -I. -c -o "$folder/rng.o" model/core/rng.c
code_clocks=$(sed -n 's/.*localparam int CODE_CLOCKS = \([0-9]*\);.*/\1/p' hw/datapath/back.sv)
verilator --cc --exe --build -O3 --assert --x-initial unique -GROWS="$rows" -GRQ="$rq" -GFAULT="$fault" -Ihw -y hw/control -y hw/memory -y hw/datapath \
    --top-module back_top --prefix Vback_top --Mdir "$folder" -MAKEFLAGS CURDIR=. -MAKEFLAGS OPT_FAST=-O1 \
    -CFLAGS "-std=gnu++17 -O1 -I$up -DBACK_ROWS=$rows -DBACK_RQ=$rq -DBACK_CODE_CLOCKS=$code_clocks" \
    -LDFLAGS "rng.o -lm" hw/bitdial_descriptor_pkg.sv sim/bench/back_top.sv "$up/sim/bench/back.cpp" >"$folder/build.log" 2>&1 || {
    tail -20 "$folder/build.log"
    exit 3
}
exec timeout 300 "$folder/Vback_top" "$@"
