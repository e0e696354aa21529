#!/bin/sh
# How many networks of random widths the cost model prices a second, exactly, one after another on one core.
bitdial=${BITDIAL_BUILD:-build}/bitdial
echo "== cost model"
exec "$bitdial" cost yaml-configs/networks/resnet8.yaml --hardware yaml-configs/hardware/demo.yaml --rate 300000
