"""The search beside its peers: regret, hypervolume, and seconds for a suggestion.

Every method sees the same grids by level numbers. Each run (problem, method, seed) appends one line to a file, and runs
that are there already are not made again, so that a long comparison may stop and go on. --table prints medians.
Bitdial is called through its C interface (build/lib), the peers (Optuna, BoTorch) where they are installed.
"""
import argparse
import ctypes as C
import json
import math
import os
import time

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
import numpy as np

# ---- problems: levels of each axis, an objective to be made small (or two), what is allowed -------------------------


class Problem:
    def __init__(self, axes, function, least=0.0, cost=None, budget=0.0, reference=None):
        self.axes, self.function, self.least = axes, function, least
        self.cost, self.budget, self.reference = cost, budget, reference
        self.objectives = 1 if reference is None else 2

    def point(self, levels):
        return np.array([axis[int(l)] for axis, l in zip(self.axes, levels)], dtype=float)

    def allowed(self, levels):
        return self.cost is None or self.cost(self.point(levels)) <= self.budget

    def value(self, levels):
        return self.function(self.point(levels))


def ackley(x):
    n = len(x)
    return 20 + math.e - 20 * math.exp(-0.2 * math.sqrt(float(x @ x) / n)) - math.exp(float(np.cos(2 * math.pi * x).sum()) / n)


def branin(x):
    a, b = x
    return (b - 5.1 / (4 * math.pi**2) * a * a + 5 / math.pi * a - 6) ** 2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(a) + 10


HARTMANN_A = np.array([[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]])
HARTMANN_P = 1e-4 * np.array(
    [[1312, 1696, 5569, 124, 8283, 5886], [2329, 4135, 8307, 3736, 1004, 9991], [2348, 1451, 3522, 2883, 3047, 6650], [4047, 8828, 8732, 5743, 1091, 381]]
)


def hartmann(x):
    return -float(np.array([1, 1.2, 3, 3.2]) @ np.exp(-(HARTMANN_A * (x - HARTMANN_P) ** 2).sum(1)))


def levy(x):
    w = 1 + (x - 1) / 4
    middle = ((w[:-1] - 1) ** 2 * (1 + 10 * np.sin(math.pi * w[:-1] + 1) ** 2)).sum()
    return float(math.sin(math.pi * w[0]) ** 2 + middle + (w[-1] - 1) ** 2 * (1 + math.sin(2 * math.pi * w[-1]) ** 2))


def widths_price(x):
    """Products of neighbouring widths, as of the layers of a network."""
    return 3 * x[0] + float(x[:-1] @ x[1:]) + 10 * x[-1]


def widths_loss(x):
    """What narrow layers lose, each at its own rate, and what unlike neighbours lose."""
    i = np.arange(len(x))
    lost = (1 + 0.5 * np.sin(2.0 * i + 1)) * np.exp(-x / (6 + 3 * np.cos(i)))
    return float(lost.sum() + 0.15 * np.abs(np.log(x[1:] / x[:-1])).sum())


def zdt1(x):
    g = 1 + 9 * float(x[1:].mean())
    return np.array([x[0], g * (1 - math.sqrt(x[0] / g))])


def widths_front(x):
    return np.array([widths_loss(x), widths_price(x) / 1000])


def grid(low, high, count):
    return np.linspace(low, high, count)


whole = np.arange(1, 33)
PROBLEMS = {
    "ackley": Problem([np.arange(-16, 16)] * 10, ackley),
    "branin": Problem([grid(-5, 10, 4097), grid(0, 15, 4097)], branin, 0.397887357729738),
    "hartmann": Problem([grid(0, 1, 513)] * 6, hartmann, -3.32236801141551),
    "levy": Problem([grid(-10, 10, 201)] * 5, levy),
    "widths": Problem([whole] * 8, widths_loss, 0.0, widths_price, 2600.0),
    "zdt1": Problem([grid(0, 1, 65)] * 6, zdt1, reference=[1.1, 6.0]),
    "widths-front": Problem([whole] * 6, widths_front, 0.0, widths_price, 2600.0, reference=[6.0, 2.6]),
}
FLOORS = {"branin": 4.80017e-07, "hartmann": 6.40334e-05}  # regret of the best point of the grid

# ---- methods: each yields suggestions and is told values ------------------------------------------------------------


