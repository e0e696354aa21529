#!/bin/sh
# Builds the injector of upsets for a hardware configuration and prints its path: sim/upset/build.sh [--debug] HARDWARE.yaml
set -eu
debug=
[ "$1" != --debug ] || { debug=--debug && shift; }
hardware=$(realpath -- "$1")
cd -- "$(dirname -- "$0")/../.."
root=$PWD
unset MAKEFLAGS MFLAGS MAKELEVEL SAN # this may run below a make of another kind
# shellcheck disable=SC2086 # one option or none
folder=$(sh hw/build.sh "$hardware" --upset $debug)
injector=$folder/upset
if [ -w "$folder" ]; then
    make -s build/libbitdial.a >&2
    include=$(sed -n 's/^VERILATOR_ROOT = //p' "$folder/Vbitdial_top.mk")/include
    trace=$([ -z "$debug" ] && echo 0 || echo 1)
    level=$([ "${BITDIAL_MODELS:-}" = quick ] && echo 0 || echo 2) # what is simulated is in the model; -O2 takes 4 s more to compile
    (
        flock 9
        newer=$(find sim/upset/*.cpp sim/upset/*.h sim/platform/axi_memory.h build/libbitdial.a -newer "$injector" 2>/dev/null || true)
        [ -x "$injector" ] && [ -z "$newer" ] && exit
        g++ -std=gnu++17 -O"$level" -Wall -Wextra -Werror -I. -I"$folder" -isystem "$include" -isystem "$include/vltstd" -DVM_TRACE="$trace" \
            -DVM_TRACE_FST="$trace" -o "$injector.new" sim/upset/upset.cpp "$folder/libVbitdial_top.a" build/libbitdial.a \
            -fopenmp -Wl,--as-needed -lyaml -ljansson -ljpeg -lpng -lz -lm -lpthread >&2
        mv "$injector.new" "$injector"
    ) 9>"$injector.lock"
fi
echo "$root/$injector"
