# Every network of the zoo: its integers on the reference, fast and plain alike, with the accuracy of its floats; all
# compile for the demo hardware.
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
