"""One whole training step of Bitdial against PyTorch's autograd, on small networks, with codes forced equal.

    autograd.py [--only NAME] [--fault KIND]

For each case this file writes a network description, lets `build/step dump` take one step on it, and rebuilds the same step
in float64 from the description alone: integer weights and activation codes are checked against its own quantizers, then
the dumped ones are put in their place (a code may differ where float32 falls on the other side of an edge), with each
quantizer's gradient as METHODS define it, and autograd does the rest. Compared: sums, batch-norm statistics, pooled maps,
logits, losses, every gradient, and two updates by Adam or SGD. Exit code 1 when anything differs by more than its
tolerance. With bfloat16 gradients the forward pass has the same tolerances, and gradients that came through a convolution wider
ones (HALF). A case that this processor cannot run is named and neither passes nor fails.
--fault KIND spoils one number of Bitdial's and must end in exit code 1.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile

import numpy
import torch
import torch.nn.functional as F

BUILD = os.environ.get("BITDIAL_BUILD", "build")
EPS = 1e-5  # of batch norm
EDGE = 1e-4  # how near to an edge, in codes, float32 may choose the other side
TOLERANCE = {"sums": 0, "statistics": 1e-4, "pooled": 1e-4, "logits": 1e-4, "loss": 1e-5, "d_logits": 1e-4,
             "weight": 1e-4, "bias": 1e-4, "gamma": 1e-4, "beta": 1e-4, "alpha": 1e-4, "step": 1e-4, "wstep": 1e-4,
             "updated": 1e-4, "float sums": 1e-6}  # of the largest number of the array
# Gradients behind a convolution's in bfloat16, whose operands are rounded by up to 2^-9 of themselves: of the sum of the
# magnitudes of their terms. `scale` is the part of the weights' gradient that is not 1 when it is fitted to ours.
HALF = {"weight": 2**-8, "gamma": 2**-6, "beta": 2**-6, "alpha": 2**-6, "scale": 2**-6}
FAULTS = ("weight", "bias", "gamma", "beta", "alpha", "step", "wstep", "sums", "logits", "codes", "updated",
          "float sums", *(f"bf16 {kind}" for kind in HALF))

BASIC = {"kind": "basic"}
STAGES = [{"channels": 6, "stride": 1, "blocks": [{"kind": "basic", "inner": 5}]},
          {"channels": 9, "stride": 2, "blocks": [BASIC, BASIC]}]
BIREAL = [{"channels": 6, "stride": 1, "blocks": [{"kind": "bireal"}]}, {"channels": 9, "stride": 2, "blocks": [{"kind": "bireal"}]}]
SEPARABLE = [{"channels": 6, "stride": 1, "blocks": [{"kind": "separable"}]},
             {"channels": 9, "stride": 2, "blocks": [{"kind": "separable"}]}]
AVERAGE = [{"channels": 7, "stride": 2, "blocks": [{"kind": "basic", "inner": 5, "shortcut": "average"}]},
           {"channels": 9, "stride": 1, "blocks": [BASIC]}]
POOLED = [{"channels": 6, "stride": 1, "blocks": [BASIC], "max_pool": {"kernel": 3, "stride": 2, "pad": 1}},
          {"channels": 9, "stride": 1, "blocks": [BASIC], "max_pool": {"kernel": 2, "stride": 1}}]
POOLED_PLAIN = [{"channels": 7, "stride": 1, "blocks": [{"kind": "plain"}], "max_pool": {"kernel": 2, "stride": 1}},
                {"channels": 9, "stride": 1, "blocks": [{"kind": "plain"}], "max_pool": {"kernel": 3, "stride": 2, "pad": 1}}]
NESTED, FOUR = ["w8a8", "w2a2", "w1a2", "w1a1"], ["w1a8", "w1a4", "w1a2", "w1a1"]
CASES = {
    "basic-floor": dict(switches=NESTED, stages=STAGES, teacher="top"),
    "basic-w1": dict(switches=FOUR, stages=STAGES, teacher="next"),
    "bireal-blocks": dict(switches=["w4a4", "w1a1"], stages=BIREAL, teacher="labels"),
    "no-residual": dict(switches=NESTED, stages=[{"channels": 6, "stride": 2, "blocks": [{"kind": "plain"}, {"kind": "plain"}]}], teacher="top"),
    "depthwise": dict(switches=NESTED, stages=SEPARABLE, teacher="top"),
    "bireal-gradient": dict(switches=["w2a2", "w1a1"], stages=BIREAL, teacher="top", quantizers={"sign_gradient": "bireal", "weight_unit": "filter"}),
    "pact-published": dict(switches=NESTED, stages=STAGES, teacher="top", quantizers={"activations": "pact-published", "weight_unit": "layer"}),
    "dorefa": dict(switches=["w4a4", "w2a2", "w1a1"], stages=STAGES, teacher="top", quantizers={"weights": "dorefa", "activations": "dorefa"}),
    "lsq": dict(switches=["w4a4", "w2a2", "w1a2", "w1a1"], stages=STAGES, teacher="top", quantizers={"weights": "lsq", "activations": "lsq"}),
    "max-pooling": dict(switches=NESTED, stages=POOLED, teacher="top", stem={"max_pool": {"kernel": 3, "stride": 2, "pad": 1}}),
    "max-pooling-plain": dict(switches=FOUR, stages=POOLED_PLAIN, teacher="next", stem={"max_pool": {"kernel": 2, "stride": 2}}),
    "average": dict(switches=NESTED, stages=AVERAGE, teacher="top"),
    "average-lsq": dict(switches=["w1a32", "w1a2", "w1a1"], stages=AVERAGE, teacher="next", quantizers={"weights": "lsq", "activations": "lsq"}),
    "bfloat16-average": dict(switches=FOUR, stages=AVERAGE, teacher="top", half=True),
    "sgd": dict(switches=NESTED, stages=STAGES, teacher="top", optimizer="sgd"),
    "sgd-lsq": dict(switches=["w4a4", "w2a2", "w1a1"], stages=STAGES, teacher="top", optimizer="sgd", quantizers={"weights": "lsq", "activations": "lsq"}),
    "float-ends": dict(switches=NESTED, stages=STAGES, teacher="top", stem={"weight_bits": 32}, head={"weight_bits": 32}),
    "float-ends-lsq": dict(switches=["w1a32", "w1a2"], stages=STAGES, teacher="top", stem={"weight_bits": 32}, head={"weight_bits": 32, "pool_bits": 32}, optimizer="sgd", quantizers={"weights": "lsq", "activations": "lsq"}),
    "bfloat16": dict(switches=NESTED, stages=STAGES, teacher="top", half=True),
    "bfloat16-bireal": dict(switches=["w4a4", "w1a1"], stages=BIREAL, teacher="labels", half=True),
    "bfloat16-depthwise": dict(switches=NESTED, stages=SEPARABLE, teacher="top", half=True),
    "bfloat16-pooled-float-ends": dict(switches=FOUR, stages=POOLED, teacher="next", half=True, stem={"weight_bits": 32, "max_pool": {"kernel": 3, "stride": 2, "pad": 1}}, head={"weight_bits": 32}),
    "float-activations": dict(switches=["w1a32", "w1a2"], stages=STAGES, teacher="top"),
}
SIDE, CLASSES, STEM, BATCH = 10, 5, 6, 16  # two shards


def write_network(case, path):
    lines = ["name: small", f"input: {{height: {SIDE}, width: {SIDE}, channels: 2}}", f"classes: {CLASSES}",
             f"switches: [{', '.join(case['switches'])}]"]
    if case.get("quantizers"):
        lines += ["quantizers: " + json.dumps(case["quantizers"]).replace('"', "")]
    stem = {"channels": STEM, "kernel": 3, "stride": 1, "weight_bits": 8} | case.get("stem", {})
    lines += ["stem: " + json.dumps(stem).replace('"', ""), "stages:"]
    for stage in case["stages"]:
        lines += [f"  - channels: {stage['channels']}", f"    stride: {stage['stride']}", "    blocks:"]
        lines += ["      - " + json.dumps(block).replace('"', "") for block in stage["blocks"]]
        if "max_pool" in stage:
            lines += ["    max_pool: " + json.dumps(stage["max_pool"]).replace('"', "")]
    lines += ["head: " + json.dumps({"pool_bits": 8, "weight_bits": 8} | case.get("head", {})).replace('"', "")]
    with open(path, "w") as f:
        f.write("\n".join(lines) + "\n")


# ---- quantizers: forward on float64 for comparison, gradient with the codes that Bitdial chose ------------------------


def half_up(x):
    return torch.floor(x + 0.5)


class Weights(torch.autograd.Function):
    """integers * unit; `level` is s (floor), max |tanh| (dorefa) or the step (lsq). `stands`: 1-bit DoReFa weights stand
    for 2 t - 1, and have its slope, where their unit says so (root mean square); else they are signs."""

    @staticmethod
    def forward(ctx, latent, level, family, bits, integers, unit, stands):
        ctx.save_for_backward(latent, level, integers)
        ctx.family, ctx.bits, ctx.stands = family, bits, stands
        if family == "lsq" and bits > 1:
            unit = level
        return integers * unit.reshape(-1, *[1] * (integers.dim() - 1))

    @staticmethod
    def backward(ctx, d):
        latent, level, integers = ctx.saved_tensors
        d_level = torch.zeros_like(level)
        if ctx.family == "dorefa" and (ctx.bits > 1 or ctx.stands):
            d = d * (1 - torch.tanh(latent) ** 2) / level
        elif ctx.family == "lsq" and ctx.bits > 1:
            low, high = -(2 ** (ctx.bits - 1)), 2 ** (ctx.bits - 1) - 1
            v = latent / level
            inside = (v > low) & (v < high)
            g = 1 / math.sqrt(latent.numel() * high)
            d_level = (g * d * torch.where(inside, integers - v, torch.where(v <= low, low, high))).sum().reshape(level.shape)
            d = d * inside
        return d, d_level, None, None, None, None, None


def integers_of(latent, level, family, bits):
    """Integer weights, and how far each latent is from the nearest edge between two of them."""
    if bits == 1:
        return torch.where(latent >= 0, 1.0, -1.0), latent.abs()
    if family == "floor":
        t = 2**bits * (latent / (2 * level) + 0.5)
        return 2 * torch.floor(t).clamp(0, 2**bits - 1) + 1 - 2**bits, (t - torch.round(t)).abs()
    if family == "dorefa":
        n = 2**bits - 1
        t = n * (torch.tanh(latent) / (2 * level) + 0.5)
        return 2 * half_up(t) - n, (t + 0.5 - torch.round(t + 0.5)).abs()
    t = latent / level
    return half_up(t.clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)), (t + 0.5 - torch.round(t + 0.5)).abs()


class Activations(torch.autograd.Function):
    """The worth of `codes`; `level` is alpha, or LSQ's step; a 1-bit code is a sign; 32 bits are only clipped. Of the
    level's gradient `size[0]` gets the sum of magnitudes: its terms cancel, and float32 errs by a part of this."""

    @staticmethod
    def forward(ctx, z, level, family, slope, bits, codes, size):
        ctx.save_for_backward(z, level, codes)
        ctx.family, ctx.slope, ctx.bits, ctx.size = family, slope, bits, size
        if bits == 1:
            return codes.clone()
        if bits == 32:
            return torch.minimum(z.clamp(min=0), level)
        return codes * (level if family == "lsq" else level / (2**bits - 1))

    @staticmethod
    def backward(ctx, d):
        z, level, codes = ctx.saved_tensors
        if ctx.bits == 1:
            gain = (2 - 2 * z.abs()).clamp(min=0) if ctx.slope == "bireal" else (z.abs() <= 1).to(z.dtype)
            return d * gain, torch.zeros_like(level), None, None, None, None, None
        n = 2**ctx.bits - 1
        alpha = level * n if ctx.family == "lsq" and ctx.bits != 32 else level
        above = z > alpha if ctx.family == "dorefa" else z >= alpha
        inside = (z >= 0) & ~above
        if ctx.bits == 32:
            terms = d * above
        elif ctx.family == "lsq":
            g = 1 / math.sqrt(z[0].numel() * n)
            terms = g * d * torch.where(inside, codes - z / level, torch.where(above, float(n), 0.0))
        elif ctx.family == "dorefa":
            terms = torch.zeros_like(d)
        else:
            error = codes / n - z / alpha if ctx.family == "pact" else torch.zeros_like(z)
            terms = d * torch.where(inside, error, torch.where(above, 1.0, 0.0))
        ctx.size[0] = max(ctx.size[0], terms.abs().sum().item())
        return d * inside, terms.sum().reshape(level.shape), None, None, None, None, None


