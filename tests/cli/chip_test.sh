# What `make fpga BOARD=ulx3s` puts into the FPGA, Verilated from its top on (sim/board/chip.cpp): bridge, accelerator, block RAM and
# wiring, with the board's configuration. The commands of its guide print what it shows: the record of the build, the self-test
# with clocks as predicted, a network layer by layer. And lights; and block RAM alone, clock by clock like the platform's memory; and
# the SDRAM chip that a board with SDRAM is simulated with (tests/sdram_chip.sh), which must tell each rule that is broken,
# the filter before that SDRAM, and the port of the bridge's bytes at it.
set -eu
bitdial=${BITDIAL_BUILD:-build}/bitdial
hardware=hw/fpga/ulx3s/hardware.yaml
work=$(mktemp -d)
pid=
finish() { [ -z "$pid" ] || kill "$pid" 2>/dev/null || true; rm -rf "$work"; }
trap finish EXIT
fail() { echo "FAIL: $*"; cat "$work/out" "$work/err" "$work/chip"; exit 1; }
: >"$work/chip"
sh sim/bench/block_memory.sh 50000 1 >"$work/out" 2>"$work/err" || fail 'block RAM alone'
for latency in 5 7; do # of another latency it must differ
    ! sh sim/bench/block_memory.sh 1000 1 $latency >"$work/out" 2>"$work/err" && grep -q 'RVALID differs$' "$work/out" || fail "latency $latency"
done
sh sim/bench/sdram.sh >"$work/out" 2>"$work/err" || fail 'the model of an SDRAM chip'
sh sim/bench/axi_inside.sh 50000 1 >"$work/out" 2>"$work/err" || fail 'the filter before SDRAM'
for bytes in 8184 8200; do # memory of another size it must not be
    ! sh sim/bench/axi_inside.sh 1000 1 $bytes >"$work/out" 2>"$work/err" && grep -q 'reaches memory, or does not$' "$work/out" || fail "$bytes bytes"
done
sh sim/bench/axi_byte.sh 50000 1 >"$work/out" 2>"$work/err" || fail "the bridge's port at SDRAM"
for fault in '1 an answer that nobody waits for' '2 a byte'; do
    ! sh sim/bench/axi_byte.sh 5000 1 "${fault%% *}" >"$work/out" 2>"$work/err" && grep -q ": ${fault#* }$" "$work/out" || fail "planted: $fault"
done
for wrong in --chip '--chip nope 3' --frob abc 0 '3 4' '--network /nope.h5 3'; do
    code=0
    # shellcheck disable=SC2086 # words
    sh tests/serial_soak.sh $wrong >"$work/out" 2>"$work/err" || code=$?
    [ $code = 2 ] || fail "serial_soak.sh $wrong ends with $code"
done
chip=$(sh sim/board/chip.sh ulx3s)
PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 hw/fpga/build.py ulx3s --identity >"$work/record.json"
"${bitdial%/*}/sample" tests/small_network.yaml 1 "$work/net.h5"
"$bitdial" compile "$work/net.h5" --hardware $hardware -o "$work/net.bdp" >"$work/compiled" 2>&1

"$chip" --button >"$work/path" 2>"$work/chip" &
pid=$!
for _ in $(seq 100); do
    [ ! -s "$work/path" ] || break
    sleep 0.1
done
line=serial:$(cat "$work/path")
run() { # CODE ARGUMENTS...
    expected=$1 code=0
    shift
    timeout 250 "$bitdial" "$@" --device "$line" >"$work/out" 2>"$work/err" </dev/null || code=$?
    [ $code = "$expected" ] || fail "'$*' ends with $code, not $expected"
}
. tests/support/guide.sh
guide_files="s#net.bdp#$work/net.bdp#; s#build/fpga/ulx3s/bitdial.json#$work/record.json#"
guide_files_back="s#$work/record.json#build/fpga/ulx3s/bitdial.json#"
follow_guide hw/fpga/ulx3s/README.md
[ $count = 4 ] || fail "the guide has $count commands"
sed 's/"clock_khz": 50000/"clock_khz": 49999/' "$work/record.json" >"$work/other.json"
run 1 device id --record "$work/other.json" --timeout 100000
grep -q 'its clock is 50000 kHz, the record says 49999' "$work/err" || fail 'a record of another clock'
# The end of block RAM, and what lies behind it.
run 0 device mem 0x10003fff8 8 --timeout 100000
run 2 device mem 0x10003fff8 9 --timeout 100000
kill $pid && wait $pid || true
pid=
# Out of reset, no error waits.
lights=$(sed -n 's/^chip: .*lights 0x\([0-9a-f]*\)$/\1/p' "$work/chip")
[ $((0x$lights & 0x42)) = $((0x40)) ] || fail "the lights are 0x$lights"
echo "the chip of ulx3s: record, self-test, a network and its clocks, as the guide shows; lights"