class Axis(C.Structure):
    _fields_ = [("count", C.c_size_t), ("values", C.POINTER(C.c_double)), ("low", C.c_double), ("high", C.c_double), ("log", C.c_bool)]


COST = C.CFUNCTYPE(C.c_double, C.c_void_p, C.POINTER(C.c_double))
ALLOWED = C.CFUNCTYPE(C.c_bool, C.c_void_p, C.POINTER(C.c_double))


class Options(C.Structure):
    _fields_ = [
        ("method", C.c_char_p), ("seed", C.c_uint64), ("initial", C.c_int), ("cost", COST), ("allowed", ALLOWED), ("context", C.c_void_p),
        ("budget", C.c_double), ("floor", C.c_double), ("objectives", C.c_int), ("known", COST), ("reference", C.POINTER(C.c_double)),
    ]


class Error(C.Structure):
    _fields_ = [("status", C.c_int), ("message", C.c_char * 1024)]


class Bitdial:
    method = b"bayes"

    def __init__(self, problem, seed, initial):
        self.lib = C.CDLL(os.environ["BITDIAL_LIBRARY"])
        self.n, self.err, self.search = len(problem.axes), Error(), C.c_void_p()
        self.kept = [(C.c_double * len(a))(*range(len(a))) for a in problem.axes]
        axes = (Axis * self.n)(*[Axis(len(a), k, 0, 0, False) for a, k in zip(problem.axes, self.kept)])
        self.cost = COST(lambda _, p: float(problem.cost(problem.point(p[: self.n])))) if problem.cost else COST()
        self.reference = (C.c_double * 2)(*[-r for r in problem.reference]) if problem.objectives == 2 else None
        options = Options(self.method, seed, initial, self.cost, ALLOWED(), None, problem.budget, 0.0, problem.objectives, COST(), self.reference)
        self.check(self.lib.bitdial_search_create(C.c_size_t(self.n), axes, C.byref(options), C.byref(self.search), C.byref(self.err)))

    def check(self, status):
        if status:
            raise SystemExit("bitdial: " + self.err.message.decode())

    def ask(self):
        point = (C.c_double * self.n)()
        self.check(self.lib.bitdial_search_ask(self.search, point, C.byref(self.err)))
        return list(point)

    def tell(self, levels, values):
        values = (C.c_double * 2)(*[-v for v in values])
        self.check(self.lib.bitdial_search_tell(self.search, (C.c_double * self.n)(*levels), values, C.byref(self.err)))


class BitdialRandom(Bitdial):
    method = b"random"


class Optuna:
    """Constraints are told to the sampler, which may still propose what is not allowed; that costs an evaluation."""

    def __init__(self, problem, seed, initial):
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        import warnings

        warnings.filterwarnings("ignore")
        self.problem = problem
        over = (lambda trial: (trial.user_attrs["over"],)) if problem.cost else None
        self.study = optuna.create_study(sampler=self.sampler(optuna, seed, initial, over), directions=["minimize"] * problem.objectives)

    def ask(self):
        self.trial = self.study.ask()
        levels = [self.trial.suggest_int(str(i), 0, len(a) - 1) for i, a in enumerate(self.problem.axes)]
        if self.problem.cost:
            self.trial.set_user_attr("over", float(self.problem.cost(self.problem.point(levels)) - self.problem.budget))
        return levels

    def tell(self, levels, values):
        self.study.tell(self.trial, list(values))


class OptunaGp(Optuna):
    def sampler(self, optuna, seed, initial, over):
        return optuna.samplers.GPSampler(seed=seed, n_startup_trials=initial, constraints_func=over)


class OptunaTpe(Optuna):
    def sampler(self, optuna, seed, initial, over):
        return optuna.samplers.TPESampler(seed=seed, n_startup_trials=initial, constraints_func=over, multivariate=True)


