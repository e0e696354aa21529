#!/bin/bash
# `bitdial runs --slurm` and `bitdial sweep --slurm` on a real Slurm of this host: munge, a controller, two slurmd, all on loopback. A
# plan of 60 points is handed in; its caller is killed and goes on, one slurmd is killed with its jobs half way, the controller
# ends and comes back. Then a sweep of 60 points, whose node is lost and whose controller ends and comes back likewise. The
# results must be those of a local run, the sweep's to the byte. As root; slurm-wlm and munge come from apt where they are missing, and are
# removed after. `make slurm-test` runs it; no other test needs Slurm. LOSE_STATE=1: the controller comes back without its state.
set -eu
bitdial=$PWD/${BITDIAL_BUILD:-build}/bitdial
. tests/support/fashion.sh
[ "$(id -u)" = 0 ] || { echo "slurm.sh: needs root, for munge, Slurm and apt"; exit 3; }
work=$(mktemp -d)
chmod 755 "$work"
pids=() installed=
export SLURM_CONF=$work/slurm.conf

cleanup() {
    for pid in "${pids[@]}"; do
        kill -9 "$pid" 2>/dev/null || :
        wait "$pid" 2>/dev/null || :
    done
    tasks | while read -r pid _; do kill -9 "$pid" 2>/dev/null || :; done
    rm -rf "$work"
    if [ -n "$installed" ]; then
        apt-get -qq -o Dpkg::Use-Pty=0 purge -y --auto-remove slurm-wlm munge </dev/null >/dev/null 2>&1 || echo "slurm.sh: apt could not remove slurm-wlm and munge"
    fi
}
fail() {
    echo "FAIL: $1"
    tail -n 8 "$work"/*.err "$work"/*.log 2>/dev/null
    exit 1
}
# Processes that this test began, of jobs with their node: "PID NODE PARENT".
tasks() {
    /usr/bin/python3 - "$SLURM_CONF" <<'PY'
import os, sys
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        words = open(f"/proc/{pid}/environ", "rb").read().decode("utf-8", "replace").split("\0")
        parent = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[1]
        name = open(f"/proc/{parent}/comm").read().strip()
    except OSError:
        continue
    environment = dict(word.split("=", 1) for word in words if "=" in word)
    if environment.get("SLURM_CONF") == sys.argv[1] and int(pid) != os.getpid():
        print(pid, environment.get("SLURMD_NODENAME", "-"), parent if name == "slurmstepd" else "-")
PY
}
wait_until() { # SECONDS WHAT COMMAND...: until it succeeds
    local seconds=$1 what=$2
    shift 2
    for turn in $(seq $((seconds * 5))); do
        "$@" >/dev/null 2>&1 && return
        sleep 0.2
    done
    fail "waited $seconds s for $what"
}
trap cleanup EXIT

if ! command -v slurmctld munged >/dev/null || ! command -v sbatch >/dev/null; then
    echo "installing slurm-wlm and munge"
    installed=yes
    { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 install -y --no-install-recommends slurm-wlm munge; } \
        </dev/null >"$work/apt.log" 2>&1 || fail "apt cannot install slurm-wlm"
fi

# ---- the cluster ----
host=$(hostname -s)
read -r p1 p2 p3 <<<"$(/usr/bin/python3 -c '
import socket
sockets = [socket.socket() for _ in range(3)]
for s in sockets: s.bind(("127.0.0.1", 0))
print(*sorted(s.getsockname()[1] for s in sockets))')"
mkdir "$work/state" "$work/spool-n1" "$work/spool-n2" "$work/munge"
cat >"$SLURM_CONF" <<END
ClusterName=bitdial
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$p1
AuthType=auth/munge
AuthInfo=socket=$work/munge/socket
CredType=cred/munge
SlurmUser=root
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool-%n
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd-%n.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd-%n.log
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=2,bf_interval=5
ReturnToService=2
SlurmdTimeout=10
KillWait=5
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$p2 CPUs=4
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=$p3 CPUs=4
PartitionName=all Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
END
head -c 1024 /dev/urandom >"$work/munge/key" && chmod 400 "$work/munge/key" && chmod 755 "$work/munge"
munged --force --foreground --key-file="$work/munge/key" --socket="$work/munge/socket" --pid-file="$work/munge/pid" \
    --log-file="$work/munge/log" --seed-file="$work/munge/seed" >"$work/munge.log" 2>&1 &
pids+=($!)
wait_until 10 "munge" test -S "$work/munge/socket"
start_controller() {
    slurmctld -D >>"$work/controller.log" 2>&1 &
    controller=$!
    pids+=($controller)
}
start_controller
start_first() {
    slurmd -D -N n1 >>"$work/n1.log" 2>&1 &
    first=$!
    pids+=($first)
}
start_first
slurmd -D -N n2 >"$work/n2.log" 2>&1 &
pids+=($!)
idle() { [ "$(sinfo --noheader --Node --format='%N %t' | grep -c ' idle$')" = 2 ]; }
wait_until 60 "two idle nodes" idle
for port in $p1 $p2 $p3; do
    /usr/bin/python3 - "$port" <<'PY' || fail "port $port listens beyond loopback"
import sys
port = int(sys.argv[1])
listening = [line.split()[1] for line in open("/proc/net/tcp").readlines()[1:] if line.split()[3] == "0A"]
addresses = [a for a in listening if int(a.split(":")[1], 16) == port]
sys.exit(not addresses or any(a.split(":")[0] != "0100007F" for a in addresses))
PY
done

# ---- the plan ----
cat >"$work/plan.yaml" <<'END'
title: sixty points
time_limit: 120
points:
  - {name: 'p{a}{b}', for: {a: [0, 1, 2, 3, 4, 5], b: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]}, argv: [sh, -c, 'sleep 2.{b}; echo "{\"n\": {a}{b}.5}"; test {b} != 7']}
END
results() { jq -c '[input_filename | split("/")[-2]] + [.identity, .state, .exit, .signal, .output]' "$1"/points/*/result.json | sort; }
folder=$work/slurm # whose results are counted
count() { ls "$folder/points"/*/result.json 2>/dev/null | wc -l; }
at_least() { [ "$(count)" -ge "$1" ]; }
batches() { ls "$folder"/slurm/batch-*.json | wc -l; }
hand_in() { # COMMAND OPTIONS...
    "$bitdial" "$@" --out "$folder" --slurm '--partition=all --ntasks=1' >"$work/out" 2>>"$work/runs.err" &
    caller=$!
    pids+=($caller)
}
on_first() { tasks | grep -q ' n1 '; }
lose_first() { # the node's slurmd, and what runs there
    wait_until 60 "a job on the first node" on_first
    kill -9 $first
    lost=0
    while read -r pid node parent; do
        if [ "$node" = n1 ]; then
            [ "$parent" = - ] || kill -9 "$parent" 2>/dev/null || :
            kill -9 "$pid" 2>/dev/null && lost=$((lost + 1)) || :
        fi
    done < <(tasks)
    [ $lost -gt 0 ] || fail "no job was lost"
    at=$(count)
}
restart_controller() {
    kill $controller
    wait $controller 2>/dev/null || :
    sleep 4
    [ -z "${LOSE_STATE:-}" ] || rm -rf "$work"/state/*
    start_controller
}
wait_for_caller() { # EXPECTED: its exit code
    for turn in $(seq 400); do
        kill -0 $caller 2>/dev/null || break
        sleep 1
    done
    kill -0 $caller 2>/dev/null && fail "waited 400 s for the run to end, with $(count) results"
    code=0
    wait $caller || code=$?
    [ $code = "$1" ] || fail "the run by Slurm ended with $code"
}
code=0
"$bitdial" runs "$work/plan.yaml" --out "$work/local" --jobs 20 >/dev/null 2>"$work/local.err" || code=$?
[ $code = 1 ] || fail "the local run ended with $code"
results "$work/local" >"$work/expected"
[ "$(wc -l <"$work/expected")" = 60 ] || fail "the local run has not 60 results"

hand_in runs "$work/plan.yaml"
wait_until 60 "the first results" at_least 4
kill -9 $caller
wait $caller 2>/dev/null || :
begun=$(batches)
hand_in runs "$work/plan.yaml" --resume
wait_until 60 "results half way" at_least 24
[ "$(batches)" = "$begun" ] || fail "jobs that were handed in were handed in again"
lose_first
restart_controller
wait_for_caller 1
results "$work/slurm" | diff "$work/expected" - || fail "other results by Slurm"
again=$(($(batches) - begun))
[ $again -gt 0 ] || fail "no point was handed in again"
echo "60 points by Slurm: its caller killed at 4 results or more, one node of two lost at $at with $lost processes, the controller away for 4 s; arrays handed in again: $again; results as by a local run"

# ---- a sweep: twelve networks, whose accuracy takes seconds, each at two switches on two configurations ----
networks=
for n in $(seq 12); do
    "${bitdial%/*}/sample" yaml-configs/networks/resnet8.yaml "$n" "$work/n$n.h5"
    networks="$networks${networks:+, }n$n.h5"
done
cat >"$work/sweep.yaml" <<END
name: sixty
networks: [$networks]
switches: [w1a4, w1a1]
hardware: {file: tests/small_hardware.yaml, name: h, keys: {rows: [8, 16]}}
objectives: [accuracy, clocks, lut4]
images: 3000
END
"$bitdial" sweep "$work/sweep.yaml" --out "$work/sweep" --no-confirm --jobs 2 >/dev/null 2>"$work/sweep.err" || fail "the local sweep"
start_first
wait_until 60 "two idle nodes again" idle
folder=$work/swept
hand_in sweep "$work/sweep.yaml" --no-confirm
wait_until 120 "results of the sweep half way" at_least 12
begun=$(batches)
lose_first
restart_controller
wait_for_caller 0
[ "$(count)" = 60 ] || fail "$(count) results of the sweep, not 60"
for file in results.json results.csv results.md; do
    cmp "$work/sweep/$file" "$work/swept/$file" || fail "the sweep by Slurm has another $file"
done
again=$(($(batches) - begun))
[ $again -gt 0 ] || fail "no point of the sweep was handed in again"
echo "a sweep of 60 points by Slurm: one node of two lost at $at with $lost processes, the controller away for 4 s; arrays handed in again: $again; results.json, .csv and .md as by a local run"
