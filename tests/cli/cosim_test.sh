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
