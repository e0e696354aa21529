/* What the files of `bitdial device` share: one look at a device. */
#ifndef BD_CLI_CMD_DEVICE_H
#define BD_CLI_CMD_DEVICE_H

#include <jansson.h>

#include "sw/bringup/registers.h"
#include "sw/cli/device_options.h"
#include "sw/session/session.h"

struct look {
    struct bd_session_options options;
    struct bd_session session; /* connected, but for the self-test, which does that itself */
    const char *input, *output;
    int64_t interval, count;
    bool json;
    const struct bd_register_row *row; /* NULL: an offset without a name */
    uint32_t offset;
    uint64_t value, address;
    size_t size;
    json_t *report;
    bd_status status; /* the first failure */
    struct bd_error *err;
};

bd_status bd_device_selftest(struct look *look);

#endif
