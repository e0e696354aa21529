#!/bin/sh
# Device processes of `bitdial run` and `bitdial cosim`: no name reaches a shell, blanks in every path are as good as
# letters, a tree that cannot be written serves what is built, and a process that is stopped or killed is told of.
set -eu
bitdial=${BITDIAL_BUILD:-build}/bitdial
small=tests/small_hardware.yaml
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
chmod 755 "$work"
fail() { echo "FAIL: $*"; cat "$work/out" "$work/err"; exit 1; }

"${bitdial%/*}/sample" tests/small_network.yaml 3 "$work/net.h5"
"$bitdial" compile "$work/net.h5" --hardware $small -o "$work/net.bdp" >"$work/out"
sh sim/build.sh --target tlm $small >"$work/out"
rtl=$(sh sim/build.sh $small)

# A copy of this tree, built, in a folder with blanks; its network and configuration have names that a shell would run.
tree="$work/my project's tree"
mkdir -p "$tree/build/verilated" "$work/my files"
cp -a Makefile apt-packages.txt hw sim sw model tests "$tree/"
for path in obj sim regs libbitdial.a platform-tlm .packages-* "$(basename "$rtl")"; do
    cp -a build/$path "$tree/build/"
done
cp -a "build/verilated/$(basename "$rtl" | sed 's/^platform-//')" "$tree/build/verilated/"
cp -a build/bitdial "$tree/build/" && [ "$bitdial" = build/bitdial ] || { mkdir -p "$tree/${bitdial%/*}"; cp -a "$bitdial" "$tree/$bitdial"; }
name="a'\$(touch INJECTED)'; touch INJECTED; \"b c\".yaml"
cp $small "$work/my files/$name"
cp "$work/net.bdp" "$work/my files/n e t.bdp"
here() { # COMMAND ARGUMENTS...: the copy's command, in the folder of the files
    (cd "$work/my files" && "$tree/$bitdial" "$@") >"$work/out" 2>"$work/err"
}
for device in ref tlm rtl; do
    here run 'n e t.bdp' --hardware "$name" --device $device --images 2 || fail "names with blanks and quotes on $device"
done
# A whole build there, but that g++ is spared the longest of its work: what this tree's model of the same C++ has is copied.
debug=$(sh hw/build.sh $small --debug)
mkdir "$work/spare"
cat >"$work/spare/g++" <<END
#!/bin/sh
for word; do
    case \$word in $debug/fast.o | $debug/slow.o | build/verilated/runtime/*.o) object=\$word ;; esac
done
if [ -z "\${object:-}" ]; then exec $(command -v g++) "\$@"; fi
case \$object in
$debug/*)
    for file in $debug/*.cpp $debug/*.h; do
        cmp "\$file" "$PWD/\$file" || exit 1
    done ;;
esac
cp "$PWD/\$object" "\$object"
END
chmod +x "$work/spare/g++"
PATH="$work/spare:$PATH" here cosim 'n e t.bdp' --hardware "$name" --images 1 --trace 'my trace.fst' ||
    fail "a build with tracing in a folder with blanks"
[ -s "$work/my files/my trace.fst" ] || fail "there is no trace"
[ "$(find "$work" -name INJECTED | wc -l)" = 0 ] || fail "a part of a name was run as a command"

# Another user's tree: what is built runs, what is not is refused by the name of the folder. Permissions do not bind root.
chmod -R a-w,a+rX "$tree" "$work/my files"
user=
[ "$(id -u)" != 0 ] || user='setpriv --reuid=65534 --regid=65534 --clear-groups'
theirs() {
    # shellcheck disable=SC2086 # words
    (cd "$work/my files" && $user "$tree/$bitdial" "$@") >"$work/out" 2>"$work/err"
}
for device in tlm rtl; do
    theirs run 'n e t.bdp' --hardware "$name" --device $device --images 2 || fail "a tree that cannot be written on $device"
done
code=0
theirs cosim --random 1 --hardware "$tree/tests/streamed_hardware.yaml" || code=$?
[ $code = 3 ] && grep -q "cannot write '$tree/build/verilated/.* is not Verilated there" "$work/err" || fail "rc $code, an RTL that is not built"
chmod u+w "$tree/build" && rm "$tree/build/platform-tlm" && chmod u-w "$tree/build"
code=0
theirs run 'n e t.bdp' --hardware "$name" --device tlm || code=$?
[ $code = 3 ] && grep -q "cannot write '$tree/build', and 'build/platform-tlm' for .* is not built there" "$work/err" ||
    fail "rc $code, a platform that is not built"

# The Verilated build is one of its tools: another version is another build.
mkdir "$work/tools"
printf '#!/bin/sh\n[ "$1" = --version ] && echo another version\nexit 1\n' >"$work/tools/verilator" && chmod +x "$work/tools/verilator"
code=0
PATH="$work/tools:$PATH" sh sim/build.sh $small >"$work/out" 2>"$work/err" || code=$?
[ $code = 3 ] && [ ! -s "$work/out" ] || fail "rc $code, a build of another Verilator was taken"
grep -l 'another version' build/verilated/*/build.log >/dev/null 2>&1 && fail "the planted tool was asked for more than its version"

# One of two devices is stopped, then killed: its part of the run says so, and the run ends without the remaining frames.
"$bitdial" cosim "$work/net.bdp" --hardware $small --images 10000 --jobs 2 --out "$work/two" >"$work/out" 2>"$work/err" &
run=$!
said() { cat "$work"/two/points/*/stderr 2>/dev/null; }
device=
for _ in $(seq 600); do
    workers=$(pgrep -d, -P $run || :)
    for point in $(pgrep -P "${workers:-$run}"); do
        device=$(pgrep -P "$point" -f -- '/build/platform-[^ ]* --target rtl' | head -1)
        [ -z "$device" ] || break 2
    done
    sleep 0.1
done
kill -STOP "$device"
for _ in $(seq 600); do
    said | grep -q "(pid $device, stopped by a signal): no answer to" && break
    sleep 0.1
done
said | grep -q "waiting for the device process '.*' (pid $device, stopped by a signal): no answer to [A-Z_]* for" ||
    fail "a stopped device is not named"
kill -KILL "$device"
code=0
wait $run || code=$?
[ $code = 3 ] && grep -q 'was ended by signal 9' "$work/err" && [ ! -s "$work/out" ] || fail "rc $code after a device was killed"
[ "$(ls "$work"/two/points/*/result.json | wc -l)" -lt 60 ] || fail "the other device ran on to the end"