class BoTorch:
    """SingleTaskGP of the library's defaults; log expected improvement, or qLogEHVI. Over the unit cube, rounded to the grid;
    under a budget the best of 2,000 allowed points and their neighbours."""

    def __init__(self, problem, seed, initial):
        import warnings

        warnings.filterwarnings("ignore")
        import torch

        torch.set_num_threads(1)
        torch.manual_seed(seed)
        self.torch, self.problem, self.initial = torch, problem, initial
        self.levels, self.values = [], []
        self.rng = np.random.default_rng(seed)
        self.top = np.array([len(a) - 1 for a in problem.axes], dtype=float)
        self.sobol = torch.quasirandom.SobolEngine(len(problem.axes), scramble=True, seed=seed)

    def fresh(self, levels):
        return self.problem.allowed(levels) and tuple(levels) not in set(map(tuple, self.levels))

    def lowered(self, levels):
        while not self.problem.allowed(levels):
            i = self.rng.choice(np.flatnonzero(np.asarray(levels) > 0))
            levels[i] -= 1
        return levels

    def ask(self):
        if len(self.levels) < self.initial:
            while True:
                levels = self.lowered(list(np.rint(self.sobol.draw(1).numpy()[0] * self.top)))
                if self.fresh(levels):
                    return levels
        from botorch.acquisition import LogExpectedImprovement
        from botorch.acquisition.multi_objective.logei import qLogExpectedHypervolumeImprovement
        from botorch.fit import fit_gpytorch_mll
        from botorch.models import ModelListGP, SingleTaskGP
        from botorch.models.transforms import Standardize
        from botorch.optim import optimize_acqf
        from botorch.utils.multi_objective.box_decompositions.non_dominated import FastNondominatedPartitioning
        from gpytorch.mlls import ExactMarginalLogLikelihood, SumMarginalLogLikelihood

        torch = self.torch
        x, y = torch.tensor(np.array(self.levels) / self.top), -torch.tensor(np.array(self.values))
        models = [SingleTaskGP(x, y[:, k : k + 1], outcome_transform=Standardize(1)) for k in range(y.shape[1])]
        if len(models) == 1:
            model = models[0]
            fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
            score = LogExpectedImprovement(model, y.max())
        else:
            model = ModelListGP(*models)
            fit_gpytorch_mll(SumMarginalLogLikelihood(model.likelihood, model))
            reference = -torch.tensor(self.problem.reference, dtype=torch.double)
            score = qLogExpectedHypervolumeImprovement(model, reference, FastNondominatedPartitioning(reference, y))
        if self.problem.cost:
            return self.best_allowed(score)
        bounds = torch.stack([torch.zeros(len(self.top)), torch.ones(len(self.top))]).double()
        found, _ = optimize_acqf(score, bounds, q=1, num_restarts=8, raw_samples=256)
        levels = list(np.rint(found.numpy()[0] * self.top))
        while not self.fresh(levels):
            i = self.rng.integers(len(levels))
            levels[i] = min(max(levels[i] + self.rng.choice([-1, 1]), 0), self.top[i])
        return levels

    def best_allowed(self, score):
        torch = self.torch
        drawn = [self.lowered(list(self.rng.integers(self.top + 1).astype(float))) for _ in range(2000)]
        best = None
        for _ in range(10):
            drawn = [p for p in drawn if self.fresh(p)]
            if not drawn:
                break
            with torch.no_grad():
                scores = score(torch.tensor(np.array(drawn) / self.top).unsqueeze(1))
            at = int(scores.argmax())
            if best is not None and float(scores[at]) <= best[0]:
                break
            best = (float(scores[at]), drawn[at])
            drawn = []
            for i in range(len(self.top)):
                for step in (-4, -2, -1, 1, 2, 4):
                    p = list(best[1])
                    p[i] = min(max(p[i] + step, 0), self.top[i])
                    drawn.append(p)
                    for j in range(len(self.top)):
                        q = list(p)
                        q[j] = min(max(q[j] - (step > 0) + (step < 0), 0), self.top[j])
                        drawn.append(q)
        return best[1]

    def tell(self, levels, values):
        self.levels.append(list(levels))
        self.values.append(list(values))


METHODS = {"bitdial": Bitdial, "random": BitdialRandom, "optuna-gp": OptunaGp, "optuna-tpe": OptunaTpe, "botorch": BoTorch}

# ---- runs -----------------------------------------------------------------------------------------------------------


def hypervolume(values, reference):
    """Area below the reference that the points take, counted from left to right."""
    area, height = 0.0, reference[1]
    for a, b in sorted(map(tuple, values)):
        if a < reference[0] and b < height:
            area += (reference[0] - a) * (height - b)
            height = b
    return area


