# Data sets of every kind but Fashion-MNIST's (idx.sh): truncated, mislabelled and corrupt files, and folders that lack
# something.
images=${bitdial%/*}/images
set=$in/set
whole() {
    kind=$1
    name=$2
    pattern=$3
    refuse "$kind: $name" "bitdial data: $pattern" "$bitdial" data --kind "$kind" --folder "$set" --validation 1 --json
    rm -rf "$set"
}

# CIFAR: files of the true size, all black and of class 0, without blocks on the disk.
cifar10() {
    mkdir "$set"
    for file in data_batch_1 data_batch_2 data_batch_3 data_batch_4 data_batch_5 test_batch; do
        truncate -s 30730000 "$set/$file.bin"
    done
}
cifar100() {
    mkdir "$set"
    truncate -s 153700000 "$set/train.bin"
    truncate -s 30740000 "$set/test.bin"
}
poke() { printf "$3" | dd of="$set/$1" bs=1 seek="$2" conv=notrunc status=none; }

cifar10 && truncate -s 30729999 "$set/data_batch_4.bin"
whole cifar10 "a byte short" "$set/data_batch_4.bin: offset 30729999: the file ends in record 9999 of 10000"
cifar10 && truncate -s 0 "$set/test_batch.bin"
whole cifar10 "empty" "$set/test_batch.bin: offset 0: the file ends in record 0 of 10000"
cifar10 && truncate -s 30733073 "$set/data_batch_2.bin"
whole cifar10 "a record more" "$set/data_batch_2.bin: offset 30730000: extra bytes follow the 10000 records of 3073"
cifar10 && poke data_batch_3.bin 6146 '\012'
whole cifar10 "label 10" "$set/data_batch_3.bin: offset 6146: label 10 of record 2 must be 0..9"
cifar10 && rm "$set/data_batch_5.bin"
whole cifar10 "a file missing" "cannot open '$set/data_batch_5.bin'"
mkdir "$set"
whole cifar10 "empty folder" "'$set/data_batch_1.bin' is missing: CIFAR-10.* https://www.cs.toronto.edu/~kriz/cifar.html"
cifar100 && poke train.bin 3075 '\144'
whole cifar100 "fine label 100" "$set/train.bin: offset 3075: fine label 100 of record 1 must be 0..99"
cifar100 && poke test.bin 0 '\024'
whole cifar100 "coarse label 20" "$set/test.bin: offset 0: coarse label 20 of record 0 must be 0..19"
cifar100 && truncate -s 100000000 "$set/train.bin"
whole cifar100 "cut off" "$set/train.bin: offset 100000000: the file ends in record 32530 of 50000"
whole cifar100 "nothing there" "'$set/train.bin' is missing: CIFAR-100"

tiny() { "$images" tiny "$set" 3 4; }
tiny && sed -i 's/n00000002/n00000009/' "$set/wnids.txt"
whole tiny-imagenet "another class" \
    "$set/wnids.txt: the list names 3 classes, but folder '$set/train' holds 3: 'n00000002' is in no line"
tiny && echo n00000009 >>"$set/wnids.txt"
whole tiny-imagenet "no folder for a class" "cannot open folder '$set/train/n00000009/images'"
tiny && sed -i 2q "$set/val/val_annotations.txt"
whole tiny-imagenet "a list cut short" \
    "$set/val/val_annotations.txt: the list names 2 images, but folder '$set/val/images' holds [0-9]+: '"
tiny && sed -i '2s/n00000001/n00000007/' "$set/val/val_annotations.txt"
whole tiny-imagenet "unknown class" "$set/val/val_annotations.txt: offset 31: 'n00000007' is none of the 3 classes"
tiny && head -c 900 "$set/val/images/val_1.JPEG" >"$in/short" && mv "$in/short" "$set/val/images/val_1.JPEG"
whole tiny-imagenet "one JPEG cut off" "$set/val/images/val_1.JPEG: offset [0-9]+: the JPEG data ends too early"
tiny && echo hello >"$set/train/n00000001/images/n00000001_2.JPEG"
whole tiny-imagenet "a text as JPEG" "$set/train/n00000001/images/n00000001_2.JPEG: offset 0: neither a JPEG nor a PNG"
tiny && rm "$set/val/images/val_2.JPEG"
whole tiny-imagenet "an image missing" "cannot open '$set/val/images/val_2.JPEG'"
whole tiny-imagenet "nothing there" "'$set/wnids.txt' is missing: Tiny ImageNet"

imagenet() { "$images" imagenet "$set" 2 4 60 50; }
imagenet && mv "$set/val/n00000001" "$set/val/n00000005"
whole imagenet "unknown class" "folder '$set/val/n00000005' is none of the 2 classes of '$set/train'"
imagenet && rm "$set"/train/n00000000/*
whole imagenet "a class without images" "folder '$set/train/n00000000' holds no images"
imagenet && : >"$set/val/n00000001/n00000001_4.JPEG"
whole imagenet "an empty JPEG" "$set/val/n00000001/n00000001_4.JPEG: offset 0: the file is empty"
imagenet && poke val/n00000001/n00000001_4.JPEG 163 '\377\377'
whole imagenet "a header overwritten" "$set/val/n00000001/n00000001_4.JPEG: offset [0-9]+: "
whole imagenet "nothing there" "'$set/train' is missing: ImageNet.* https://image-net.org/download.php"
imagenet
refuse "imagenet: all held out" "bitdial data: $set: 'validation' holds out 8 of 8" "$bitdial" data --kind imagenet \
    --folder "$set" --validation 8
rm -rf "$set"
