"""Rules of AMBA AXI (IHI 0022, A3.2 and A3.3) at the pins that the accelerator drives, clock by clock; each rule that is
broken is an AssertionError, which fails the test."""

from cocotb.triggers import RisingEdge

CHANNELS = {
    "m_axi_ar": ("araddr", "arlen", "arsize", "arburst", "arid", "arcache", "arprot", "arlock", "arqos"),
    "m_axi_aw": ("awaddr", "awlen", "awsize", "awburst", "awid", "awcache", "awprot", "awlock", "awqos"),
    "m_axi_w": ("wdata", "wstrb", "wlast"),
    "s_axi_b": ("bresp",),
    "s_axi_r": ("rdata", "rresp"),
}
INCR = 1


class Channel:
    def __init__(self, dut, name, payload):
        bus = name.rsplit("_", 1)[0]
        self.name = name
        self.valid, self.ready = getattr(dut, name + "valid"), getattr(dut, name + "ready")
        self.payload = [getattr(dut, f"{bus}_{signal}") for signal in payload]
        self.waiting = None  # what it showed in the clock before, where that was not taken
        self.taken, self.waited = 0, 0

    def values(self):
        return [int(signal.value) for signal in self.payload]


class Watch:
    """Counts of handshakes are those since the last reset."""

    def __init__(self, dut):
        self.dut = dut
        self.channels = {name: Channel(dut, name, payload) for name, payload in CHANNELS.items()}
        self.lite = [(getattr(dut, f"s_axi_{c}valid"), getattr(dut, f"s_axi_{c}ready")) for c in ("aw", "w", "ar")]
        self.lite_taken = [0, 0, 0]
        self.in_reset = 0  # clocks

    def check_burst(self, channel, values):
        address, length, size, burst = values[:4]
        assert size == 3 and burst == INCR, f"{channel.name}: not a burst of 8-byte beats at rising addresses"
        assert address % 8 == 0, f"{channel.name}: {address:#x} is not a multiple of 8"
        last = address + 8 * length + 7
        assert address >> 12 == last >> 12, f"{channel.name}: {length + 1} beats from {address:#x} cross 4 KiB"

    def step_channel(self, channel):
        valid = int(channel.valid.value)
        if channel.waiting is not None:
            assert valid, f"{channel.name}valid fell before {channel.name}ready rose"
            now = channel.values()
            assert now == channel.waiting, f"{channel.name} changed while it waited: {channel.waiting}, now {now}"
        channel.waiting = None
        if not valid:
            return False
        ready = int(channel.ready.value)
        if not ready or channel.name in ("m_axi_ar", "m_axi_aw"):
            values = channel.values()
            if len(values) > 3:
                self.check_burst(channel, values)
            if not ready:
                channel.waiting = values
                channel.waited += 1
        channel.taken += ready
        return bool(ready)

    def clear(self):
        self.lite_taken = [0, 0, 0]
        for channel in self.channels.values():
            channel.waiting, channel.taken = None, 0

    def step(self):
        b, r = self.channels["s_axi_b"], self.channels["s_axi_r"]
        if int(b.valid.value):
            assert min(self.lite_taken[:2]) > b.taken, "s_axi_bvalid rose before an address and its data were taken"
        if int(r.valid.value):
            assert self.lite_taken[2] > r.taken, "s_axi_rvalid rose before an address was taken"
        for channel in self.channels.values():
            self.step_channel(channel)
        for i, (valid, ready) in enumerate(self.lite):
            self.lite_taken[i] += int(valid.value) and int(ready.value)

    async def run(self):
        edge = RisingEdge(self.dut.aclk)
        while True:
            await edge
            if int(self.dut.aresetn.value):
                self.in_reset = 0
                self.step()
                continue
            self.in_reset += 1
            self.clear()
            for channel in self.channels.values():
                assert self.in_reset < 2 or not int(channel.valid.value), f"{channel.name}valid is high in reset"
