#!/bin/sh
# Verilates the top of a board (hw/fpga/BOARD) as `make fpga` would build it, where that is missing or old, and prints the
# path of the simulated chip (chip.cpp):
#     sim/board/chip.sh BOARD [CLOCK_MHZ]
# With a clock that is not the oscillator's, the PLL is in it, by its model (ehxplll.sv).
set -eu
board=$1
cd -- "$(dirname -- "$0")/../.."
root=$PWD
unset MAKEFLAGS MFLAGS MAKELEVEL SAN
[ -x build/bitdial ] || make -s build/bitdial >&2
build() { PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 hw/fpga/build.py "$board" ${2:+--clock "$2"} "$1"; }
parameters=$(build --parameters "${2:-}")
sources=$(build --sources "${2:-}")
level=$([ "${BITDIAL_MODELS:-}" = quick ] && echo 1 || echo 3)
options="--cc --prefix Vtop --top-module top -O3 --assert --x-initial unique --unroll-count 1024 -GGATES=0 -Ihw"
# shellcheck disable=SC2086 # one file a word
name=$( { echo "$parameters $options -O$level"; verilator --version; g++ --version; cat $sources sim/board/*; } | cksum | cut -d' ' -f1)
folder=build/verilated/$board-$name
[ ! -x "$folder/chip" ] || { echo "$root/$folder/chip"; exit; }
mkdir -p "$folder"
include=$(verilator --getenv VERILATOR_ROOT)/include
make_chip() {
    # shellcheck disable=SC2086
    verilator $options $parameters --Mdir "$folder" $sources sim/board/ehxplll.sv &&
        make -C "$folder" CURDIR=. -f Vtop.mk OPT_FAST=-O$level OPT_SLOW=-O1 VM_PARALLEL_BUILDS=0 \
            OBJCACHE="$(command -v ccache || true)" Vtop__ALL.a &&
        runtime=$(sh hw/verilated_runtime.sh) &&
        g++ -std=gnu++17 -O1 -Wall -Wextra -Werror -I. -I"$folder" -isystem "$include" -isystem "$include/vltstd" -DVM_TRACE=0 \
            -o "$folder/chip.new" sim/board/chip.cpp "$folder/Vtop__ALL.a" $runtime -lpthread &&
        mv "$folder/chip.new" "$folder/chip"
}
(
    flock 9
    [ -x "$folder/chip" ] || make_chip >"$folder/build.log" 2>&1 || { tail -20 "$folder/build.log" >&2; exit 3; }
) 9>"$folder/lock"
echo "$root/$folder/chip"
