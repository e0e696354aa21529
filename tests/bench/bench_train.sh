#!/bin/sh
# Speed of training: four-switch ResNet-20 (w1a8, w1a4, w1a2, w1a1), batches of 128, a full step with distillation and
# optimiser, on two threads; Bitdial and PyTorch in turns in one run. Prints a table; --json FILE writes it as JSON too.
# TORCH=no leaves PyTorch out, and with it what it takes to install. Other options: bench_train.py --help.
set -eu
here=$(dirname "$0")
if [ "${TORCH:-yes}" = no ]; then
    exec python3 "$here/bench_train.py" --no-torch "$@"
fi
exec sh "$here/torch.sh" "$here/bench_train.py" "$@"