def run(problem, method, seed, evaluations, initial):
    study, found = METHODS[method](problem, seed, initial), []
    for _ in range(evaluations):
        levels = study.ask()
        values = np.atleast_1d(problem.value(levels))
        study.tell(levels, values)
        if problem.allowed(levels):
            found.append(values)
    if problem.objectives == 2:
        return hypervolume(found, problem.reference)
    return float(np.min(found)) - problem.least


def suggestion(method, n, dimensions, repeats):
    """Seconds of processor time for one suggestion after n observations: medians of `repeats`, each with one more."""
    rng = np.random.default_rng(7)
    problem = Problem([np.arange(32)] * dimensions, lambda x: float(((x - 11) ** 2).sum() / 1000 + np.sin(x).sum()))
    study = METHODS[method](problem, 1, 10)
    if method.startswith("optuna"):
        import optuna

        for _ in range(n):
            levels = [int(v) for v in rng.integers(32, size=dimensions)]
            space = {str(i): optuna.distributions.IntDistribution(0, 31) for i in range(dimensions)}
            study.study.add_trial(optuna.trial.create_trial(params=dict(zip(space, levels)), distributions=space, value=problem.value(levels)))
    else:
        for _ in range(n):
            levels = [float(v) for v in rng.integers(32, size=dimensions)]
            study.tell(levels, [problem.value(levels)])
    times = []
    for _ in range(repeats + 1):
        start = time.process_time()
        levels = study.ask()
        times.append(time.process_time() - start)
        study.tell(levels, [problem.value(levels)])
    return [times[0], float(np.median(times[1:]))]  # the first has no hyperparameters to begin from


def table(lines):
    problems = [p for p in PROBLEMS if any(l["problem"] == p for l in lines if "problem" in l)]
    methods = [m for m in METHODS if any(l["method"] == m for l in lines)]
    print("| problem | " + " | ".join(methods) + " |\n|---|" + "---|" * len(methods))
    for p in problems:
        cells = []
        for m in methods:
            r = [l["result"] for l in lines if l.get("problem") == p and l["method"] == m]
            cells.append("%.4g (%d)" % (np.median(r), len(r)) if r else "")
        print("| %s | %s |" % (p, " | ".join(cells)))
    for n in sorted({l["n"] for l in lines if "n" in l}):
        cells = []
        for m in methods:
            r = [l["seconds"] for l in lines if l.get("n") == n and l["method"] == m]
            cells.append("%.3f s, first %.3f" % (np.median([v[1] for v in r]), np.median([v[0] for v in r])) if r else "")
        print("| a suggestion after %d in 20 dimensions | %s |" % (n, " | ".join(cells)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--file", default="build/bench/propose.jsonl", help="results, one line a run")
    parser.add_argument("--methods", default="bitdial,random,optuna-gp,optuna-tpe,botorch")
    parser.add_argument("--problems", default=",".join(PROBLEMS))
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--evaluations", type=int, default=100)
    parser.add_argument("--initial", type=int, default=10, help="points before the model is asked")
    parser.add_argument("--times", default="", help="time suggestions after so many observations instead, as 200,500")
    parser.add_argument("--repeats", type=int, default=5, help="suggestions timed")
    parser.add_argument("--table", action="store_true", help="print medians and make no runs")
    options = parser.parse_args()
    os.makedirs(os.path.dirname(options.file) or ".", exist_ok=True)
    lines = [json.loads(l) for l in open(options.file)] if os.path.exists(options.file) else []
    done = {(l.get("problem"), l["method"], l.get("seed")) for l in lines}
    if not options.table:
        with open(options.file, "a") as out:
            for n in [int(n) for n in options.times.split(",") if n]:
                for m in options.methods.split(","):
                    print(json.dumps({"method": m, "n": n, "seconds": suggestion(m, n, 20, options.repeats)}), file=out, flush=True)
            for seed in range(1, options.seeds + 1 if not options.times else 1):
                for p in options.problems.split(","):
                    for m in options.methods.split(","):
                        if (p, m, seed) not in done:
                            start = time.process_time()
                            result = run(PROBLEMS[p], m, seed, options.evaluations, options.initial)
                            line = {"problem": p, "method": m, "seed": seed, "result": result, "cpu_s": round(time.process_time() - start, 2)}
                            print(json.dumps(line), file=out, flush=True)
    table([json.loads(l) for l in open(options.file)])


if __name__ == "__main__":
    main()
