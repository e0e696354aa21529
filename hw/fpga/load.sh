#!/bin/sh
# `make fpga-load BOARD=NAME`: loads the bitstream of `make fpga` into the FPGA's configuration, which it forgets when its power
# goes; FLASH=1 writes it into the board's flash instead. Refused is what is not the record's bitstream, or not for this board or
# the FPGA that is on it; sources that have changed since are told. Exit codes: 2 no such bitstream, 3 no loader, no board, or it failed.
set -eu
cd "$(dirname "$0")/../.."
board=${1:-}
folder=build/fpga/$board
refuse() { # CODE WORDS
    echo "fpga-load: $2" >&2
    exit "$1"
}
[ -n "$board" ] && [ -f "hw/fpga/$board/board.toml" ] || refuse 2 "no board '$board': say BOARD=NAME, one of$(for b in hw/fpga/*/board.toml; do b=${b%/*}; printf ' %s' "${b##*/}"; done)"
case ${FLASH:-0} in
0) flash= ;;
1) flash=--write-flash ;;
*) refuse 2 "FLASH must be 0 or 1, got '$FLASH'" ;;
esac
seconds=${BITDIAL_LOAD_SECONDS:-30}
case $seconds in '' | *[!0-9]*) refuse 2 "BITDIAL_LOAD_SECONDS must be a number of seconds, got '$seconds'" ;; esac
make="make fpga BOARD=$board"
[ -s "$folder/bitdial.bit" ] && [ -s "$folder/bitdial.json" ] || refuse 2 "there is no $folder/bitdial.bit with its record: $make"
told=$(jq -er '"\(.board) \(.device) \(.rtl_hash) \(.bitstream_sha256)",
    "\(.board): RTL \(.rtl_hash), \(.clock_khz / 1000) MHz, seed \(.seed) at \(.mhz) MHz"' "$folder/bitdial.json" 2>/dev/null) ||
    refuse 2 "$folder/bitdial.json is no record of a build: $make"
# shellcheck disable=SC2086 # words
set -- $told
of=$1 device=$2 rtl=$3 sum=$4
[ "$of" = "$board" ] || refuse 2 "$folder/bitdial.json is the record of a build for '$of': $make"
[ "$(sha256sum <"$folder/bitdial.bit" | cut -d' ' -f1)" = "$sum" ] ||
    refuse 2 "$folder/bitdial.bit is not the one that its record describes: $make"
now=$(timeout 60 env PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 hw/fpga/build.py "$board" --identity 2>/dev/null | jq -r .rtl_hash) || now=
[ -z "$now" ] || [ "$now" = "$rtl" ] ||
    echo "fpga-load: note: this bitstream is of other sources, RTL $rtl, where those here are RTL $now: $make builds them" >&2
loader=$(sed -n 's/^loader *= *"\([A-Za-z0-9_-]*\)" *$/\1/p' "hw/fpga/$board/board.toml")
[ -n "$loader" ] || refuse 2 "hw/fpga/$board/board.toml names no loader"
command -v openFPGALoader >/dev/null || refuse 3 "openFPGALoader is missing: apt-get install openfpgaloader"
seen=$(mktemp)
trap 'rm -f "$seen"' EXIT
# A loader that waits for a cable is given up.
if ! timeout "$seconds" openFPGALoader --board "$loader" --detect >"$seen" 2>&1 </dev/null; then
    echo "fpga-load: no $board is seen at USB; openFPGALoader says:" >&2
    tail -n 3 "$seen" >&2
    refuse 3 "is the board plugged in at the port of its FTDI chip, and may you use it (group plugdev)?"
fi
# The FPGA's own number, without its highest digit, which tells variants of one chip apart.
case $device in
LFE5U-25F) number=1111043 ;;
LFE5U-45F) number=1112043 ;;
*) number=1113043 ;;
esac
there=$(sed -n 's/^[[:space:]]*[Ii][Dd][Cc]ode[[:space:]:]*0x\([0-9a-fA-F]*\).*$/\1/p' "$seen" | head -n 1)
case $there in
'' | *"$number") ;;
*) refuse 3 "the board's FPGA has the number 0x$there, which is no $device's: this bitstream is not for it" ;;
esac
echo "$told" | tail -n 1
timeout 300 openFPGALoader --board "$loader" $flash "$folder/bitdial.bit" </dev/null || refuse 3 "openFPGALoader failed or took more than 300 s"
echo "loaded; next: bitdial device id --device serial:/dev/ttyUSB0 --record $folder/bitdial.json"
