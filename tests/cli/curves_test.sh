#!/bin/bash
# Curves from training logs: what is drawn, what a resumed log overrides, what is refused, and a machine without gnuplot.
bitdial=$PWD/${BITDIAL_BUILD:-build}/bitdial
. tests/support/fashion.sh
folder=$(mktemp -d) || exit 3
trap 'rm -rf "$folder"' EXIT
fail() { echo "FAIL: $1"; cat "$folder/err" 2>/dev/null; exit 1; }
step() { echo "{\"event\":\"step\",\"step\":$1,\"loss\":{\"w1a8\":$2,\"w1a1\":2},\"accuracy\":{\"w1a8\":0.5,\"w1a1\":0.4}}"; }

{ step 10 2.5; step 20 2.4; step 30 77; step 20 2.3; step 30 2.2; } >"$folder/a.h5.jsonl" # 20 and 30 again after a kill
{ step 10 2.5
  echo '{"event":"step","step":20,"loss":{"w1a8":2},"gradient_norm":{"w1a8":0.1,"w1a1":0.2},"gradient_cosine":{"w1a8":{"w1a8":1,"w1a1":0.3}}}'
  echo '{"event":"validated","step":20,"accuracy":{"w1a8":0.6}}'
  printf '{"event":"st'; } >"$folder/b.jsonl" # torn by a kill
"$bitdial" curves "$folder/a.h5.jsonl" "$folder/b.jsonl" -o "$folder/ab.svg" --json >"$folder/out" 2>"$folder/err" ||
    fail "not drawn"
[ "$(jq .series "$folder/out")" = 13 ] || fail "$(cat "$folder/out"): not 13 series"
grep -q '</svg>' "$folder/ab.svg" || fail "no whole picture"
for text in '>a w1a8<' '>b w1a1<' 'loss (moving' 'norm of the gradient' 'cosine with'; do
    grep -q "$text" "$folder/ab.svg" || fail "'$text' is not in the picture"
done
"$bitdial" curves "$folder/a.h5.jsonl" -o "$folder/a.svg" >/dev/null || fail "one log is not drawn"
grep -q 'norm of the gradient' "$folder/a.svg" && fail "an empty panel is drawn"
mkdir "$folder/c"
{ step 10 2.5; step 20 2.3; step 30 2.2; } >"$folder/c/a.h5.jsonl"
"$bitdial" curves "$folder/c/a.h5.jsonl" -o "$folder/c.svg" >/dev/null
cmp "$folder/a.svg" "$folder/c.svg" || fail "steps before a kill are drawn beside those after it"

# Names are data: what gnuplot or a shell would run in a log's name, or in a name inside it, is drawn as question marks.
newline='
'
number=0
mkdir "$folder/names"
for evil in '`touch ran`' '"`touch ran`' "'\`touch ran\`" '$(touch ran)' "';system('touch ran')#" '";system("touch ran")#' \
    "$newline!touch ran$newline" "';set output 'ran';#" '@z \' '\"'; do
    number=$((number + 1)) log="$(printf %s "$evil" | tr / :)"
    { step 10 2.5; jq -nc --arg name "x$evil" '{event: "step", step: 20, loss: {($name): 2, w1a8: 1}}'; } >"$folder/names/x$log.jsonl"
    (cd "$folder/names" && "$bitdial" curves "x$log.jsonl" -o "$folder/$number.svg" >"$folder/out" 2>"$folder/err") ||
        fail "'$evil' is not drawn"
    grep -q '>x[^<]* x?' "$folder/$number.svg" || fail "'$evil' is not in the picture"
    set -- "$folder"/names/*
    [ $# = $number ] && [ ! -e "$folder/names/ran" ] || fail "'$evil' was run"
done

refused() { # RC TEXT: of the command that just ended with $rc
    [ $rc = "$1" ] && grep -q "$2" "$folder/err" || fail "rc $rc, not $1 with '$2'"
    [ ! -e "$folder/no.svg" ] || fail "something was written"
}
{ step 10 1; echo nonsense; step 20 1; } >"$folder/bad.jsonl"
"$bitdial" curves "$folder/bad.jsonl" -o "$folder/no.svg" 2>"$folder/err"; rc=$?
refused 2 'bad.jsonl:2: '
: >"$folder/empty.jsonl"
"$bitdial" curves "$folder/empty.jsonl" -o "$folder/no.svg" 2>"$folder/err"; rc=$?
refused 2 'nothing to draw'
PATH=/nowhere "$bitdial" curves "$folder/a.h5.jsonl" -o "$folder/no.svg" 2>"$folder/err"; rc=$?
refused 3 'gnuplot is not installed'
echo "curves drawn, refused and missed as they should be"
