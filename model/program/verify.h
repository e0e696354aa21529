/* Whether a program image can be believed: its CRC says that it arrived whole, not who made it. Used by
 * bd_program_open; verify.c has the header and names, verify_layer.c the descriptors, verify_load.c what stays on the
 * chip, verify_tables.c what tables hold, verify_weights.c what follows from the weights. */
#ifndef BD_PROGRAM_VERIFY_H
#define BD_PROGRAM_VERIFY_H

#include "model/program/program.h"

/* BD_BAD_INPUT with "NAME: byte N: ..." at the first thing that is wrong. `program` needs its pointers set; what they
 * point to is read only once it is known to lie in the image. After BD_OK every count, offset and address of every
 * descriptor lies inside its part of the image and the device's buffers, all loops have their right counts, tables hold
 * what the layer's weights and layouts imply, and a device of that geometry takes every descriptor (device images).
 * Without `contents`, weights and corrections are not looked at. */
bd_status bd_program_verify(const struct bd_program *program, const char *name, bool contents, struct bd_error *err)
    BD_WARN_UNUSED;

/* ---- what the files share ---- */

struct bd_verifier {
    const struct bd_program *program;
    const char *name;
    bool contents;
    struct bd_error *err;
};

bd_status bd_verify_fail(const struct bd_verifier *v, uint64_t byte, const char *format, ...) BD_PRINTF(3, 4);
/* At descriptor (s, l), `at` bytes into it, naming layer and switch. */
bd_status bd_verify_fail_layer(const struct bd_verifier *v, uint32_t s, uint32_t l, size_t at, const char *what);
bd_status bd_verify_descriptor(const struct bd_verifier *v, uint32_t s, uint32_t l) BD_WARN_UNUSED;
/* Of all descriptors, which must be verified: what the device loads once, and where it puts what. */
bd_status bd_verify_load(const struct bd_verifier *v) BD_WARN_UNUSED;
bd_status bd_verify_tables(const struct bd_verifier *v, uint32_t s, uint32_t l) BD_WARN_UNUSED;
/* Of all layers, whose tables must be verified. */
bd_status bd_verify_weights(const struct bd_verifier *v) BD_WARN_UNUSED;

#endif
