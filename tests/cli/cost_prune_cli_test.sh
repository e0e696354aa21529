#!/bin/sh
# bitdial cost and bitdial prune at their edges: what they refuse, and that text, JSON, programs and descriptions agree.
bitdial=${BITDIAL_BUILD:-build}/bitdial
. tests/support/fashion.sh
work=$(mktemp -d) || exit 3
trap 'rm -rf "$work"' EXIT
network=yaml-configs/networks/resnet8.yaml
demo=yaml-configs/hardware/demo.yaml
. tests/support/refuses.sh
"${bitdial%/*}/sample" $network 3 "$work/net.h5" || exit 1
"$bitdial" compile "$work/net.h5" --hardware $demo -o "$work/net.bdp" >/dev/null || exit 1

# One network, four ways to its clocks.
"$bitdial" cost "$work/net.bdp" --hardware $demo --json >"$work/program.json" || fail "cost of a program"
"$bitdial" cost $network --hardware $demo --json >"$work/described.json" || fail "cost of a description"
for s in w8a8 w2a2 w1a1; do
    a=$(jq ".switches.$s.cycles" "$work/program.json")
    b=$(jq ".switches.$s.cycles" "$work/described.json")
    c=$("$bitdial" cost "$work/net.bdp" --hardware $demo --switch $s | sed -n "s/^$s: \([0-9]*\) cycles.*/\1/p")
    d=$(jq "[.switches.$s.layers[].cycles] | add" "$work/program.json")
    [ -n "$a" ] && [ "$a" = "$b" ] && [ "$a" = "$c" ] && [ "$a" = "$d" ] || fail "$s: $a, $b, $c, $d clocks"
done
[ "$(jq .bytes.image "$work/program.json")" = "$(stat -c %s "$work/net.bdp")" ] || fail "bytes are not those of the file"
slow=$("$bitdial" cost "$work/net.bdp" --hardware $demo --switch w1a1 --memory 60,4,1 --json | jq .switches.w1a1.cycles)
[ "$slow" -gt "$(jq .switches.w1a1.cycles "$work/program.json")" ] || fail "a slow memory costs nothing"
for s in w4a4 w1a1; do # one line a switch says the same
    "$bitdial" cost "$work/net.bdp" --hardware $demo --summary | awk -v s=$s '$1 == s { print $2, $5, $6 }' >"$work/summary"
    jq -r ".switches.$s | \"\(.cycles) \(.memory_bytes) \(.bytes_read + .bytes_written)\"" "$work/program.json" | cmp -s - "$work/summary" ||
        fail "the summary of $s differs"
done
jq -e '[.switches[].layers[] | .busy] | all(. >= 0 and . < 1) and any(. > 0.05)' "$work/program.json" >/dev/null || fail 'busy'
"$bitdial" cost --energy-table | grep -q Horowitz || fail "the energy table names no source"

# Both roads: the shipped network of 1-bit weights, and what neither takes, in the same words; switches in floats are left out.
"$bitdial" compile model/zoo/resnet20_w1.h5 --hardware $demo -o "$work/w1.bdp" >/dev/null || fail "compile of resnet20_w1"
for of in "$work/w1.bdp" yaml-configs/networks/resnet20_w1.yaml; do
    "$bitdial" cost "$of" --hardware $demo --json | jq -S 'del(.hardware)' >"$work/$(basename "$of").json"
done
cmp "$work/w1.bdp.json" "$work/resnet20_w1.yaml.json" || fail "resnet20_w1 is priced otherwise than its program"
sed 's/^head/quantizers: {weights: lsq}\nhead/' tests/small_network.yaml >"$work/lsq.yaml"
"${bitdial%/*}/sample" "$work/lsq.yaml" 1 "$work/lsq.h5" || fail "a sample of LSQ weights"
"$bitdial" compile "$work/lsq.h5" --hardware $demo --max-moved 1000 -o "$work/lsq.bdp" >/dev/null || fail "compile of LSQ weights"
for words in 16 19; do # one row of the stem at w4a4: 10 cells of 3x3 pixels of its image, 5 cells of two words of its planes
    sed "s/act_words: .*/act_words: $words/" $demo >"$work/little.yaml"
    refuses "need 20 words of the activation memory (act_words), which has $words" cost tests/small_network.yaml --hardware "$work/little.yaml"
