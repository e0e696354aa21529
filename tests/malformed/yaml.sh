# YAML, read as a hardware configuration and as a network.
hw="$bitdial hardware"
# replaced NAME SED-EXPRESSION: the demo's configuration with one edit.
replaced() { sed "$2" "$demo" >"$in/$1"; }

replaced duplicate.yaml 's/^requant_units: .*/rows: 8/'
refuse "duplicate key" "bitdial hardware: $in/duplicate.yaml:4:1: duplicate key 'rows', first at line 3" $hw "$in/duplicate.yaml"
replaced unknown.yaml 's/^requant_units:/requant_unit:/'
refuse "unknown key" "bitdial hardware: $in/unknown.yaml:4:1: unknown key 'requant_unit'" $hw "$in/unknown.yaml"
replaced missing.yaml '/^rows:/d'
refuse "missing key" "bitdial hardware: $in/missing.yaml:2:1: missing key 'rows'" $hw "$in/missing.yaml"
replaced range.yaml 's/^rows: .*/rows: 0/'
refuse "out of range" "bitdial hardware: $in/range.yaml:3:7: 'rows' must be [0-9]+\.\.64, got 0" $hw "$in/range.yaml"
replaced type.yaml 's/^rows: .*/rows: eight/'
refuse "mistyped" "bitdial hardware: $in/type.yaml:3:7: 'rows' must be an integer, got 'eight'" $hw "$in/type.yaml"
replaced quoted.yaml "s/^rows: .*/rows: '8'/"
refuse "quoted number" "bitdial hardware: $in/quoted.yaml:3:7: 'rows' must be an integer" $hw "$in/quoted.yaml"
replaced choice.yaml 's/^datapaths: both/datapaths: all/'
refuse "no such choice" "bitdial hardware: $in/choice.yaml:5:12: 'datapaths' must be one of " $hw "$in/choice.yaml"
replaced map.yaml 's/^memory:/memory: 3/; /^  /d'
refuse "scalar for a mapping" "bitdial hardware: $in/map.yaml:18:9: 'memory' must be a mapping" $hw "$in/map.yaml"
replaced inner.yaml 's/^  latency:/  delay:/'
refuse "unknown inner key" "bitdial hardware: $in/inner.yaml:19:3: unknown key 'delay'" $hw "$in/inner.yaml"
file bomb.yaml <<'EOF'
a: &a [x, x, x, x, x, x, x, x, x]
b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]
c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]
EOF
refuse "alias bomb" "bitdial hardware: $in/bomb.yaml:1:4: anchors are not allowed: '&a'" $hw "$in/bomb.yaml"
head -c 20000 /dev/zero | tr '\0' '[' | file deep.yaml
refuse "20,000 levels" "bitdial hardware: $in/deep.yaml:1:65: nesting is deeper than 64" $hw "$in/deep.yaml"
{ echo "name: x"; yes '# padding' | head -c 1100000; } | file large.yaml
refuse "over 1 MiB" "bitdial hardware: $in/large.yaml:1:1: the text is over 1048576 bytes" $hw "$in/large.yaml"
file two.yaml <<'EOF'
name: a
---
name: b
EOF
refuse "two documents" "bitdial hardware: $in/two.yaml:2:1: a second document begins" $hw "$in/two.yaml"
printf 'name: "\377"\n' | file utf8.yaml
refuse "not UTF-8" "bitdial hardware: $in/utf8.yaml:1:8: invalid leading UTF-8 octet" $hw "$in/utf8.yaml"
file open.yaml <<'EOF'
name: demo
rows: [1, 2
EOF
refuse "open bracket" "bitdial hardware: $in/open.yaml:3:1: while parsing a flow sequence" $hw "$in/open.yaml"
: | file empty.yaml
refuse "empty file" "bitdial hardware: $in/empty.yaml:1:1: the document is empty" $hw "$in/empty.yaml"
refuse "no file" "bitdial hardware: cannot open '$in/none.yaml'" $hw "$in/none.yaml"
refuse "a folder" "bitdial hardware: '$in' is a folder" $hw "$in"

# A network, as the writer of sample checkpoints loads it.
network() {
    sed "$2" yaml-configs/networks/resnet8.yaml >"$in/network.yaml"
    refuse "$1" "sample: $in/network.yaml:$3" "${bitdial%/*}/sample" "$in/network.yaml" 1 "$out/net.ckpt"
}
network "nine weight bits" 's/w8a8/w9a8/' "6:12: a switch must read "
network "a switch twice" 's/w4a4/w8a8/' "6:18: switch 'w8a8' is listed twice"
network "switches upside down" 's/\[w8a8, w4a4/[w4a4, w8a8/' "6:18: switch 'w8a8' must stand before"
network "an even stem kernel" 's/kernel: 3/kernel: 4/' "7:7: 'kernel' must be odd"
network "no such block" 's/kind: basic, inner: 32/kind: dense, inner: 32/' "16:16: 'kind' must be one of "
network "an unknown family" 's/^stem/quantizers: {weights: lsq2}\nstem/' "7:23: 'weights' must be one of floor|dorefa|lsq"
network "a stem of 16 bits" 's/stride: 1, weight_bits: 8/stride: 1, weight_bits: 16/' "7:57: 'weight_bits' must be 1..8 or 32, got 16"
network "pooling wider than its map" 's/    stride: 2/    stride: 4\n    max_pool: {kernel: 7}/' "20:15: a 7x7 window with padding 0 does not fit a 1x1 map"
network "an inner width without a shortcut" 's/basic, inner: 32, shortcut: projection/plain, inner: 32/' "16:30: a plain block has no 'inner'"
network "a width of nothing" 's/^classes/width: 0\nclasses/' "5:8: 'width' must be "
