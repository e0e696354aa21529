/* What the files of the packer share: pack_tensors.c places activations, pack.c makes and checks descriptors,
 * pack_image.c writes tables, weight planes and the image. */
#ifndef BD_PROGRAM_PACK_PARTS_H
#define BD_PROGRAM_PACK_PARTS_H

#include "model/program/layout.h"
#include "model/program/pack.h"

#define BD_PACK_MAX_TENSORS (BD_PROGRAM_MAX_LAYERS + 1)

struct bd_pack_tensor {
    bool used, on_input;
    int writer, last_reader; /* layer indices; writer -1 is the input */
    uint32_t height, width, channels, reader_kernel, reader_pad;
    struct bd_tensor_layout layout;
    uint32_t base;
};

struct bd_packer {
    const struct bd_plain_network *net;
    const struct bd_hardware *hw;
    bool reference_only, im2col;
    struct bd_program_header head;
    struct bd_pack_tensor tensors[BD_PACK_MAX_TENSORS];
    int tensor_count;
    struct bd_descriptor *descriptors; /* [switch][layer] */
    uint8_t *image;
};

static inline struct bd_descriptor *bd_pack_descriptor(struct bd_packer *p, int s, int l)
{
    return &p->descriptors[s * p->net->layer_count + l];
}

/* The codes that a switch reads of a layer, the planes stored of them, and the first switch that stores the same: all
 * that read the layer's, or those whose own are equal. */
const uint8_t *bd_pack_codes(const struct bd_plain_layer *layer, int s);
int bd_pack_planes(const struct bd_plain_layer *layer, int s);
int bd_pack_storing_switch(const struct bd_plain_layer *layer, int s);

/* Which tensors there are, with writers, readers and shapes. */
bd_status bd_pack_collect_tensors(struct bd_packer *p, struct bd_error *err) BD_WARN_UNUSED;
/* The first layer's windows are made while the image is loaded, where the generator can do it: one 3x3 reader, padding
 * 1 of unsigned codes, few channels. */
bool bd_pack_can_im2col(const struct bd_packer *p);
/* First fit by lifetime: a tensor may lie wherever no tensor still to be read lies. Tensors are placed in the order of
 * their writers, which is the order of their indices or is made so by the caller. */
bd_status bd_pack_place_tensors(struct bd_packer *p, struct bd_error *err) BD_WARN_UNUSED;

/* Offsets of everything in the image, in the header and the descriptors; then the image itself. */
bd_status bd_pack_lay_out(struct bd_packer *p, struct bd_error *err) BD_WARN_UNUSED;
void bd_pack_write_image(struct bd_packer *p);

#endif
