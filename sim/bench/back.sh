#!/bin/sh
# Verilates hw/datapath/back.sv with the decoder of descriptors and runs random layers on it:
#     sim/bench/back.sh ROWS RQ [LAYERS [SEED [MUTATION [FAULT]]]]
# MUTATION: faults of the model (back_model.h); FAULT 1: one behind the packer (back_top.sv)
set -eu
cd -- "$(dirname -- "$0")/../.."
rows=$1 rq=$2
shift 2
code_clocks=$(sed -n 's/.*localparam int CODE_CLOCKS = \([0-9]*\);.*/\1/p' hw/datapath/back.sv)
bench=$(sh sim/bench/verilate.sh "back-$rows-$rq" back_top Vback_top "-GROWS=$rows -GRQ=$rq" \
    "-DBACK_ROWS=$rows -DBACK_RQ=$rq -DBACK_CODE_CLOCKS=$code_clocks" sim/bench/back_top.sv -- sim/bench/back.cpp \
    model/core/rng.c)
exec timeout 300 "$bench" "$@"
