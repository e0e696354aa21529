# Fuzzers (README.md). `make fuzz` needs clang; `replay` and `seeds` are built by gcc and run in `make test`.
CLANG ?= clang
SECONDS_EACH = $(or $(SECONDS),60)
FUZZ := build/fuzz
FUZZ_NAMES := $(shell sed -n 's/^ *X(\([a-z]*\)).*/\1/p' tests/fuzz/fuzz.h)
FUZZ_ENTRY_SRC := $(wildcard tests/fuzz/fuzz_*.c) tests/fuzz/support.c
# clang 14 gives target_clones names that other files do not find: one form of each loop is enough here.
FUZZ_CFLAGS := -std=c11 -D_GNU_SOURCE -O1 -g -w -I. -fsanitize=fuzzer-no-link,address,undefined,float-cast-overflow -fno-sanitize-recover=undefined,float-cast-overflow '-Dtarget_clones(...)=unused'
# The kernels of training have parts that clang 14 does not compile; no target reaches them, and gcc's objects stand in.
FUZZ_LIB_SRC = $(filter-out model/kernels/%,$(filter model/% sw/driver/% sw/transport/%,$(LIB_SRC)))
fuzz_objects = $(patsubst %.c,$(FUZZ)/obj/%.o,$(1))

ALL_C += $(FUZZ_ENTRY_SRC) tests/fuzz/replay.c tests/fuzz/seeds.c
fuzz: $(DEPS) ## fuzz every reader of outside input for SECONDS (60) each; findings lie in build/fuzz (needs clang)
	@[ -e "$$($(CLANG) -print-file-name=libclang_rt.fuzzer-$$(uname -m).a 2>/dev/null)" ] || [ -e "$$($(CLANG) -print-resource-dir 2>/dev/null)/lib/linux/libclang_rt.fuzzer-$$(uname -m).a" ] || \
	    { echo "make fuzz needs clang and its run-time library, which are not both installed (Debian: apt install clang libclang-rt-14-dev)" >&2; exit 3; }
	@mkdir -p $(FUZZ) && flock $(FUZZ)/lock $(MAKE) --no-print-directory SAN= $(addprefix $(FUZZ)/fuzz_,$(FUZZ_NAMES)) build/seeds
	@sh tests/fuzz/run.sh $(SECONDS_EACH) $(or $(TARGETS),$(FUZZ_NAMES))
$(B)/replay: $(call objects,$(FUZZ_ENTRY_SRC) tests/fuzz/replay.c) $(B)/libbitdial.a
	@echo "ld $@" && $(CC) $(CFLAGS) -o $@ $^ $(PROGRAM_LIBS)
$(B)/seeds: $(call objects,tests/fuzz/seeds.c tests/support/data_files.c) $(B)/libbitdial.a
	@echo "ld $@" && $(CC) $(CFLAGS) -o $@ $^ $(PROGRAM_LIBS)
$(FUZZ)/obj/%.o: %.c tests/fuzz/rules.mk | $(DEPS)
	@mkdir -p $(@D) && echo "clang $<"
	@$(CLANG) $(FUZZ_CFLAGS) -Itests/fuzz/serial $(PKG_CFLAGS) -MMD -MP -c -o $@ $<
$(FUZZ)/libfuzz.a: $(call fuzz_objects,$(FUZZ_LIB_SRC) $(FUZZ_ENTRY_SRC)) $(patsubst %.c,build/obj/%.o,$(filter model/kernels/%,$(LIB_SRC)))
	@rm -f $@ && $(AR) rcs $@ $^
$(FUZZ)/fuzz_%: tests/fuzz/entry.c $(FUZZ)/libfuzz.a
	@echo "ld $@" && $(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer -DTARGET=$* -o $@ $^ $(LIBS) -lgomp
-include $(patsubst %.o,%.d,$(call fuzz_objects,$(FUZZ_LIB_SRC) $(FUZZ_ENTRY_SRC)))
.PHONY: fuzz
