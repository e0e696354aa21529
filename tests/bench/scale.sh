# Training at more than one size: ResNet-20 on one thread, on two, and on two ranks of one thread under MPI; ResNet-18
# with images of 64x64 and of 224x224. Images a second, and the largest memory of a process.
set -eu
bitdial=${BITDIAL_BUILD:-build}/bitdial
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_btl_vader_single_copy_mechanism=none
export OMPI_MCA_btl=self,vader OMPI_MCA_oob_tcp_if_include=lo OMP_WAIT_POLICY=passive
number() { sed "s/.*\"$1\": *\([0-9.]*\).*/\1/"; }
median() { sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }

cat >"$work/train.yaml" <<END
network: yaml-configs/networks/resnet20_w1.yaml
steps: ${STEPS:-24}
validate_images: 64
save_every: 0
batch_norm: {recalibrate: 0}
END
one() { # NAME COMMAND...: three runs in turn are the caller's
    name=$1
    shift
    "$@" train "$work/train.yaml" --output "$work/$name.h5" --force --no-test --json 2>"$work/err" |
        number images_per_second >>"$work/$name" || { cat "$work/err" >&2; exit 1; }
}
for round in 1 2 3; do
    OMP_NUM_THREADS=1 one thread "$bitdial"
    OMP_NUM_THREADS=2 one threads "$bitdial"
    OMP_NUM_THREADS=1 one ranks mpirun --oversubscribe --bind-to none -n 2 "$bitdial"
done
base=$(median <"$work/thread")
echo "ResNet-20 at 28x28, four switches, batch 128, median of 3, images/s (over one thread)"
for name in thread threads ranks; do
    case $name in
    thread) what="one thread" ;;
    threads) what="two threads" ;;
    ranks) what="two ranks of one thread" ;;
    esac
    median <"$work/$name" | awk -v what="$what" -v base="$base" '{printf "  %-24s %6.1f  %.2f\n", what, $1, $1 / base}'
done

echo "ResNet-18, switches of yaml-configs/networks/resnet18.yaml, one thread per core"
for size in "64 16" "224 8"; do
    set -- $size
    "$bitdial" show yaml-configs/networks/resnet18.yaml --input "$1x$1x3" --write "$work/resnet18.yaml" >/dev/null
    for type in "" --bfloat16; do
        ${BITDIAL_BUILD:-build}/step time "$work/resnet18.yaml" --steps 3 --batch "$2" $type >"$work/line"
        echo "$(number images <"$work/line") $(number seconds <"$work/line") $(number peak_mib <"$work/line")" |
            awk -v size="$1" -v batch="$2" -v type="${type:---float32}" \
                '{printf "  %3dx%-3d batch %-3d %-9s %6.2f images/s  %5d MiB\n", size, size, batch, substr(type, 3), $1 / $2, $3}'
    done
done
