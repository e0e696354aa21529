"""The accelerator's buses by models that others wrote: cocotbext-axi's AXI4-Lite master writes its registers, its AXI4
slave is its memory. Every channel pauses at random; OUTSIDE_SEED and a test's number give the pauses, which a failing
test prints."""

import json
import logging
import os
import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, First, RisingEdge, Timer, with_timeout
from cocotbext.axi import AxiBus, AxiLiteBus, AxiLiteMaster, AxiResp, AxiSlave

from watch import Watch

CASE = json.load(open(os.environ["OUTSIDE_CASE"]))
SEED = int(os.environ.get("OUTSIDE_SEED", "1"))
REG = CASE["registers"]
PROGRAM, INPUT, OUTPUT, STORE = 0x1_2340_0000, 0x2_0000_0000, 0x3_0000_0FE8, 0x4_0000_0008
PATIENCE_NS = 5_000_000  # 500,000 clocks; a frame without pauses takes 12,000 at most
ALWAYS, SOFT_RESET, STORE_ENABLE = 2, 4, 1  # of CONTROL
DONE, ERROR = 1, 2  # of IRQ_STATUS


class Memory:
    """Named ranges of bytes; what lies in none is answered with SLVERR, as is a write where none is wanted."""

    def __init__(self):
        self.ranges = []
        self.strays = []

    def add(self, base, content, writable):
        self.ranges.append((base, bytearray(content), writable))
        return self.ranges[-1][1]

    def find(self, address, size, write):
        for base, content, writable in self.ranges:
            if base <= address and address + size <= base + len(content) and (writable or not write):
                return content, address - base
        self.strays.append((address, size, write))
        raise ValueError

    async def read(self, address, size):
        content, at = self.find(address, size, False)
        return bytes(content[at : at + size])

    async def write(self, address, data):
        content, at = self.find(address, len(data), True)
        content[at : at + len(data)] = data


def pauses(rng):
    """Some channels never pause, some now and then, some nearly always, some for long."""
    chance = rng.choice((0, 0.1, 0.4, 0.7))
    longest = rng.choice((1, 1, 6))
    while True:
        pause = rng.random() < chance
        for _ in range(rng.randint(1, longest) if pause else 1):
            yield pause


