#!/bin/sh
# A network of small colour images, which no known data set has, goes the whole chain: folders of JPEG files, training,
# compilation, co-simulation on the RTL, pruning, and co-simulation of what is left. Then images from arrays and noise.
bitdial=${BITDIAL_BUILD:-build}/bitdial
images=${BITDIAL_BUILD:-build}/images
hardware=tests/small_hardware.yaml
work=$(mktemp -d) || exit 3
trap 'rm -rf "$work"' EXIT
unset BITDIAL_DATA
. tests/support/refuses.sh
runs() { # ARGUMENTS...: exit code 0
    "$bitdial" "$@" >"$work/out" 2>"$work/err" || { fail "$*"; cat "$work/err"; exit 1; }
}
own="$work/my images"
"$images" imagenet "$own" 2 30 14 12 || exit 1
cat >"$work/net.yaml" <<END
name: colour
input: {height: 12, width: 12, channels: 3}
classes: 2
switches: [w4a4, w1a1]
stem: {channels: 12, stride: 2}
stages:
  - {channels: 12, stride: 2, blocks: [{kind: basic}]}
head: {}
END
cat >"$work/train.yaml" <<END
network: $work/net.yaml
output: $work/net.h5
steps: 6
batch: 8
data: {kind: imagenet, folder: "$own", validation: 6}
batch_norm: {recalibrate: 2}
END
cat >"$work/search.yaml" <<END
checkpoint: $work/net.h5
hardware: $hardware
journal: $work/j.jsonl
output: $work/pruned.h5
budget: {switch: w1a1, ratio: 0.95}
search: {evaluations: 2, initial: 2}
evaluation: {images: 6, recalibrate: 1, tune_batch: 8}
final: {epochs: 0, steps: 2, batch: 8}
data: {folder: "$own", validation: 6}
END
same() { # NAME: the last co-simulation compared frames and found nothing
    jq -e '.pass and .mismatches == 0 and .cycle_mismatches == 0 and .frames >= 4' "$work/out" >/dev/null || fail "$1"
}
runs train "$work/train.yaml"
runs eval "$work/net.h5" --hardware $hardware --max-moved 1000 --data "$own" --json --dial "$work/dial.svg"
jq -e '.images == 12 and all(.switches[]; .compared == 12 and .mismatches == 0 and .float_accuracy >= 0 and .clocks > 0)' "$work/out" \
    >/dev/null || fail 'eval'
