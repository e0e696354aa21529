"""The training step of Bitdial written in PyTorch, as fast as we know how to make it there.

ResNet-20 for 28x28 grey images (stages of 16, 32, 64 channels, three basic blocks each) at four switches w1a8, w1a4,
w1a2, w1a1 of one set of latent weights; batch norm and clip levels private to a switch:

    r' = S(r) + BN(conv(Q(BN(conv(Q(r))))))

S is the identity, or a 1x1 convolution with stride 2 and batch norm of the same codes. First layer and classifier have
8-bit weights; the pooled map is an 8-bit code. A step: every switch forward and backward; the highest learns from labels, the
others half from labels and half from the detached highest (T = 2); shared gradients are means over the switches;
Adam. Quantizers are those of Bitdial: weights by centred floor in +-s, scaled to equal root mean square (the sign at one
bit), gradient straight through; activations by PACT, at one bit the sign with gradient where |x| <= 1.

What helps PyTorch is used: convolutions by oneDNN, weights quantized once a step and shared by the switches, the first
layer's convolution once a step for all switches, quantizers as autograd functions that keep one tensor each, Adam fused,
gradients set to None. tests/bench/README.md tells what was tried beside that.
"""

import argparse
import gzip
import json
import statistics
import struct
import time

import torch
import torch.nn.functional as F
from torch import nn

BATCH, SIDE, CLASSES = 128, 28, 10
CHANNELS, BLOCKS = (16, 32, 64), 3
BITS = (8, 4, 2, 1)  # of the activations, highest switch first; weights have 1 bit
TEMPERATURE, LABELS, TAUGHT = 2.0, 0.5, 0.5
MOMENTUM, SCALE_FACTOR, SCALE_MOMENTUM = 0.02, 2.5, 0.01


# ---- quantizers -------------------------------------------------------------------------------------------------


class Pact(torch.autograd.Function):
    """clamp(floor(n x / alpha + 1/2), 0, n) alpha / n."""

    @staticmethod
    def forward(ctx, x, alpha, n):
        ctx.save_for_backward(x, alpha)
        ctx.n = n
        return torch.floor(x * (n / alpha) + 0.5).clamp_(0, n).mul_(alpha / n).to(x.dtype)

    @staticmethod
    def backward(ctx, d):
        x, alpha = ctx.saved_tensors
        n = ctx.n
        u = x * (n / alpha)
        if not torch.compiler.is_compiling():  # `where` is slow there; these are one pass each
            above, u = u >= n, F.hardtanh(u, 0, n)
            error = torch.floor(u + 0.5).sub_(u).div_(n).add_(above)
            d_alpha = torch.dot(d.flatten(), error.to(d.dtype).flatten()) if d.is_contiguous() else (d * error).sum()
            return torch.ops.aten.hardtanh_backward(d, x, 0.0, alpha.item()), d_alpha.to(alpha.dtype), None
        inside = (u >= 0) & (u < n)
        q = torch.floor(u + 0.5).clamp(0, n)
        d_alpha = (d * torch.where(u >= n, 1.0, torch.where(inside, (q - u) / n, 0.0))).sum()
        return torch.where(inside, d, 0.0), d_alpha.to(alpha.dtype), None


