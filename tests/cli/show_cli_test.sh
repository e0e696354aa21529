#!/bin/bash
# bitdial show: its sums against its layers, descriptions against checkpoints, what it writes, what it refuses; and the
# layers that no price is given for.
bitdial=${BITDIAL_BUILD:-build}/bitdial
work=$(mktemp -d) || exit 3
trap 'rm -rf "$work"' EXIT
networks=yaml-configs/networks
. tests/support/refuses.sh
for file in $networks/*.yaml; do
    name=$(basename "$file" .yaml)
    "$bitdial" show "$file" >"$work/$name.txt" && "$bitdial" show "$file" --json >"$work/$name.json" || fail "show $name"
    jq -e '([.layers[] | .weights + .norms + .biases] | add) == .parameters and ([.layers[].macs] | add) == .macs and
           ([.layers[] | select(.weights > 0)] | length) as $n |
           all(.switches[]; .name as $s | .weight_bytes == ([$x.layers[] | select(.weights > 0) |
               (.bits[] | select(.switch == $s).weight_bits) as $b | (.weights * $b + 7) / 8 | floor] | add))' \
        --argjson x "$(cat "$work/$name.json")" "$work/$name.json" >/dev/null || fail "$name: the sums are not those of the layers"
done
grep -q '^w1a1 .* 3\.360$' "$work/resnet18.txt" || fail "ResNet-18 is not 3.360 MiB at 1 bit"

# A checkpoint shows as the description that it holds, but for what it says of its making, and so does what --write wrote.
"${bitdial%/*}/sample" $networks/resnet8.yaml 3 "$work/net.h5" || exit 1
"$bitdial" show "$work/net.h5" --json | jq -cS 'del(.metadata)' | cmp -s - <(jq -cS . "$work/resnet8.json") || fail "a checkpoint shows otherwise"
"$bitdial" show $networks/resnet20.yaml --input 32x32x3 --classes 100 --switches w2a2,w1a1 --write "$work/c100.yaml" \
    --json >"$work/adapted.json" || fail "show --write"
"$bitdial" show "$work/c100.yaml" --json | cmp -s - "$work/adapted.json" || fail "what --write wrote shows otherwise"
[ "$(jq -c '[.input, .classes, .switches[].name]' "$work/adapted.json")" = '[[32,32,3],100,"w2a2","w1a1"]' ] ||
    fail "the network was not adapted"

refuses "'--input' must read" show $networks/resnet8.yaml --input 32x32
refuses "'--classes' must be" show $networks/resnet8.yaml --classes 1
refuses "switches:1:2: a switch must read" show $networks/resnet8.yaml --switches w9a9
refuses 'expected one NETWORK' show
refuses 'cannot' show "$work/absent.yaml"
printf 'name: n\n' >"$work/short.yaml"
refuses "short.yaml:1:1: missing key 'input'" show "$work/short.yaml"
head -c 4000 "$work/net.h5" >"$work/cut.h5"
refuses 'cut.h5: offset' show "$work/cut.h5"
refuses "'bitdial show --help'" show "$work/net.h5" "$work/net.h5"
[ ! -e "$work/none.yaml" ] && refuses 'a switch must read' show $networks/resnet8.yaml --switches x --write "$work/none.yaml"
[ ! -e "$work/none.yaml" ] || fail "a refused description was written"

xnor_only=yaml-configs/hardware/xnor_only.yaml
refuses "layer 's1b1.dw' of 'mobilenet_narrow' cannot run on hardware 'xnor_only': depthwise filters run on the MAC" \
    cost $networks/mobilenet_narrow.yaml --hardware $xnor_only
refuses "layer 's1b1.dw' of 'mobilenet_narrow' cannot run" cost $networks/mobilenet_narrow.yaml --hardware $xnor_only --rate 10
refuses "layer 's2b2.conv' of 'vgg_small' cannot run on hardware 'demo': its sums need 29 bits of the accumulator (acc_bits)" \
    cost $networks/vgg_small.yaml --hardware yaml-configs/hardware/demo.yaml
sed 's/^switches:.*/switches: [w1a32, w1a1]/' $networks/resnet8.yaml >"$work/float.yaml"
"$bitdial" cost "$work/float.yaml" --hardware yaml-configs/hardware/demo.yaml --json >"$work/float.json" &&
    [ "$(jq -c '.switches | keys' "$work/float.json")" = '["w1a1"]' ] || fail "w1a32 was priced, or nothing was"
sed 's/^switches:.*/switches: [w1a32]/' $networks/resnet8.yaml >"$work/float.yaml"
refuses "switch 'w1a32' has float activations" cost "$work/float.yaml" --hardware yaml-configs/hardware/demo.yaml
sed 's/^stem: .*/stem: {channels: 16, weight_bits: 32}/' $networks/resnet8.yaml >"$work/float.yaml"
refuses "layer 'stem' has float weights" cost "$work/float.yaml" --hardware yaml-configs/hardware/demo.yaml

# A shortcut that averages is shown as such, priced, and compiled to the program of that price.
sed 's/shortcut: projection/shortcut: average/' $networks/resnet8.yaml >"$work/average.yaml"
"$bitdial" show "$work/average.yaml" | grep -c '^s[23]b1.proj  *avg+conv ' | grep -qx 2 || fail "averages are not shown"
"${bitdial%/*}/sample" "$work/average.yaml" 3 "$work/average.h5" || exit 1
"$bitdial" compile "$work/average.h5" --hardware yaml-configs/hardware/demo.yaml --output "$work/average.bdp" >/dev/null || fail "average"
for of in "$work/average.yaml" "$work/average.bdp"; do
    "$bitdial" cost "$of" --hardware yaml-configs/hardware/demo.yaml --json >"$of.json" || fail "cost of $of"
done
cmp -s "$work/average.yaml.json" "$work/average.bdp.json" || fail "averages are priced otherwise than their program"
jq -e 'all(.switches[].layers[]; .cycles > 0)' "$work/average.bdp.json" >/dev/null || fail "a layer without clocks"

# Float first and last layers: four bytes a weight where 8 bits had one; integers refuse them by name.
sed 's/^stem: .*/stem: {channels: 16, weight_bits: 32}/; s/^head: .*/head: {weight_bits: 32}/' \
    $networks/resnet8.yaml >"$work/float.yaml"
"$bitdial" show "$work/float.yaml" --json >"$work/float.json" || fail "show of float ends"
jq -e --argjson x "$(cat "$work/resnet8.json")" '([.layers[] | select(.name == "stem" or .name == "fc").weights] | add) as $n |
    [.switches, $x.switches] | transpose | all(.[0].weight_bytes == .[1].weight_bytes + 3 * $n and
                                               .[0].model_bytes == .[1].model_bytes)' "$work/float.json" >/dev/null ||
    fail "float layers are not counted with four bytes a weight"
"${bitdial%/*}/sample" "$work/float.yaml" 3 "$work/float.h5" || exit 1
refuses "layer 'stem' has float weights" compile "$work/float.h5" --hardware yaml-configs/hardware/demo.yaml \
    --output "$work/float.bdp"
[ ! -e "$work/float.bdp" ] || fail "a refused program was written"
exit $failed
