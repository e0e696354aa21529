#!/bin/sh
# Verilates the front together with the arrays and compares sums with convolutions by definition:
#     sim/bench/core.sh ROWS MAC_CHANNELS [LAYERS [SEED [FAULT]]]
set -eu
cd -- "$(dirname -- "$0")/../.."
rows=$1 channels=$2
shift 2
bench=$(sh sim/bench/verilate.sh "core-$rows-$channels" core_top Vcore "-GROWS=$rows -GMAC_CHANNELS=$channels" \
    "-O0 -DROWS=$rows -DMAC_CHANNELS=$channels -DACT_WORDS=2048" sim/bench/core_top.sv -- sim/bench/core.cpp \
    sim/bench/front_layers.cpp sim/bench/front_model.cpp)
exec "$bench" "$@"
