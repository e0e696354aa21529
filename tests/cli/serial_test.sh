# A board at a serial line: the Verilated bridge and accelerator behind a pseudo-terminal (sim/board), the command at its
# other end. A self-test, images over all switches bit for bit and clock for clock; the same with one byte in a hundred
# changed, lost or doubled; a line that is cut in the middle, named in time, and a second run that succeeds.
set -eu
bitdial=${BITDIAL_BUILD:-build}/bitdial
hardware=tests/small_hardware.yaml
work=$(mktemp -d)
pid=
finish() { [ -z "$pid" ] || kill "$pid" 2>/dev/null || true; rm -rf "$work"; }
trap finish EXIT
fail() { echo "FAIL: $*"; cat "$work/out" "$work/err" "$work/board"; exit 1; }
board=$(sh sim/board/build.sh $hardware)
"${bitdial%/*}/sample" tests/small_network.yaml 1 "$work/net.h5"
"$bitdial" compile "$work/net.h5" --hardware $hardware -o "$work/net.bdp" >/dev/null

start() { # OPTIONS of the board
    : >"$work/path"
    "$board" $hardware "$@" >"$work/path" 2>"$work/board" &
    pid=$!
    for _ in $(seq 100); do
        [ ! -s "$work/path" ] || break
        sleep 0.1
    done
    line=serial:$(cat "$work/path")
}
end() { kill $pid && wait $pid || true; pid=; }
run() { # CODE ARGUMENTS...
    expected=$1 code=0
    shift
    timeout 250 "$bitdial" "$@" --device "$line" >"$work/out" 2>"$work/err" </dev/null || code=$?
    [ $code = "$expected" ] || fail "'$*' ends with $code, not $expected"
}

# The commands of the bring-up guide print what it shows.
. tests/support/guide.sh
guide_files="s#net.bdp#$work/net.bdp#"
start
follow_guide hw/fpga/README.md
[ $count -ge 6 ] || fail "the guide has $count commands"
printf '```\n$ bitdial device read TAG --device serial:/dev/ttyUSB0\n0x094  TAG                      rw   0x0000beef\n```\n' >"$work/wrong.md"
(follow_guide "$work/wrong.md") >/dev/null 2>&1 && fail 'a guide that shows something else passes'
# Without a hardware file the geometry is what the board tells.
run 0 device id --timeout 100000
grep -q 'ROWS 8, REQUANT_UNITS 4' "$work/out" || fail 'who it is'
# A square wave among the data, of pulses of five bits, is not the one that tells the line's speed.
printf '\360%.0s' $(seq 64) >"$work/wave"
run 0 device mem 0x100000000 --write "$work/wave" --timeout 100000
run 0 device mem 0x100000000 64 --output "$work/back" --timeout 100000
cmp "$work/wave" "$work/back" || fail 'bytes 0xf0'
run 2 device mem 0x10 8 --timeout 100000
grep -q "device's memory is 0x100000000" "$work/err" || fail 'an address outside'
run 2 device read 0xffc --timeout 100000
grep -q 'refuses READ_REGISTER of 0xffc: register$' "$work/err" || fail 'a register that the accelerator does not have'
# Another memory timing than the board's is told by the clocks, unless the file says that it varies.
sed 's/^  latency: .*/  latency: 50/' $hardware >"$work/slow.yaml"
run 1 device selftest --hardware "$work/slow.yaml" --timeout 100000
grep -q 'clocks were predicted, the device counts' "$work/err" || fail 'another timing'
echo '  timing: varying' >>"$work/slow.yaml"
run 0 device selftest --hardware "$work/slow.yaml" --timeout 100000
grep -q "clocks: s0 [0-9]*, s1 [0-9]* (its memory's timing varies: not compared)$" "$work/out" || fail 'a timing that varies'
run 0 cosim "$work/net.bdp" --hardware "$work/slow.yaml" --images 1 --noise
grep -q "^clocks predicted .*; the memory's timing varies: not compared$" "$work/out" || fail 'a timing that varies, by cosim'
run 1 device selftest --hardware yaml-configs/hardware/demo.yaml --timeout 100000
grep -q "step 2 (identity): the device's geometry has hash 0x.*, that of '.*demo.yaml' 0x" "$work/err" || fail 'other hardware'
end

start --noise 10 1
run 0 device selftest --hardware $hardware --timeout 100000
grep -q '^10 of 10 steps passed' "$work/out" && grep -q 'as predicted' "$work/out" || fail 'a self-test over a bad line'
end
disturbed=$(sed -n 's/.* to it, \([0-9]*\) disturbed/\1/p' "$work/board")
[ "${disturbed:-0}" -gt 100 ] || fail "only '$disturbed' bytes were disturbed"

# Cut while frames run; plugged in again, the device is told to forget them and all is well.
start --unplug 17000
run 3 device selftest --timeout 2000
grep -q 'step [0-9]* (.*): .* did not answer [A-Z_]* within 2000 ms' "$work/err" && grep -q 'likely .*cable' "$work/out" ||
    fail 'a cut line'
kill -USR1 $pid
run 0 device selftest --timeout 100000
end
echo "over a serial line: exact, $disturbed disturbed bytes made good, a cut line named"
