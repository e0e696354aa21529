# The bare-metal example on a small RISC-V processor (tests/support/rv32.c, a test double) with the accelerator at its memory
# bus: the right class at every precision, in the clocks of the cost model; and that it says so when it cannot.
set -eu
build=${BITDIAL_BUILD:-build}
demo=yaml-configs/hardware/demo.yaml
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAIL: $*"; cat "$work/out" "$work/err"; exit 1; }
clang --target=riscv32-unknown-elf -march=rv32imc -mabi=ilp32 -std=c11 -ffreestanding -fno-builtin -Os -Wall -Wextra -Werror -I. \
    -nostdlib -fuse-ld=lld -T sw/examples/firmware/board.ld -o "$work/classify.elf" sw/examples/firmware/start.S \
    sw/examples/firmware/main.c sw/driver/driver.c sw/driver/explain.c sw/driver/governor/governor.c
"$build/bitdial" compile model/zoo/resnet8.h5 --hardware $demo -o "$work/net.bdp" >/dev/null
"$build/bitdial" compile model/zoo/resnet8.h5 --hardware yaml-configs/hardware/mid.yaml -o "$work/other.bdp" >/dev/null

classes=
for image in 0 1 2; do
    "$build/rv32_board" "$work/classify.elf" "$work/net.bdp" $demo $image >"$work/out" 2>"$work/err" || fail "image $image"
    # The first frame, which brings the program onto the chip, is printed too: its clocks are no frame's.
    sed -n 's/^switch //p' "$work/out" | tail -n +2 >"$work/is"
    sed -n 's/^expected //p' "$work/out" >"$work/should"
    [ "$(wc -l <"$work/is")" -ge 2 ] && diff "$work/should" "$work/is" >&2 || fail "image $image"
    label=$(sed -n 's/^label //p' "$work/out")
    [ "$(sed -n "s/^w8a8 class \([0-9]*\) .*/\1/p" "$work/is")" = "$label" ] || fail "image $image is a $label"
    grep -q '^governor w4a4$' "$work/out" || fail 'the governor takes the next switch where the first is a clock too slow'
    classes="$classes $label"
done
[ "$(echo $classes | tr ' ' '\n' | sort -u | wc -l)" -ge 2 ] || fail "all images are of one class:$classes"

# What must be seen: a program for other hardware, firmware that does not end, one that leaves its memory.
code=0
"$build/rv32_board" "$work/classify.elf" "$work/other.bdp" $demo 0 >"$work/out" 2>"$work/err" || code=$?
[ $code = 1 ] && grep -q '^failed: the program was compiled for other hardware: .* should be 8, is 16' "$work/out" || fail 'other hardware'
code=0
"$build/rv32_board" "$work/classify.elf" "$work/net.bdp" $demo 0 5000 >"$work/out" 2>"$work/err" || code=$?
[ $code = 3 ] && grep -q 'no end after 5000' "$work/err" || fail 'an end that does not come'
sed 's/BOARD_DEVICE 0x40000000u/BOARD_DEVICE 0x50000000u/' sw/examples/firmware/board.h >"$work/board.h"
mkdir -p "$work/sw/examples/firmware" && cp sw/examples/firmware/* "$work/sw/examples/firmware" && mv "$work/board.h" "$work/sw/examples/firmware"
clang --target=riscv32-unknown-elf -march=rv32imc -mabi=ilp32 -std=c11 -ffreestanding -fno-builtin -Os -I"$work" -I. -nostdlib \
    -fuse-ld=lld -T sw/examples/firmware/board.ld -o "$work/lost.elf" "$work"/sw/examples/firmware/start.S \
    "$work"/sw/examples/firmware/main.c sw/driver/driver.c sw/driver/explain.c sw/driver/governor/governor.c
code=0
"$build/rv32_board" "$work/lost.elf" "$work/net.bdp" $demo 0 >"$work/out" 2>"$work/err" || code=$?
[ $code = 3 ] && grep -q 'the processor stands at' "$work/err" || fail 'a register window where nothing answers'
echo "on RV32IMC, bare metal: right at every switch, classes$classes"
