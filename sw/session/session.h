/* What `run` and `cosim` share: a device of any kind with the driver on top, one program loaded and sealed, and
 * places for frames in flight. */
#ifndef BD_SESSION_SESSION_H
#define BD_SESSION_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "model/exec/exec.h"
#include "model/program/hardware.h"
#include "model/program/program.h"
#include "sw/driver/driver.h"
#include "sw/transport/platform.h"

struct bd_session_options {
    const char *device;        /* as device_name.h spells it */
    const char *hardware_path; /* YAML; a board needs none, its registers tell the geometry */
    const char *trace;         /* FST file of the rtl device, or NULL */
    bool shared;               /* let bulk memory go through a shared window */
    int rtl_fault;             /* planted fault of the rtl device (hw/bitdial_fault.svh), 0: none */
    uint64_t reset_seed;       /* of the rtl device's registers without reset; 0: zeros */
    uint32_t frame_ms;         /* longest wait for a frame; 0: five minutes */
    uint32_t reply_ms;         /* longest silence of a board; 0: half a minute */
    /* Takes a line about a device process that has not answered for long; NULL: nobody listens. */
    void (*notice)(void *context, const char *text);
    void *context;
};

struct bd_session {
    bool is_board;     /* see device_name.h */
    bool is_described; /* the hardware is that of a file; else a board's registers told it */
    bool is_timed;     /* the memory's timing, and so the clocks of a frame, are known: from a file, and fixed */
    uint32_t frame_ms;
    struct bd_hardware hardware;
    struct bd_platform platform;
    struct bd_device device;
    bool can_store;                   /* there is room for the layers of the loaded program */
    const struct bd_program *program; /* the caller's */
    uint64_t inputs[BD_DEVICE_IN_FLIGHT], outputs[BD_DEVICE_IN_FLIGHT], store;
};

/* Loads the hardware and starts the device; the platform process of a geometry is built when it is missing. */
bd_status bd_session_open(struct bd_session *session, const struct bd_session_options *options, struct bd_error *err)
    BD_WARN_UNUSED;
/* The same in two steps, for those who look at a device that may not be whole: the way to it stands; then the driver
 * has read its identity, and the geometry of a board without a hardware file is known. After a failure of the first
 * there is nothing to close, after one of the second there is. */
bd_status bd_session_connect(struct bd_session *session, const struct bd_session_options *options, struct bd_error *err)
    BD_WARN_UNUSED;
bd_status bd_session_identify(struct bd_session *session, struct bd_error *err) BD_WARN_UNUSED;
/* Loads a program, in place of the one before, and seals it. It must outlive its use. */
bd_status bd_session_load(struct bd_session *session, const struct bd_program *program, struct bd_error *err)
    BD_WARN_UNUSED;
bd_status bd_session_close(struct bd_session *session, struct bd_error *err) BD_WARN_UNUSED;

/* Writes the image and starts a frame in place `slot` at a switch. */
bd_status bd_session_start(struct bd_session *session, unsigned slot, unsigned switch_index, const uint8_t *image,
                           struct bd_error *err) BD_WARN_UNUSED;
/* Waits for the oldest frame, which was started in `slot`; logits has room for the program's classes. */
bd_status bd_session_finish(struct bd_session *session, unsigned slot, int32_t *logits, struct bd_error *err)
    BD_WARN_UNUSED;
/* Whether the frames from now on store their layers (BD_BAD_INPUT where the memory has no room for them: can_store);
 * and what the last one stored (header->store_bytes). */
bd_status bd_session_store_layers(struct bd_session *session, bool enable, struct bd_error *err) BD_WARN_UNUSED;
bd_status bd_session_read_store(struct bd_session *session, uint8_t *store, struct bd_error *err) BD_WARN_UNUSED;
/* A driver's failure with its values in words. */
bd_status bd_session_fail(struct bd_session *session, enum bd_device_status status, struct bd_error *err);

bd_status bd_session_statistics(struct bd_session *session, struct bd_statistics *statistics, struct bd_error *err)
    BD_WARN_UNUSED;

/* Whether bulk memory goes through a shared window. */
bool bd_session_is_shared(const struct bd_session *session);

#endif
