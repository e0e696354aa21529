#include "sw/session/device_name.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bd_status refuse(const char *text, struct bd_error *err)
{
    return bd_fail(err, BD_BAD_INPUT, "no device is called '%s': it is %s", text, BD_DEVICE_NAMES);
}

/* Copies what stands before `end`; false where nothing stands there or it is too long. */
static bool copy(char to[256], const char *from, const char *end)
{
    const size_t length = (size_t)(end - from);
    if (length == 0 || length > 255) {
        return false;
    }
    memcpy(to, from, length);
    to[length] = '\0';
    return true;
}

static bool parse_serial(const char *path, struct bd_device_name *name)
{
    const char *at = strrchr(path, '@');
    name->baud = BD_DEFAULT_BAUD;
    if (at) {
        char *end;
        errno = 0;
        unsigned long baud = strtoul(at + 1, &end, 10);
        if (errno || end == at + 1 || *end || at[1] < '0' || at[1] > '9' || baud < 1200 || baud > 12000000) {
            return false;
        }
        name->baud = (uint32_t)baud;
    }
    return copy(name->path, path, at ? at : path + strlen(path));
}

static bool parse_uio(const char *path, struct bd_device_name *name)
{
    const char *comma = strchr(path, ',');
    return copy(name->path, path, comma ? comma : path + strlen(path)) &&
           (!comma || copy(name->memory, comma + 1, path + strlen(path)));
}

bd_status bd_device_name_parse(const char *text, struct bd_device_name *name, struct bd_error *err)
{
    static const char *const simulated[] = {"ref", "tlm", "rtl"};
    *name = (struct bd_device_name){0};
    for (int kind = BD_KIND_REF; kind <= BD_KIND_RTL; kind++) {
        if (strcmp(text, simulated[kind]) == 0) {
            name->kind = (enum bd_device_kind)kind;
            return BD_OK;
        }
    }
    if (strncmp(text, "serial:", 7) == 0) {
        name->kind = BD_KIND_SERIAL;
        return parse_serial(text + 7, name) ? BD_OK : refuse(text, err);
    }
    if (strncmp(text, "uio:", 4) == 0) {
        name->kind = BD_KIND_UIO;
        return parse_uio(text + 4, name) ? BD_OK : refuse(text, err);
    }
    return refuse(text, err);
}
