#!/bin/sh
# The RTL against the reference on real images and on random networks: three memory settings, shared memory off
# once, random reset values, two devices side by side, other geometries.
set -eu
bitdial=${BITDIAL_BUILD:-build}/bitdial
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${bitdial%/*}/sample" yaml-configs/networks/resnet8.yaml 3 "$work/net.h5"

pass() { # NAME ARGUMENTS...: cosim passes, with nothing different in its report
    name=$1
    shift
    "$bitdial" cosim "$@" --json >"$work/out.json" 2>"$work/err" || { echo "$name:"; cat "$work/err"; exit 1; }
    jq -e '.pass and .mismatches == 0 and .cycle_mismatches == 0 and .queued.different == 0 and .guard_violations == 0
        and .bytes_written.stray == 0' "$work/out.json" >/dev/null || { echo "$name:"; cat "$work/out.json"; exit 1; }
    frames=$(jq .frames "$work/out.json")
    [ "$frames" -ge 4 ] || { echo "$name: only $frames frames"; exit 1; }
    echo "$name: $frames frames alike"
}

demo=yaml-configs/hardware/demo.yaml
"$bitdial" compile "$work/net.h5" --hardware $demo -o "$work/net.bdp" >/dev/null
pass 'real images, three memory settings' "$work/net.bdp" --hardware $demo --images 2 --jobs 2 \
    --schedule w1a4,w1a1 --memory 20,1,4 --memory 20,16,4 --memory 100,32,2
jq -e '.shared_memory == true' "$work/out.json" >/dev/null
pass 'shared memory off, random reset' "$work/net.bdp" --hardware $demo --images 4 --schedule w1a2,w1a1 --no-shm \
    --reset-seed 77
jq -e '.shared_memory == false' "$work/out.json" >/dev/null
# Rounded DoReFa: weight planes of each width's own, units by filter.
sed 's/^name: .*/&\nquantizers: {weights: dorefa, weight_unit: filter}/' yaml-configs/networks/resnet8.yaml >"$work/dorefa.yaml"
"${bitdial%/*}/sample" "$work/dorefa.yaml" 5 "$work/dorefa.h5"
"$bitdial" compile "$work/dorefa.h5" --hardware $demo -o "$work/dorefa.bdp" >/dev/null
pass 'planes of each switch' "$work/dorefa.bdp" --hardware $demo --images 4 --jobs 2 --schedule w2a2,w1a1,w4a4
pass 'the transaction-level model' "$work/net.bdp" --hardware $demo --images 8 --device tlm
pass 'the reference' "$work/net.bdp" --hardware $demo --images 8 --device ref
pass 'random networks, stalls' --hardware $demo --random 16 --seed 11 --stalls --jobs 2 --memory 20,1,4 --memory 9,5,2
pass 'random networks, small' --hardware tests/small_hardware.yaml --random 16 --seed 12 --stalls --jobs 2
"$bitdial" cosim --hardware tests/small_hardware.yaml --random 1 --seed 12 --trace "$work/trace.fst" >/dev/null
[ "$(wc -c <"$work/trace.fst")" -gt 2000 ] || { echo 'the trace is nearly empty'; exit 1; }

# In parts, which are points of the runner: killed and gone on with they come to what one piece comes to; another run is refused.
"${bitdial%/*}/sample" tests/small_network.yaml 3 "$work/small.h5"
"$bitdial" compile "$work/small.h5" --hardware tests/small_hardware.yaml -o "$work/small.bdp" >/dev/null
part() { # CODE ARGUMENTS...
    expected=$1 code=0
    shift
    "$bitdial" cosim "$work/small.bdp" --hardware tests/small_hardware.yaml --device ref --noise "$@" >"$work/out.json" 2>"$work/err" || code=$?
    [ $code = "$expected" ] || { echo "cosim $*: exit code $code"; cat "$work/err"; exit 1; }
}
sums() { jq -S 'del(.speed, .program_loads, .bytes_written)' "$work/out.json"; }
part 0 --images 100 --memory 20,1,4 --memory 9,5,2 --json
sums >"$work/whole"
for turn in 1 2 3; do
    timeout -s KILL 0.3 "$bitdial" cosim "$work/small.bdp" --hardware tests/small_hardware.yaml --device ref --noise --images 100 \
        --memory 20,1,4 --memory 9,5,2 --out "$work/parts" --jobs 2 --resume >/dev/null 2>&1 || :
done
part 0 --images 100 --memory 20,1,4 --memory 9,5,2 --out "$work/parts" --jobs 2 --resume --json
sums | diff "$work/whole" -
[ "$(ls "$work/parts/points" | wc -l)" = 64 ] || { echo 'not 64 parts'; exit 1; }
# Ctrl-C, which a shell's background job ignores: python starts it with the default.
/usr/bin/python3 -c 'import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])' \
    "$bitdial" cosim "$work/small.bdp" --hardware tests/small_hardware.yaml --device ref --noise --images 20000 --jobs 2 >"$work/out.json" 2>"$work/err" &
run=$!
until pgrep -P "$(pgrep -d, -P $run || echo $run)" >/dev/null 2>&1; do sleep 0.1; done # its points run
kill -INT $run
code=0
wait $run || code=$?
[ $code = 3 ] && grep -q 'stopped before its end: with --out DIR a run can be gone on with' "$work/err" || { echo "Ctrl-C: exit code $code"; cat "$work/err"; exit 1; }
part 2 --images 101 --memory 20,1,4 --memory 9,5,2 --out "$work/parts" --resume
part 2 --images 100 --resume
part 2 --images 100 --schedule w9a9 --jobs 2
grep -q "bitdial cosim: network 'small' has no switch 'w9a9'" "$work/err" || { cat "$work/err"; exit 1; }
part 1 --images 5 --fault weight-bit --json
sums >"$work/whole"
part 1 --images 5 --fault weight-bit --out "$work/faulty" --json
sums | diff "$work/whole" -
/usr/bin/python3 -c 'import sqlite3, sys
rows = sqlite3.connect(sys.argv[1]).execute("SELECT state, cause, repeat FROM points").fetchall()
failed = [row for row in rows if row[0] == "failed"]
assert len(rows) == 5 and len(failed) >= 3 and all("channel 0, pixel" in c and " --part " in r for _, c, r in failed), rows' "$work/faulty/runs.db"

# The same frames dumped by every device are the same files.
for device in ref tlm rtl; do
    "$bitdial" run "$work/net.bdp" --hardware $demo --device $device --images 2 --schedule w1a1,w2a2 \
        --dump "$work/$device" >/dev/null
done
[ "$(find "$work/ref" -name '*.npy' | wc -l)" -ge 20 ]
diff -r "$work/ref" "$work/tlm"
diff -r "$work/ref" "$work/rtl"
# Queued frames give the same accuracy and results.
"$bitdial" run "$work/net.bdp" --hardware $demo --device tlm --images 6 --json | jq -c '[.switches[].accuracy]' >"$work/plain"
"$bitdial" run "$work/net.bdp" --hardware $demo --device tlm --images 6 --json --queue |
    jq -c '[.switches[].accuracy]' >"$work/queued"
[ -s "$work/plain" ] && diff "$work/plain" "$work/queued"
