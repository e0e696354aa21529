#!/bin/sh
# Verilates hw/datapath/dot_row.sv alone, in both of its forms, and compares it with integers: sim/bench/dot_row.sh HALF_LANES
# [OPERATIONS]. Up to 7 lanes the planted faults stand beside it, and each must be found.
set -eu
cd -- "$(dirname -- "$0")/../.."
lanes=$1 broken=$(($1 < 8))
folder=build/verilated/dot_row-$lanes
up=../../..
mkdir -p "$folder/faults"
# A fault a copy: the text must be there to be replaced.
plant() { # SUFFIX FILE MODULE PATTERN REPLACEMENT: MODULE, and the row on it, under names of their own
    sed "s/$3/$3_$1/g; s/$4/$5/" "$2" >"$folder/faults/$3_$1.sv"
    [ "$(sed "s/$3/$3_$1/g" "$2" | cmp - "$folder/faults/$3_$1.sv" | wc -l)" = 1 ] || { echo "dot_row.sh: nothing to break in $2"; exit 3; }
    sed "s/dot_row/dot_row_$1/; s/$3/$3_$1/" hw/datapath/dot_row.sv >"$folder/faults/dot_row_$1.sv"
}
plant miscounts hw/datapath/xnor_count.sv xnor_count 'c0 = p0 ? x\[2\]' 'c0 = p0 ? x[1]'
plant forgets hw/datapath/block_accumulator.sv block_accumulator 'again = valid1_q \&\&' "again = 1'b0 \\&\\&"
verilator --cc --exe --build -O3 --assert --x-initial unique -GHALF_LANES="$lanes" -GBROKEN="$broken" -Ihw -y hw/datapath \
    -y "$folder/faults" --top-module dot_row_top --prefix Vdot_row --Mdir "$folder" -MAKEFLAGS "CURDIR=. OPT_FAST=-O2 OBJCACHE=$(command -v ccache || true)" \
    -CFLAGS "-std=gnu++17 -O2 -I$up -DHALF_LANES=$lanes -DBROKEN=$broken" -LDFLAGS "$up/build/libbitdial.a" \
    sim/bench/dot_row_top.sv "$up/sim/bench/dot_row.cpp" >"$folder/build.log" 2>&1 || { tail -20 "$folder/build.log"; exit 3; }
shift
exec "$folder/Vdot_row" "$@"
