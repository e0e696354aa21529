# Speed of reading JPEG files of 500x375 for ImageNet's layout: bare libjpeg-turbo (its own interface, whole image to
# RGB, nothing else) beside Bitdial's reading of the same files, interleaved in one process, the best of seven walks in
# CPU time of one core. djpeg, where libjpeg-turbo-progs is installed, starts a process a file.
set -eu
images=${BITDIAL_BUILD:-build}/images
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$images" imagenet "$work/set" 4 50 500 375
echo "JPEG 500x375, $(du -sb "$work/set/train" | awk '{printf "%.0f", $1 / 200 / 1000}') kB a file, to 224x224"
"$images" speed "$work/set"
if command -v djpeg >/dev/null; then
    find "$work/set/train" -name '*.JPEG' >"$work/list"
    (
        while read -r file; do
            djpeg -dct int -outfile "$work/out" "$file"
        done <"$work/list"
        times
    ) | awk -v n="$(wc -l <"$work/list")" 'NR == 2 { for (i = 1; i <= 2; i++) { split($i, t, /[ms]/); s += 60 * t[1] + t[2] }
        printf "%-28s %7.0f images/s a core\n", "djpeg, one process a file", n / s }'
fi
