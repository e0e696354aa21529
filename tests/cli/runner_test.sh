# The runner must not be fooled: a Criterion program and shell tests that end in every wrong way, run by run.sh.
set -eu
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/build" "$work/tests/cli"
cat >"$work/planted.c" <<'C'
#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>
Test(planted, good) { cr_assert_eq(1 + 1, 2); }
Test(planted, wrong) { cr_assert_eq(1 + 1, 3); }
Test(planted, leaves) { exit(0); }
Test(planted, leaves_at_once) { _exit(0); }
Test(planted, crashes) { abort(); }
Test(planted, hangs) { pause(); }
Test(planted, disabled, .disabled = true) {}
Test(planted, skips) { cr_skip_test("planted"); }
#ifdef __SANITIZE_ADDRESS__
Test(planted, leaks) { *(volatile char **)&(char *){0} = malloc(77); }
Test(planted, overruns) { volatile char *block = malloc(7); block[7] = 1; free((char *)block); }
#endif
C
flags=
planted="wrong leaves leaves_at_once crashes hangs disabled skips"
if [ -n "${SAN:-}" ]; then
    flags=-fsanitize=address,undefined
    planted="$planted leaks overruns"
fi
gcc $flags -Wl,--wrap=criterion_internal_test_main -o "$work/build/tests" "$work/planted.c" "$root/tests/support/completion.c" -lcriterion
echo 'exit 0' >"$work/tests/cli/good_test.sh"
echo 'exit 4' >"$work/tests/cli/bad_test.sh"
echo 'sleep 60' >"$work/tests/cli/hanging_test.sh"
cd "$work"
code=0
BITDIAL_BUILD=build BITDIAL_TEST_SECONDS=3 BITDIAL_SHELL_SECONDS=3 sh "$root/tests/run.sh" >out 2>&1 || code=$?
cat out
[ "$code" = 1 ]
[ "$(tail -n 1 out)" = "2 passed, $(($(echo $planted | wc -w) + 2)) failed" ]
for name in $planted; do
    grep -q "^FAIL planted::$name: " out
done
grep -q '^FAIL bad_test.sh: exit code 4' out
grep -q 'timed out after 3 s' out

# A test that ends its runner leaves no result, and keeps others from theirs.
rm tests/cli/*_test.sh
echo 'kill -TERM "$(ps -o ppid= -p $PPID)"' >tests/cli/ends_runner_test.sh
code=0
BITDIAL_BUILD=build sh "$root/tests/run.sh" tests/cli/ends_runner_test.sh >out 2>&1 || code=$?
cat out
[ "$code" = 1 ] && grep -q '^FAIL ends_runner_test.sh: not reported' out && [ "$(tail -n 1 out)" = "0 passed, 1 failed" ]

# Nothing to run is no pass, and a list without its results is none either.
rm tests/cli/*_test.sh
printf '#!/bin/sh\n[ "$1" = --list ] && printf "a: 1 test\\n\\140-- b\\n"; exit 0\n' >build/tests
code=0
BITDIAL_BUILD=build sh "$root/tests/run.sh" >out 2>&1 || code=$?
cat out
[ "$code" = 1 ] && grep -q '^FAIL a::b: not reported' out
rm build/tests
code=0
BITDIAL_BUILD=build sh "$root/tests/run.sh" || code=$?
[ "$code" = 3 ]
