#!/bin/bash
# --json of every subcommand: one object on stdout, valid UTF-8 whatever bytes paths and names have, with an "error" on
# failure that says what stderr says, and nothing beside it.
bitdial=$PWD/${BITDIAL_BUILD:-build}/bitdial
. tests/support/fashion.sh
work=$(mktemp -d) || exit 3
trap 'rm -rf "$work"' EXIT
failed=0 seen=
fail() { echo "FAIL: $*"; failed=1; }
hardware=tests/small_hardware.yaml

# What stdout must be: one object, each byte of it UTF-8 (jq replaces what is not, iconv refuses it). The message of its error is in $work/said.
one_object() { # FILE JQ-CONDITION
    iconv -f UTF-8 -t UTF-8 "$1" >/dev/null 2>&1 && jq -sr "if length == 1 and (.[0] | type == \"object\" and ($2)) then .[0].error.message // \"\" else error(\"no\") end" \
        "$1" >"$work/said" 2>/dev/null
}
run() { # CODE JQ-CONDITION ARGUMENT...
    local code=$1 condition=$2 found=0
    shift 2
    timeout 120 "$bitdial" "$@" >"$work/out" 2>"$work/err" </dev/null || found=$?
    [ $found = "$code" ] || { fail "'$*' ends with $found, not $code"; cat "$work/err"; }
    one_object "$work/out" "$condition" || { fail "'$*' prints"; head -c 500 "$work/out"; echo; }
}
passes() { # JQ-CONDITION ARGUMENT...
    seen="$seen $2"
    run 0 "(has(\"error\") | not) and ($1)" "${@:2}" --json
}
# The message on stderr, after "bitdial NAME: ", is that of the object.
fails() { # CODE JQ-CONDITION ARGUMENT...
    run "$1" ".error.exit_code == $1 and (.error.message | length) > 0 and ($2)" "${@:3}"
    local said=$(cat "$work/said")
    grep -qF -- "$said" "$work/err" || { fail "'${*:3}' says '$said' and on stderr"; cat "$work/err"; }
}

# The harness must notice what is wrong.
for bad in '' 'text' '{}{}' '{"a":1}x' '[1]' '{"error":{}}' $'{"a":"\xff"}'; do
    printf '%s' "$bad" >"$work/bad"
    one_object "$work/bad" 'has("error") | not' && fail "the harness lets '$bad' pass"
done

# ---- success ----
raw=$work/$'raw \xff\xc3('
mkdir "$raw" && cp "$hardware" "$raw/hw.yaml"
"${bitdial%/*}/sample" tests/small_network.yaml 1 "$raw/net.h5"
printf 'network: tests/small_network.yaml\noutput: %s/t.h5\nsteps: 2\nbatch: 8\nvalidate_images: 16\nbatch_norm: {recalibrate: 2}\n' "$work" >"$work/train.yaml"
cat >"$work/search.yaml" <<END
checkpoint: model/zoo/resnet8.h5
hardware: yaml-configs/hardware/demo.yaml
journal: $work/s.jsonl
output: $work/pruned.h5
budget: {switch: w1a1, ratio: 0.8, floor: 0.7}
search: {evaluations: 2, initial: 2}
evaluation: {switches: w1a1, images: 50, recalibrate: 1}
final: {epochs: 0, steps: 1}
END
cat >"$work/compare.yaml" <<END
name: tiny
network: tests/small_network.yaml
folder: $work/compare
data: {validation: 100}
switches: w1a1
images: 256
test_images: 200
seeds: 1
jobs: 1
rates: 0.01
train: {steps: 2, batch: 8, save_every: 1, batch_norm: {recalibrate: 1}}
END
escaped='(ascii_downcase | contains("raw \\xff\\xc3("))'
passes '.test.count == 10000' data --split test --images 10
passes '.checked_images > 0' data check
passes '.classes == 10' show "$raw/net.h5"
passes '.written and (.checkpoint | '"$escaped"') and (.program | '"$escaped"') and (.hardware | '"$escaped"')' compile \
    "$raw/net.h5" --hardware "$raw/hw.yaml" -o "$raw/net.bdp" --max-moved 1000
