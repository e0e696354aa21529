/* What the files of `bitdial device` share: one look at a device. */
#ifndef BD_CLI_CMD_DEVICE_H
#define BD_CLI_CMD_DEVICE_H

#include <jansson.h>

#include "sw/bringup/registers.h"
#include "sw/cli/device_options.h"
#include "sw/session/session.h"

/* What tells one build from another. */
struct device_record {
    uint64_t rtl_hash, geometry_hash, build_id, clock_khz;
};

struct look {
    struct bd_session_options options;
    struct bd_session session; /* connected, but for the self-test, which does that itself */
    const char *input, *output, *record_path;
    struct device_record record; /* where there is a path */
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

/* Reads a record of `make fpga` (hw/fpga/README.md): one object whose rtl_hash, geometry_hash, build_id and clock_khz
 * are numbers or texts in base 16; other keys are not looked at. */
bd_status bd_device_read_record(const char *path, struct device_record *record, struct bd_error *err) BD_WARN_UNUSED;
/* BD_FAIL names the first difference. */
bd_status bd_device_compare_record(const char *path, const struct device_record *record,
                                   const struct device_record *found, struct bd_error *err) BD_WARN_UNUSED;

#endif