done
sed 's/act_words: .*/act_words: 20/' $demo >"$work/little.yaml"
"$bitdial" cost tests/small_network.yaml --hardware "$work/little.yaml" >/dev/null || fail "20 words are not enough"
sed 's/w1a1]/w1a32, w1a1]/' tests/small_network.yaml >"$work/float.yaml"
"$bitdial" cost "$work/float.yaml" --hardware $demo --json | jq -e '.switches | keys == ["w1a1", "w4a4"]' >/dev/null ||
    fail "a switch in floats has a price"
refuses "switch 'w1a32' has float activations" cost "$work/float.yaml" --hardware $demo --switch w1a32

refuses "no switch 'w9a9'" cost "$work/net.bdp" --hardware $demo --switch w9a9
refuses 'another geometry' cost "$work/net.bdp" --hardware yaml-configs/hardware/rq4.yaml
for memory in '0,1,1|latency must be 1..100000, got 0' '100001,1,1|latency must be' '1,1025,1|beat_interval must be 1..1024' \
    '1,1,65|outstanding must be 1..64' '1,1|must be three integers' '1,1,1,|must be three' '1,,1|must be three' \
    '99999999999999999999,1,1|latency must be'; do
    refuses "'--memory' ${memory#*|}" cost "$work/net.bdp" --hardware $demo --memory "${memory%|*}"
    refuses "'--memory' ${memory#*|}" cosim "$work/net.bdp" --device ref --hardware $demo --memory "${memory%|*}"
done
refuses "'--hardware' is missing" cost "$work/net.bdp"
refuses 'expected one' cost --hardware $demo

search() { # SED-EXPRESSION: a search file of the sample network, changed
    sed "s#^checkpoint:.*#checkpoint: $work/net.h5#; s#^journal:.*#journal: $work/j.jsonl#; s#^output:.*#output: $work/o.h5#; $1" \
        yaml-configs/searches/resnet8_demo.yaml >"$work/search.yaml"
}
search 's/ratio: 0.8/ratio: 8/'
refuses "search.yaml:8:31: 'ratio' must be" prune "$work/search.yaml"
search 's/inner,stream/inner,outer/'
refuses "search.yaml:9:.*'groups' names" prune "$work/search.yaml"
search 's/^seed:/sead:/'
refuses "search.yaml:6:1: unknown key 'sead'" prune "$work/search.yaml"
search 's/switch: w1a1/switch: w1a3/'
refuses "no switch 'w1a3'" prune "$work/search.yaml"
search 's/ratio: 0.8, floor: 0.7/ratio: 0.05/'
refuses "budget of 0.05 of the [0-9]* clocks of 'resnet8' at 'w1a1': no point of the grid meets the budget of [0-9.]*: the smallest costs [0-9]*$" \
    prune "$work/search.yaml"
search 's/ratio: 0.8, floor: 0.7/ratio: 0.8, floor: 0.9/'
refuses "search.yaml:8:43: 'floor' of 0.9 is above 'ratio', which is 0.8" prune "$work/search.yaml"
search ''
refuses "'--channels' wants 6" prune "$work/search.yaml" --channels 8,8
refuses "'--channels' wants 6" prune "$work/search.yaml" --channels 8,16,32,32,64,65
[ ! -e "$work/j.jsonl" ] && [ ! -e "$work/o.h5" ] || fail "something was written"

# The whole network as teacher, two ways: the last step of a search, and a cut that `bitdial train` tunes by the same recipe.
search 's/switch: w1a1/switch: w1a3/; s/^final:.*/final: {switches: w1a3}/; s/w1a3, ratio/w1a1, ratio/'
refuses "no switch 'w1a3'" prune "$work/search.yaml"
tunes() { # OUTPUT FINAL: the cut, tuned so
    search "s/^final:.*/final: {$2}/"
    "$bitdial" prune "$work/search.yaml" --channels 8,8,16,32,32,64 --output "$work/$1.h5" --journal "$work/$1.jsonl" --images 1 \
        >/dev/null 2>"$work/err" || fail "final {$2}: $(cat "$work/err")"
}
recipe='epochs: 0, steps: 3, batch: 16, crop: 0, rate: 0.01'
tunes cut 'epochs: 0, batch: 16'
tunes whole "$recipe, switches: \"w1a8,w1a1\", teacher: whole, sign_gradient: bireal"
tunes top "$recipe, switches: \"w1a8,w1a1\", teacher: top, sign_gradient: bireal"
tunes clip "$recipe, switches: \"w1a8,w1a1\", teacher: whole"
cat >"$work/train.yaml" <<END
{init: $work/cut.h5, output: $work/tuned.h5, switches: "w1a8,w1a1", steps: 3, batch: 16, augment: {crop: 0}, optimizer: {rate: 0.01},
 sign_gradient: bireal, teacher: {from: network, checkpoint: $work/net.h5}}