for switch in $(jq -r '.switches[].name' "$work/out"); do # in both panels of a whole picture
    [ "$(/usr/bin/python3 -c 'import sys, xml.etree.ElementTree as e
print(sum(t.text == sys.argv[2] for t in e.parse(sys.argv[1]).iter("{http://www.w3.org/2000/svg}text")))' \
        "$work/dial.svg" "$switch")" = 2 ] || fail "the dial does not show $switch twice"
done
"$bitdial" eval "$work/net.h5" --dial "$work/no.svg" >"$work/out" 2>"$work/err" && fail 'a dial without hardware'
grep -q "'--dial' wants" "$work/err" || fail 'why there is no dial'
runs compile "$work/net.h5" --hardware $hardware --max-moved 1000 -o "$work/net.bdp"
runs cosim "$work/net.bdp" --hardware $hardware --images 4 --data "$own" --json
same 'the RTL on images of a folder'
grep -q "images: '$own', kind imagenet (found by 'val' there)" "$work/err" || fail 'what was found is not told'
runs cosim "$work/net.bdp" --hardware $hardware --device tlm --first 7 --images 5 --kind imagenet --data "$own" --json
same 'a part of the images'
runs prune "$work/search.yaml" --json
jq -e '.cycles < .cycles_whole' "$work/out" >/dev/null || fail 'pruning saves nothing'
runs compile "$work/pruned.h5" --hardware $hardware --max-moved 1000 -o "$work/pruned.bdp"
runs cosim "$work/pruned.bdp" --hardware $hardware --images 4 --data "$own" --json
same 'the pruned network on the RTL'
runs run "$work/pruned.bdp" --hardware $hardware --device tlm --images 4 --data "$own"

# The same kind of images as an array, with and without labels.
/usr/bin/python3 - "$work" <<'END' || fail 'numpy'
import sys
import numpy as np
work = sys.argv[1]
rng = np.random.default_rng(3)
np.save(work + "/a.npy", rng.integers(0, 256, (5, 12, 12, 3), dtype=np.uint8))
np.save(work + "/labels.npy", np.array([0, 1, 1, 0, 1]))
np.save(work + "/grey.npy", rng.integers(0, 256, (5, 12, 12), dtype=np.uint8))
np.save(work + "/float.npy", rng.random((5, 12, 12, 3)))
END
runs run "$work/net.bdp" --hardware $hardware --images "$work/a.npy" --json
jq -e '.frames == 5 and .switches[0].accuracy == null' "$work/out" >/dev/null || fail 'images without labels have an accuracy'
runs run "$work/net.bdp" --hardware $hardware --images "$work/a.npy" --labels "$work/labels.npy" --first 1 --images 4 --json
jq -e '.frames == 4 and .switches[0].accuracy >= 0' "$work/out" >/dev/null || fail 'labels of an array'
runs eval "$work/net.h5" "$work/net.bdp" --images "$work/a.npy" --json
jq -e 'all(.switches[]; .disagree >= 0 and .compared == 5 and (has("float_accuracy") | not))' "$work/out" >/dev/null || fail 'eval of an array'
runs cosim "$work/net.bdp" --hardware $hardware --device tlm --images "$work/a.npy" --json
same 'an array'
# The closing table of a cut on that array is what an evaluation of the cut on it says; what is wrong is said before the search.
runs prune "$work/search.yaml" --channels 8,12,12 --output "$work/cut.h5" --images "$work/a.npy" --labels "$work/labels.npy" --first 1 --images 3 --json
cp "$work/out" "$work/table"
runs eval "$work/cut.h5" --hardware $hardware --max-moved 1000 --images "$work/a.npy" --labels "$work/labels.npy" --first 1 --images 3 --json
jq -es '(.[0].switches | map_values([.pruned.float_accuracy, .pruned.integer_accuracy])) ==
        (.[1].switches | map({(.name): [.float_accuracy, .integer_accuracy]}) | add)' "$work/table" "$work/out" >/dev/null ||
    fail "the table is not of the array: $(cat "$work/table" "$work/out")"
refuses "'--images FILE.npy' and '--labels FILE.npy' go together" prune "$work/search.yaml" --force --images "$work/a.npy"
refuses 'takes images of 12x12x3' prune "$work/search.yaml" --force --images "$work/grey.npy" --labels "$work/labels.npy"
refuses 'images 5..5 do not exist: there are 5' prune "$work/search.yaml" --force --images "$work/a.npy" --labels "$work/labels.npy" --first 5

# Noise needs nothing; the line that is printed repeats it, and so does the line of a failure.
runs cosim "$work/net.bdp" --hardware $hardware --device tlm --noise --seed 41 --images 4 --json
same 'noise'
jq -e '.noise.seed == 41' "$work/out" >/dev/null || fail 'the seed is not told'
cp "$work/out" "$work/first"
jq -r .noise.repeat "$work/out" | sed "s#^bitdial#$bitdial#; s/\$/ --json/" >"$work/again.sh"
sh "$work/again.sh" >"$work/out" 2>"$work/err" || fail "the line does not repeat: $(cat "$work/again.sh" "$work/err")"
[ "$(jq -c 'del(.speed)' "$work/first")" = "$(jq -c 'del(.speed)' "$work/out")" ] || fail 'repeated, it is another run'
cp "$work/net.bdp" "$work/it's a net.bdp"
"$bitdial" cosim "$work/it's a net.bdp" --hardware $hardware --device tlm --data "$own" --fault weight-bit >"$work/out" 2>"$work/err"
[ $? = 1 ] || fail 'a planted fault is not found on images of a folder'
sed -n "s#.*repeat with: bitdial#$bitdial#p" "$work/err" >"$work/again.sh"
sh "$work/again.sh" >"$work/out" 2>"$work/err"
[ $? = 1 ] && grep -q 'layer stem' "$work/err" || fail "a failure's line does not repeat it: $(cat "$work/again.sh" "$work/err")"

refuses 'which no known data set has' cosim "$work/net.bdp" --hardware $hardware --device ref
refuses "holds no images of a known kind" run "$work/net.bdp" --hardware $hardware --data tests
refuses 'takes images of 12x12x3' run "$work/net.bdp" --hardware $hardware --images "$work/grey.npy"
refuses "of '<f8'" cosim "$work/net.bdp" --hardware $hardware --device ref --images "$work/float.npy"
refuses "must be a count or the name of a .npy file, got 'many'" run "$work/net.bdp" --hardware $hardware --images many
refuses 'give one of them' cosim "$work/net.bdp" --hardware $hardware --noise --data "$own"
refuses 'random makes its own' cosim --random 2 --hardware $hardware --device tlm --noise
refuses 'labels goes with' run "$work/net.bdp" --hardware $hardware --labels "$work/labels.npy"
exit $failed
