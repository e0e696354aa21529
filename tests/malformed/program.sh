# Program images.
bdp=$good/net.bdp
# Read by `bitdial inspect`, which must not print a part first, nor extract one.
inspected() {
    refuse "$1" "bitdial inspect: $in/bad.bdp: $2" "$bitdial" inspect "$in/bad.bdp" --extract "$out/parts"
}
# Byte offset of descriptor L of switch S: from the header, descriptor_offset at 128, switch_stride at 132.
word() { od -An -tu4 -j "$1" -N 4 "$bdp" | tr -d ' '; }
descriptor() { echo $(($(word 128) + $1 * $(word 132) + $2 * 256)); }

cut bad.bdp "$bdp" 200
inspected "program within its header" 'byte 200: ends inside the 256-byte header'
cut bad.bdp "$bdp" -8
inspected "program 8 bytes short" 'byte 16: the header says [0-9]+ bytes, there are [0-9]+'
patched bad.bdp "$bdp" 0 'X'
inspected "program magic" 'byte 0: not a program image'
patched bad.bdp "$bdp" 4 '\011'
inspected "program version" 'byte 4: version 9 of the program image'
patched bad.bdp "$bdp" 100000 '\125\252'
inspected "program contents changed" 'byte 12: checksum 0x[0-9a-f]{8}, but the contents give 0x[0-9a-f]{8}'
patched bad.bdp "$bdp" 84 '\021' && resealed bad.bdp
inspected "17 switches" 'byte [0-9]+: switch_count must be 1\.\.16'
patched bad.bdp "$bdp" 128 '\100\377\377\177' && resealed bad.bdp
inspected "descriptors outside the image" 'byte 128: the descriptors do not follow the load descriptor, or lie outside the image'
patched bad.bdp "$bdp" $(($(descriptor 2 3) + 12)) '\011' && resealed bad.bdp
inspected "a descriptor of 9 weight bits" "byte $(($(descriptor 2 3) + 12)): descriptor of layer '[^']+' at switch '[^']+': weight_bits"
patched bad.bdp "$bdp" $(($(descriptor 0 1) + 236)) '\370\377\377\177' && resealed bad.bdp
inspected "weights outside the image" "byte $(($(descriptor 0 1) + 236)): descriptor of layer '[^']+' at switch '[^']+': the layer's weights lie outside"
patched bad.bdp "$bdp" $(($(descriptor 1 0) + 36)) '\377' && resealed bad.bdp
inspected "an output shape that does not follow" "byte [0-9]+: descriptor of layer 'stem' at switch '[^']+': "
patched bad.bdp "$bdp" 80 '\0\0\0\0' && resealed bad.bdp
inspected "no layers" 'byte 80: layer_count must be 1\.\.256'
patched bad.bdp "$bdp" 32 '\003' && resealed bad.bdp
inspected "three rows" 'byte 32: rows must be a power of two'
patched bad.bdp "$bdp" 116 '\377\377\377\377' && resealed bad.bdp
inspected "a switch table outside the image" 'byte 116: the switch table lies outside the image'
patched bad.bdp "$bdp" 120 '\001' && resealed bad.bdp
inspected "a name table out of alignment" 'byte 120: the name table lies outside the image'
patched bad.bdp "$bdp" $(($(descriptor 0 1) + 136)) '\011' && resealed bad.bdp
inspected "nine sub-windows down" "byte $(($(descriptor 0 1) + 136)): descriptor of layer '[^']+' at switch '[^']+': sub_rows is 9; a device takes 1\.\.3"
patched bad.bdp "$bdp" $(($(descriptor 0 10) + 4)) '\300' && resealed bad.bdp
inspected "a result that nothing keeps" "byte $(($(descriptor 0 10) + 4)): descriptor of layer 'fc' at switch '[^']+': the result is"
patched bad.bdp "$bdp" $(($(descriptor 3 2) + 88)) '\077' && resealed bad.bdp
inspected "a switch that lays its tensors out elsewhere" "byte [0-9]+: descriptor of layer '[^']+' at switch '[^']+': "
patched bad.bdp "$bdp" $(($(descriptor 1 5) + 180)) '\060' && resealed bad.bdp
inspected "a shift of 48" "byte $(($(descriptor 1 5) + 180)): descriptor of layer '[^']+' at switch '[^']+': requantizer shift"
patched bad.bdp "$bdp" $(($(descriptor 0 2) + 84)) '\001' && resealed bad.bdp
inspected "a convolution that pools" "byte $(($(descriptor 0 2) + 84)): descriptor of layer '[^']+' at switch '[^']+': unknown kind of pooling"
patched bad.bdp "$bdp" $(($(descriptor 0 9) + 84)) '\003' && resealed bad.bdp
inspected "a fourth kind of pooling" "byte $(($(descriptor 0 9) + 84)): descriptor of layer 'pool' at switch '[^']+': unknown kind of pooling"
patched bad.bdp "$bdp" $(($(descriptor 0 9) + 84)) '\001' && resealed bad.bdp
inspected "a pool that is the largest at one switch" "byte [0-9]+: descriptor of layer 'pool' at switch '[^']+': (shape, flow or layout differ|a global|output shape)"
patched bad.bdp "$bdp" 56 '\020' && resealed bad.bdp
inspected "a larger buffer than its geometry hash knows" 'byte 24: the geometry hash is not that of the geometry stated'
patched bad.bdp "$bdp" $(($(word 120) + 48)) '../' && resealed bad.bdp
inspected "a layer's name that is a path" "byte [0-9]+: a name holds '/'"
patched bad.bdp "$bdp" $(($(word 120) + 48)) 'stem\0\0\0\0\0\0\0\0\0\0\0\0' && resealed bad.bdp
inspected "two layers of one name" "byte [0-9]+: two layers have the same name"
patched bad.bdp "$bdp" "$(word 116)" '\033[2J' && resealed bad.bdp
inspected "a switch's name that steers a terminal" "byte [0-9]+: a name holds '/', or what is no printable UTF-8"
patched bad.bdp "$bdp" $(($(descriptor 1 4) + 224)) '\0\0\0\0' && resealed bad.bdp
inspected "a layer without weights" "byte [0-9]+: descriptor of layer '[^']+' at switch '[^']+': weight_plane is 0; a device takes"
patched bad.bdp "$bdp" $(($(word 124) + 12)) '\377' && resealed bad.bdp
inspected "more tables than there are" "byte [0-9]+: load descriptor: the tables exceed their memory"
for other in rq4 xnor_only; do
    refuse "a program for another geometry than $other" "bitdial run: driver: the program was compiled for other hardware: " \
        "$bitdial" run "$bdp" --hardware yaml-configs/hardware/$other.yaml --images 1
done