END
"$bitdial" train "$work/train.yaml" --no-test >/dev/null 2>"$work/err" || fail "training the cut: $(cat "$work/err")"
for name in whole top clip tuned; do
    "$bitdial" eval "$work/$name.h5" --reference --images 10 --switches w1a8,w1a1 --logits "$work/$name.npy" >/dev/null || fail "eval of $name"
done
cmp "$work/whole.npy" "$work/tuned.npy" || fail "the whole network teaches otherwise in a search than in training"
cmp -s "$work/whole.npy" "$work/top.npy" && fail "the whole network as teacher changes nothing"
cmp -s "$work/whole.npy" "$work/clip.npy" && fail "the gradient of signs changes nothing"

# Finalists, taken up from the journal with one more: the best of them by their own line is chosen.
finals() { # COUNT OPTIONS...
    search "s/^search:.*/search: {evaluations: 3, initial: 3, finalists: $1, finalist_steps: 1}/; s/^evaluation:.*/evaluation: {switches: w1a1, images: 500, recalibrate: 1, tune_batch: 16}/"
    shift
    "$bitdial" prune "$work/search.yaml" --search-only --journal "$work/finals.jsonl" "$@" >"$work/out" 2>"$work/err" || fail "finalists: $(cat "$work/err")"
}
finals 1
finals 2 --resume
[ "$(grep -c '"finalist"' "$work/finals.jsonl")" = 3 ] && [ "$(wc -l <"$work/finals.jsonl")" = 7 ] || fail "finalists are not measured once each"
chosen=$(sed -n 's/^channels of the prune groups: //p' "$work/out" | sed 's#/[0-9]*##g; s/ /,/g')
best=$(sed -n 's/^finalist .*steps: channels \([0-9,]*\) .* | \([0-9.]*\) %$/\2 \1/p' "$work/err" | sort -s -k1,1nr | head -1)
[ "$(grep -c '^finalist ./3, 1 steps:' "$work/err")" = 3 ] && [ "${best#* }" = "$chosen" ] || { cat "$work/err"; fail "of the finalists '$chosen' was chosen"; }

# The trial of rankings: its refusals, and one that goes on.
refuses "needs one CHECKPOINT and '--hardware'" prune --rankings "$work/net.h5"
refuses "no ranking is called 'beauty'" prune --rankings "$work/net.h5" --hardware $demo --only fidelity,beauty
refuses "'--budgets' must be" prune --rankings "$work/net.h5" --hardware $demo --budgets 0.8,1.2
refuses "no switch 'w1a3'" prune --rankings "$work/net.h5" --hardware $demo --switch w1a3
refuses "no widths of 'resnet8' were found" prune --rankings "$work/net.h5" --hardware $demo --budgets 0.011
refuses "'--resume' needs '--journal'" prune --rankings "$work/net.h5" --hardware $demo --resume
trial() { "$bitdial" prune --rankings "$work/net.h5" --hardware yaml-configs/hardware/small.yaml --budgets 0.7 --points 2 --validate 50 --recalibrate 1 --batch 16 --journal "$work/t.jsonl" "$@"; }
trial --only gamma --orders 2 >"$work/out" 2>"$work/err" || fail "a trial: $(cat "$work/err")"
grep -q '^gamma .* of 2 ' "$work/out" && grep -q '^one random order scatters by' "$work/out" || { cat "$work/out"; fail "no table"; }
refuses "t.jsonl' is there already: --resume goes on with it" prune --rankings "$work/net.h5" --hardware $demo --journal "$work/t.jsonl"
trial --only gamma,fidelity --orders 3 --resume --json >"$work/out" 2>"$work/err" || fail "a trial that goes on: $(cat "$work/err")"
jq -e '.resumed == 6 and (.rankings | keys == ["fidelity", "gamma", "random"]) and (.points | length) == 2' "$work/out" >/dev/null || fail "$(cat "$work/out")"
[ "$(wc -l <"$work/t.jsonl")" = 11 ] || fail "the journal has not each measurement once"
exit $failed
