#!/bin/sh
# Verilates hw/datapath/requantizer.sv alone and compares it with the C function: sim/bench/requantizer.sh MULT_BITS [FAULT]
set -eu
cd -- "$(dirname -- "$0")/../.."
bits=$1 fault=${2:-0}
folder=build/verilated/requantizer-$bits-$fault
up=../../.. # from the folder, where make runs; CURDIR: as in hw/build.sh
mkdir -p "$folder"
verilator --cc --exe --build -O3 --assert -GMULT_BITS="$bits" -GFAULT="$fault" -Ihw --prefix Vrequantizer --Mdir "$folder" \
    -MAKEFLAGS CURDIR=. -CFLAGS "-std=gnu++17 -O2 -I$up -DMULT_BITS=$bits" -LDFLAGS "$up/build/libbitdial.a" \
    hw/datapath/requantizer.sv "$up/sim/bench/requantizer.cpp" >"$folder/build.log" 2>&1 || { tail -20 "$folder/build.log"; exit 3; }
exec "$folder/Vrequantizer"