class Bench:
    def __init__(self, dut, number, memory_pauses=True):
        for name in ("cocotb.outside_top.s_axi", "cocotb.outside_top.m_axi"):
            logging.getLogger(name).setLevel(logging.WARNING)
        for half in ("aw", "w", "b", "ar", "r"):
            for bus in ("s_axi", "m_axi"):
                logging.getLogger(f"cocotb.outside_top.{bus}_{half}").setLevel(logging.WARNING)
        self.dut = dut
        self.seed = SEED * 1000 + number
        dut._log.info("pauses of seed %d", self.seed)
        self.rng = random.Random(self.seed)
        self.memory = Memory()
        self.memory.add(PROGRAM, bytes.fromhex(CASE["program"]), False)
        self.input = self.memory.add(INPUT, bytes(len(bytes.fromhex(CASE["images"][0])) + 8), False)
        self.output = self.memory.add(OUTPUT, bytes(CASE["output_bytes"]), True)
        self.store = self.memory.add(STORE, bytes(CASE["store_bytes"]), True)
        self.expected_strays = 0
        dut.aresetn.value = 1
        cocotb.start_soon(Clock(dut.aclk, 10, unit="ns").start())
        self.lite = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi"), dut.aclk, dut.aresetn, reset_active_level=False)
        self.slave = AxiSlave(
            AxiBus.from_prefix(dut, "m_axi"), dut.aclk, dut.aresetn, target=self.memory, reset_active_level=False
        )
        sides = [self.lite.write_if, self.lite.read_if] + [self.slave.write_if, self.slave.read_if] * memory_pauses
        for side in sides:
            for name in ("aw_channel", "w_channel", "b_channel", "ar_channel", "r_channel"):
                if hasattr(side, name):
                    getattr(side, name).set_pause_generator(pauses(random.Random(self.rng.random())))
        self.watch = Watch(dut)

    async def begin(self):
        await Timer(1, "ns")  # the reset acts by falling
        self.dut.aresetn.value = 0
        cocotb.start_soon(self.watch.run())
        await ClockCycles(self.dut.aclk, 6)
        self.dut.aresetn.value = 1
        await ClockCycles(self.dut.aclk, 4)

    # ---- registers

    async def write(self, name, value):
        answer = await with_timeout(self.lite.write(REG[name], value.to_bytes(4, "little")), PATIENCE_NS, "ns")
        assert answer.resp == AxiResp.OKAY, f"a write of {name} is answered with {answer.resp!r}"

    async def read(self, name):
        answer = await with_timeout(self.lite.read(REG[name], 4), PATIENCE_NS, "ns")
        assert answer.resp == AxiResp.OKAY, f"a read of {name} is answered with {answer.resp!r}"
        return int.from_bytes(answer.data, "little")

    async def write_pair(self, name, value):
        await self.write(name + "_LO", value & 0xFFFFFFFF)
        await self.write(name + "_HI", value >> 32)

    async def load(self, program=PROGRAM, store=False):
        await self.write_pair("PROGRAM_ADDR", program)
        await self.write_pair("STORE_ADDR", STORE)
        await self.write("DESC_OFFSET", CASE["load_offset"])
        await self.write("SWITCH_STRIDE", CASE["switch_stride"])
        await self.write("LAYER_COUNT", CASE["layers"])
        await self.write("SWITCH_COUNT", CASE["switches"])
        await self.write("IRQ_ENABLE", DONE | ERROR)
        await self.write("CONTROL", ALWAYS | (STORE_ENABLE if store else 0))
        await self.write_pair("INPUT_ADDR", INPUT)
        await self.write_pair("OUTPUT_ADDR", OUTPUT)

    # ---- frames

    def place(self, switch):
        image = bytes.fromhex(CASE["images"][switch])
        self.input[:] = image + bytes(self.rng.randrange(256) for _ in range(8))  # bytes behind it mean nothing
        self.output[:] = bytes(self.rng.randrange(256) for _ in self.output)

    async def ring(self, switch, tag):
        await self.write("PRECISION", switch)
        await self.write("TAG", tag)
        await self.write("DOORBELL", 1)

    async def irq(self):
        if not int(self.dut.irq.value):
            limit = Timer(PATIENCE_NS, "ns")
            assert await First(RisingEdge(self.dut.irq), limit) is not limit, "no interrupt"

    async def finish(self, switch, tag):
        """The oldest frame has ended without an error, and is the one that was rung."""
        await self.irq()
        assert await self.read("IRQ_STATUS") == DONE, f"STATUS is {await self.read('STATUS'):#x}"
        await self.write("IRQ_STATUS", DONE)
        assert await self.read("DONE_TAG") == tag
        assert await self.read("DONE_SWITCH") == switch

    def check_logits(self, switch):
        size = 4 * CASE["classes"]
        got = [int.from_bytes(self.output[i : i + 4], "little", signed=True) for i in range(0, size, 4)]
        assert got == CASE["logits"][switch], f"switch {switch}: logits {got}, the reference's {CASE['logits'][switch]}"

    async def frame(self, switch, tag=7):
        self.place(switch)
        await self.ring(switch, tag)
        await self.finish(switch, tag)
        self.check_logits(switch)

    def end(self):
        strays = self.memory.strays
        assert len(strays) <= self.expected_strays, f"transfers outside their ranges, such as {strays[0]}"
        counts = {name: (c.taken, c.waited) for name, c in self.watch.channels.items()}
        self.dut._log.info("handshakes and clocks of waiting: %s", counts)


