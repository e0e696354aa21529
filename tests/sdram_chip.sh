#!/bin/bash
# The ULX3S with its SDRAM, whole: LiteDRAM's controller is written (from PyPI: never part of `make test`), the top Verilated with an
# SDRAM chip that holds the controller to its rules (sim/board/sdram.h), and the commands of the board's guide are run over its
# serial line: record, self-test, a small network, every layer bit for bit. Then planted faults, which the chip must tell: a chip that
# opens rows more slowly than the controller believes, and a controller that never refreshes. With a checkpoint, seven images of
# noise over its switches too: model/zoo/mobilenet_narrow.h5 does not fit block RAM, and takes two minutes.
#     bash tests/sdram_chip.sh [NET.h5]
# Exit codes: 0 all as it should be, 1 not, 2 a checkpoint that cannot be read, 3 PyPI gives no LiteDRAM.
set -eu
cd -- "$(dirname -- "$0")/.."
[ $# -eq 0 ] || [ -r "$1" ] || { echo "sdram_chip: cannot read '$1'" >&2; exit 2; }
bitdial=build/bitdial hardware=hw/fpga/ulx3s_sdram/hardware.yaml
work=$(mktemp -d)
pid=
finish() { [ -z "$pid" ] || kill "$pid" 2>/dev/null || true; rm -rf "$work"; }
trap finish EXIT
fail() { echo "FAIL: $*"; cat "$work/out" "$work/err" "$work/chip"; exit 1; }
: >"$work/out" >"$work/err" >"$work/chip"
chip=$(sh sim/board/chip.sh ulx3s_sdram) || exit 3
PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 hw/fpga/build.py ulx3s_sdram --identity >"$work/record.json"
build/sample tests/small_network.yaml 1 "$work/net.h5"
$bitdial compile "$work/net.h5" --hardware $hardware -o "$work/net.bdp" >"$work/compiled"

start() { # CHIP OPTIONS...
    chip_now=$1
    shift
    : >"$work/path"
    "$chip_now" "$@" >"$work/path" 2>"$work/chip" &
    pid=$!
    for _ in $(seq 100); do
        [ ! -s "$work/path" ] || break
        sleep 0.1
    done
    line=serial:$(cat "$work/path")
}
end() { # CODE
    code=0
    kill "$pid" && wait "$pid" || code=$?
    pid=
    [ $code = "$1" ] || fail "the chip ends with $code, not $1"
}
. tests/support/guide.sh
guide_files="s#net.bdp#$work/net.bdp#; s#build/fpga/ulx3s_sdram/bitdial.json#$work/record.json#"
guide_files_back="s#$work/record.json#build/fpga/ulx3s_sdram/bitdial.json#"
start "$chip" --button
follow_guide hw/fpga/ulx3s_sdram/README.md
[ $count = 3 ] || fail "the guide has $count commands"
# The end of memory, and what lies behind it.
timeout 250 $bitdial device mem 0x101fffff8 8 --device "$line" >"$work/out" 2>"$work/err" || fail 'the last bytes of memory'
! timeout 250 $bitdial device mem 0x101fffff8 9 --device "$line" >"$work/out" 2>"$work/err" || fail 'a byte behind memory'
end 0
grep -q '^sdram: .* 0 rules broken$' "$work/chip" || fail 'rules are broken'
sed 's/^/  /' "$work/chip"

if [ $# -gt 0 ]; then
    $bitdial compile "$1" --hardware $hardware -o "$work/large.bdp" >"$work/compiled"
    start "$chip"
    $bitdial cosim "$work/large.bdp" --hardware $hardware --device "$line" --images 7 --noise --results-only >"$work/out" 2>"$work/err" || fail "$1"
    end 0
    cat "$work/out" "$work/chip"
fi

broken() { # RULE CHIP OPTIONS...
    rule=$1
    shift
    start "$@"
    timeout 250 $bitdial device mem 0x100000000 64 --device "$line" >"$work/out" 2>"$work/err" || fail "$rule: the device does not answer"
    end 1
    grep -q "^sdram: $rule broken in clock" "$work/chip" || fail "$rule is not told"
    grep -m1 "^sdram: $rule" "$work/chip" | sed 's/^/  planted: /'
}
broken tRCD "$chip" --sdram trcd=30
broken refresh "$(sh sim/board/chip.sh ulx3s_sdram '' --no-refresh)"
echo "ULX3S with SDRAM: the guide's commands, no rule broken; a slow row and missing refreshes are told"
