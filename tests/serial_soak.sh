#!/bin/sh
# Images over a serial line to simulated hardware, at the highest speed that the bridge takes, four clocks a bit: the board of
# sim/board/board.cpp, or, with --chip, the whole chip that `make fpga BOARD=...` builds. Every result and clock is compared with
# reference and cost model, by a quiet line and by one on which one byte in a hundred is changed, lost or doubled: of a small
# network with every layer, or of a checkpoint, whose layers need not fit, without. A chip passes its self-test on both first, and
# on a third line, cut in the middle of the images, the run must name what it waited for, and after the line is plugged in again
# succeed.
#     sh tests/serial_soak.sh [--chip BOARD] [--network NET.h5] [IMAGES]
# Exit codes: 0 all alike, 1 not, 2 usage, 3 a device that cannot be built.
set -eu
cd -- "$(dirname -- "$0")/.."
board= hardware=tests/small_hardware.yaml network=
usage() { echo "serial_soak: $*" >&2; exit 2; }
while [ $# -gt 0 ]; do
    case $1 in
    --chip | --network) [ $# -gt 1 ] || usage "'$1' needs a value" ;;
    -*) usage "unknown option '$1'" ;;
    *) break ;;
    esac
    case $1 in
    --chip) board=$2 hardware=hw/fpga/$2/hardware.yaml ;;
    *) network=$2 ;;
    esac
    shift 2
done
images=${1:-100}
case $images in '' | *[!0-9]* | 0*) usage "a count of images expected, got '$images'" ;; esac
[ $# -le 1 ] || usage "unexpected '$2'"
[ -z "$network" ] || [ -r "$network" ] || usage "cannot read '$network'"
work=$(mktemp -d)
pid=
finish() { [ -z "$pid" ] || kill "$pid" 2>/dev/null || true; rm -rf "$work"; }
trap finish EXIT
fail() { echo "FAIL: $*"; cat "$work/out" "$work/device"; exit 1; }
if [ -n "$board" ]; then
    device=$(sh sim/board/chip.sh "$board")
else
    device="$(sh sim/board/build.sh $hardware | tail -1) $hardware"
fi
if [ -n "$network" ]; then
    cp "$network" "$work/net.h5"
    way='--noise --results-only'
else
    sed 's/height: 28, width: 28/height: 8, width: 8/; s/^switches: .*/switches: [w4a4, w2a2, w1a2, w1a1]/' tests/small_network.yaml >"$work/net.yaml"
    build/sample "$work/net.yaml" 1 "$work/net.h5"
    way=--noise
fi
build/bitdial compile "$work/net.h5" --hardware "$hardware" -o "$work/net.bdp" >/dev/null

start() { # OPTIONS of the device
    : >"$work/path"
    # shellcheck disable=SC2086 # the board is its path and its configuration
    $device --bit 4 "$@" >"$work/path" 2>"$work/device" &
    pid=$!
    for _ in $(seq 100); do
        [ ! -s "$work/path" ] || break
        sleep 0.1
    done
    line=serial:$(cat "$work/path")@3000000
}
end() { kill "$pid" && wait "$pid" || true; pid=; }
cosim() { # IMAGES
    # shellcheck disable=SC2086 # options
    timeout 7200 build/bitdial cosim "$work/net.bdp" --hardware "$hardware" --device "$line" --images "$1" $way >"$work/out" 2>&1
}
soak() { # WORDS OPTIONS of the device
    words=$1
    shift
    start "$@"
    from=$(date +%s)
    if [ -n "$board" ]; then
        timeout 3600 build/bitdial device selftest --hardware "$hardware" --device "$line" --timeout 100000 >"$work/out" 2>&1 || fail "$words: self-test"
        tail -1 "$work/out"
    fi
    cosim "$images" || fail "$words"
    end
    echo "$words: $(($(date +%s) - from)) s"
    sed 's/^/  /' "$work/out" "$work/device"
}
soak 'a quiet line'
soak 'one byte in a hundred disturbed' --noise 10 1
[ -n "$board" ] || exit 0
# Behind the program and some images.
start --unplug $(($(stat -c %s "$work/net.bdp") * 5 / 4 + 2000))
code=0
cosim "$images" || code=$?
[ $code = 3 ] && grep -q 'did not answer [A-Z_]* within [0-9]* ms' "$work/out" || fail "a line that is cut ends with $code"
sed 's/^/  cut: /' "$work/out"
kill -USR1 "$pid"
cosim 7 || fail 'after the line was plugged in again'
end
echo "plugged in again:"
sed 's/^/  /' "$work/out" "$work/device"
