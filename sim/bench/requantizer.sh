#!/bin/sh
# Verilates hw/datapath/requantizer_pipe.sv alone and compares it with the C function:
#     sim/bench/requantizer.sh MULT_BITS [RANDOM COUNT [FAULT]]
set -eu
cd -- "$(dirname -- "$0")/../.."
bits=$1
shift
bench=$(sh sim/bench/verilate.sh "requantizer-$bits" requantizer_pipe Vrequantizer "-GMULT_BITS=$bits" "-DMULT_BITS=$bits" \
    hw/datapath/requantizer_pipe.sv -- sim/bench/requantizer.cpp model/core/rng.c)
exec "$bench" "$@"
