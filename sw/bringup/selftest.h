/* The self-test of a device: numbered steps from the wire up to whole frames, each with what is likely to be wrong when
 * it fails and what to try next. It needs nothing but the device: its programs are made for the geometry that the
 * device tells. It overwrites the device's memory and drops what runs there. */
#ifndef BD_BRINGUP_SELFTEST_H
#define BD_BRINGUP_SELFTEST_H

#include "sw/session/session.h"

/* X(name, word, title, likely causes, what to try next) */
#define BD_SELFTEST_STEPS(X)                                                                                           \
    X(LINK, "link", "the device can be reached",                                                                       \
      "the wrong path; no right to open it; another program holds the line; cable, power, or RX and TX swapped; the "  \
      "configuration is not loaded into the FPGA",                                                                     \
      "ls -l the path, then: bitdial device id")                                                                       \
    X(IDENTITY, "identity", "ID, ABI version and geometry are a Bitdial device's",                                     \
      "register window at another address; bytes or halves of a word swapped on the bus; accelerator held in reset "   \
      "or "                                                                                                            \
      "without a clock (reads as zeros or ones); a build of another version; another --hardware file",                 \
      "bitdial device read 0x0; bitdial device regs")                                                                  \
    X(SCRATCH, "scratch", "every bit of a register can be written alone (TAG)",                                        \
      "a data line stuck or shorted; write strobes not connected; writes that never reach the device",                 \
      "bitdial device write TAG 0xffffffff; bitdial device read TAG")                                                  \
    X(REGISTERS, "registers", "every writable register keeps its own value",                                           \
      "address lines of the bus swapped or cut (two registers answer as one); a build of another register map",        \
      "bitdial device regs")                                                                                           \
    X(MEMORY, "memory", "memory: every data and address line, and blocks of noise",                                    \
      "memory base or size wrong; a data or address line stuck; DRAM not calibrated; burst or width converter; "       \
      "caches "                                                                                                        \
      "between processor and memory (udmabuf: open it uncached)",                                                      \
      "bitdial device mem ADDRESS 64")                                                                                 \
    X(DMA, "dma", "the device reads program and image and writes its result where it should, and nowhere else",        \
      "the device's bus master sees memory at other addresses than the host; the upper address half is cut; the "      \
      "interconnect refuses its bursts; the interrupt line is not connected",                                          \
      "bitdial device read STATUS; bitdial device counters")                                                           \
    X(LAYERS, "layers", "every layer of one frame is that of the reference",                                           \
      "timing not met (try a slower clock); a block RAM that was mapped with another read latency; a damaged build",   \
      "bitdial cosim NET.bdp --images 1 on this device: it names layer, channel and pixel")                            \
    X(SWITCHES, "switches", "one frame at every switch is that of the reference, in the predicted clocks",             \
      "timing not met; the memory has another timing than the hardware file says (clocks alone differ)",               \
      "bitdial cosim NET.bdp --schedule SWITCH on this device")                                                        \
    X(QUEUE, "queue", "three frames in flight end in order; a fourth is refused",                                      \
      "interrupt edge in place of level; acknowledgements lost; writes reordered between processor and device",        \
      "bitdial device watch")                                                                                          \
    X(WATCHDOG, "watchdog", "a frame that cannot go on, or takes too long, is ended, and the next one runs",           \
      "interrupt enable or error cause not connected; a bus that never ends a transfer",                               \
      "bitdial device read STATUS; bitdial device regs")

enum bd_selftest_step {
#define X(name, word, title, causes, next) BD_SELFTEST_##name,
    BD_SELFTEST_STEPS(X)
#undef X
        BD_SELFTEST_COUNT
};

struct bd_selftest_text {
    const char *word, *title, *causes, *next;
};
/* By step; bd_selftest_advice is what a result calls for. */
extern const struct bd_selftest_text bd_selftest_texts[BD_SELFTEST_COUNT];

enum bd_selftest_verdict { BD_SELFTEST_NOT_RUN, BD_SELFTEST_PASSED, BD_SELFTEST_FAILED };

struct bd_selftest_result {
    enum bd_selftest_verdict verdict;
    bool lost; /* failed because the device was no longer reached: causes and advice are those of the first step */
    double seconds;
    char detail[640]; /* what was seen */
};

const struct bd_selftest_text *bd_selftest_advice(enum bd_selftest_step step, const struct bd_selftest_result *result);

struct bd_selftest_report {
    struct bd_selftest_result steps[BD_SELFTEST_COUNT];
    char target[16], geometry[256];
};

/* Runs the steps in order and stops at the first that fails. `told` (or NULL) hears of each when it has ended. BD_OK:
 * all passed; BD_FAIL: one did not; BD_BAD_INPUT: the options; BD_INFRA: the device cannot be reached. err says why,
 * and the report is filled in every case. */
bd_status bd_selftest(const struct bd_session_options *options, struct bd_selftest_report *report,
                      void (*told)(void *context, enum bd_selftest_step step, const struct bd_selftest_result *result),
                      void *context, struct bd_error *err) BD_WARN_UNUSED;

#endif
