#!/bin/sh
# What `bitdial run` and `bitdial cosim` refuse: exit code 2, a message that names the matter, nothing on standard
# output, no file left behind. And a device that fails in the middle.
set -eu
bitdial=${BITDIAL_BUILD:-build}/bitdial
demo=yaml-configs/hardware/demo.yaml
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${bitdial%/*}/sample" yaml-configs/networks/resnet8.yaml 5 "$work/net.h5"
"$bitdial" compile "$work/net.h5" --hardware $demo -o "$work/net.bdp" >/dev/null

refuses() { # CODE WORDS ARGUMENTS...
    expected=$1 words=$2
    shift 2
    code=0
    "$bitdial" "$@" >"$work/out" 2>"$work/err" || code=$?
    [ $code = "$expected" ] || { echo "bitdial $*: rc $code, not $expected"; cat "$work/err"; exit 1; }
    [ ! -s "$work/out" ] || { echo "bitdial $*: wrote to standard output"; exit 1; }
    grep -q -e "$words" "$work/err" || { echo "bitdial $*: does not say '$words':"; cat "$work/err"; exit 1; }
}

for command in run cosim; do
    refuses 2 "'--hardware' is missing" $command "$work/net.bdp"
    refuses 2 'program image' $command --hardware $demo
    refuses 2 "'--device' must be" $command "$work/net.bdp" --hardware $demo --device fpga
    refuses 2 'no-such-file' $command "$work/no-such-file" --hardware $demo
    refuses 2 'no-such.yaml' $command "$work/net.bdp" --hardware no-such.yaml --device ref
    refuses 2 "no switch 'w9a9'" $command "$work/net.bdp" --hardware $demo --device ref --schedule w1a1,w9a9
    refuses 2 "no switch ''" $command "$work/net.bdp" --hardware $demo --device ref --schedule w1a1,
    refuses 2 'do not exist' $command "$work/net.bdp" --hardware $demo --device ref --first 9999 --images 2
    refuses 2 "'--images' must be" $command "$work/net.bdp" --hardware $demo --images 0
    # The driver compares the image with the device before it writes anything.
    refuses 2 'compiled for other hardware: .* should be .*, is' $command "$work/net.bdp" --device tlm \
        --hardware yaml-configs/hardware/rq4.yaml
    head -c 5000 "$work/net.bdp" >"$work/short.bdp"
    refuses 2 'short.bdp' $command "$work/short.bdp" --hardware $demo --device ref
done
refuses 2 'compiled for other hardware' run "$work/net.bdp" --device ref --dump "$work/dump" \
    --hardware yaml-configs/hardware/small.yaml
[ ! -e "$work/dump" ] || { echo "a refused run left its dump folder"; exit 1; }
refuses 2 'excludes --queue' run "$work/net.bdp" --hardware $demo --queue --dump "$work/dump"
refuses 2 'trace needs --device rtl' run "$work/net.bdp" --hardware $demo --device ref --trace "$work/t.fst"
refuses 2 'LATENCY,INTERVAL,OUTSTANDING' cosim "$work/net.bdp" --hardware $demo --memory 20,1
refuses 2 'beat_interval must be' cosim "$work/net.bdp" --hardware $demo --memory 20,0,4
refuses 2 "knows no 'gremlin'" cosim "$work/net.bdp" --hardware $demo --fault gremlin
refuses 2 'stalls goes with --random' cosim "$work/net.bdp" --hardware $demo --stalls
refuses 2 'need --device rtl' cosim --random 1 --hardware $demo --device tlm --stalls
refuses 2 'a board is one' cosim "$work/net.bdp" --hardware $demo --device serial:/dev/none --jobs 2
refuses 3 "serial line '/dev/none'" run "$work/net.bdp" --hardware $demo --device serial:/dev/none --images 1
refuses 2 'expected one program image (NET.bdp), or --random' cosim "$work/net.bdp" --random 3 --hardware $demo

# Without a device process: infrastructure, named.
cp "$bitdial" "$work/bitdial"
code=0
"$work/bitdial" run "$work/net.bdp" --hardware $demo --device tlm 2>"$work/err" || code=$?
[ $code = 3 ] && grep -q 'holds sim/build.sh' "$work/err" || { cat "$work/err"; exit 1; }
# A process that is no device.
mkdir -p "$work/root/sim" "$work/root/bin"
cp "$bitdial" "$work/root/bin/bitdial"
printf 'echo /bin/false\n' >"$work/root/sim/build.sh"
code=0
"$work/root/bin/bitdial" cosim "$work/net.bdp" --hardware $demo 2>"$work/err" || code=$?
[ $code = 3 ] && grep -q "'/bin/false' exited with 1 during HELLO" "$work/err" || { cat "$work/err"; exit 1; }
# An image flipped in the reference device's memory is caught there too.
code=0
"$bitdial" cosim "$work/net.bdp" --hardware $demo --device ref --images 1 --fault weight-bit >"$work/out" 2>"$work/err" || code=$?
[ $code = 1 ] && grep -q 'layer stem' "$work/err" || { cat "$work/err"; exit 1; }
