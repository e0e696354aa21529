/* What the files of the public interface (sw/include/bitdial.h) share: the objects behind its opaque types, and how
 * errors pass. */
#ifndef BD_LIB_API_H
#define BD_LIB_API_H

#include <string.h>

#include "model/checkpoint/checkpoint.h"
#include "model/core/error.h"
#include "model/data/dataset.h"
#include "model/program/hardware.h"
#include "model/program/program.h"
#include "sw/include/bitdial.h"

struct bitdial_network {
    struct bd_checkpoint checkpoint;
};

struct bitdial_images {
    struct bd_dataset dataset;
};

struct bitdial_hardware {
    struct bd_hardware hardware;
};

struct bitdial_program {
    struct bd_program program;
    struct bd_decoded *decoded; /* for bitdial_program_run; made when first asked for */
};

/* The public names of a status and an error; both have the same values and shape inside. */
static inline bitdial_status bd_api_give(bd_status status, const struct bd_error *from, struct bitdial_error *err)
{
    if (status) {
        err->status = (bitdial_status)status;
        memcpy(err->message, from->message, sizeof err->message);
    }
    return (bitdial_status)status;
}

bitdial_status bd_api_fail(struct bitdial_error *err, bitdial_status status, const char *format, ...) BD_PRINTF(3, 4);

/* BD_BAD_INPUT unless 0 <= index < count. */
bitdial_status bd_api_check_switch(int index, int count, struct bitdial_error *err) BD_WARN_UNUSED;

#endif