passes '.header.network == "small"' inspect "$raw/net.bdp"
passes '.images == 20 and .pass' eval "$raw/net.h5" "$raw/net.bdp" --images 20 --compare 2
passes '.network == "small"' cost "$raw/net.bdp" --hardware "$raw/hw.yaml"
passes '.networks == 10' cost yaml-configs/networks/resnet8.yaml --hardware yaml-configs/hardware/demo.yaml --rate 10
passes '.energy | length > 0' cost --energy-table
passes '.rows > 0' hardware "$raw/hw.yaml"
passes '.ROWS > 0' hardware "$raw/hw.yaml" --parameters
passes '.frames == 2' run "$raw/net.bdp" --hardware "$raw/hw.yaml" --images 2
passes '.pass' cosim "$raw/net.bdp" --hardware "$raw/hw.yaml" --device ref --images 2
passes '.finished and (.checkpoint | '"$escaped"')' train "$work/train.yaml" --output "$raw/t.h5" --images 64 --no-test
passes '.batch == 8' train "$work/train.yaml" --profile --steps 1
passes '.series > 0 and (.output | '"$escaped"')' curves "$raw/t.h5.jsonl" -o "$raw/t.svg"
passes '(.folder | '"$escaped"') and (.runs | length) > 0' compare "$work/compare.yaml" --plan --folder "$raw/c"
passes '.evaluations == 2' prune "$work/search.yaml" --search-only
printf 'axes: [{name: a, from: 1, to: 9}]\n' >"$work/study.yaml"
passes '.points | length == 2' ask "$work/study.yaml" --journal "$raw/study.jsonl" --count 2
passes '.told == 0 and .pending == 2' tell --journal "$raw/study.jsonl"

# A program's names: quotes and backslashes are text; what is no UTF-8 is refused where it stands.
name_at=$(grep -abo small "$raw/net.bdp" | head -1 | cut -d: -f1)
patched() { # BYTES, as for printf: a program with the first two bytes of its network's name replaced, its sum made right
    cp "$raw/net.bdp" "$work/named.bdp"
    printf "$1" | dd of="$work/named.bdp" bs=1 seek="$name_at" conv=notrunc status=none
    printf '\0\0\0\0' | dd of="$work/named.bdp" bs=1 seek=12 conv=notrunc status=none
    gzip -1 -n -c "$work/named.bdp" | tail -c 8 | head -c 4 | dd of="$work/named.bdp" bs=1 seek=12 conv=notrunc status=none
}
named='.network == "\"\\all"'
patched '"\\'
passes ".header$named" inspect "$work/named.bdp" --extract "$work/extracted"
jq -e "$named" "$work/extracted/network.json" >/dev/null || fail "network.json has another name"
passes "$named" cost "$work/named.bdp" --hardware "$raw/hw.yaml"
passes "$named" run "$work/named.bdp" --hardware "$raw/hw.yaml" --images 1
printf 'seconds,requests\n10,20\n' >"$work/day.csv"
passes '.pass' govern "$work/day.csv" --program "$work/named.bdp" --hardware "$raw/hw.yaml" --images 2
passes '.pass' device selftest --hardware "$raw/hw.yaml"
passes '.switches | length == 1' upset "$raw/net.bdp" --hardware "$raw/hw.yaml" --noise --out "$raw/upsets" --switches w1a1 --classes tables --injections 2
passes "$named" cosim "$work/named.bdp" --hardware "$raw/hw.yaml" --device ref --images 1
printf 'title: small\npoints:\n  - {name: p, argv: [echo, "{}"]}\n' >"$raw/plan.yaml"
passes '.pass and (.points | length) == 1 and (.out | contains("xff"))' runs "$raw/plan.yaml" --out "$raw/runs"
printf 'name: one\ntests: [{name: driver, kind: script, names: driver_freestanding}]\n' >"$raw/suite.yaml"
passes '.pass and .counts.done == 1' regress "$raw/suite.yaml" --out "$raw/suite"
passes '(.page | '"$escaped"')' report "$raw/suite"
printf 'name: s\nnetworks: net.h5\nhardware: hw.yaml\nswitches: w1a1\nobjectives: clocks\n' >"$raw/sweep.yaml"
passes '.counts.done == 1 and (.designs[0].network | '"$escaped"')' sweep "$raw/sweep.yaml" --out "$raw/sweep" --no-confirm
patched '\377m'
fails 2 ".error.byte == $name_at" inspect "$work/named.bdp" --json

