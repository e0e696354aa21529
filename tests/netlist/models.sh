#!/bin/sh
# The models of hw/synth/models against what Yosys' mapping takes the cells for: memories of every port shape and mode and
# products (models.v) are mapped, written flat too (flat_verilog.py), and compared with themselves as they are written, clock by
# clock. Models that are broken on purpose must differ; with --quick these are left out.
set -eu
cd -- "$(dirname -- "$0")/../.."
out=build/netlist/models
mkdir -p "$out"
cxx=$(command -v ccache || true)\ g++
yosys -q -l "$out/map.log" -p "read_verilog tests/netlist/models.v; synth_ecp5 -top all; check -assert
    select -assert-count 12 t:DP16KD; select -assert-min 8 t:MULT18X18D
    rename all mapped; write_verilog -noattr $out/mapped.v; write_json $out/mapped.json" >"$out/map.out" 2>&1 ||
    { grep ERROR "$out/map.out"; exit 3; }
# The flat form has the registers of products inside: those of two products whole, of a third the operands, of which 3 bits have another reader.
moved=$(PYTHONDONTWRITEBYTECODE=1 python3 hw/synth/dsp_registers.py "$out/mapped.json" "$out/moved.json")
[ "$moved" = "156 registers moved into multipliers" ] || { echo "models.sh: $moved, not 156"; exit 1; }
PYTHONDONTWRITEBYTECODE=1 python3 hw/synth/flat_verilog.py mapped "$out/moved.json" "$out/flat.v"
sed 's/^module all /module written /' tests/netlist/models.v >"$out/written.v"

include=$(sh hw/tools.sh --root)/include
runtime=$(sh hw/verilated_runtime.sh)
flags="-std=gnu++17 -O1 -isystem $include -isystem $include/vltstd -DVM_COVERAGE=0 -DVM_SC=0 -DVM_TRACE=0"

# compile FOLDER: objects of all C++ there
compile() {
    for file in "$1"/*.cpp; do
        # shellcheck disable=SC2086 # options without blanks of their own
        $cxx $flags -w -c -o "${file%.cpp}.o" "$file" || return 1
    done
}
# build FOLDER MODELS: the program that compares
build() {
    folder=$1
    shift
    {
        for form in mapped flat; do
            verilator --cc -O3 -DNO_INCLUDES -Wno-lint -Wno-MODDUP -Wno-UNOPTFLAT --prefix V$form --top-module mapped \
                --Mdir "$folder/$form" "$out/$form.v" "$@" /usr/share/yosys/ecp5/cells_sim.v &&
                compile "$folder/$form" || return 1
        done &&
            $cxx $flags -Wall -Wextra -I"$out/written" -I"$folder/mapped" -I"$folder/flat" -c -o "$folder/models.o" tests/netlist/models.cpp &&
            g++ -o "$folder/models" "$folder"/models.o "$out"/written/*.o "$folder"/mapped/*.o "$folder"/flat/*.o $runtime -lpthread -latomic
    } >"$folder/build.log" 2>&1 || { grep -i error "$folder/build.log" | head -5; exit 3; }
}
verilator --cc -O3 -Wno-lint --prefix Vwritten --top-module written --Mdir "$out/written" "$out/written.v" >"$out/written.log" 2>&1 ||
    { head -5 "$out/written.log"; exit 3; }
compile "$out/written"
mkdir -p "$out/good"
build "$out/good" hw/synth/models/dp16kd.v hw/synth/models/mult18x18d.v
"$out/good/models"
if "$out/good/models" collide >"$out/good/collide.out"; then
    echo "models.sh: reading what the other port writes goes unseen"
    exit 1
fi
[ "${1:-}" != --quick ] || exit 0
# plant NAME FILE SED: a broken model must be found
plant() {
    mkdir -p "$out/$1"
    cp hw/synth/models/*.v "$out/$1"
    sed -i "$3" "$out/$1/$2"
    ! cmp -s "$out/$1/$2" "hw/synth/models/$2" || { echo "models.sh: '$1' changes nothing"; exit 1; }
    build "$out/$1" "$out/$1/dp16kd.v" "$out/$1/mult18x18d.v"
    if "$out/$1/models" >"$out/$1/found"; then
        echo "models.sh: a model with '$1' passes"
        exit 1
    fi
    echo "$1: $(cat "$out/$1/found")"
}
plant enables dp16kd.v 's/bytes(ada\[0\], ada\[1\])/bytes(ada[1], ada[0])/'
plant through dp16kd.v 's/WRITEMODE_A == "WRITETHROUGH"/1'"'"'b0/'
plant half dp16kd.v 's/4: place = 18.d15 << (address\[3\] ? 9/4: place = 18'"'"'d15 << (address[3] ? 8/'
plant sign mult18x18d.v 's/SIGNEDB \&\& b_in\[17\]/1'"'"'b0/'
plant product_enable mult18x18d.v 's/else if (CE1) b_q/else b_q/'
plant product_reset mult18x18d.v 's/if (RST2) p_q/if (1'"'"'b0) p_q/'
