#!/bin/sh
# Builds the plain bench for a hardware configuration and prints its path:
#     sim/bench/build.sh HARDWARE.yaml [--debug | --coverage]
# Models whose ports are the same, which Verilator's header shows, share the compiled bench; each links its own.
set -eu
hardware=$(realpath -- "$1")
shift
cd "$(dirname "$0")/../.."
folder=$(hw/build.sh "$hardware" "$@")
make -s build/libbitdial.a >&2
include=$(sed -n 's/^VERILATOR_ROOT = //p' "$folder/Vbitdial_top.mk")/include
trace=$(case " $* " in *" --debug "*) echo 1 ;; *) echo 0 ;; esac)
coverage=$(case " $* " in *" --coverage "*) echo 1 ;; *) echo 0 ;; esac)
level=$([ "${BITDIAL_MODELS:-}" = quick ] && echo 1 || echo 2)
header=$(cksum <"$folder/Vbitdial_top.h")
bench=$folder/bench object=build/verilated/bench-${header%% *}-$trace-$coverage.o
ccache=$(command -v ccache || true)
is_old() { # FILE SOURCES...
    file=$1
    shift
    [ ! -e "$file" ] || [ -n "$(find "$@" -newer "$file")" ]
}
(
    flock 9
    is_old "$object" sim/bench/bench.cpp sim/bench/build.sh sim/bench/*.h sim/platform/axi_memory.h tests/support/*.h build/libbitdial.a || exit 0
    $ccache g++ -std=gnu++17 -O"$level" -Wall -Wextra -I. -I"$folder" -isystem "$include" -isystem "$include/vltstd" \
        -DVM_TRACE="$trace" -DVM_TRACE_FST="$trace" -DVM_COVERAGE="$coverage" -c -o "$object" sim/bench/bench.cpp >&2
) 9>"$object.lock"
(
    flock 9
    is_old "$bench" "$object" "$folder/libVbitdial_top.a" build/libbitdial.a || exit 0
    g++ -o "$bench.new" "$object" "$folder/libVbitdial_top.a" build/libbitdial.a -fopenmp -Wl,--as-needed -lyaml -ljansson \
        -ljpeg -lpng -lz -lm -lpthread >&2
    mv "$bench.new" "$bench"
) 9>"$bench.lock"
echo "$bench"
