#!/bin/sh
# make, as suites run it (sw/regress): tests/make.sh TARGET [NAME=VALUE]...
# Where a recipe failed, ends with that recipe's exit code, which make tells and hides behind its own, and with its last words on
# stderr.
set -u
cd -- "$(dirname -- "$0")/.." || exit 3
work=$(mktemp -d) || exit 3
trap 'rm -rf "$work"' EXIT
{
    make -s "$@" 2>&1
    echo $? >"$work/code"
} | tee "$work/said"
code=$(cat "$work/code")
[ "$code" != 0 ] || exit 0
grep -v '^make\(\[[0-9]*\]\)*: ' "$work/said" | tail -n 1 >&2
recipe=$(sed -n 's/^make[^ ]*: \*\*\* .* Error \([0-9]*\)$/\1/p' "$work/said" | head -n 1)
exit "${recipe:-$code}"
