# compile, inspect and eval as commands: exit codes, nothing written on refusal, one JSON object, equal bytes again.
set -eu
bitdial=${BITDIAL_BUILD:-build}/bitdial
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
demo=yaml-configs/hardware/demo.yaml
"${bitdial%/*}/sample" yaml-configs/networks/resnet8.yaml 11 "$work/net.ckpt"
compile() { "$bitdial" compile "$work/net.ckpt" --hardware "$demo" "$@"; }
# expect CODE PATTERN COMMAND...: exit code and a line of stderr.
expect() {
    code=0
    wanted=$1
    pattern=$2
    shift 2
    "$@" >"$work/stdout" 2>"$work/stderr" </dev/null || code=$?
    [ "$code" = "$wanted" ] || { echo "exit code $code, not $wanted: $*"; cat "$work/stderr"; exit 1; }
    grep -Eq "$pattern" "$work/stderr" || { echo "no '$pattern' from: $*"; cat "$work/stderr"; exit 1; }
}
# one_object FILE NAME...: one line, one JSON object, these names in it.
one_object() {
    [ "$(wc -l <"$1")" = 1 ] && grep -q '^{.*}$' "$1" || { echo "not one object: $1"; head -c 300 "$1"; exit 1; }
    file=$1
    shift
    for name; do
        grep -q "\"$name\":" "$file" || { echo "no '$name' in $file"; exit 1; }
    done
}

compile -o "$work/a.bdp" >"$work/a.txt"
compile -o "$work/b.bdp" --json >"$work/b.json"
cmp "$work/a.bdp" "$work/b.bdp"
one_object "$work/b.json" written bytes crc32 z_frac edges_moved values_moved stream_error datapath
for switch in w8a8 w4a4 w2a2 w1a8 w1a4 w1a2 w1a1; do grep -q "^$switch, stream of -*[0-9]* fraction bits$" "$work/a.txt"; done
grep -q 'edges [0-9]* moved [0-9]* values' "$work/a.txt"

# Fewer switches: a smaller image with those alone; switches of one weight bit store one plane.
compile -o "$work/one.bdp" --switches w1a1,w1a4 >/dev/null
[ "$(stat -c %s "$work/one.bdp")" -lt "$(($(stat -c %s "$work/a.bdp") / 2))" ]
"$bitdial" inspect "$work/one.bdp" --json >"$work/one.json"
one_object "$work/one.json" header geometry_hash switches code_multiplier
grep -q '"switch_count":2,' "$work/one.json"

expect 2 "^bitdial compile: network 'resnet8' has no switch 'w9a9'" compile -o "$work/no.bdp" --switches w1a1,w9a9
expect 2 "expected one CHECKPOINT" "$bitdial" compile "$work/net.ckpt" -o "$work/no.bdp"
expect 2 "'--max-moved' must be" compile -o "$work/no.bdp" --max-moved many
expect 1 "^bitdial compile: layer '[a-z0-9.]*' at switch '[a-z0-9]*': .* per mille, over the bound of 0" \
    compile -o "$work/no.bdp" --max-moved 0 --json
one_object "$work/stdout" written edges_moved
grep -q '"written":false' "$work/stdout"
[ ! -e "$work/no.bdp" ]
sed 's/act_words: .*/act_words: 200/' "$demo" >"$work/small.yaml"
expect 2 "layer '[a-z0-9.]*' of 'resnet8' cannot run on hardware 'demo': its activations need" \
    "$bitdial" compile "$work/net.ckpt" --hardware "$work/small.yaml" -o "$work/no.bdp"
[ ! -e "$work/no.bdp" ]

# A description with random weights: the image of the checkpoint that the same seed gives.
"$bitdial" compile yaml-configs/networks/resnet8.yaml --random-weights 11 --hardware "$demo" -o "$work/random.bdp" >/dev/null
cmp "$work/a.bdp" "$work/random.bdp"
"$bitdial" compile yaml-configs/networks/resnet8.yaml --random-weights 12 --hardware "$demo" -o "$work/random.bdp" >/dev/null
! cmp -s "$work/a.bdp" "$work/random.bdp" || { echo "another seed gives the same image"; exit 1; }
expect 2 "net.ckpt" compile -o "$work/no.bdp" --random-weights 1
[ ! -e "$work/no.bdp" ]

# A network of layers that this hardware does not have: refused by name for it, compiled for the reference.
"${bitdial%/*}/sample" yaml-configs/networks/mobilenet_narrow.yaml 12 "$work/mobile.ckpt"
expect 2 "^bitdial compile: layer 's1b1.dw' of 'mobilenet_narrow' cannot run on hardware 'xnor_only': depthwise filters run on the MAC" \
    "$bitdial" compile "$work/mobile.ckpt" --hardware yaml-configs/hardware/xnor_only.yaml -o "$work/no.bdp"
[ ! -e "$work/no.bdp" ]
expect 2 "expected one CHECKPOINT" \
    "$bitdial" compile "$work/mobile.ckpt" --hardware "$demo" --reference -o "$work/no.bdp"
"$bitdial" compile "$work/mobile.ckpt" --reference --switches w2a2,w1a1 -o "$work/mobile.bdp" --json >"$work/mobile.json"
grep -q '"geometry_hash":"0000000000000000"' "$work/mobile.json"
"$bitdial" eval "$work/mobile.ckpt" --reference --images 40 --compare 4 --switches w2a2,w1a1 --json >"$work/eval.json"
[ "$(jq '[.switches[] | .mismatches, .disagree <= 2] == [0, true, 0, true]' "$work/eval.json")" = true ] || {
    echo "float and integers of depthwise layers differ"
    cat "$work/eval.json"
    exit 1
}
expect 2 "exclude each other" "$bitdial" eval "$work/mobile.ckpt" --hardware "$demo" --reference
expect 2 "^bitdial eval: --reference folds a checkpoint" "$bitdial" eval "$work/mobile.bdp" --reference

"$bitdial" eval "$work/net.ckpt" "$work/a.bdp" --images 20 --compare 4 --switches w2a2,w1a1 --json >"$work/eval.json"
one_object "$work/eval.json" float_accuracy integer_accuracy disagree compared mismatches kernel
grep -q '"pass":true' "$work/eval.json"
expect 2 "there is no switch 'w9'" "$bitdial" eval "$work/a.bdp" --switches w9
expect 2 "a second program" "$bitdial" eval "$work/a.bdp" "$work/b.bdp"
expect 2 "cannot open|not a Bitdial checkpoint" "$bitdial" eval "$work/none"

"$bitdial" hardware "$demo" --parameters >"$work/parameters"
grep -qx -- '-GROWS=8' "$work/parameters"
grep -qx -- "-GGEOMETRY_HASH=64'h$("$bitdial" inspect "$work/a.bdp" | sed -n 's/^geometry \([0-9a-f]*\):.*/\1/p')" "$work/parameters"
