#!/bin/sh
# Verilates the block RAM of a board and compares it with the platform's model of memory, clock by clock: sim/bench/block_memory.sh CLOCKS SEED [LATENCY]
set -eu
cd -- "$(dirname -- "$0")/../.."
bench=$(sh sim/bench/verilate.sh block_memory block_memory Vmemory "-GBYTES=8192 -y hw/board" "-Wall -Wextra -Werror -Wno-unused-parameter" \
    hw/board/block_memory.sv -- sim/bench/block_memory.cpp sw/transport/guarded_memory.c model/core/error.c model/core/memory.c)
exec "$bench" "$@"
