#!/bin/sh
# The driver compiles without a hosted environment and, linked on its own, needs no symbol but what a compiler
# itself may call (memcpy, memset).
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for source in sw/driver/*.c; do
    gcc -std=c11 -ffreestanding -O2 -Wall -Wextra -Werror -I. -c "$source" -o "$work/$(basename "$source" .c).o"
done
gcc -nostdlib -r -o "$work/whole.o" "$work"/*.o
needs=$(nm -u "$work/whole.o" | sed 's/ *U //' | grep -v -x -e memcpy -e memset || true)
[ -z "$needs" ] || { echo "the driver needs: $needs"; exit 1; }
# The check itself must be able to fail.
echo 'int puts(const char *); int f(void) { return puts("x"); }' >"$work/bad.c"
gcc -ffreestanding -c "$work/bad.c" -o "$work/bad.o"
nm -u "$work/bad.o" | grep -q puts
