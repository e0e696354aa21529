"""Writes the SDRAM controller of this board by LiteDRAM: generate.py FOLDER CLOCK_MHZ [--no-refresh]

Left in FOLDER: litedram_core.v, the controller with its pins, two AXI4 ports of 64 bits, and a Wishbone port for its registers; and
sdram_steps.v, the writes to these registers that bring the chip up, in their order. README.md says how they are used.
--no-refresh plants a fault: a controller that never refreshes. Needs the packages of requirements.txt.
"""
import os
import re
import sys

from litedram import init, modules, phy
from litedram.gen import LiteDRAMCore
from litex.build.lattice import LatticePlatform
from litex.soc.integration.builder import Builder

# Of the chips that ULX3S boards carry (MT48LC16M16, AS4C16M16, IS42S16160) the one with the longest times.
CHIP = modules.MT48LC16M16


def core_of(folder, mhz, refresh):
    port = {"type": "axi", "data_width": 64}
    config = {"cpu": None, "device": "LFE5U-85F-6BG381C", "memtype": "SDR", "sdram_module": CHIP, "sdram_module_nb": 2,
              "sdram_rank_nb": 1, "sdram_phy": phy.GENSDRPHY, "sys_clk_freq": mhz * 1e6, "input_clk_freq": mhz * 1e6,
              "cmd_buffer_depth": 4, "with_refresh": refresh, "with_auto_precharge": True,
              "user_ports": {"0": {**port, "id_width": 4}, "1": {**port, "id_width": 1}}}
    soc = LiteDRAMCore(LatticePlatform(config["device"], io=[], toolchain="trellis"), config, integrated_rom_size=0)
    Builder(soc, output_dir=folder, compile_software=False, compile_gateware=False,
            csr_csv=os.path.join(folder, "csr.csv")).build(build_name="litedram_core")
    return soc


def write_core(folder):
    """The generated Verilog without dates, and without a list of its parts whose order differs; pins of data go both ways."""
    with open(os.path.join(folder, "gateware", "litedram_core.v")) as file:
        text = file.read()
    text = text[text.index("`timescale"):].split("\n", 1)[1]
    text = re.sub(r"// *Auto-Generated.*", "", text)
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text, pins = re.subn(r"\binput( +wire +\[15:0\] sdram_dq\b)", r"inout\1", text)
    if pins != 1:
        sys.exit("generate: the pins sdram_dq are not where they were")
    with open(os.path.join(folder, "litedram_core.v"), "w") as file:
        file.write(text)


def steps_of(folder, soc):
    """(address of a word, data, clocks to wait behind it) for every write to the controller's registers."""
    with open(os.path.join(folder, "csr.csv")) as file:
        at = {row[1]: int(row[2], 0) for row in (line.strip().split(",") for line in file) if row[0] == "csr_register"}
    bits = {"DFII_CONTROL_SEL": 1, "DFII_CONTROL_CKE": 2, "DFII_CONTROL_ODT": 4, "DFII_CONTROL_RESET_N": 8,
            "DFII_COMMAND_CS": 1, "DFII_COMMAND_WE": 2, "DFII_COMMAND_CAS": 4, "DFII_COMMAND_RAS": 8}
    steps = []

    def put(register, data, clocks=0):
        steps.append((at[register] // 4, data, clocks))

    def value(words):
        return sum(bits[word] for word in words.split("|"))

    sequence, _ = init.get_sdram_phy_init_sequence(soc.sdram.controller.settings.phy, soc.sdram.controller.settings.timing)
    put("sdram_dfii_control", 0)
    for _, address, bank, command, clocks in sequence:
        put("sdram_dfii_pi0_address", address)
        put("sdram_dfii_pi0_baddress", bank)
        if "CONTROL" in command:
            put("sdram_dfii_control", value(command), clocks)
        else:
            # A command is one clock long; the least that is waited covers every time of the chip.
            put("sdram_dfii_pi0_command", value(command))
            put("sdram_dfii_pi0_command_issue", 1, max(clocks, 16))
    put("sdram_dfii_control", bits["DFII_CONTROL_SEL"])
    put("ddrctrl_init_done", 1)
    return steps


def write_steps(folder, steps):
    lines = ["// By generate.py: what sdram_init.sv writes, and how many clocks it waits behind each.",
             "module sdram_steps (input wire [7:0] step_i, output reg [29:0] address_o, output reg [31:0] data_o,",
             "                    output reg [15:0] wait_o, output wire last_o);",
             f"  assign last_o = step_i == 8'd{len(steps) - 1};", "  always @* begin", "    case (step_i)"]
    for number, (address, data, clocks) in enumerate(steps):
        lines.append(f"      8'd{number}: {{address_o, data_o, wait_o}} = {{30'd{address}, 32'd{data}, 16'd{clocks}}};")
    lines += ["      default: {address_o, data_o, wait_o} = 78'd0;", "    endcase", "  end", "endmodule", ""]
    with open(os.path.join(folder, "sdram_steps.v"), "w") as file:
        file.write("\n".join(lines))


def main():
    folder, mhz = sys.argv[1], float(sys.argv[2])
    soc = core_of(folder, mhz, "--no-refresh" not in sys.argv[3:])
    write_core(folder)
    write_steps(folder, steps_of(folder, soc))


if __name__ == "__main__":
    main()
