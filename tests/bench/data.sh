# Speed of reading JPEG files of 500x375 for ImageNet's layout, in CPU time of one core, the best of seven walks: bare
# libjpeg-turbo (its own interface, whole image to RGB, nothing else) beside Bitdial's reading of the same files,
# interleaved in one process; then, where they are installed, Pillow (python3-pil) making the same crops, with the largest
# difference of its pixels from Bitdial's, and djpeg (libjpeg-turbo-progs), which starts a process a file.
set -eu
images=${BITDIAL_BUILD:-build}/images
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$images" imagenet "$work/set" 4 50 500 375
find "$work/set/train" -name '*.JPEG' | sort >"$work/list"
echo "JPEG 500x375, $(du -sb "$work/set/train" | awk '{printf "%.0f", $1 / 200 / 1000}') kB a file, to 224x224"
"$images" speed "$work/set"
if /usr/bin/python3 -c 'import PIL' 2>/dev/null; then
    "$images" cut "$(head -n 1 "$work/list")" 224 "$work/cut"
    /usr/bin/python3 - "$work/list" "$work/cut" <<'END'
import random, sys, time
import PIL
from PIL import Image

files = open(sys.argv[1]).read().split()

def evaluation(name):
    image = Image.open(name).convert("RGB").resize((341, 256), Image.BILINEAR)
    return image.crop((58, 16, 58 + 224, 16 + 224)).tobytes()

def training(name):
    image = Image.open(name).convert("RGB")
    while True:
        area, ratio = 500 * 375 * random.uniform(0.08, 1), (4 / 3) ** random.uniform(-1, 1)
        width, height = round((area * ratio) ** 0.5), round((area / ratio) ** 0.5)
        if width <= 500 and height <= 375:
            break
    left, top = random.randint(0, 500 - width), random.randint(0, 375 - height)
    image = image.crop((left, top, left + width, top + height)).resize((224, 224), Image.BILINEAR)
    return (image.transpose(Image.FLIP_LEFT_RIGHT) if random.random() < 0.5 else image).tobytes()

for name, way in (("for evaluation", evaluation), ("for training", training)):
    best = 1e9
    for _ in range(7):
        start = time.process_time()
        for file in files:
            way(file)
        best = min(best, time.process_time() - start)
    print(f"{'Pillow ' + PIL.__version__ + ', ' + name:28} {len(files) / best:7.0f} images/s a core")
ours, theirs = open(sys.argv[2], "rb").read(), evaluation(files[0])
print("largest difference from Pillow's pixels:", max(abs(a - b) for a, b in zip(ours, theirs)))
END
fi
if command -v djpeg >/dev/null; then
    (
        while read -r file; do
            djpeg -dct int -outfile "$work/out" "$file"
        done <"$work/list"
        times
    ) | awk -v n="$(wc -l <"$work/list")" 'NR == 2 { for (i = 1; i <= 2; i++) { split($i, t, /[ms]/); s += 60 * t[1] + t[2] }
        printf "%-28s %7.0f images/s a core\n", "djpeg, one process a file", n / s }'
fi
