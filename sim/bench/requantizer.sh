#!/bin/sh
# Verilates hw/datapath/requantizer_pipe.sv alone and compares it with the C function:
#     sim/bench/requantizer.sh MULT_BITS [FAULT]
set -eu
cd -- "$(dirname -- "$0")/../.."
module=requantizer_pipe
bits=$1 fault=${2:-0}
folder=build/verilated/$module-$bits-$fault
up=../../.. # from the folder, where make runs; CURDIR: as in hw/build.sh
mkdir -p "$folder"
gcc -std=gnu11 -O2 -I. -c -o "$folder/rng.o" model/core/rng.c
verilator --cc --exe --build -O3 --assert -GMULT_BITS="$bits" -GFAULT="$fault" -Ihw --prefix Vrequantizer --Mdir "$folder" \
    -MAKEFLAGS "CURDIR=. OBJCACHE=$(command -v ccache || true)" -CFLAGS "-std=gnu++17 -O2 -I$up -DMULT_BITS=$bits -DPIPE=1" -LDFLAGS "rng.o -lm" \
    hw/datapath/$module.sv "$up/sim/bench/requantizer.cpp" >"$folder/build.log" 2>&1 || { tail -20 "$folder/build.log"; exit 3; }
exec "$folder/Vrequantizer"
