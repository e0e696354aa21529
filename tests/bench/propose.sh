#!/bin/sh
# The search beside Optuna's and BoTorch's on the same grids: propose.sh [OPTION of propose.py]...
# The first call makes the virtual environment build/peers/search (6 GB). TORCH=no: Bitdial and random points alone.
set -eu
here=$(dirname "$0")
make -s libraries >/dev/null
export BITDIAL_LIBRARY="$PWD/build/lib/$(cd build/lib && ls libbitdial.so.*.full)" PYTHONDONTWRITEBYTECODE=1
if [ "${TORCH:-yes}" = no ]; then
    echo "== proposals: median regret or hypervolume (runs), 100 evaluations"
    rm -f build/bench/propose_alone.jsonl
    exec /usr/bin/python3 "$here/propose.py" --file build/bench/propose_alone.jsonl --methods bitdial,random --seeds 2 "$@"
fi
peers=build/peers/search # shared by every form of the build
sh "$here/../support/venv.sh" $peers "$here/propose_requirements.txt"
exec $peers/bin/python "$here/propose.py" "$@"