class Sign(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        if not torch.compiler.is_compiling():
            return (x >= 0).to(x.dtype).mul_(2).sub_(1)
        return torch.where(x >= 0, 1.0, -1.0).to(x.dtype)

    @staticmethod
    def backward(ctx, d):
        (x,) = ctx.saved_tensors
        if not torch.compiler.is_compiling():
            return torch.ops.aten.hardtanh_backward(d, x, -1.0, 1.0)
        return torch.where(x.abs() <= 1, d, 0.0)


class Weights(torch.autograd.Function):
    """Centred floor at `bits` in +-s, scaled to the root mean square of its 8-bit form; straight through."""

    @staticmethod
    def forward(ctx, w, s, bits):
        c = torch.floor(256 * (w / (2 * s) + 0.5)).clamp_(0, 255)
        odd8 = 2 * c - 255
        if bits == 8:
            return odd8 * (s / 256)
        rms = odd8.square().mean().sqrt() * (s / 256)
        return torch.where(c >= 128, rms, -rms)

    @staticmethod
    def backward(ctx, d):
        return d, None, None


# ---- the network ------------------------------------------------------------------------------------------------


class SwitchNorm(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.norms = nn.ModuleList(nn.BatchNorm2d(channels, momentum=MOMENTUM) for _ in BITS)

    def forward(self, x, s):
        return self.norms[s](x)


class SwitchQuantizer(nn.Module):
    def __init__(self, bits=None):
        super().__init__()
        self.bits = [bits or b for b in BITS]
        first = {1: 1.0, 2: 2.0, 4: 3.0, 8: 4.0}
        self.alpha = nn.ParameterList(nn.Parameter(torch.tensor(first[b])) for b in self.bits)

    def forward(self, x, s):
        if self.bits[s] == 1:
            return Sign.apply(x)
        return Pact.apply(x, self.alpha[s], float(2 ** self.bits[s] - 1))


class Latent(nn.Module):
    """Latent weights and their range; `quantize` once a step."""

    def __init__(self, shape, bits):
        super().__init__()
        fan_in = shape[1] * shape[2] * shape[3] if len(shape) == 4 else shape[1]
        self.weight = nn.Parameter(torch.randn(shape) * (2.0 / fan_in) ** 0.5)
        self.register_buffer("s", SCALE_FACTOR * self.weight.detach().abs().mean())
        self.bits = bits

    def quantize(self):
        return Weights.apply(self.weight, self.s, self.bits)


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.stride = stride
        self.q1, self.q2 = SwitchQuantizer(), SwitchQuantizer()
        self.conv1, self.conv2 = Latent((outputs, inputs, 3, 3), 1), Latent((outputs, outputs, 3, 3), 1)
        self.bn1, self.bn2 = SwitchNorm(outputs), SwitchNorm(outputs)
        self.project = stride != 1 or inputs != outputs
        if self.project:
            self.conv0, self.bn0 = Latent((outputs, inputs, 1, 1), 1), SwitchNorm(outputs)

    def forward(self, r, w, s):
        codes = self.q1(r, s)
        if self.project:
            r = self.bn0(F.conv2d(codes, w[self.conv0], None, self.stride), s)
        y = self.bn1(F.conv2d(codes, w[self.conv1], None, self.stride, 1), s)
        return r + self.bn2(F.conv2d(self.q2(y, s), w[self.conv2], None, 1, 1), s)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.stem_bn = Latent((CHANNELS[0], 1, 3, 3), 8), SwitchNorm(CHANNELS[0])
        blocks, inputs = [], CHANNELS[0]
        for stage, outputs in enumerate(CHANNELS):
            for k in range(BLOCKS):
                blocks.append(Block(inputs, outputs, 2 if stage and k == 0 else 1))
                inputs = outputs
        self.blocks = nn.ModuleList(blocks)
        self.pool_q = SwitchQuantizer(8)
        self.fc, self.bias = Latent((CLASSES, CHANNELS[-1]), 8), nn.Parameter(torch.zeros(CLASSES))
        self.latents = [m for m in self.modules() if isinstance(m, Latent)]

    def forward_switch(self, stem, w, s):
        r = self.stem_bn(stem, s)
        for block in self.blocks:
            r = block(r, w, s)
        pooled = self.pool_q(r.mean((2, 3)), s)
        return F.linear(pooled, w[self.fc], self.bias).float()

    def shared(self):
        return [m.weight for m in self.latents] + [self.bias]


def step_loss(net, images, labels):
    """Sum over the switches of their losses, for one backward pass."""
    w = {m: m.quantize() for m in net.latents}
    stem = F.conv2d(images, w[net.stem], None, 1, 1)
    total, teacher = 0, None
    for s in range(len(BITS)):
        logits = net.forward_switch(stem, w, s)
        loss = F.cross_entropy(logits, labels)
        if teacher is None:
            teacher = F.softmax(logits.detach() / TEMPERATURE, 1)
        else:
            student = F.log_softmax(logits / TEMPERATURE, 1)
            loss = LABELS * loss + TAUGHT * TEMPERATURE**2 * F.kl_div(student, teacher, reduction="batchmean")
        total = total + loss
    return total


# ---- a step -----------------------------------------------------------------------------------------------------


def variant_name(layout, compiled, half):
    return f"{'compiled' if compiled else 'eager'} {layout} {'bf16' if half else 'f32'}"


class Variant:
    """One way of running the step: layout, compiled or not, precision of the products."""

    def __init__(self, layout, compiled, half):
        self.name = variant_name(layout, compiled, half)
        self.half = half
        self.format = torch.channels_last if layout == "channels-last" else torch.contiguous_format
        torch.manual_seed(1)
        self.net = Net()
        if layout == "channels-last":
            self.net.to(memory_format=torch.channels_last)
        self.loss = torch.compile(step_loss, mode="default") if compiled else step_loss
        self.shared = self.net.shared()
        self.scales = [m.s for m in self.net.latents]
        self.latents = [m.weight for m in self.net.latents]
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=0.003, fused=True)

    def step(self, images, labels):
        x = images.to(torch.float32, memory_format=self.format).div_(255)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.half):
            loss = self.loss(self.net, x, labels)
        loss.backward()
        with torch.no_grad():
            torch._foreach_mul_([p.grad for p in self.shared], 1 / len(BITS))
            self.optimizer.step()
            for w, s in zip(self.latents, self.scales):
                w.clamp_(-s, s)
                s.lerp_(SCALE_FACTOR * w.abs().mean(), SCALE_MOMENTUM)
        self.optimizer.zero_grad(set_to_none=True)
        return loss.detach()


