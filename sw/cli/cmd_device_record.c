/* `bitdial device id --record FILE`: whether a device is the build that a record of `make fpga` describes. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/file.h"
#include "sw/cli/cmd_device.h"

enum { RECORD_BYTES = 1 << 20 };

/* A number of the record: an integer, or a text in base 16 ("0x1f") as checksums are written. */
static bd_status take_number(const json_t *document, const char *path, const char *key, uint64_t most, uint64_t *number,
                             struct bd_error *err)
{
    const json_t *value = json_object_get(document, key);
    const char *text = json_string_value(value);
    char *end = NULL;
    if (json_is_integer(value) && json_integer_value(value) >= 0) {
        *number = (uint64_t)json_integer_value(value);
    } else if (text && strncmp(text, "0x", 2) == 0 && strspn(text + 2, "0123456789abcdef") == strlen(text + 2) &&
               strlen(text) > 2 && strlen(text) <= 18) {
        *number = strtoull(text, &end, 16);
    } else {
        return bd_fail(err, BD_BAD_INPUT,
                       "%s: '%s' must be a number, or a text like \"0x12ab\": is this a record of 'make fpga'?", path,
                       key);
    }
    return *number <= most ? BD_OK : bd_fail(err, BD_BAD_INPUT, "%s: '%s' is too large", path, key);
}

bd_status bd_device_read_record(const char *path, struct device_record *record, struct bd_error *err)
{
    uint8_t *text;
    size_t size;
    json_error_t where;
    bd_status status = bd_file_read(path, RECORD_BYTES, &text, &size, err);
    if (status != BD_OK) {
        return status;
    }
    json_t *document = json_loadb((const char *)text, size, JSON_REJECT_DUPLICATES, &where);
    free(text);
    if (!json_is_object(document)) {
        status = bd_fail(err, BD_BAD_INPUT, "%s:%d:%d: not a JSON object: %s", path, document ? 1 : where.line,
                         document ? 1 : where.column, document ? "another value" : where.text);
        json_decref(document);
        return status;
    }
    const struct {
        const char *key;
        uint64_t most, *number;
    } rows[] = {{"rtl_hash", UINT32_MAX, &record->rtl_hash},
                {"geometry_hash", UINT64_MAX, &record->geometry_hash},
                {"build_id", UINT32_MAX, &record->build_id},
                {"clock_khz", UINT32_MAX, &record->clock_khz}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows && status == BD_OK; i++) {
        status = take_number(document, path, rows[i].key, rows[i].most, rows[i].number, err);
    }
    json_decref(document);
    return status;
}

bd_status bd_device_compare_record(const char *path, const struct device_record *record,
                                   const struct device_record *found, struct bd_error *err)
{
    if (found->geometry_hash != record->geometry_hash) {
        return bd_fail(err, BD_FAIL,
                       "the device is not the build of '%s': its geometry has hash 0x%016" PRIx64
                       ", the record says 0x%016" PRIx64,
                       path, found->geometry_hash, record->geometry_hash);
    }
    if (found->rtl_hash != record->rtl_hash) {
        return bd_fail(err, BD_FAIL,
                       "the device is not the build of '%s': its sources have checksum 0x%08" PRIx64
                       ", the record says 0x%08" PRIx64,
                       path, found->rtl_hash, record->rtl_hash);
    }
    if (found->build_id != record->build_id) {
        return bd_fail(err, BD_FAIL,
                       "the device is not the build of '%s': it has planted fault %" PRIu64
                       ", the record says %" PRIu64,
                       path, found->build_id, record->build_id);
    }
    if (found->clock_khz != record->clock_khz) {
        return bd_fail(err, BD_FAIL,
                       "the device is not the build of '%s': its clock is %" PRIu64 " kHz, the record says %" PRIu64,
                       path, found->clock_khz, record->clock_khz);
    }
    return BD_OK;
}
