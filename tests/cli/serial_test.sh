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

start
run 0 device selftest --hardware $hardware --timeout 100000
grep -q '^10 of 10 steps passed' "$work/out" && grep -q 'as predicted' "$work/out" || fail 'a self-test over the line'
run 0 cosim "$work/net.bdp" --hardware $hardware --noise --images 2 --json
jq -e '.pass and .mismatches == 0 and (.switches | length == 2) and
    all(.switches[]; .frames > 0 and .cycles_simulated == .cycles_predicted and .cycles_simulated > 0)' "$work/out" >/dev/null ||
    fail 'images over all switches'
# Without a hardware file the geometry is what the board tells.
run 0 device id --timeout 100000
grep -q 'ROWS 8, REQUANT_UNITS 4' "$work/out" || fail 'who it is'
run 2 device mem 0x10 8 --timeout 100000
grep -q "device's memory is 0x100000000" "$work/err" || fail 'an address outside'
end

start --noise 10 1
run 0 device selftest --hardware $hardware --timeout 100000
grep -q '^10 of 10 steps passed' "$work/out" && grep -q 'as predicted' "$work/out" || fail 'a self-test over a bad line'
end
disturbed=$(sed -n 's/.* to it, \([0-9]*\) disturbed/\1/p' "$work/board")
[ "${disturbed:-0}" -gt 100 ] || fail "only '$disturbed' bytes were disturbed"

start --unplug 3000
run 3 device selftest --timeout 1000
grep -q 'step [0-9]* (.*): .* did not answer [A-Z_]* within 1000 ms' "$work/err" && grep -q 'likely .*cable' "$work/out" ||
    fail 'a cut line'
kill -USR1 $pid
run 0 device regs --timeout 100000
end
echo "over a serial line: exact, $disturbed disturbed bytes made good, a cut line named"
