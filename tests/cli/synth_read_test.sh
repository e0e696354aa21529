#!/bin/sh
# The RTL check refuses what it must refuse, and lint is clean for each choice of datapaths. (`make synth-check` maps the
# design, which takes minutes; `make lint` reads every configuration.)
set -eu
sh hw/synth/check.sh --self-test
configs=yaml-configs/hardware
sh hw/lint.sh $configs/small.yaml $configs/mac_only.yaml $configs/xnor_only.yaml
