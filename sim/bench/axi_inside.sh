#!/bin/sh
# Verilates the filter before a board's SDRAM and tries it: sim/bench/axi_inside.sh CLOCKS SEED [BYTES]
set -eu
cd -- "$(dirname -- "$0")/../.."
bench=$(sh sim/bench/verilate.sh axi_inside axi_inside Vinside "-GBYTES=8192" "-Wall -Wextra -Werror -Wno-unused-parameter" \
    hw/fpga/ulx3s_sdram/axi_inside.sv -- sim/bench/axi_inside.cpp)
exec "$bench" "$@"
