# IDX files of the test split, read by `bitdial data`; offsets count uncompressed bytes.
source_folder=/usr/share/datasets/fashion-mnist
images=t10k-images-idx3-ubyte.gz
labels=t10k-labels-idx1-ubyte.gz
gzip -dc "$source_folder/$images" >"$work/images"
gzip -dc "$source_folder/$labels" >"$work/labels"
mkdir "$in/idx"
# idx NAME FILE PATTERN: the folder with this one file replaced by $in/bad.
idx() {
    for each in "$source_folder"/*.gz; do
        ln -sf "$each" "$in/idx/"
    done
    rm "$in/idx/$2"
    mv "$in/bad" "$in/idx/$2"
    refuse "$1" "bitdial data: $in/idx/$2: $3" "$bitdial" data --split test --json --folder "$in/idx"
}
raw() { gzip -1 -n <"$in/raw" >"$in/bad"; }

patched raw "$work/images" 2 '\015' && raw
idx "wrong element type" $images 'offset 0: the magic number must be 0x00000803'
patched raw "$work/images" 4 '\377' && raw
idx "vast count" $images 'offset 4: dimension 0 must be 10000, got 4278200080'
patched raw "$work/images" 11 '\035' && raw
idx "29 rows" $images 'offset 8: dimension 1 must be 28, got 29'
cut raw "$work/images" -1 && raw
idx "one pixel short" $images 'offset 7840015: the file ends after 7839999 of 7840000 elements'
{ cat "$work/images"; echo; } >"$in/raw" && raw
idx "a byte more" $images 'offset 7840016: extra bytes follow the 7840000 elements'
patched raw "$work/labels" 1007 '\012' && raw
idx "label 10" $labels 'offset 1007: label 10 of image 999 must be 0..9'
cut bad "$source_folder/$labels" 2000
idx "gzip cut off" $labels 'offset [0-9]+: the gzip stream is cut off'
patched bad "$source_folder/$labels" 2000 '\377\377\377\377'
idx "gzip corrupt" $labels 'offset [0-9]+: corrupt gzip stream: '
cp "$work/labels" "$in/bad"
idx "not gzip at all" $labels 'offset 0: corrupt gzip stream: incorrect header check'
printf 'x' >"$in/bad" && cat "$source_folder/$labels" "$in/bad" >"$in/more" && mv "$in/more" "$in/bad"
idx "bytes after the gzip" $labels 'offset 10008: 1 extra bytes follow the gzip stream'
rm -f "$in/raw"
