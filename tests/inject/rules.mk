# Faults between programs and devices (README.md).
INJECT_SRC := $(wildcard tests/inject/*.c)
ALL_C += $(INJECT_SRC)
board-faults: all $(B)/board_faults ## hundreds of faults between programs and devices, each of which must end in the right result or a named error
	@sh tests/board_faults.sh
$(B)/board_faults: $(call objects,$(INJECT_SRC) tests/support/uio_stand_in.c) $(B)/libbitdial.a
	@echo "ld $@" && $(CC) $(CFLAGS) -o $@ $^ $(PROGRAM_LIBS)
.PHONY: board-faults
