# Generated files equal what their sources generate now, and a changed source is noticed.
# After editing hw/regs.yaml or hw/descriptor.yaml:  build/regs hw/regs.yaml hw/descriptor.yaml .
set -eu
regs=$PWD/${BITDIAL_BUILD:-build}/regs
of_registers="sw/driver/bitdial_regs.h hw/bitdial_regs_pkg.sv hw/REGS.md tests/support/regs_table.h sw/bringup/bitdial_regs_names.h"
of_descriptor="model/program/descriptor.h hw/bitdial_descriptor_pkg.sv hw/control/descriptor_fields.sv hw/DESCRIPTOR.md"
files="$of_registers $of_descriptor"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/sw/driver" "$work/sw/bringup" "$work/hw/control" "$work/tests/support" "$work/model/program"
"$regs" hw/regs.yaml hw/descriptor.yaml "$work"
for file in $files; do
    diff -u "$file" "$work/$file" || { echo "$file differs from what hw/regs.yaml and hw/descriptor.yaml generate"; exit 1; }
done
[ "$(cd "$work" && find . -type f | wc -l)" = "$(echo $files | wc -w)" ] || { echo "a generated file is not compared"; exit 1; }

# The first offset moved by a word must change the files that carry it.
awk '!done && /offset: *0x/ { sub(/0x[0-9a-fA-F]+/, "0xff0"); done = 1 } { print }' hw/regs.yaml >"$work/changed.yaml"
cmp -s hw/regs.yaml "$work/changed.yaml" && { echo "the planted change did not take"; exit 1; }
"$regs" "$work/changed.yaml" hw/descriptor.yaml "$work"
for file in $of_registers; do
    cmp -s "$file" "$work/$file" && { echo "$file does not follow a moved register"; exit 1; }
done
# So must a limit that doubles.
sed 's/name: SIDE, value: 1023/name: SIDE, value: 2047/' hw/descriptor.yaml >"$work/changed.yaml"
cmp -s hw/descriptor.yaml "$work/changed.yaml" && { echo "the planted limit did not take"; exit 1; }
"$regs" hw/regs.yaml "$work/changed.yaml" "$work"
for file in $of_descriptor; do
    cmp -s "$file" "$work/$file" && { echo "$file does not follow a changed limit"; exit 1; }
done

# A source that contradicts itself is refused with its place, and writes nothing.
refused() { # SED-SCRIPT MESSAGE
    sed "$1" hw/descriptor.yaml >"$work/bad.yaml"
    mkdir -p "$work/none"
    cp -r "$work/sw" "$work/hw" "$work/tests" "$work/model" "$work/none"
    rm -f "$work/none/hw/DESCRIPTOR.md"
    code=0
    "$regs" hw/regs.yaml "$work/bad.yaml" "$work/none" 2>"$work/err" || code=$?
    [ $code = 2 ] && grep -q "bad.yaml:[0-9]*:[0-9]*: .*$2" "$work/err" || { echo "$1: rc $code"; cat "$work/err"; exit 1; }
    [ ! -e "$work/none/hw/DESCRIPTOR.md" ] || { echo "$1: files were written"; exit 1; }
}
refused 's/word: 30, min: 1/word: 31, min: 1/' "every word, in order"
refused 's/name: out_pitch/name: in_pitch/' "stands twice"
refused 's/max: WORD_ADDRESS, rtl: out/max: WORD_ADDRESZ, rtl: out/' "is no limit"
refused 's/max: 47, rtl: shift/min: 48, max: 47, rtl: shift/' "do not go together"
# The area's coefficients are those that were fitted, and follow them.
area() { PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 hw/synth/fit_area.py --only-header --out "$1" --header "$work/area_table.h"; }
area hw/synth/area.json
diff -u model/cost/area_table.h "$work/area_table.h" || { echo "model/cost/area_table.h differs from hw/synth/area.json: make fit-area"; exit 1; }
sed '0,/"ACC_BITS": [0-9]/s/"ACC_BITS": [0-9]/"ACC_BITS": 77/' hw/synth/area.json >"$work/area.json"
area "$work/area.json"
cmp -s model/cost/area_table.h "$work/area_table.h" && { echo "area_table.h does not follow a coefficient"; exit 1; }
echo "generated files agree with hw/regs.yaml and hw/descriptor.yaml"
