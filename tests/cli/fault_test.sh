#!/bin/sh
# Planted faults, each of which `bitdial cosim` must catch and name: a flipped weight bit in memory, a requantizer
# that rounds the other way, PRECISION writes that are ignored, an interrupt that never comes, requantizer tables of
# another switch, and a host write into the loaded program. Without a fault the same command passes.
set -eu
bitdial=${BITDIAL_BUILD:-build}/bitdial
hardware=tests/small_hardware.yaml
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${bitdial%/*}/sample" yaml-configs/networks/resnet8.yaml 1 "$work/net.h5"
"$bitdial" compile "$work/net.h5" --hardware $hardware -o "$work/net.bdp" >/dev/null
sed 's/w1a1]/w1a4]/' tests/small_network.yaml >"$work/few.yaml"
"${bitdial%/*}/sample" "$work/few.yaml" 1 "$work/few.h5"
"$bitdial" compile "$work/few.h5" --hardware $hardware -o "$work/few.bdp" >/dev/null

cosim() {
    "$bitdial" cosim "$work/net.bdp" --hardware $hardware --images 2 --schedule w1a2,w1a1 "$@"
}

random() { # short frames, for faults that take a frame's whole wait to tell
    "$bitdial" cosim --random 2 --seed 5 --hardware $hardware "$@"
}

few() { # its descriptors stay on the chip, where the fault finds another switch's tables; both keep the stream in 32 bits
    "$bitdial" cosim "$work/few.bdp" --hardware $hardware --images 2 --schedule w1a4 "$@"
}

expect() { # COMMAND NAME WORDS...: the fault makes it fail with rc 1, and its message holds every one of the words
    command=$1 name=$2
    shift 2
    code=0
    $command --fault "$name" >"$work/out" 2>"$work/err" || code=$?
    message=$(grep '^bitdial cosim:' "$work/err" || true)
    echo "$name: rc $code: $message"
    [ $code = 1 ] || { cat "$work/err"; exit 1; }
    for words in "$@"; do
        echo "$message" | grep -q -e "$words" || { echo "$name: the message does not say '$words'"; exit 1; }
    done
}

cosim --json >"$work/good.json"
jq -e '.pass == true' "$work/good.json" >/dev/null
few --json >"$work/good.json"
jq -e '.pass == true' "$work/good.json" >/dev/null
random --json >"$work/good.json"
jq -e '.pass == true' "$work/good.json" >/dev/null
expect cosim weight-bit 'image 0, switch w1a2, layer stem (z), channel 0' 'repeat with: bitdial cosim .* --fault weight-bit'
expect cosim rounding 'image 0, switch w1a2, layer stem (codes)' 'from the same z'
expect random precision 'ran the frame at another switch' 'asked for 1 (s1), DONE_SWITCH says 0 (s0)'
expect random interrupt 'its interrupt never came' 'network 0, switch s0'
expect few table 'switch w1a4, layer' 'expected .*, the device gave'
expect cosim guard 'sealed program'
