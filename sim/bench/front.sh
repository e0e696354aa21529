#!/bin/sh
# Verilates the front of the machine (walker, window reader, plane memory) alone and runs sim/bench/front.cpp over random
# layers: sim/bench/front.sh ROWS MAC_CHANNELS ACT_WORDS [options of the bench]
set -eu
cd -- "$(dirname -- "$0")/../.."
rows=$1 channels=$2 words=$3
shift 3
bench=$(sh sim/bench/verilate.sh "front-$rows-$channels-$words" front_top Vfront \
    "-GROWS=$rows -GMAC_CHANNELS=$channels -GACT_WORDS=$words" "-O0 -DROWS=$rows -DMAC_CHANNELS=$channels -DACT_WORDS=$words" \
    sim/bench/front_top.sv -- sim/bench/front.cpp sim/bench/front_layers.cpp sim/bench/front_model.cpp)
exec "$bench" "$@"
