"""Speed of training, Bitdial's and PyTorch's, in turns in one run; bench_train.sh says how to start it."""

import argparse
import json
import os
import statistics
import subprocess
import sys

BUILD = os.environ.get("BITDIAL_BUILD", "build")
NETWORK = "yaml-configs/networks/resnet20_w1.yaml"
DATA = os.environ.get("BITDIAL_DATA", "/usr/share/datasets/fashion-mnist")
SOURCES = ("synthetic", "loader")
GOALS = (  # name, trainer, what it is compared with, goal
    ("f32 gradients against PyTorch's fastest f32", "Bitdial f32", "PyTorch f32", 2.5),
    ("f32 gradients against the bound of its own convolutions", "Bitdial f32", "its bare convolutions, f32", 0.75),
    ("bf16 gradients against PyTorch's fastest of all", "Bitdial bf16", "PyTorch", 3.0),
)


class Failure(Exception):
    pass


class Bitdial:
    """The trainer's own loop, driven by build/step; each measurement is a process of its own."""

    def __init__(self, half, threads):
        self.name, self.half, self.threads = f"Bitdial {'bf16' if half else 'f32'}", half, threads
        self.peer, self.sources, self.command = False, SOURCES, "time"

    def run(self, command, source, steps):
        command = [f"{BUILD}/step", command, NETWORK, "--steps", str(steps)]
        command += ["--bfloat16"] if self.half else []
        command += ["--data", DATA] if source == "loader" else []
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": str(self.threads)})
        if done.returncode:
            raise Failure(done.stderr.strip())
        return json.loads(done.stdout)

    def warm_up(self):
        self.steps_per_second = max(3 / self.run("time", "synthetic", 3)["seconds"], 0.1)

    def measure(self, source, seconds):
        result = self.run(self.command, source, max(3, round(seconds * self.steps_per_second)))
        return result["images"] / result["seconds"], result["images"] / result["cpu_seconds"]


class Bound(Bitdial):
    """What bounds that trainer: the convolutions of its steps and nothing else."""

    def __init__(self, half, threads):
        super().__init__(half, threads)
        self.name, self.command = f"its bare convolutions, {'bf16' if half else 'f32'}", "bound"
        self.sources = ("synthetic",)


class Torch:
    """A variant of train_torch.py, in this process: compiled once, measured many times."""

    def __init__(self, shape, batches):
        self.shape, self.batches = shape, batches
        self.peer, self.sources = True, SOURCES
        self.name = "PyTorch " + module.variant_name(*shape)

    def warm_up(self):
        self.variant = module.Variant(*self.shape)
        for _ in range(3):
            self.variant.step(*self.batches["synthetic"].next())

    def measure(self, source, seconds):
        return module.measure(self.variant, self.batches[source], seconds)


def rate(rows, name, source, key):
    """Of the trainer of that name; "PyTorch [f32]": of its fastest variant [of that precision]."""
    if name.startswith("PyTorch"):
        part = name[len("PyTorch"):].strip()
        return max((r[key] for r in rows if r["peer"] and r["batch"] == source and part in r["trainer"]), default=None)
    found = [r[key] for r in rows if r["trainer"] == name]
    matching = [r[key] for r in rows if r["trainer"] == name and r["batch"] == source]
    return (matching or found or [None])[0]  # a bound is measured on one source alone


def compare(rows):
    """Each goal on each source: the ratio by the clock, and by processor time; None where a side was not measured."""
    results = []
    for name, trainer, other, goal in GOALS:
        for source in SOURCES:
            ratios = {}
            for key in ("median", "cpu_median"):
                over, under = rate(rows, trainer, source, key), rate(rows, other, source, key)
                ratios[key] = over / under if over and under else None
            met = ratios["median"] is not None and ratios["median"] >= goal
            results.append({"goal": name, "batch": source, "wanted": goal, "ratio": ratios["median"],
                            "cpu_ratio": ratios["cpu_median"], "met": met})
    return results


def machine():
    model = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), "unknown")
    return {"processor": model, "cores": os.cpu_count(), "load_average": os.getloadavg()[0]}


def text(report):
    m = report["machine"]
    loaded = m["load_average"] > 0.5
    lines = [f"{m['processor']}, {m['cores']} cores, {report['threads']} threads; load average before the run {m['load_average']:.1f}"
             + (" (LOADED: read the last column)" if loaded else "")]
    lines += [f"median of {report['rounds']} runs of {report['seconds']:g} s, in turns", ""]
    lines += ["| trainer | batch | images/s | least | most | images per CPU second |", "|---|---|---:|---:|---:|---:|"]
    for r in report["rows"]:
        lines.append(f"| {r['trainer']} | {r['batch']} | {r['median']:.0f} | {r['least']:.0f} | {r['most']:.0f} | {r['cpu_median']:.0f} |")
    lines += ["", "| goal | batch | wanted | reached | by CPU time | met |", "|---|---|---:|---:|---:|---|"]
    for g in report["goals"]:
        reached, cpu = ("-" if g[key] is None else f"{g[key]:.2f}" for key in ("ratio", "cpu_ratio"))
        lines.append(f"| {g['goal']} | {g['batch']} | {g['wanted']:g} | {reached} | {cpu} | {'not on a loaded machine' if loaded else 'yes' if g['met'] else 'no'} |")
    return "\n".join(lines + [f"left out: {name}: {why}" for name, why in report["left_out"]])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-torch", action="store_true", help="Bitdial alone")
    parser.add_argument("--only", default="", help="those of PyTorch's variants whose names hold this")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4, help="of a measurement")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", metavar="FILE", help="write the figures here too")
    o = parser.parse_args()
    before = machine()
    trainers = [kind(half, o.threads) for kind in (Bitdial, Bound) for half in (False, True)]
    if not o.no_torch:
        global module
        import train_torch as module

        module.torch.set_num_threads(o.threads)
        batches = {"synthetic": module.Synthetic(), "loader": module.Loader(DATA)}
        trainers += [Torch(shape, batches) for shape in module.VARIANTS if o.only in module.variant_name(*shape)]
    ready, left_out = [], []
    for trainer in trainers:
        print(f"warming up: {trainer.name}", file=sys.stderr, flush=True)
        try:
            trainer.warm_up()
            ready.append(trainer)
        except Failure as failure:
            left_out.append((trainer.name, str(failure)))
    rates = {(t.name, s): [] for t in ready for s in t.sources}
    for round in range(o.rounds):
        print(f"round {round + 1} of {o.rounds}", file=sys.stderr, flush=True)
        for trainer in ready:
            for source in trainer.sources:
                rates[trainer.name, source].append(trainer.measure(source, o.seconds))
    rows = []
    for trainer in ready:
        for source in trainer.sources:
            wall, cpu = zip(*rates[trainer.name, source])
            rows.append({"trainer": trainer.name, "peer": trainer.peer, "batch": source, "median": statistics.median(wall),
                         "least": min(wall), "most": max(wall), "cpu_median": statistics.median(cpu), "runs": wall})
    report = {"machine": before, "threads": o.threads, "rounds": o.rounds, "seconds": o.seconds, "rows": rows,
              "goals": compare(rows), "left_out": left_out}
    print(text(report))
    if o.json:
        with open(o.json, "w") as f:
            json.dump(report, f, indent=1)


if __name__ == "__main__":
    main()
