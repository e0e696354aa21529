# What `make fpga BOARD=ulx3s` puts into the FPGA, Verilated from its top on (sim/board/chip.cpp): bridge, accelerator, block RAM and
# wiring, with the board's configuration. The self-test with clocks as predicted, a network layer by layer, the record of the
# build, and lights. The same top with a PLL comes out of its reset.
set -eu
bitdial=${BITDIAL_BUILD:-build}/bitdial
hardware=hw/fpga/ulx3s/hardware.yaml
work=$(mktemp -d)
pid=
finish() { [ -z "$pid" ] || kill "$pid" 2>/dev/null || true; rm -rf "$work"; }
trap finish EXIT
fail() { echo "FAIL: $*"; cat "$work/out" "$work/err" "$work/chip"; exit 1; }
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
run() { # CODE ARGUMENTS...
    expected=$1 code=0
    shift
    timeout 250 "$bitdial" "$@" --device "serial:$(cat "$work/path")" >"$work/out" 2>"$work/err" </dev/null || code=$?
    [ $code = "$expected" ] || fail "'$*' ends with $code, not $expected"
}
run 0 device id --record "$work/record.json" --timeout 100000
grep -q 'clock 25.000 MHz$' "$work/out" && grep -q '^record  *sources, geometry, planted fault and clock are those of' "$work/out" ||
    fail 'the record of the build'
sed 's/"clock_khz": 25000/"clock_khz": 24999/' "$work/record.json" >"$work/other.json"
run 1 device id --record "$work/other.json" --timeout 100000
grep -q 'its clock is 25000 kHz, the record says 24999' "$work/err" || fail 'a record of another clock'
run 0 device selftest --hardware $hardware --timeout 100000
grep -q '^10 of 10 steps passed' "$work/out" && grep -q 'as predicted' "$work/out" || fail 'the self-test'
# The end of block RAM, and what lies behind it.
run 0 device mem 0x10003fff8 8 --timeout 100000
run 2 device mem 0x10003fff8 9 --timeout 100000
run 0 cosim "$work/net.bdp" --hardware $hardware --images 1 --noise
grep -q '^mismatches  *0$' "$work/out" && grep -q 'frames that differ 0$' "$work/out" || fail 'a network, values and clocks'
kill $pid && wait $pid || true
pid=
# Out of reset, no error waits.
lights=$(sed -n 's/^chip: .*lights 0x\([0-9a-f]*\)$/\1/p' "$work/chip")
[ $((0x$lights & 0x42)) = $((0x40)) ] || fail "the lights are 0x$lights"
echo "the chip of ulx3s: self-test, a network and its clocks, record and lights"
