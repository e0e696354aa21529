# Generated files equal what their source generates now, and a changed source is noticed.
# After editing hw/regs.yaml:  build/regs hw/regs.yaml .
set -eu
regs=$PWD/${BITDIAL_BUILD:-build}/regs
files="sw/driver/bitdial_regs.h hw/bitdial_regs_pkg.sv hw/REGS.md tests/support/regs_table.h"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/sw/driver" "$work/hw" "$work/tests/support"
"$regs" hw/regs.yaml "$work"
for file in $files; do
    diff -u "$file" "$work/$file" || { echo "$file differs from what hw/regs.yaml generates"; exit 1; }
done
[ "$(cd "$work" && find . -type f | wc -l)" = "$(echo $files | wc -w)" ] || { echo "a generated file is not compared"; exit 1; }

# The first offset moved by a word must change the files that carry it.
awk '!done && /offset: *0x/ { sub(/0x[0-9a-fA-F]+/, "0xff0"); done = 1 } { print }' hw/regs.yaml >"$work/changed.yaml"
cmp -s hw/regs.yaml "$work/changed.yaml" && { echo "the planted change did not take"; exit 1; }
"$regs" "$work/changed.yaml" "$work"
for file in $files; do
    cmp -s "$file" "$work/$file" && { echo "$file does not follow a moved register"; exit 1; }
done
echo "generated files agree with hw/regs.yaml"
