#!/bin/sh
# Compiles Verilator's run-time library once for every model under build/, and prints the object files that models link:
#     hw/verilated_runtime.sh [--trace | --coverage]
set -eu
cd -- "$(dirname -- "$0")/.."
parts="verilated verilated_threads"
case ${1:-} in
--trace) parts="$parts verilated_fst_c" ;;
--coverage) parts="$parts verilated_cov" ;;
esac
include=$(sh hw/tools.sh --root)/include
folder=build/verilated/runtime
cxx=$(command -v ccache || true)\ g++
mkdir -p "$folder"
(
    flock 9
    for part in $parts; do
        [ "$folder/$part.o" -nt "$include/$part.cpp" ] ||
            $cxx -std=gnu++17 -O1 -faligned-new -isystem "$include" -isystem "$include/vltstd" -DVM_COVERAGE=0 -DVM_SC=0 \
                -c -o "$folder/$part.o" "$include/$part.cpp" >&2
    done
) 9>"$folder/lock"
for part in $parts; do
    echo "$folder/$part.o"
done
