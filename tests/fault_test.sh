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

cosim() {
    "$bitdial" cosim "$work/net.bdp" --hardware $hardware --images 2 --schedule w1a2,w1a1 "$@"
}

expect() { # NAME WORDS...: the fault makes cosim fail with rc 1, and its message holds every one of the words
    name=$1
    shift
    code=0
    cosim --fault "$name" >"$work/out" 2>"$work/err" || code=$?
    message=$(grep '^bitdial cosim:' "$work/err" || true)
    echo "$name: rc $code: $message"
    [ $code = 1 ] || { cat "$work/err"; exit 1; }
    for words in "$@"; do
        echo "$message" | grep -q -e "$words" || { echo "$name: the message does not say '$words'"; exit 1; }
    done
}

cosim --json >"$work/good.json"
grep -q '"pass": true' "$work/good.json"
expect weight-bit 'image 0, switch w1a2, layer stem (z), channel 0' 'repeat with: bitdial cosim .* --fault weight-bit'
expect rounding 'image 0, switch w1a2, layer stem (codes)' 'from the same z'
expect precision 'ran the frame at another switch' 'asked for [0-9]* (w1a2), DONE_SWITCH says'
expect interrupt 'its interrupt never came' 'switch w1a2'
expect table 'switch w1a2, layer' 'expected .*, the device gave'
expect guard 'sealed program'
