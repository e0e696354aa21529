#!/bin/sh
# Verilates bitdial_top for a hardware configuration and prints the folder of the build:
#     hw/build.sh HARDWARE.yaml [--debug | --coverage] [--upset]
# --debug: a model that can write a trace and plant the faults of bitdial_fault.svh, both chosen when the simulation starts.
# --coverage: a model that counts the lines and branches that it ran, and edges of its modules' ports (hw/coverage.awk).
# --upset: a model whose state is listed and whose memories are watched (hw/upset_model.sh), without assertions.
# The folder holds Vbitdial_top.h and libVbitdial_top.a (the model with Verilator's run-time library). It is named by the
# geometry, the RTL's checksum, that of the tools' versions and options, and what was asked for, so that a build is made once
# and one of other tools is never taken for it. The output of the tools goes to build.log there.
set -eu
hardware=$(realpath -- "$1")
shift
cd -- "$(dirname -- "$0")/.."
root=$PWD
debug= coverage= upset= assert=--assert
while [ $# -gt 0 ]; do
    case $1 in
    --debug) debug=1 ;;
    --coverage) coverage=1 ;;
    --upset) upset=1 assert= ;;
    *) echo "hw/build.sh: unknown option '$1'" >&2; exit 2 ;;
    esac
    shift
done
verilator_options="--cc --prefix Vbitdial_top --top-module bitdial_top -O3 $assert --x-initial unique --unroll-count 1024
    ${debug:+--trace-fst --trace-structs -DBITDIAL_FAULTS} ${coverage:+--coverage-line --inline-mult 1}"
# -O1 compiles in less than half the time of -O3 and simulates a third slower: for a look inside, and with
# BITDIAL_MODELS=quick (make test) where there is no model of -O3 yet.
level=$([ -z "$debug$coverage" ] && echo 3 || echo 1)
# A model of no more C++ than this is compiled whole: half the time of its parts, and the same speed of simulation.
whole_bytes=3000000
[ -x build/bitdial ] || make -s build/bitdial >&2
parameters=$(build/bitdial hardware "$hardware" --parameters)
geometry=$(echo "$parameters" | sed -n "s/-GGEOMETRY_HASH=64'h//p")
rtl=$(cat hw/*.sv hw/control/*.sv hw/memory/*.sv hw/datapath/*.sv hw/*.svh hw/build.sh | gzip -c | tail -c 8 | od -An -tx4 -N4 | tr -d ' ')
version=$(verilator --version) && compiler=$(g++ --version) || { echo "hw/build.sh: cannot run verilator and g++" >&2; exit 3; }
name_folder() {
    tools=$(echo "$version $compiler $verilator_options -O$level" | cat - ${coverage:+hw/coverage.awk} ${upset:+hw/upset_*} | gzip -c | tail -c 8 | od -An -tx4 -N4 | tr -d ' ')
    folder=build/verilated/$geometry-$rtl-$tools${upset:+-upset}${debug:+-debug}${coverage:+-coverage}
}
name_folder
if [ "${BITDIAL_MODELS:-}" = quick ] && [ ! -e "$folder/done" ]; then
    level=1
    name_folder
fi
if [ -e "$folder/done" ]; then # also where this tree cannot be written
    echo "$folder"
    exit
fi
ccache=$(command -v ccache || true)
# What runs in every clock at the level asked for; what Verilator calls slow, for it runs at the start alone, with -O0.
compile_whole() {
    include=$(verilator --getenv VERILATOR_ROOT)/include
    rm -f "$folder/Vbitdial_top__ALL.a"
    for piece in slow fast; do
        # shellcheck disable=SC2012 # names of Verilator's own
        ls "$folder" | grep '^Vbitdial_top.*\.cpp$' | grep -v __ALL | grep $([ $piece = slow ] || echo -v) '__Slow\.cpp$' |
            sed 's/.*/#include "&"/' >"$folder/$piece.cc"
        # shellcheck disable=SC2046,SC2086 # options, without blanks of their own
        $ccache g++ -std=gnu++17 -O$([ $piece = slow ] && echo 0 || echo $level) -faligned-new -fcf-protection=none -w -I"$folder" \
            -isystem "$include" -isystem "$include/vltstd" -DVM_COVERAGE=${coverage:-0} -DVM_SC=0 -DVM_TRACE=${debug:-0} -DVM_TRACE_FST=${debug:-0} \
            -DVM_TRACE_VCD=0 -c -o "$folder/$piece.o" "$folder/$piece.cc" || return 1
    done
    ar rcs "$folder/Vbitdial_top__ALL.a" "$folder/fast.o" "$folder/slow.o"
}
mkdir -p "$folder" 2>/dev/null && [ -w "$folder" ] || {
    echo "hw/build.sh: cannot write '$root/$folder', and '$hardware' is not Verilated there" >&2
    exit 3
}
into=$folder
monitored() { # the sources with monitors, in a folder of their own, which Verilator then runs in
    for file in hw/*.sv hw/*.svh hw/control/*.sv hw/memory/*.sv hw/datapath/*.sv; do
        mkdir -p "$folder/source/$(dirname "$file")"
        awk -f hw/coverage.awk "$file" >"$folder/source/$file"
    done
    into=$root/$folder
    cd "$folder/source"
}
(
    flock 9
    [ ! -e "$folder/done" ] || exit 0
    # CURDIR: verilated.mk refuses folders with blanks, though every path that it uses is relative.
    # shellcheck disable=SC2086 # options, without blanks of their own
    set -- $verilator_options $parameters "-GRTL_HASH=32'h$rtl" -GGATES=0 -Ihw \
        hw/bitdial_regs_pkg.sv hw/bitdial_descriptor_pkg.sv hw/bitdial_walk_pkg.sv hw/bitdial_pkg.sv hw/bitdial_top.sv \
        -y hw/control -y hw/memory -y hw/datapath
    if ! { (
            { [ -z "$coverage" ] || monitored; } && verilator "$@" --Mdir "$into"
        ) &&
        { [ -z "$upset" ] || sh hw/upset_model.sh "$folder" "$@" --Mdir "$folder"; } &&
        if [ $level = 1 ] || [ "$(cat "$folder"/*.cpp | wc -c)" -le $whole_bytes ]; then
            compile_whole
        else
            make -C "$folder" CURDIR=. -f Vbitdial_top.mk OPT_FAST=-O$level OPT_SLOW=-O0 VM_PARALLEL_BUILDS=1 OBJCACHE="$ccache" \
                Vbitdial_top__ALL.a
        fi &&
        runtime=$(sh hw/verilated_runtime.sh ${debug:+--trace} ${coverage:+--coverage}) &&
        cp "$folder/Vbitdial_top__ALL.a" "$folder/libVbitdial_top.a" &&
        ar q "$folder/libVbitdial_top.a" $runtime; } >"$folder/build.log" 2>&1; then
        tail -20 "$folder/build.log" >&2
        exit 3
    fi
    touch "$folder/done"
) 9>"$folder/lock"
echo "$folder"
