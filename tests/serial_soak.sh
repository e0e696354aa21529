#!/bin/sh
# Images over a serial line to the simulated board (sim/board), at the highest speed that the bridge takes, four clocks a bit: every
# layer, result and clock compared with reference and cost model, over all switches, by a quiet line and by one on which one byte
# in a hundred is changed, lost or doubled.
#     sh tests/serial_soak.sh [IMAGES]
# Exit codes: 0 all alike, 1 not.
set -eu
cd -- "$(dirname -- "$0")/.."
images=${1:-100} hardware=tests/small_hardware.yaml
work=$(mktemp -d)
pid=
finish() { [ -z "$pid" ] || kill "$pid" 2>/dev/null || true; rm -rf "$work"; }
trap finish EXIT
board=$(sh sim/board/build.sh $hardware | tail -1)
sed 's/height: 28, width: 28/height: 8, width: 8/; s/^switches: .*/switches: [w4a4, w2a2, w1a2, w1a1]/' tests/small_network.yaml >"$work/net.yaml"
build/sample "$work/net.yaml" 1 "$work/net.h5"
build/bitdial compile "$work/net.h5" --hardware $hardware -o "$work/net.bdp" >/dev/null

soak() { # WORDS OPTIONS of the board
    words=$1
    shift
    "$board" $hardware --bit 4 "$@" >"$work/path" 2>"$work/board" &
    pid=$!
    for _ in $(seq 100); do
        [ ! -s "$work/path" ] || break
        sleep 0.1
    done
    from=$(date +%s)
    timeout 3000 build/bitdial cosim "$work/net.bdp" --hardware $hardware --device "serial:$(cat "$work/path")@3000000" \
        --images "$images" --noise >"$work/out" 2>&1 || { cat "$work/out"; exit 1; }
    kill $pid && wait $pid || true
    pid=
    echo "$words: $(($(date +%s) - from)) s"
    sed 's/^/  /' "$work/out" "$work/board"
}
soak 'a quiet line'
soak 'one byte in a hundred disturbed' --noise 10 1
