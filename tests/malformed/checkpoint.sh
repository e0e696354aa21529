# Checkpoints, read by `bitdial compile`.
ckpt=$good/net.ckpt
compiled() {
    refuse "$1" "bitdial compile: $in/bad.ckpt: $2" "$bitdial" compile "$in/bad.ckpt" --hardware "$demo" -o "$out/net.bdp"
}
cut bad.ckpt "$ckpt" 100
compiled "checkpoint within its header" 'offset 100: the file ends inside its 512-byte header'
cut bad.ckpt "$ckpt" -1
compiled "checkpoint a byte short" 'offset 16: the header tells [0-9]+ bytes, the file has [0-9]+'
patched bad.ckpt "$ckpt" 0 'NOT'
compiled "checkpoint magic" 'offset 0: not a Bitdial checkpoint'
patched bad.ckpt "$ckpt" 8 '\377'
compiled "checkpoint version" 'offset 8: checkpoint version 255'
patched bad.ckpt "$ckpt" 300000 '\125\252\125\252'
compiled "checkpoint contents changed" 'offset 12: CRC-32 is [0-9a-f]{8}, the contents give [0-9a-f]{8}'
patched bad.ckpt "$ckpt" 512 'XXXXXXXX' && resealed bad.ckpt
compiled "no HDF5 behind the header" 'offset 512: not an HDF5 file'
cp "$demo" "$in/bad.ckpt"
compiled "YAML for a checkpoint" 'offset [0-9]+: '
