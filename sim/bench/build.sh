#!/bin/sh
# Builds the plain bench for a hardware configuration and prints its path:
#     sim/bench/build.sh HARDWARE.yaml [--debug | --coverage]
set -eu
hardware=$(realpath -- "$1")
shift
cd "$(dirname "$0")/../.."
folder=$(hw/build.sh "$hardware" "$@")
make -s build/libbitdial.a >&2
include=$(sed -n 's/^VERILATOR_ROOT = //p' "$folder/Vbitdial_top.mk")/include
trace=$(case " $* " in *" --debug "*) echo 1 ;; *) echo 0 ;; esac)
coverage=$(case " $* " in *" --coverage "*) echo 1 ;; *) echo 0 ;; esac)
bench=$folder/bench
(
    flock 9
    newer=$(find sim/bench/bench.cpp sim/bench/*.h sim/platform/axi_memory.h tests/support/*.h build/libbitdial.a -newer "$bench" 2>/dev/null || true)
    [ -x "$bench" ] && [ -z "$newer" ] && exit
    g++ -std=gnu++17 -O2 -Wall -Wextra -I. -I"$folder" -isystem "$include" -isystem "$include/vltstd" -DVM_TRACE="$trace" \
        -DVM_TRACE_FST="$trace" -DVM_COVERAGE="$coverage" -o "$bench.new" sim/bench/bench.cpp "$folder/libVbitdial_top.a" build/libbitdial.a \
        -fopenmp -Wl,--as-needed -lyaml -ljansson -ljpeg -lpng -lz -lm -lpthread >&2
    mv "$bench.new" "$bench"
) 9>"$bench.lock"
echo "$bench"
