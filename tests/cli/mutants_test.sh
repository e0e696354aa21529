# tests/mutants/mutants.py on a program of a few lines, with mutants of every kind: one that a test finds, one that
# hangs, one that leaves before the tests' end, one that is not found, one that does not compile, one that changes
# nothing. It must tell them apart, stop at survivors that nobody judged, and go on where it stood.
set -eu
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/src"
cd "$work"
git init -q .
cat >src/sum.c <<'C'
#include <stdlib.h>
int sum(int n);
int twice(int n);
int sum(int n)
{
    int total = 0;
    for (int i = 1; i <= n; i++) {
        total += i;
    }
    return total;
}
int twice(int n)
{
    return n * 2;
}
C
cat >tests.c <<'C'
#include <stdio.h>
#include <stdlib.h>
int sum(int n), twice(int n);
int main(void)
{
    int right = sum(4) == 10 && twice(0) == 0;
    FILE *file = fopen(getenv("BITDIAL_COMPLETED"), "w");
    fputs("sums::right 0.01\n", file);
    fclose(file);
    return right ? 0 : 1;
}
C
cat >Makefile <<'M'
build/tests: build/obj/src/sum.o tests.c
	@gcc -o $@ tests.c build/obj/src/sum.o
build/obj/%.o: %.c
	@mkdir -p $(@D)
	@gcc -O1 -g -c -o $@ $<
M
echo 'src: sums/*' >modules.txt
cat >mutants.txt <<'T'
src/sum.c:8
- total += i;
+ total -= i;

src/sum.c:7
- for (int i = 1; i <= n; i++) {
+ for (int i = 1; i <= n; i+=0) {

src/sum.c:10
- return total;
+ exit(0);

src/sum.c:14
- return n * 2;
+ return n * 3;

src/sum.c:14
- return n * 2;
+ return n * ;

src/sum.c:14
- return n * 2;
+ return 2 * n;
T
mutants() { # CODE ARGUMENTS...
    expected=$1 code=0
    shift
    python3 "$root/tests/mutants/mutants.py" --from mutants.txt --modules modules.txt --judged judged.txt --work out \
        --seconds 1 "$@" >log 2>&1 || code=$?
    cat log
    [ $code = "$expected" ] || { echo "mutants.py $*: rc $code, not $expected"; exit 1; }
}
says() { grep -qF -e "$1" log || { echo "does not say '$1'"; exit 1; }; }

mutants 1
says 'src/sum.c:8 killed: sums/* failed'
says 'src/sum.c:7 killed: sums/* out of time'
says 'src/sum.c:10 killed: sums/* failed'
says '4 mutants: 3 killed (75.0 %), 1 survived: 0 equivalent, 0 accepted, 1 not judged; not counted: 1 did not compile, 1 made the same object code'
grep -A 2 '^src/sum.c:14: survived, not judged' log | grep -qF '+ return n * 3;'

# What is done stays done, unless the sources changed; a judgement counts for its mutant.
printf 'src/sum.c accepted: nobody doubles\n- return n * 2;\n+ return n * 3;\n' >judged.txt
mutants 0
says '0 places to do'
says 'src/sum.c:14: survived, accepted: nobody doubles'
sed -i 's/nobody doubles/&\n- a\n- b/' judged.txt
mutants 2
says "judged.txt:3: expected '+ '"
rm judged.txt
sed -i '1i// a line more' src/sum.c
mutants 2
says 'was begun with other sources'

# A better test finds it, where its line stands now.
sed -i 's/twice(0) == 0/twice(1) == 2/' tests.c
mutants 0 --again
says 'src/sum.c:15 killed'
says '4 mutants: 4 killed (100.0 %), 0 survived'

# Tests that fail by themselves judge nothing.
sed -i 's/sum(4) == 10/sum(4) == 11/' tests.c
mutants 3 --restart
says 'fails without any mutant'
