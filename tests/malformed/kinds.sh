# What is no regular file, for every reader: refused at once. A pipe without a writer would be waited for; the time
# limit ends with another exit code.
mkfifo "$in/pipe"
ln -s pipe "$in/link"
piped() { # NAME COMMAND...: refused by the path of the pipe
    name=$1
    shift
    refuse "$name" "bitdial [a-z]+: .*'$in/(pipe|link|images/[^']*)' is a pipe, not a regular file" timeout 20 "$bitdial" "$@"
}
piped "pipe for a checkpoint" compile "$in/pipe" --hardware "$demo" -o "$out/net.bdp"
piped "link to a pipe" compile "$in/link" --hardware "$demo" -o "$out/net.bdp"
piped "pipe for a network" show "$in/pipe"
piped "pipe for hardware" compile "$good/net.ckpt" --hardware "$in/pipe" -o "$out/net.bdp"
piped "pipe for a program" run "$in/pipe" --hardware "$demo" --device ref --images 1
piped "pipe for a program or checkpoint" eval "$in/pipe"
piped "pipe for a training run" train "$in/pipe"
piped "pipe for a search" prune "$in/pipe"
piped "pipe for a comparison" compare "$in/pipe"
piped "pipe for a log" curves "$in/pipe" -o "$out/curves.svg"
mkdir "$in/images"
mkfifo "$in/images/train-images-idx3-ubyte.gz" "$in/images/train-labels-idx1-ubyte.gz"
piped "pipe for images" data check --kind fashion-mnist --folder "$in/images"
sed "s#^checkpoint:.*#checkpoint: $good/net.ckpt#; s#^journal:.*#journal: $in/pipe#; s#^output:.*#output: $out/pruned.h5#" \
    yaml-configs/searches/resnet8_demo.yaml >"$in/search.yaml"
piped "pipe for a journal" prune "$in/search.yaml" --search-only
refuse "device for a checkpoint" "bitdial compile: '/dev/zero' is a character device, not a regular file" \
    timeout 20 "$bitdial" compile /dev/zero --hardware "$demo" -o "$out/net.bdp"
refuse "folder for a network" "bitdial show: '$in' is a folder, not a regular file" "$bitdial" show "$in"
