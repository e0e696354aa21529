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
GOALS = (  # name, numerator, denominator, goal
    ("f32 gradients against PyTorch's fastest f32", "Bitdial f32", "torch f32", 2.5),
    ("f32 gradients against the bound of its own convolutions", "Bitdial f32", "bound f32", 0.75),
    ("bf16 gradients against PyTorch's fastest of all", "Bitdial bf16", "torch", 3.0),
)


class Failure(Exception):
    pass


class Bitdial:
    """The trainer's own loop, driven by build/step; each measurement is a process of its own."""

    def __init__(self, half, threads):
        self.name, self.half, self.threads = f"Bitdial {'bf16' if half else 'f32'}", half, threads
        self.peer = False

    def run(self, source, steps):
        command = [f"{BUILD}/step", "time", NETWORK, "--steps", str(steps)]
        command += ["--bfloat16"] if self.half else []
        command += ["--data", DATA] if source == "loader" else []
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": str(self.threads)})
        if done.returncode:
            raise Failure(done.stderr.strip())
        return json.loads(done.stdout)

    def warm_up(self):
        self.steps_per_second = max(3 / self.run("synthetic", 3)["seconds"], 0.1)

    def measure(self, source, seconds):
        result = self.run(source, max(3, round(seconds * self.steps_per_second)))
        return result["images"] / result["seconds"], result["images"] / result["cpu_seconds"]


class Torch:
    """A variant of train_torch.py, in this process: compiled once, measured many times."""

    def __init__(self, shape, sources):
        self.shape, self.sources = shape, sources
        self.peer = True
        self.name = "PyTorch " + module.variant_name(*shape)

    def warm_up(self):
        self.variant = module.Variant(*self.shape)
        for _ in range(3):
            self.variant.step(*self.sources["synthetic"].next())

    def measure(self, source, seconds):
        return module.measure(self.variant, self.sources[source], seconds)


def fastest(rows, source, part=""):
    rates = [r["median"] for r in rows if r["peer"] and r["batch"] == source and part in r["trainer"]]
    return max(rates, default=None)


def ratios(rows, bounds):
    """Each goal on each source: what was reached, or None where a side of it was not measured."""
    results = []
    for name, over, under, goal in GOALS:
        for source in SOURCES:
            mine = next((r["median"] for r in rows if r["trainer"] == over and r["batch"] == source), None)
            if under.startswith("torch"):
                other = fastest(rows, source, under[5:].strip())
            else:
                other = bounds.get(under.split()[1])
            ratio = mine / other if mine and other else None
            results.append({"goal": name, "batch": source, "wanted": goal, "ratio": ratio, "met": ratio is not None and ratio >= goal})
    return results


def machine():
    model = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), "unknown")
    return {"processor": model, "cores": os.cpu_count(), "load_average": os.getloadavg()[0]}


def text(report):
    m = report["machine"]
    lines = [f"{m['processor']}, {m['cores']} cores, {report['threads']} threads; load average before the run {m['load_average']:.1f}"
             + (" (LOADED: read the last column)" if m["load_average"] > 0.5 else "")]
    lines += [f"median of {report['rounds']} runs of {report['seconds']:g} s, in turns; images/s", ""]
    lines += ["| trainer | batch | images/s | least | most | images per CPU second |", "|---|---|---:|---:|---:|---:|"]
    for r in report["rows"]:
        lines.append(f"| {r['trainer']} | {r['batch']} | {r['median']:.0f} | {r['least']:.0f} | {r['most']:.0f} | {r['cpu_median']:.0f} |")
    for name, value in report["bounds"].items():
        lines.append(f"| bare convolutions {name} | | {value:.0f} | | | |")
    lines += ["", "| goal | batch | wanted | reached | met |", "|---|---|---:|---:|---|"]
    for g in report["goals"]:
        reached = "not measured" if g["ratio"] is None else f"{g['ratio']:.2f}"
        lines.append(f"| {g['goal']} | {g['batch']} | {g['wanted']:g} | {reached} | {'yes' if g['met'] else 'no'} |")
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
    trainers = [Bitdial(False, o.threads), Bitdial(True, o.threads)]
    if not o.no_torch:
        global module
        import train_torch as module

        module.torch.set_num_threads(o.threads)
        sources = {"synthetic": module.Synthetic(), "loader": module.Loader(DATA)}
        trainers += [Torch(shape, sources) for shape in module.VARIANTS if o.only in module.variant_name(*shape)]
    ready, left_out, bounds = [], [], {}
    for trainer in trainers:
        print(f"warming up: {trainer.name}", file=sys.stderr, flush=True)
        try:
            trainer.warm_up()
            ready.append(trainer)
        except Failure as failure:
            left_out.append((trainer.name, str(failure)))
    rates = {(t.name, s): [] for t in ready for s in SOURCES}
    for round in range(o.rounds):
        print(f"round {round + 1} of {o.rounds}", file=sys.stderr, flush=True)
        for trainer in ready:
            for source in SOURCES:
                rates[trainer.name, source].append(trainer.measure(source, o.seconds))
    rows = []
    for trainer in ready:
        for source in SOURCES:
            wall, cpu = zip(*rates[trainer.name, source])
            rows.append({"trainer": trainer.name, "peer": trainer.peer, "batch": source, "median": statistics.median(wall),
                         "least": min(wall), "most": max(wall), "cpu_median": statistics.median(cpu), "runs": wall})
    report = {"machine": before, "threads": o.threads, "rounds": o.rounds, "seconds": o.seconds, "rows": rows,
              "bounds": bounds, "goals": ratios(rows, bounds), "left_out": left_out}
    print(text(report))
    if o.json:
        with open(o.json, "w") as f:
            json.dump(report, f, indent=1)


if __name__ == "__main__":
    main()
