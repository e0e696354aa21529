/* The program image (NET.bdp): everything a device needs to run one network at every switch, in one file that is
 * loaded to memory as it is. Little-endian; all offsets count bytes from the start of the image and are multiples
 * of 64. Layout: header, switch table, name table, descriptors (one list a switch), tables, weights.
 * model/program/README.md specifies it; model/exec/README.md specifies the arithmetic. */
#ifndef BD_PROGRAM_PROGRAM_H
#define BD_PROGRAM_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/core/error.h"
#include "model/program/descriptor.h"
#include "model/program/hardware.h"

#define BD_PROGRAM_MAGIC 0x31504442u /* "BDP1" */
#define BD_PROGRAM_VERSION 1u
#define BD_PROGRAM_ALIGN 64u
#define BD_GEOMETRY_REFERENCE 0u
#define BD_PROGRAM_MAX_LAYERS BD_LIMIT_LAYERS
#define BD_PROGRAM_MAX_SWITCHES BD_LIMIT_SWITCHES
#define BD_PROGRAM_NAME 48

struct bd_program_header { /* 256 bytes */
    uint32_t magic, version, header_bytes;
    uint32_t crc;           /* CRC-32 of the whole image with this field zero */
    uint64_t image_bytes;   /* the file's length */
    uint64_t geometry_hash; /* BD_GEOMETRY_REFERENCE: for the reference alone, no device takes it */
    uint32_t rows, lanes, mac_lanes, requant_units;
    uint32_t datapaths; /* bit 0 XNOR, bit 1 MAC */
    uint32_t mult_bits;
    uint32_t act_words, z_words, weight_words; /* of the configuration it was compiled for */
    uint32_t layer_count, switch_count, classes;
    uint32_t input_height, input_width, input_channels;
    uint32_t input_bytes;  /* one image: height * width * channels codes of one byte */
    uint32_t output_bytes; /* one result: classes padded to a multiple of rows, 4 bytes each */
    uint32_t store_bytes;  /* room at STORE_ADDR for every layer's codes and z */
    uint32_t z_frac;       /* fraction bits of the residual stream */
    uint32_t switch_offset, name_offset;
    uint32_t descriptor_offset, switch_stride; /* descriptor of (switch s, layer l): offset + s*stride + l*256 */
    uint32_t table_offset, table_bytes, weight_offset, weight_bytes;
    char network[BD_PROGRAM_NAME];
    uint32_t reserved[17];
};

struct bd_program_switch { /* 32 bytes */
    char name[16];
    uint32_t weight_bits, activation_bits;
    uint32_t reserved[2];
};

/* Kinds of pooling, a row each: X(kind, its number in descriptors, name, windows, largest, lacks)
 *   windows  of kernel and stride, whose results are a map of the stream; else the whole map at once
 *   largest  the accumulator is the largest value of the stream; else their sum
 *   lacks    what the RTL would need, in the words of a refusal; NULL: it has it */
#define BD_POOL_KINDS(X)                                                                                               \
    X(AVERAGE, 0, "pool", false, false, NULL)                                                                          \
    X(MAX, 1, "max_pool", true, true, "max pooling")                                                                   \
    X(WINDOW_AVERAGE, 2, "average_pool", true, false, "average pooling of windows")

enum bd_pool_kind {
#define X(kind, number, name, windows, largest, lacks) BD_POOL_##kind = number,
    BD_POOL_KINDS(X)
#undef X
};
enum {
#define X(kind, number, name, windows, largest, lacks) +1
    BD_POOL_KIND_COUNT = 0 BD_POOL_KINDS(X)
#undef X
};

struct bd_pool_kind_row {
    const char *name;
    bool windows, largest;
    const char *lacks;
};
extern const struct bd_pool_kind_row bd_pool_kinds[BD_POOL_KIND_COUNT];
/* One table chunk (row group g of a layer at a switch), table_stride bytes, multiple of 8:
 *   masks  3 x ceil(lanes/64) x u64
 *   rows x { s32 M; s32 0; s64 B }
 *   presets x rows x s32
 * One weight chunk (row group g of a layer): planes from the top (7) down to 0, each k_words x (rows x lanes bits),
 * row r's lane l being bit r*lanes + l of the word, bits packed little-endian; a switch reads the first
 * weight_bits planes. Lanes that are no real (tap, channel), and rows past out_channels, hold 1. Layers of fixed
 * weight_bits b store b planes. Descriptors of one layer may differ in weight_offset and weight_stride: where codes do
 * not nest, a switch's weight_bits planes are its own. With weight_zero_point 1 a code c stands for
 * (2c + 1 - 2^b - 1) / 2, not 2c + 1 - 2^b; the RTL has no such weights. */

struct bd_program {
    uint8_t *image; /* owned; 64-byte aligned */
    size_t size;
    const struct bd_program_header *header; /* into image, as are the rest */
    const struct bd_program_switch *switches;
    const char (*names)[BD_PROGRAM_NAME]; /* [layer_count] */
};

/* Loads and verifies: magic, version, length, CRC, every offset and count, every descriptor consistent with the
 * geometry. A malformed image is BD_BAD_INPUT with "path: byte N: ..."; nothing is held then. */
bd_status bd_program_load(struct bd_program *program, const char *path, struct bd_error *err) BD_WARN_UNUSED;
/* The same on bytes in memory (copied). `name` leads messages. */
bd_status bd_program_open(struct bd_program *program, const char *name, const void *image, size_t size,
                          struct bd_error *err) BD_WARN_UNUSED;
/* The same for a device, which computes with what its memory holds: the CRC, masks and presets may be anything. */
bd_status bd_program_open_memory(struct bd_program *program, const char *name, const void *image, size_t size,
                                 struct bd_error *err) BD_WARN_UNUSED;
void bd_program_release(struct bd_program *program);
const struct bd_descriptor *bd_program_descriptor(const struct bd_program *program, unsigned switch_index,
                                                  unsigned layer);
/* Index of a switch by name, or -1. */
int bd_program_switch(const struct bd_program *program, const char *name);

#endif
