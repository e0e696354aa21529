#include "model/program/program.h"

#include <stdlib.h>
#include <string.h>

#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/program/verify.h"

#define IMAGE_LIMIT ((size_t)1 << 32)

const struct bd_pool_kind_row bd_pool_kinds[BD_POOL_KIND_COUNT] = {
#define X(kind, number, name, windows, largest) {name, windows, largest},
    BD_POOL_KINDS(X)
#undef X
};

static bd_status check_envelope(const char *name, const uint8_t *image, size_t size, struct bd_error *err)
{
    struct bd_program_header h;
    const struct bd_verifier v = {NULL, name, false, err};
    if (size < sizeof h)
        return bd_verify_fail(&v, size, "ends inside the 256-byte header");
    memcpy(&h, image, sizeof h);
    if (h.magic != BD_PROGRAM_MAGIC)
        return bd_verify_fail(&v, 0, "not a program image (magic 0x%08x)", h.magic);
    if (h.version != BD_PROGRAM_VERSION || h.header_bytes != sizeof h)
        return bd_verify_fail(&v, 4, "version %u of the program image; this build reads version %u", h.version,
                              BD_PROGRAM_VERSION);
    if (h.image_bytes != size)
        return bd_verify_fail(&v, 16, "the header says %llu bytes, there are %zu", (unsigned long long)h.image_bytes,
                              size);
    return BD_OK;
}

static bd_status check_crc(const char *name, uint8_t *image, size_t size, struct bd_error *err)
{
    struct bd_program_header *h = (struct bd_program_header *)image;
    const uint32_t crc = h->crc;
    h->crc = 0;
    const uint32_t found = bd_crc32(image, size);
    h->crc = crc;
    if (found != crc)
        return bd_verify_fail(&(struct bd_verifier){NULL, name, false, err}, 12,
                              "checksum 0x%08x, but the contents give 0x%08x", crc, found);
    return BD_OK;
}

static bd_status adopt(struct bd_program *program, const char *name, uint8_t *image, size_t size, bool contents,
                       struct bd_error *err)
{
    const struct bd_program_header *h = (const struct bd_program_header *)image;
    if (contents && check_crc(name, image, size, err))
        return err->status;
    *program = (struct bd_program){.image = image, .size = size, .header = h};
    program->switches = (const struct bd_program_switch *)(image + (h->switch_offset <= size ? h->switch_offset : 0));
    program->names = (const char(*)[BD_PROGRAM_NAME])(image + (h->name_offset <= size ? h->name_offset : 0));
    return bd_program_verify(program, name, contents, err);
}

static bd_status open_copy(struct bd_program *program, const char *name, const void *image, size_t size, bool contents,
                           struct bd_error *err)
{
    if (check_envelope(name, image, size, err))
        return err->status;
    uint8_t *copy =
        aligned_alloc(BD_PROGRAM_ALIGN, (size + BD_PROGRAM_ALIGN - 1) / BD_PROGRAM_ALIGN * BD_PROGRAM_ALIGN);
    if (!copy)
        return bd_fail(err, BD_INFRA, "%s: out of memory for %zu bytes", name, size);
    memcpy(copy, image, size);
    const bd_status status = adopt(program, name, copy, size, contents, err);
    if (status != BD_OK) {
        free(copy);
        *program = (struct bd_program){0};
    }
    return status;
}

bd_status bd_program_open(struct bd_program *program, const char *name, const void *image, size_t size,
                          struct bd_error *err)
{
    return open_copy(program, name, image, size, true, err);
}

bd_status bd_program_open_memory(struct bd_program *program, const char *name, const void *image, size_t size,
                                 struct bd_error *err)
{
    return open_copy(program, name, image, size, false, err);
}

bd_status bd_program_load(struct bd_program *program, const char *path, struct bd_error *err)
{
    uint8_t *data;
    size_t size;
    if (bd_file_read(path, IMAGE_LIMIT, &data, &size, err))
        return err->status;
    const bd_status status = bd_program_open(program, path, data, size, err);
    free(data);
    return status;
}

void bd_program_release(struct bd_program *program)
{
    free(program->image);
    *program = (struct bd_program){0};
}

const struct bd_descriptor *bd_program_descriptor(const struct bd_program *program, unsigned switch_index,
                                                  unsigned layer)
{
    const struct bd_program_header *h = program->header;
    return (const struct bd_descriptor *)(program->image + h->descriptor_offset +
                                          (size_t)switch_index * h->switch_stride) +
           layer;
}

bool bd_program_same_weights(const struct bd_descriptor *a, const struct bd_descriptor *b)
{
    return a->operation == BD_OP_CONV && b->operation == BD_OP_CONV && a->weight_offset == b->weight_offset &&
           a->weight_plane == b->weight_plane && a->weight_step == b->weight_step && a->datapath == b->datapath &&
           a->weight_bits == b->weight_bits && a->in_layout == b->in_layout && a->in_channels == b->in_channels &&
           a->out_channels == b->out_channels && a->groups == b->groups && a->kernel_h == b->kernel_h &&
           a->kernel_w == b->kernel_w;
}

int bd_program_switch(const struct bd_program *program, const char *name)
{
    for (uint32_t s = 0; s < program->header->switch_count; s++)
        if (!strcmp(program->switches[s].name, name))
            return (int)s;
    return -1;
}
