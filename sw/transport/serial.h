/* A board at a serial line (hw/board/uart_bridge.sv) as a platform. Bytes may be lost, changed or doubled on the way:
 * frames carry length, number and CRC, a request is sent again until its answer is whole, and the number keeps one that
 * came twice from acting twice. */
#ifndef BD_TRANSPORT_SERIAL_H
#define BD_TRANSPORT_SERIAL_H

#include "sw/transport/platform.h"

#define BD_SERIAL_PAYLOAD 256u     /* most bytes of memory in a frame */
#define BD_SERIAL_SILENCE_MS 30000 /* default of silence_ms */

struct bd_serial_options {
    const char *path;
    uint32_t baud;
    uint32_t silence_ms; /* a request without a whole answer is given up after this long; 0: the default */
};

/* Opens the line, which no other program may hold, tells the bridge its speed and says HELLO. BD_BAD_INPUT: no serial
 * line, or a speed that it does not have; BD_INFRA: it cannot be opened, or nobody answers. */
bd_status bd_serial_open(struct bd_platform *platform, const struct bd_serial_options *options, struct bd_error *err)
    BD_WARN_UNUSED;

struct bd_serial_counts { /* since the line was opened */
    uint64_t requests;    /* answered */
    uint64_t repeated;    /* sendings beyond the first */
    uint64_t damaged;     /* frames that came with a wrong CRC, here or there */
};
/* Of a platform that bd_serial_open filled; false for any other. */
bool bd_serial_counts(const struct bd_platform *platform, struct bd_serial_counts *counts);

#endif
