#!/bin/sh
# Verilator's lint, all warnings on, over every hardware configuration, or those named; waivers are single lines with
# their reason:
#     hw/lint.sh [HARDWARE.yaml...]
set -eu
cd "$(dirname "$0")/.."
[ -x build/bitdial ] || make -s build/bitdial >&2
[ $# -gt 0 ] || set -- yaml-configs/hardware/*.yaml
for hardware in "$@"; do
    parameters=$(build/bitdial hardware "$hardware" --parameters)
    # The gates of the XNOR array's counters depend on no parameter, and are many: they are read where rows are fewest.
    gates=$(case $parameters in *ROWS=8[!0-9]*) echo 1 ;; *) echo 0 ;; esac)
    # shellcheck disable=SC2086 # one option a line
    verilator --lint-only -Wall --unroll-count 1024 --top-module bitdial_top -Ihw -y hw/control -y hw/memory -y hw/datapath \
        $parameters -GGATES="$gates" hw/bitdial_regs_pkg.sv hw/bitdial_descriptor_pkg.sv hw/bitdial_walk_pkg.sv hw/bitdial_pkg.sv hw/bitdial_top.sv
done
verilator --lint-only -Wall --top-module uart_bridge -y hw/board hw/board/uart_bridge.sv
for module in axi_byte axi_inside sdram_init; do # the rest of that board needs a generator
    verilator --lint-only -Wall --top-module $module hw/fpga/ulx3s_sdram/$module.sv
done
# The wrapper of a board with a processor, around the ports of the accelerator alone; a board's chip, with a PLL.
mkdir -p build/lint
{ sed '/^);$/q' hw/bitdial_top.sv; echo endmodule; } >build/lint/bitdial_top.sv
verilator --lint-only -Wall -Wno-UNDRIVEN -Wno-UNUSEDSIGNAL -Wno-UNUSEDPARAM --top-module bitdial_wrapper -Ihw build/lint/bitdial_top.sv \
    hw/fpga/pynq_z2/bitdial_wrapper.v
# shellcheck disable=SC2046 # one option or file a word
verilator --lint-only -Wall --unroll-count 1024 --top-module top -Ihw -GGATES=0 sim/board/chip.vlt sim/board/ehxplll.sv \
    $(for what in --parameters --sources; do PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 hw/fpga/build.py ulx3s --clock 62.5 $what; done)
echo "verilator --lint-only: no warning in $# configurations and on a chip with a PLL"
