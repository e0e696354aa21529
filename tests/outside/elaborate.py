"""Elaborates bitdial_top by slang, with a configuration's parameters: elaborate.py NAME=VALUE...; ends with 1 on any error
or warning, which it prints."""

import sys

from pyslang import driver

# A shift by as much as a narrow geometry has bits gives 0 on purpose (plane_packer.sv).
LIBRARIES = ("hw/control", "hw/memory", "hw/datapath")
FILES = ["hw/bitdial_%s.sv" % name for name in ("regs_pkg", "descriptor_pkg", "walk_pkg", "pkg", "top")]
words = ["slang", "--top", "bitdial_top", "-I", "hw", "--error-limit", "0", "-Wdefault", "-Werror", "-Wno-shift-count-overflow", "--libext", ".sv"]
for folder in LIBRARIES:
    words += ["-y", folder]
for parameter in sys.argv[1:]:
    words += ["-G", parameter]

slang = driver.Driver()
slang.addStandardArgs()
if not slang.parseCommandLine(" ".join(words + FILES).replace("'", "\\'")) or not slang.processOptions() or not slang.parseAllSources():
    sys.exit(2)
sys.exit(0 if slang.runFullCompilation(True) else 1)
