/* The driver of the accelerator. Freestanding C11: no allocation, no stdio, no libc; every wait is bounded.
 *
 * open -> load -> { set_precision, start, wait, read_result, read_counters } ... -> reset. One caller at a time.
 * A frame takes the precision that was set when it was started; up to BD_DEVICE_IN_FLIGHT frames may be started
 * before the first is waited for, and they finish in order.
 *
 * Every function returns BD_DEVICE_OK or the reason; bd_device_explain() puts it in words. After
 * BD_DEVICE_BAD_ARGUMENT no register was written and no memory touched. After BD_DEVICE_TRANSPORT the state of the
 * device is unknown. */
#ifndef BD_DRIVER_DRIVER_H
#define BD_DRIVER_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/program/program.h"
#include "sw/driver/port.h"

/* Results that must be used. */
#define BD_DEVICE_CHECK __attribute__((warn_unused_result))

#define BD_DEVICE_IN_FLIGHT 3u   /* one that runs and two that wait */
#define BD_DEVICE_RESET_MS 1000u /* longest wait for an idle device after an error */

/* X(name, text) */
#define BD_DEVICE_STATUSES(X)                                                                                          \
    X(OK, "success")                                                                                                   \
    X(BAD_ARGUMENT, "bad argument: no register was written")                                                           \
    X(TRANSPORT, "the transport failed")                                                                               \
    X(BAD_ID, "not a Bitdial device")                                                                                  \
    X(BAD_ABI, "the device speaks another register map")                                                               \
    X(BAD_PROGRAM, "not a program image, or a damaged one")                                                            \
    X(BAD_GEOMETRY, "the program was compiled for other hardware")                                                     \
    X(NO_CAPABILITY, "the device lacks what the program needs")                                                        \
    X(NOT_LOADED, "no program is loaded: no register was written")                                                     \
    X(BAD_SWITCH, "the program has no such switch")                                                                    \
    X(QUEUE_FULL, "the queue is full")                                                                                 \
    X(NOTHING_STARTED, "no frame is in flight: no register was written")                                               \
    X(BUS_ERROR, "the device met an error on the memory bus; the frame was aborted")                                   \
    X(BAD_DESCRIPTOR, "the device cannot execute a layer; the frame was aborted")                                      \
    X(WATCHDOG, "the device waited too long; the frame was aborted")                                                   \
    X(FRAME_LIMIT, "the frame took more clocks than it may; it was aborted")                                           \
    X(BUS_DEAD, "the memory never ended a transfer; the device gave up on it")                                         \
    X(DEVICE_ERROR, "the device reports an error code that this driver does not know")                                 \
    X(TIMEOUT, "the device did not answer in time")                                                                    \
    X(LOST_INTERRUPT, "the frame finished but its interrupt never came")                                               \
    X(FORGOTTEN, "the device has forgotten its registers: it was reset or configured anew; load the program again")    \
    X(WRONG_TAG, "the device finished another frame than the one that was started")                                    \
    X(WRONG_SWITCH, "the device ran the frame at another switch than PRECISION asked for")

enum bd_device_status {
#define X(name, text) BD_DEVICE_##name,
    BD_DEVICE_STATUSES(X)
#undef X
};

struct bd_device_counters { /* clocks of the frame that was waited for last; the five parts sum to total */
    uint64_t total, compute, weight_stall, input_stall, output_stall, overhead;
};

struct bd_device_frame { /* a frame in flight, or finished */
    uint32_t tag, switch_index;
};

struct bd_device { /* read as you like, written by the driver alone */
    struct bd_port port;
    /* identity, read by open */
    uint32_t rows, requant_units, capabilities, rtl_hash, build_id;
    uint32_t act_words, z_words, weight_words;
    uint64_t geometry_hash;
    /* the loaded program */
    bool loaded;
    uint32_t layer_count, switch_count, input_bytes, output_bytes, store_bytes, map_bytes;
    bool store_placed; /* STORE_ADDR was written since the load */
    char switch_names[BD_PROGRAM_MAX_SWITCHES][16];
    uint32_t frame_limits[BD_PROGRAM_MAX_SWITCHES]; /* clocks, 0: none */
    uint32_t control, precision, frame_limit;
    /* frames in flight, oldest first */
    struct bd_device_frame flight[BD_DEVICE_IN_FLIGHT];
    uint32_t in_flight, frames_seen, next_tag; /* frames_seen: FRAME_COUNT less what is not acknowledged */
    /* what the last failure was about, for bd_device_explain */
    uint64_t expected, found;
    const char *subject;
    uint32_t seen_status, seen_irq_status, layer;
};