# ---- failure ----
for command in $("$bitdial" --help | sed -n 's/^  \([a-z][a-z-]*\)  *.*/\1/p'); do
    case " $seen " in *" $command "*) ;; *) fail "no case for '$command'" ;; esac
    fails 2 '.error.message | contains("--no-such-option")' "$command" --json --no-such-option
    fails 2 '.error.message | contains("needs a value") or contains("takes no value")' "$command" --json=3
    fails 2 true "$command" "$raw/no-such-file" more --json
done
fails 2 '.error.message == "unknown command '"'nonsense'"'"' nonsense --json
fails 2 '.error.message | contains("must be an integer")' cosim --jobs x --json
missing=$raw/missing
for arguments in "show" "inspect" "hardware" "train" "prune" "compare" "cost --hardware $hardware" "run --hardware $hardware" \
    "cosim --device ref --hardware $hardware" "eval" "compile --hardware $hardware -o $work/no.bdp" "curves -o $work/no.svg" \
    "data --split test --folder"; do
    fails 2 '.error.message | ascii_downcase | contains("raw \\xff\\xc3(/missing")' ${arguments} "$missing" --json
done
printf 'rows: 8\nrows: 9\n' >"$raw/twice.yaml"
fails 2 '.error.line == 2 and .error.column == 1 and (.error.file | endswith("twice.yaml"))' hardware "$raw/twice.yaml" --json
printf 'steps: many\n' >"$work/bad.yaml"
fails 2 '.error.line == 1 and .error.column == 8' train "$work/bad.yaml" --json
# What a YAML file names is looked for beside it, then in the current folder; the message has the place and both names.
printf 'network: net.yaml\noutput: %s/t.h5\nbatch: 8\n' "$work" >"$raw/beside.yaml"
fails 2 '.error.line == 1 and .error.column == 10 and (.error.message | contains("neither beside this file") and contains("/net.yaml"))' \
    train "$raw/beside.yaml" --json
cp tests/small_network.yaml "$raw/net.yaml"
passes '.batch == 8' train "$raw/beside.yaml" --profile --steps 1
printf 'data: {folder: images}\n' >>"$raw/beside.yaml"
fails 2 '.error.line == 4 and .error.column == 16 and (.error.message | contains("neither beside this file"))' train "$raw/beside.yaml" --json
printf 'x\ny\n' >"$work/bad.jsonl"
fails 2 '.error.line == 1 and (.error | has("column") | not)' curves "$work/bad.jsonl" -o "$work/no.svg" --json
head -c 700 "$raw/net.h5" >"$work/short.h5"
fails 2 '.error.byte == 16 and (.error.file | endswith("short.h5")) and (.error | has("line") | not)' show "$work/short.h5" --json
head -c 700 "$raw/net.bdp" >"$work/short.bdp"
fails 2 '.error.byte == 16 and (.error.file | endswith("short.bdp"))' inspect "$work/short.bdp" --json
mkdir "$work/mnist" && ln -s "$BITDIAL_DATA"/*.gz "$work/mnist" && rm "$work/mnist/t10k-labels-idx1-ubyte.gz"
printf 'no labels' | gzip >"$work/mnist/t10k-labels-idx1-ubyte.gz"
fails 2 '.error.byte == 0 and (.error.file | endswith("ubyte.gz"))' data --split test --folder "$work/mnist" --json
# Reports of failed checks keep what they found, with the error beside it.
fails 1 '.written == false and (.switches | length) > 0' compile "$raw/net.h5" --hardware "$hardware" -o "$work/no.bdp" --max-moved 0 --json
fails 1 '.pass == false' cosim "$raw/net.bdp" --hardware "$hardware" --device ref --images 1 --fault weight-bit --json
fails 3 true compile "$raw/net.h5" --hardware "$hardware" -o "$work/no/such/folder/x.bdp" --json
"$bitdial" hardware "$raw/hw.yaml" --json >/dev/full 2>"$work/err"
[ $? = 3 ] || fail "lost output does not end with 3"
# All of it goes through one function.
grep -n 'json_dumpf *(.*stdout\|printf("{' sw/cli/*.c && fail "JSON is printed beside report.c"
exit $failed
