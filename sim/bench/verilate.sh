#!/bin/sh
# Builds the bench of a block and prints its path:
#     sim/bench/verilate.sh NAME TOP PREFIX 'OPTIONS OF VERILATOR' 'OPTIONS OF C++' SYSTEMVERILOG... -- C AND C++...
# Benches are many and run for a second: the model is compiled in one piece. One that was built from the same sources with
# the same options is there already.
set -eu
cd -- "$(dirname -- "$0")/../.."
asked=$*
folder=build/verilated/$1 top=$2 prefix=$3 verilator_options=$4 options="-std=gnu++17 -O1 -fstrict-aliasing $5"
shift 5
sources=
while [ "$1" != -- ]; do
    sources="$sources $1"
    shift
done
shift
build_of=$({ echo "$asked"; sh hw/tools.sh --version; cat hw/*.sv* hw/*/*.sv hw/fpga/*/*.sv sim/bench/* sim/platform/*.h model/*/*.[ch] sw/*/*.[ch]; } | cksum)
if [ -x "$folder/$prefix" ] && [ "$(cat "$folder/built" 2>/dev/null)" = "$build_of" ]; then
    echo "$folder/$prefix"
    exit
fi
root=$(sh hw/tools.sh --root)/include
include="-isystem $root -isystem $root/vltstd -DVM_COVERAGE=0 -DVM_SC=0 -DVM_TRACE=0 -DVM_TRACE_FST=0 -DVM_TRACE_VCD=0 -faligned-new"
cxx=$(command -v ccache || true)\ g++
build() {
    rm -f "$folder/$prefix"*.cpp # the pieces of an earlier build may have other names
    # shellcheck disable=SC2086 # options, without blanks of their own
    verilator --cc -O3 --inline-mult 1 --assert --x-initial unique --unroll-count 1024 $verilator_options -Ihw -y hw/control -y hw/datapath \
        -y hw/memory -y sim/bench --prefix "$prefix" --top-module "$top" --Mdir "$folder" hw/bitdial_descriptor_pkg.sv \
        hw/bitdial_walk_pkg.sv $sources || return 1
    runtime=$(sh hw/verilated_runtime.sh) || return 1
    # shellcheck disable=SC2012 # names of Verilator's own
    ls "$folder" | sed -n "s/^\($prefix.*\.cpp\)$/#include \"\1\"/p" >"$folder/whole.cc"
    objects=
    for file in "$folder/whole.cc" "$@"; do
        object=$folder/$(basename "${file%.*}").o
        case $file in
        *.c) gcc -std=gnu11 -O1 -I. -c -o "$object" "$file" || return 1 ;;
        *) $cxx $options -I. -iquote sim/bench -I"$folder" $include -c -o "$object" "$file" || return 1 ;;
        esac
        objects="$objects $object"
    done
    g++ -o "$folder/$prefix" $objects $runtime -lpthread -lm -latomic
}
mkdir -p "$folder"
rm -f "$folder/built"
build "$@" >"$folder/build.log" 2>&1 || { tail -20 "$folder/build.log" >&2; exit 3; }
echo "$build_of" >"$folder/built"
echo "$folder/$prefix"
