#!/bin/sh
# Verilates the port of the bridge's bytes at a board's SDRAM and tries it: sim/bench/axi_byte.sh CLOCKS SEED [FAULT]
set -eu
cd -- "$(dirname -- "$0")/../.."
bench=$(sh sim/bench/verilate.sh axi_byte axi_byte Vbyte "-GBYTES=64" "-Wall -Wextra -Werror -Wno-unused-parameter" \
    hw/fpga/ulx3s_sdram/axi_byte.sv -- sim/bench/axi_byte.cpp)
exec "$bench" "$@"
