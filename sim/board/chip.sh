#!/bin/sh
# Verilates the top of a board (hw/fpga/BOARD) as `make fpga` would build it, where that is missing or old, and prints the
# path of the simulated chip (chip.cpp):
#     sim/board/chip.sh BOARD [CLOCK_MHZ] [GENERATOR_OPTION]
# With a clock that is not the oscillator's, the PLL is in it, by its model (ehxplll.sv). A board with SDRAM gets one (sdram.h). Exit
# code 3: a board's generator comes from PyPI, which gives none.
set -eu
[ $# -gt 0 ] || { echo "usage: sim/board/chip.sh BOARD [CLOCK_MHZ] [GENERATOR_OPTION]" >&2; exit 2; }
board=$1
cd -- "$(dirname -- "$0")/../.."
root=$PWD
unset MAKEFLAGS MFLAGS MAKELEVEL SAN
[ -x build/bitdial ] || make -s build/bitdial >&2
build() { PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 hw/fpga/build.py "$board" ${2:+--clock "$2"} ${3:+--generator-option="$3"} "$1"; }
parameters=$(build --parameters "${2:-}" "${3:-}")
sources=$(build --sources "${2:-}" "${3:-}")
level=$([ "${BITDIAL_MODELS:-}" = quick ] && echo 1 || echo 3)
top=top models="sim/board/chip.vlt sim/board/ehxplll.sv" program="sim/board/chip.cpp sim/board/serial_line.h" with=
if grep -q sdram_clk "hw/fpga/$board/top.sv"; then
    top=sdram_chip models="$models sim/board/ecp5_io.sv sim/board/sdram_chip.sv" program="$program sim/board/sdram.h" with=-DCHIP_SDRAM
    # They are the inner module's there.
    inner=$(echo "$parameters" | sed 's/^-G\(.*\)=\(.*\)$/.\1(\2)/' | paste -sd, -)
    parameters="-DTOP_PARAMETERS=$inner,.GATES(0)"
else
    parameters="$parameters -GGATES=0"
fi
options="--cc --prefix Vtop --top-module $top -O3 --assert --x-initial unique --unroll-count 1024 -Ihw"
# shellcheck disable=SC2086 # one file a word
name=$( { echo "$parameters $options -O$level"; sh hw/tools.sh --version; cat $sources $models $program sim/board/chip.sh; } | cksum | cut -d' ' -f1)
folder=build/verilated/$board-$name
[ ! -x "$folder/chip" ] || { echo "$root/$folder/chip"; exit; }
mkdir -p "$folder"
include=$(sh hw/tools.sh --root)/include
make_chip() {
    # shellcheck disable=SC2086
    verilator $options $parameters --Mdir "$folder" $models $sources &&
        make -C "$folder" CURDIR=. -f Vtop.mk OPT_FAST="-O$level -fstrict-aliasing" OPT_SLOW=-O1 VM_PARALLEL_BUILDS=0 \
            OBJCACHE="$(command -v ccache || true)" Vtop__ALL.a &&
        runtime=$(sh hw/verilated_runtime.sh) &&
        g++ -std=gnu++17 -O1 -Wall -Wextra -Werror $with -I. -I"$folder" -isystem "$include" -isystem "$include/vltstd" -DVM_TRACE=0 \
            -o "$folder/chip.new" sim/board/chip.cpp "$folder/Vtop__ALL.a" $runtime -lpthread &&
        mv "$folder/chip.new" "$folder/chip"
}
(
    flock 9
    [ -x "$folder/chip" ] || make_chip >"$folder/build.log" 2>&1 || { tail -20 "$folder/build.log" >&2; exit 3; }
) 9>"$folder/lock"
echo "$root/$folder/chip"
