#!/bin/sh
# Driver and governor compile without a hosted environment and need no symbol but what a compiler itself may call
# (memcpy, memset); for small processors, with the compiler told so, none at all, and in the room that was promised: 8 KiB of
# driver, 4 KiB of governor.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for source in sw/driver/*.c sw/driver/governor/*.c; do
    gcc -std=c11 -ffreestanding -O2 -Wall -Wextra -Werror -I. -c "$source" -o "$work/$(basename "$source" .c).o"
done
gcc -nostdlib -r -o "$work/whole.o" "$work"/*.o
needs=$(nm -u "$work/whole.o" | sed 's/ *U //' | grep -v -x -e memcpy -e memset || true)
[ -z "$needs" ] || { echo "the driver needs: $needs"; exit 1; }
# The check itself must be able to fail.
echo 'int puts(const char *); int f(void) { return puts("x"); }' >"$work/bad.c"
gcc -ffreestanding -c "$work/bad.c" -o "$work/bad.o"
nm -u "$work/bad.o" | grep -q puts

# cross NAME OPTIONS...: text and constants of the driver and of the governor, and that nothing is left open
cross() {
    name=$1
    shift
    for part in driver governor; do
        mkdir -p "$work/$name/$part"
        case $part in driver) folder=sw/driver ;; *) folder=sw/driver/governor ;; esac
        for source in "$folder"/*.c; do
            clang "$@" -std=c11 -ffreestanding -fno-builtin -Os -Wall -Wextra -Werror -I. -c "$source" \
                -o "$work/$name/$part/$(basename "$source" .c).o"
        done
        # What one of its files needs and another has is no need.
        nm "$work/$name/$part"/*.o | awk '$1 == "U" { needs[$2] = 1 } $2 ~ /^[TDBRC]$/ { has[$3] = 1 }
            END { for (n in needs) if (!(n in has)) print n }' >"$work/open"
        [ ! -s "$work/open" ] || { echo "$part for $name needs: $(cat "$work/open")"; exit 1; }
        bytes=$(size "$work/$name/$part"/*.o | awk 'NR > 1 { sum += $1 + $2 } END { print sum }')
        most=$([ $part = driver ] && echo 8192 || echo 4096)
        echo "$part for $name: $bytes bytes"
        [ "$bytes" -gt 0 ] && [ "$bytes" -lt "$most" ] || { echo "FAIL: at most $most were promised"; exit 1; }
    done
}
cross cortex-m4 --target=armv7em-none-eabi -mcpu=cortex-m4 -mthumb
cross cortex-a9 --target=armv7a-none-eabi -mcpu=cortex-a9 -mthumb
cross rv32imc --target=riscv32-unknown-elf -march=rv32imc -mabi=ilp32