def max_pool(x, kernel, stride=2, pad=0):
    """Of equal values the first, row by row. Equal sums are equal values in Bitdial, here but for float64's rounding."""
    x = F.pad(x, [pad] * 4, value=-math.inf)
    windows = x.im2col(2, kernel, stride).im2col(3, kernel, stride).flatten(-2)
    best = windows.detach().amax(-1, keepdim=True)
    equal = (windows.detach() >= best - 1e-9 * best.abs()).to(torch.long)
    first = (equal * (equal.cumsum(-1) == 1)).argmax(-1, keepdim=True)
    return windows.gather(-1, first).squeeze(-1)


# ---- the step, from the description ---------------------------------------------------------------------------------------


class Step:
    """What Bitdial dumped, and the same step by autograd."""

    def __init__(self, case, folder, fault):
        self.case, self.folder, self.fault = case, folder, fault
        q = case.get("quantizers", {})
        self.weights, self.activations = q.get("weights", "floor"), q.get("activations", "pact")
        self.slope, self.unit = q.get("sign_gradient", "clip"), q.get("weight_unit", "rms")
        self.plan = json.load(open(f"{folder}/step.json"))
        self.leaves, self.sizes, self.worst, self.flips, self.codes_seen = {}, {}, {}, 0, 0

    def load(self, name):
        return torch.from_numpy(numpy.load(f"{self.folder}/{name}.npy").astype(numpy.float64))

    def has(self, name):
        return os.path.exists(f"{self.folder}/{name}.npy")

    def leaf(self, name):
        if name not in self.leaves:
            self.leaves[name] = self.load(name).requires_grad_()
        return self.leaves[name]

    def compare(self, kind, name, ours, theirs, size=0.0):
        """`theirs` is Bitdial's; the error is relative to the largest number of the array, or `size` if that is more."""
        if self.fault == kind:
            theirs = theirs.clone()
            part = 0.02 if kind.startswith("bf16") else 0.01
            theirs.view(-1)[-1] += max(1, part * theirs.abs().max()) if kind in ("sums", "codes") else part * max(theirs.abs().max(), size, 1e-3)
            self.fault = None
        scale = max(ours.abs().max().item(), theirs.abs().max().item(), size, 1e-7)
        error = (ours.detach().reshape(theirs.shape) - theirs).abs().max().item() / scale
        error = math.inf if math.isnan(error) else error
        if error >= self.worst.get(kind, (0, ""))[0]:
            self.worst[kind] = error, name

    def quantized(self, layer, s, bits):
        """Bitdial's integers, compared with our own, as values with their gradient."""
        if bits == 32:
            return self.leaf(f"{layer}.weight")
        latent, theirs = self.leaf(f"{layer}.weight"), self.load(f"{s}/weights/{layer}")
        theirs = theirs.reshape(latent.shape)
        level = torch.ones(1, dtype=torch.float64)
        if self.weights != "lsq":
            level = self.load(f"{layer}.scale")
        elif bits > 1:
            level = self.leaf(f"{layer}.wstep" if self.has(f"{layer}.wstep") else f"{layer}.{s}.wstep")
        unit = self.load(f"{layer}.{s}.wscale")
        ours, distance = integers_of(latent.detach(), level.detach(), self.weights, bits)
        self.check_codes(f"{s}/weights/{layer}", ours, theirs, distance)
        self.check_unit(f"{layer}.{s}.wscale", latent.detach(), level.detach(), bits, theirs, unit)
        return Weights.apply(latent, level, self.weights, bits, theirs, unit, self.unit == "rms")

    def check_unit(self, name, latent, level, bits, integers, unit):
        if self.weights == "lsq" and bits > 1:
            ours = level
        elif self.unit == "rms":  # that of the 8-bit form, of 2 t - 1, or of the latents
            stand_for = latent
            if self.weights == "floor":
                stand_for = integers_of(latent, level, self.weights, 8)[0] * level / 256
            elif self.weights == "dorefa":
                stand_for = torch.tanh(latent) / level
            ours = (stand_for.square().mean() / integers.square().mean()).sqrt().reshape(1)
        elif bits == 1:
            one_each = self.unit == "filter" and unit.numel() > 1
            ours = latent.abs().flatten(1).mean(1) if one_each else latent.abs().mean().reshape(1)
        else:
            ours = level / 2**bits if self.weights == "floor" else torch.full_like(level, 1 / (2**bits - 1))
        self.compare("units", name, ours, unit)

    def check_codes(self, name, ours, theirs, distance):
        """Codes may differ by one where the value is as good as on an edge."""
        if self.fault == "codes":
            theirs = theirs.clone()
            theirs.view(-1)[distance.argmax()] += 2
            self.fault = None
        differ = ours.reshape(theirs.shape) != theirs
        self.codes_seen += theirs.numel()
        self.flips += int(differ.sum())
        wrong = int((differ & (distance.reshape(theirs.shape) > EDGE)).sum())
        if wrong >= self.worst.get("codes", (0, ""))[0]:
            self.worst["codes"] = wrong, name

    def codes(self, z, quantizer, s, bits):
        level = torch.ones(1, dtype=torch.float64)
        learned = f"{quantizer}.{s}." + ("step" if self.activations == "lsq" and bits != 32 else "alpha")
        if self.has(learned):
            level = self.leaf(learned)
        size = self.sizes.setdefault(learned, [0.0])
        if bits == 32:
            return Activations.apply(z, level, self.activations, self.slope, bits, z, size)
        theirs = self.load(f"{s}/codes/{quantizer}").reshape(z.shape)
        if bits == 1:
            ours, distance = torch.where(z >= 0, 1.0, -1.0), z.abs()
        else:
            n = 2**bits - 1
            t = z / (level if self.activations == "lsq" else level / n)
            ours, distance = half_up(t).clamp(0, n), (t + 0.5 - torch.round(t + 0.5)).abs()
        self.check_codes(f"{s}/codes/{quantizer}", ours.detach(), theirs, distance.detach())
        return Activations.apply(z, level, self.activations, self.slope, bits, theirs, size)

    def conv_norm(self, layer, x, s, bits, stride, kernel, groups=1):
        w = self.quantized(layer, s, bits)
        y = F.conv2d(x, w, None, stride, kernel // 2, 1, groups)
        mean, variance = y.mean((0, 2, 3)), y.var((0, 2, 3), unbiased=False)
        self.compare("statistics", f"{layer}.{s}.mean", mean, self.load(f"{layer}.{s}.mean"))
        self.compare("statistics", f"{layer}.{s}.var", variance, self.load(f"{layer}.{s}.var"))
        gamma, beta = self.leaf(f"{layer}.{s}.gamma"), self.leaf(f"{layer}.{s}.beta")
        z = F.batch_norm(y, None, None, gamma, beta, True, 0, EPS)
        if self.case.get("half"):
            self.measure_terms(layer, s, x.detach(), w, y, z, stride, kernel // 2, groups)
        return z

    def measure_terms(self, layer, s, x, w, y, z, stride, pad, groups):
        """Sums of the magnitudes of the terms of each gradient, on the way back. Batch norm takes the mean out of a
        gradient, so that what it leaves is a small sum of large terms, and bfloat16 errs by a part of these."""
        inverse = (y.detach().var((0, 2, 3), unbiased=False, keepdim=True) + EPS).rsqrt()
        normalized = (y.detach() - y.detach().mean((0, 2, 3), keepdim=True)) * inverse

        def of_norm(g):
            self.sizes[f"{layer}.{s}.beta"] = [g.abs().sum((0, 2, 3)).max().item()]
            self.sizes[f"{layer}.{s}.gamma"] = [(g * normalized).abs().sum((0, 2, 3)).max().item()]

        def of_weights(g):
            terms = torch.nn.grad.conv2d_weight(x.abs(), w.shape, g.abs(), stride, pad, 1, groups)
            self.sizes.setdefault(f"{layer}.weight", [0.0])[0] += terms.max().item() / len(self.case["switches"])

        z.register_hook(of_norm)
        y.register_hook(of_weights)

    def check_sums(self, layer, quantizer, s, codes, stride, kernel, groups=1, side=1):
        """Integer codes, or sums of them where the layer averages, by integer weights are the integer sums."""
        codes = F.avg_pool2d(codes, side) * side**2
        quantized = self.has(f"{s}/weights/{layer}")
        weights = self.load(f"{s}/weights/{layer}") if quantized else self.load(f"{layer}.weight")
        sums = F.conv2d(codes, weights, None, stride, kernel // 2, 1, groups)
        self.compare("sums" if quantized else "float sums", f"{s}/{layer}", sums, self.load(f"{s}/sums/{layer}"))

    def layer(self, layer, quantizer, x, s, weight_bits, stride, kernel, groups=1, side=1):
        if self.has(f"{s}/codes/{quantizer}"):
            self.check_sums(layer, quantizer, s, self.load(f"{s}/codes/{quantizer}"), stride, kernel, groups, side)
        return self.conv_norm(layer, F.avg_pool2d(x, side), s, weight_bits, stride, kernel, groups)

    def block(self, block, name, r, s, channels, stride, bits):
        """The stream after a block, from the stream (or, after a block without shortcut, its batch norm's output)."""
        weight_bits, activation_bits = bits
        q = lambda z, k: self.codes(z, f"{name}.{k}", s, activation_bits)
        run = lambda layer, k, x, *a: self.layer(f"{name}.{layer}", f"{name}.{k}", x, s, weight_bits, *a)
        kind = block["kind"]
        if kind == "plain":
            return run("conv", "q1", q(r, "q1"), stride, 3)
        if kind == "separable":
            y = run("dw", "q1", q(r, "q1"), stride, 3, r.shape[1])
            return run("pw", "q2", q(y, "q2"), 1, 1)
        codes = q(r, "q1")
        if block.get("shortcut") == "average":
            r = run("proj", "q1", codes, 1, 1, 1, 2)
        elif stride != 1 or channels != r.shape[1]:
            r = run("proj", "q1", codes, stride, 1)
        y = run("conv1", "q1", codes, stride, 3)
        if kind == "bireal":
            r = y = r + y
        return r + run("conv2", "q2", q(y, "q2"), 1, 3)

    def forward(self, s):
        bits = tuple(int(b) for b in s[1:].split("a"))
        images = self.load("images").permute(0, 3, 1, 2)
        self.check_sums("stem", None, s, images, 1, 3)
        stem, head = self.case.get("stem", {}), self.case.get("head", {})
        r = self.conv_norm("stem", images / 255, s, stem.get("weight_bits", 8), 1, 3)
        r = max_pool(r, **stem["max_pool"]) if "max_pool" in stem else r
        for i, stage in enumerate(self.case["stages"]):
            for k, block in enumerate(stage["blocks"]):
                r = self.block(block, f"s{i + 1}b{k + 1}", r, s, stage["channels"], stage["stride"] if k == 0 else 1, bits)
            r = max_pool(r, **stage["max_pool"]) if "max_pool" in stage else r
        pooled = r.mean((2, 3))
        self.compare("pooled", s, pooled, self.load(f"{s}/pooled"))
        codes = self.codes(pooled, "pool.q", s, head.get("pool_bits", 8))
        self.pooled.append(pooled)
        w = self.quantized("fc", s, head.get("weight_bits", 8))
        logits = F.linear(codes, w.reshape(CLASSES, -1), self.leaf("fc.bias"))
        self.compare("logits", s, logits, self.load(f"{s}/logits"))
        return logits

    def run(self):
        labels, plan, teachers = self.load("labels").long(), self.plan, []
        self.pooled = []
        for i, s in enumerate(self.case["switches"]):
            logits = self.forward(s)
            logits.retain_grad()
            loss = cross_entropy = F.cross_entropy(logits, labels)
            if i and self.case["teacher"] != "labels":
                t, above = plan["temperature"], 0 if self.case["teacher"] == "top" else i - 1
                kl = F.kl_div(F.log_softmax(logits / t, 1), F.softmax(teachers[above] / t, 1), reduction="batchmean")
                mse = F.mse_loss(self.pooled[i], self.pooled[above].detach())
                loss = plan["label_weight"] * cross_entropy + plan["teacher_weight"] * t * t * kl + plan["pooled_weight"] * mse
            self.compare("loss", s, cross_entropy.reshape(1), self.load(f"{s}/loss"))
            teachers.append(logits.detach())
            loss.backward()
            self.compare("d_logits", s, logits.grad, self.load(f"{s}/d_logits"))
        for name, leaf in self.leaves.items():
            ours = leaf.grad / len(self.case["switches"]) if self.is_shared(name) else leaf.grad
            size = self.sizes.get(name, [0.0])[0]
            kind = name.split(".")[-1]
            exact = not self.case.get("half") or name.startswith(("fc.", "pool."))
            theirs = self.load(f"gradient/{name}")
            self.compare(kind if exact else f"bf16 {kind}", name, ours, theirs, size)
            if not exact and kind == "weight":  # rounding to even leans to no side
                scale = (ours * theirs.reshape(ours.shape)).sum() / ours.square().sum()
                self.compare("bf16 scale", name, scale.reshape(1), torch.ones(1))
        missing = [n[:-4] for n in os.listdir(f"{self.folder}/gradient") if n[:-4] not in self.leaves]
        if missing:
            raise SystemExit(f"gradients that no leaf answers to: {missing}")
        self.check_updates()

    def is_shared(self, name):
        return not any(f".{s}." in name for s in self.case["switches"])

    def check_updates(self):
        """Adam or SGD with momentum from Bitdial's own gradients, in float64."""
        plan = self.plan
        decays = {"alpha": "level_decay", "weight": "weight_decay", "step": None, "wstep": None}
        for name in self.leaves:
            kind, value, gradient = name.split(".")[-1], self.load(name), self.load(f"gradient/{name}")
            is_step = kind in ("step", "wstep")  # moved by parts of themselves
            decay = plan.get(decays.get(kind, "norm_decay"), 0)
            first, second = torch.zeros_like(value), torch.zeros_like(value)
            for k in range(1, plan["updates"] + 1):
                g = gradient + decay * value
                if plan["optimizer"] == "sgd":
                    first = plan["beta1"] * first + g
                    value = value - plan["rate"] * first
                else:
                    first = plan["beta1"] * first + (1 - plan["beta1"]) * g
                    second = plan["beta2"] * second + (1 - plan["beta2"]) * g * g
                    rate = plan["rate"] * (value if is_step else 1)
                    value = value - rate * (first / (1 - plan["beta1"] ** k)) / ((second / (1 - plan["beta2"] ** k)).sqrt() + 1e-8)
                if kind == "weight" and self.has(name[:-6] + "scale") and self.weights == "floor":
                    s = self.load(name[:-6] + "scale")
                    value = torch.minimum(torch.maximum(value, -s), s)
                if kind == "alpha":
                    value = value.clamp(min=0.05)
                if is_step:
                    value = value.clamp(min=1e-6)
            self.compare("updated", name, value, self.load(f"updated/{name}"))


def print_worst(worst, bad):
    for kind, (error, where) in worst.items():
        print(f"    {kind:11} {error:9.2g}  {where}{'   <- over tolerance' if kind in bad else ''}")


def run_case(name, case, fault, worst):
    """True or False, or None where it cannot run; `worst` gets the worst errors of this case and those before."""
    with tempfile.TemporaryDirectory() as folder:
        network = f"{folder}/network.yaml"
        write_network(case, network)
        command = [f"{BUILD}/step", "dump", network, f"{folder}/step", "--seed", "5", "--batch", str(BATCH), "--teacher", case["teacher"]]
        command += ["--optimizer", case.get("optimizer", "adam")] + (["--bfloat16"] if case.get("half") else [])
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode == 3:
            print(f"{name}: not run: {done.stderr.strip()}")
            return None
        if done.returncode:
            print(f"{name}: FAILED: step ended with {done.returncode}: {done.stderr.strip()}")
            return False
        step = Step(case, f"{folder}/step", fault)
        step.run()
    allowed = TOLERANCE | {"units": 1e-4, "codes": 0} | {f"bf16 {kind}": error for kind, error in HALF.items()}
    bad = [k for k, (error, _) in step.worst.items() if error > allowed[k]]
    print(f"{name}: {'FAILED' if bad else 'ok'}; {step.flips} of {step.codes_seen} codes on the other side of an edge")
    print_worst(step.worst, bad)
    for kind, (error, where) in step.worst.items():
        worst[kind] = max(worst.get(kind, (-1, "")), (error, f"{name}: {where}"))
    return not bad


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="cases whose names hold this")
    parser.add_argument("--fault", choices=FAULTS)
    o = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    worst = {}
    results = [run_case(name, case, o.fault, worst) for name, case in CASES.items() if o.only in name]
    print(f"worst of {results.count(True)} cases passed, {results.count(False)} failed, {results.count(None)} not run:")
    print_worst(worst, ())
    sys.exit(1 if False in results or True not in results else 0)


if __name__ == "__main__":
    main()