@cocotb.test()
async def registers(dut):
    """Every register by itself: resets, strobes, addresses that hold none."""
    bench = Bench(dut, 1)
    await bench.begin()
    for name in ("ID", "ABI_VERSION", "WATCHDOG_LIMIT", "STATUS", "TAG"):
        assert await bench.read(name) == CASE["resets"].get(name, 0), name
    await bench.write("TAG", 0x11223344)
    for byte in bench.rng.sample(range(4), 4):  # a byte alone: three strobes stay low
        answer = await bench.lite.write(REG["TAG"] + byte, bytes([0xA0 + byte]))
        assert answer.resp == AxiResp.OKAY
    assert await bench.read("TAG") == 0xA3A2A1A0
    free = next(a for a in range(0, 4096, 4) if a not in REG.values())
    for address in (free, 4092):
        assert (await bench.lite.read(address, 4)).resp == AxiResp.SLVERR
        assert (await bench.lite.write(address, bytes(4))).resp == AxiResp.SLVERR
    words = [bench.rng.getrandbits(32) for _ in range(40)]
    for word in words:  # as many as the master's queues take, at once
        writes = bench.lite.init_write(REG["TAG"], word.to_bytes(4, "little"))
        reads = bench.lite.init_read(REG["INPUT_ADDR_LO"], 4)
    await with_timeout(writes.wait(), PATIENCE_NS, "ns")
    await with_timeout(reads.wait(), PATIENCE_NS, "ns")
    assert await bench.read("TAG") == words[-1]
    bench.end()


@cocotb.test()
@cocotb.parametrize(number=range(2, 2 + int(os.environ.get("OUTSIDE_ROUNDS", "4"))))
async def frames(dut, number):
    """A frame at every switch gives the reference's logits, whatever pauses; every other round stores every layer."""
    bench = Bench(dut, number)
    await bench.begin()
    await bench.load(store=number % 2 == 1)
    for switch in bench.rng.sample(range(CASE["switches"]), CASE["switches"]):
        await bench.frame(switch, tag=bench.rng.getrandbits(32))
    if number % 2 == 1:
        assert any(bench.store), "nothing was stored"
    bench.end()


@cocotb.test()
async def queue(dut):
    """Three frames in flight at three switches, registers spoilt behind each doorbell."""
    bench = Bench(dut, 90)
    await bench.begin()
    await bench.load()
    switches = [0, CASE["switches"] - 1, 2]
    bench.place(0)
    for tag, switch in enumerate(switches):
        await bench.ring(switch, tag)
    await bench.write_pair("INPUT_ADDR", 0x5A5A5A58)
    await bench.write_pair("OUTPUT_ADDR", 0x5A5A5A58)
    await bench.finish(0, 0)
    for tag, switch in list(enumerate(switches))[1:]:
        await bench.finish(switch, tag)
    bench.end()


@cocotb.test()
async def errors(dut):
    """SLVERR to a read and to a write ends the frame with BUS_ERROR; the next frame is right."""
    bench = Bench(dut, 91)
    await bench.begin()
    for program, output in ((0x7_0000_0000, OUTPUT), (PROGRAM, 0x7_0000_0000)):
        await bench.load(program=program)
        await bench.write_pair("OUTPUT_ADDR", output)
        bench.place(1)
        await bench.ring(1, 5)
        await bench.irq()
        assert await bench.read("IRQ_STATUS") & ERROR
        assert await bench.read("STATUS") >> 8 & 15 == 3, "the error is not BUS_ERROR"
        await bench.write("IRQ_STATUS", DONE | ERROR)
        while await bench.read("STATUS") & 1:
            pass
        assert bench.memory.strays
        bench.expected_strays = len(bench.memory.strays)
        await bench.load()
        await bench.frame(3)
    bench.end()


@cocotb.test()
async def resets(dut):
    """A soft reset and a reset of both sides in the middle of a frame; the frames behind them are right."""
    bench = Bench(dut, 92)
    await bench.begin()
    await bench.load(store=True)
    for clocks in (30, 700, 2500, 5000):
        bench.place(0)
        await bench.ring(0, 1)
        await ClockCycles(dut.aclk, clocks)
        await bench.write("CONTROL", ALWAYS | STORE_ENABLE | SOFT_RESET)
        while await bench.read("STATUS") & 1:
            pass
        assert not int(dut.irq.value)
        await bench.frame(bench.rng.randrange(CASE["switches"]))
    for clocks in (40, 1500):
        bench.place(0)
        await bench.ring(0, 1)
        await ClockCycles(dut.aclk, clocks)
        dut.aresetn.value = 0
        await ClockCycles(dut.aclk, 5)
        dut.aresetn.value = 1
        await ClockCycles(dut.aclk, 5)
        await bench.load()
        await bench.frame(bench.rng.randrange(CASE["switches"]))
    bench.end()