# ---- batches ----------------------------------------------------------------------------------------------------


def read_idx(path):
    with gzip.open(path) as f:
        data = f.read()
    rank = data[3]
    shape = struct.unpack(f">{rank}I", data[4 : 4 + 4 * rank])
    return torch.frombuffer(bytearray(data[4 + 4 * rank :]), dtype=torch.uint8).reshape(shape)


class Synthetic:
    """The same random batch again and again."""

    name = "synthetic"

    def __init__(self):
        torch.manual_seed(2)
        self.batch = torch.randint(0, 256, (BATCH, 1, SIDE, SIDE), dtype=torch.uint8), torch.randint(0, CLASSES, (BATCH,))

    def next(self):
        return self.batch


class Loader:
    """Fashion-MNIST, shuffled, moved by up to one pixel, mirrored at random: whole batches in this process."""

    name = "loader"

    def __init__(self, folder, crop=1):
        self.images = F.pad(read_idx(f"{folder}/train-images-idx3-ubyte.gz"), (crop,) * 4)
        self.labels = read_idx(f"{folder}/train-labels-idx1-ubyte.gz").long()
        self.crop, self.at = crop, len(self.labels)
        self.line = torch.arange(SIDE)

    def next(self):
        if self.at + BATCH > len(self.labels):
            self.order, self.at = torch.randperm(len(self.labels)), 0
        index = self.order[self.at : self.at + BATCH]
        self.at += BATCH
        y, x = torch.randint(0, 2 * self.crop + 1, (2, BATCH, 1))
        mirror = torch.rand(BATCH, 1) < 0.5
        rows, columns = y + self.line, x + torch.where(mirror, self.line.flip(0), self.line)
        images = self.images[index[:, None, None], rows[:, :, None], columns[:, None, :]]
        return images[:, None], self.labels[index]


def measure(variant, batches, seconds):
    """Images a second, and a second of processor time, over at least `seconds`."""
    start, cpu, images = time.perf_counter(), time.process_time(), 0
    while not images or time.perf_counter() - start < seconds:
        variant.step(*batches.next())
        images += BATCH
    return images / (time.perf_counter() - start), images / (time.process_time() - cpu)


VARIANTS = [(layout, compiled, half) for compiled in (False, True) for layout in ("contiguous", "channels-last") for half in (False, True)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", default="", help="part of a variant's name")
    parser.add_argument("--data", default="/usr/share/datasets/fashion-mnist")
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    sources = [Synthetic(), Loader(arguments.data)]
    for shape in VARIANTS:
        variant = Variant(*shape)
        if arguments.only not in variant.name:
            continue
        for _ in range(2):
            variant.step(*sources[0].next())
        for source in sources:
            rates = [measure(variant, source, arguments.seconds)[0] for _ in range(arguments.rounds)]
            print(f"{variant.name:28} {source.name:10} {statistics.median(rates):7.1f} images/s ({min(rates):.1f} to {max(rates):.1f})", flush=True)


if __name__ == "__main__":
    main()
