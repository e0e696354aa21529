/* The one spelling of a device for all commands: ref, tlm, rtl, serial:PATH[@BAUD] or uio:PATH[,MEMORY]. */
#ifndef BD_SESSION_DEVICE_NAME_H
#define BD_SESSION_DEVICE_NAME_H

#include <stdbool.h>
#include <stdint.h>

#include "model/core/error.h"

#define BD_DEVICE_NAMES "ref, tlm, rtl, serial:PATH[@BAUD] or uio:PATH[,MEMORY]"
#define BD_DEFAULT_BAUD 115200

enum bd_device_kind { BD_KIND_REF, BD_KIND_TLM, BD_KIND_RTL, BD_KIND_SERIAL, BD_KIND_UIO };

struct bd_device_name {
    enum bd_device_kind kind;
    char path[256];   /* of serial and uio */
    char memory[256]; /* uio: of the memory's device; empty: not named */
    uint32_t baud;    /* serial */
};

/* BD_BAD_INPUT, with all that is possible, for any other text. */
bd_status bd_device_name_parse(const char *text, struct bd_device_name *name, struct bd_error *err) BD_WARN_UNUSED;

/* Whether the device is a board: no process of this machine, with identity registers in place of a hardware file. */
static inline bool bd_device_is_board(const struct bd_device_name *name)
{
    return name->kind == BD_KIND_SERIAL || name->kind == BD_KIND_UIO;
}

#endif
