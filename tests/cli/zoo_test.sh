# Every network of the zoo: its integers on the reference, fast and plain alike, with the accuracy of its floats; all
# compile for the demo hardware. And two of them against each other.
set -eu
bitdial=${BITDIAL_BUILD:-build}/bitdial
demo=yaml-configs/hardware/demo.yaml
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "$*"; exit 1; }

for file in model/zoo/*.h5; do
    name=$(basename "$file" .h5)
    grep -q "^## $name.h5" model/zoo/README.md || fail "model/zoo/README.md has no section $name.h5"
    "$bitdial" eval "$file" --reference --images 300 --compare 20 >"$work/$name.txt"
    awk -v name="$name" 'NR > 2 {
            gap = $2 - $3; gap = gap < 0 ? -gap : gap; rows++
            if ($2 + 0 < 70 || gap > 3 || $5 != 20 || $6 != 0) { print name ": " $0; bad = 1 }
        }
        END { exit bad || rows < 3 }' "$work/$name.txt" || fail "$name: integers and floats"
    code=0
    "$bitdial" compile "$file" --hardware $demo -o "$work/$name.bdp" >/dev/null 2>"$work/err" || code=$?
    [ $code = 0 ] || { cat "$work/err"; fail "$name: does not compile for $demo"; }
done

# A bound is a bound: with none allowed a layer is named.
if "$bitdial" eval model/zoo/mobilenet_narrow.h5 --reference --max-moved 0 --images 1 >/dev/null 2>"$work/err"; then
    fail "--max-moved 0 was taken"
fi
grep -q "layer '.*' at switch '.*': .* over the bound of 0" "$work/err" || { cat "$work/err"; fail "no layer named"; }

# Two checkpoints on the same images: the difference and its interval from both programs' logits, recomputed.
set -- --reference --images 300 --compare 2 --switches w1a1,w2a2 --json
"$bitdial" eval model/zoo/resnet8.h5 "$@" --logits "$work/whole.npy" >/dev/null
"$bitdial" eval model/zoo/resnet8_pruned.h5 "$@" --logits "$work/pruned.npy" --against model/zoo/resnet8.h5 >"$work/against.json"
/usr/bin/python3 - "$work" <<'END' || fail "--against: another difference or interval"
import glob, gzip, json, os, sys
import numpy as np

work = sys.argv[1]
folder = os.environ.get("BITDIAL_DATA", "/usr/share/datasets/fashion-mnist")
path = glob.glob(folder + "/t10k-labels-idx1-ubyte*")[0]
labels = np.frombuffer((gzip.open if path.endswith(".gz") else open)(path, "rb").read(), np.uint8)[8 : 8 + 300]
right = [np.load(work + "/" + name).argmax(2) == labels for name in ("pruned.npy", "whole.npy")]
for s, switch in enumerate(json.load(open(work + "/against.json"))["switches"]):
    b, c = (right[0] & ~right[1])[s].sum(), (~right[0] & right[1])[s].sum()
    said = switch["integer_difference"]
    middle, reach = (b - c) / 300, 1.96 * np.sqrt((b + c - (b - c) ** 2 / 300) / 299 / 300)
    assert b + c > 0 and abs(said["difference"] - middle) < 1e-9, (switch, b, c)
    assert abs(said["low"] - middle + reach) < 1e-5 and abs(said["high"] - middle - reach) < 1e-5, (switch, reach)
    assert abs(switch["float_difference"]["difference"]) < 0.1
END
"$bitdial" eval model/zoo/resnet8.h5 --images 20 --against model/zoo/resnet8.h5 --switches w1a1 >"$work/same.txt"
grep -q "^w1a1 *+0.00 (+0.00 to +0.00)  *-$" "$work/same.txt" || { cat "$work/same.txt"; fail "a network differs from itself"; }
