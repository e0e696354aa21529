#!/bin/sh
# Verilator's lint, all warnings on, over every hardware configuration; waivers are single lines with their reason.
set -eu
cd "$(dirname "$0")/.."
[ -x build/bitdial ] || make -s build/bitdial >&2
for hardware in yaml-configs/hardware/*.yaml; do
    # shellcheck disable=SC2046 # one option a line
    verilator --lint-only -Wall --unroll-count 1024 --top-module bitdial_top -Ihw -y hw/control -y hw/memory -y hw/datapath \
        $(build/bitdial hardware "$hardware" --parameters) hw/bitdial_regs_pkg.sv hw/bitdial_descriptor_pkg.sv hw/bitdial_walk_pkg.sv hw/bitdial_pkg.sv hw/bitdial_top.sv
done
verilator --lint-only -Wall --top-module uart_bridge -y hw/board hw/board/uart_bridge.sv
echo "verilator --lint-only: no warning in $(ls yaml-configs/hardware/*.yaml | wc -l) configurations"