/* Reads and checks the identity registers. Reads only. Port is copied; its context must outlive the device. */
enum bd_device_status bd_device_open(struct bd_device *device, const struct bd_port *port) BD_DEVICE_CHECK;

/* Checks an image (magic, version, length, CRC) against the device (geometry hash, datapaths), writes it to
 * `address`, a multiple of 64, and points the device at it. A refused image writes neither memory nor registers.
 * Frames must not be in flight (BAD_ARGUMENT). The image is not needed afterwards. */
enum bd_device_status bd_device_load(struct bd_device *device, uint64_t address, const void *image,
                                     size_t size) BD_DEVICE_CHECK;

/* Index of a switch of the loaded program by name, or -1. Touches nothing. */
int bd_device_switch_index(const struct bd_device *device, const char *name);

/* Sets the switch of the frames started from now on: writes PRECISION. BAD_SWITCH: no register was written. */
enum bd_device_status bd_device_set_precision(struct bd_device *device, uint32_t switch_index) BD_DEVICE_CHECK;

/* From the next start on a frame at this switch that takes more than `clocks` is aborted and ends in FRAME_LIMIT; 0, as
 * after a load: it may take any number. A program's first frame loads it, too, and the memory may be slow: give some
 * frames' time. Touches no register; bd_device_start writes the limit. */
enum bd_device_status bd_device_limit_frames(struct bd_device *device, uint32_t switch_index,
                                             uint32_t clocks) BD_DEVICE_CHECK;

/* Programs whose header has map_bytes keep maps in memory while a frame runs: at `address` (store_bytes of room where
 * layers are stored too, else map_bytes; a multiple of 8), the same for all frames in flight. Writes STORE_ADDR. Such a
 * program starts no frame before this, or bd_device_store_layers, was called: BAD_ARGUMENT. */
enum bd_device_status bd_device_place_maps(struct bd_device *device, uint64_t address) BD_DEVICE_CHECK;

/* From the next start on every layer is stored at `address` (store_bytes of room, a multiple of 8), or none is.
 * Writes STORE_ADDR and CONTROL. */
enum bd_device_status bd_device_store_layers(struct bd_device *device, bool enable, uint64_t address) BD_DEVICE_CHECK;

/* Starts a frame, or queues it behind those in flight: reads input_bytes at `input`, will write output_bytes at
 * `output` (both multiples of 8). *tag, where not NULL, gets its name. QUEUE_FULL: no register was written. */
enum bd_device_status bd_device_start(struct bd_device *device, uint64_t input, uint64_t output,
                                      uint32_t *tag) BD_DEVICE_CHECK;

/* Waits at most `milliseconds` for the oldest frame in flight, and takes it off the list. On TIMEOUT and
 * LOST_INTERRUPT it stays in flight, on FORGOTTEN until bd_device_reset, after which the program is loaded again; after
 * a device error all frames are dropped and the error is cleared. After BUS_DEAD, frames may be started again; they
 * wait for the old transfers to end, and end with BUS_DEAD if those do not. *done, where not NULL, gets the frame. */
enum bd_device_status bd_device_wait(struct bd_device *device, uint32_t milliseconds,
                                     struct bd_device_frame *done) BD_DEVICE_CHECK;

/* Copies `classes` logits of a finished frame from its output address. */
enum bd_device_status bd_device_read_result(struct bd_device *device, uint64_t output, int32_t *logits,
                                            uint32_t classes) BD_DEVICE_CHECK;

/* Counters of the frame that was waited for last, whatever has finished since. */
enum bd_device_status bd_device_read_counters(struct bd_device *device,
                                              struct bd_device_counters *counters) BD_DEVICE_CHECK;

/* Drops all frames and waits at most `milliseconds` until the device is idle. The program stays loaded, and the
 * next frame brings it onto the chip again. BUS_DEAD: it is idle, but transfers on the memory bus have not ended. */
enum bd_device_status bd_device_reset(struct bd_device *device, uint32_t milliseconds) BD_DEVICE_CHECK;

/* The fixed text of a status. */
const char *bd_device_text(enum bd_device_status status);

/* Puts the last failure in words, with the values met, into `text`; always ended by a zero. */
void bd_device_explain(const struct bd_device *device, enum bd_device_status status, char *text, size_t size);

#endif
