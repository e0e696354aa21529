#!/bin/sh
# `make fpga-load BOARD=NAME`: loads the bitstream of `make fpga` into the FPGA's configuration, which it forgets when its power
# goes; FLASH=1 writes it into the board's flash instead. Exit codes: 2 there is no bitstream, 3 no loader, no board, or it failed.
set -eu
cd "$(dirname "$0")/../.."
board=${1:-}
folder=build/fpga/$board
[ -f "hw/fpga/$board/board.toml" ] || {
    echo "fpga-load: no board '$board': say BOARD=NAME" >&2
    exit 2
}
[ -s "$folder/bitdial.bit" ] && [ -s "$folder/bitdial.json" ] || {
    echo "fpga-load: there is no $folder/bitdial.bit with its record: make fpga BOARD=$board" >&2
    exit 2
}
[ "$(sha256sum <"$folder/bitdial.bit" | cut -d' ' -f1)" = "$(jq -r .bitstream_sha256 "$folder/bitdial.json")" ] || {
    echo "fpga-load: $folder/bitdial.bit is not the one that its record describes: make fpga BOARD=$board" >&2
    exit 2
}
command -v openFPGALoader >/dev/null || {
    echo "fpga-load: openFPGALoader is missing: apt-get install openfpgaloader" >&2
    exit 3
}
loader=$(sed -n 's/^loader = "\([a-z0-9_]*\)"$/\1/p' "hw/fpga/$board/board.toml")
# A loader that waits for a cable is given up.
if ! timeout "${BITDIAL_LOAD_SECONDS:-30}" openFPGALoader --board "$loader" --detect >"$folder/detect.log" 2>&1 </dev/null; then
    echo "fpga-load: no $board is seen at USB; openFPGALoader says:" >&2
    tail -3 "$folder/detect.log" >&2
    echo "fpga-load: is the board plugged in at the port of its FTDI chip, and may you use it (group plugdev)?" >&2
    exit 3
fi
jq -r '"\(.board): RTL \(.rtl_hash), \(.clock_khz / 1000) MHz, seed \(.seed) at \(.mhz) MHz"' "$folder/bitdial.json"
timeout 300 openFPGALoader --board "$loader" ${FLASH:+--write-flash} "$folder/bitdial.bit" </dev/null || {
    echo "fpga-load: openFPGALoader failed or took more than 300 s" >&2
    exit 3
}
echo "loaded; next: bitdial device id --device serial:/dev/ttyUSB0 --record $folder/bitdial.json"
