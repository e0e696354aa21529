/* The program image (NET.bdp): everything a device needs to run one network at every switch, in one file that is
 * loaded to memory as it is. Little-endian; all offsets count bytes from the start of the image and are multiples
 * of 64, but where noted. Layout: header, switch table, name table, load descriptor, descriptors (one list a switch),
 * tables, corrections, weights.
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
#define BD_PROGRAM_VERSION 2u
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
    uint32_t rows, requant_units, mac_channels;
    uint32_t datapaths; /* bit 0 XNOR, bit 1 MAC */
    uint32_t acc_bits, mult_bits;
    uint32_t act_words, z_words, weight_words, table_words, correct_words, descriptors; /* of its configuration */
    uint32_t layer_count, switch_count, classes;
    uint32_t input_height, input_width, input_channels;
    uint32_t input_bytes;  /* one image: height * width * channels codes of one byte */
    uint32_t output_bytes; /* one result: classes padded to a multiple of rows, 4 bytes each */
    uint32_t store_bytes;  /* room at STORE_ADDR for every layer's codes and z */
    uint32_t switch_offset, name_offset;
    uint32_t load_offset;                      /* the load descriptor: the value of the register DESC_OFFSET */
    uint32_t descriptor_offset, switch_stride; /* load_offset + 64; of (switch s, layer l): offset + s*stride + l*256 */
    uint32_t table_offset, table_bytes, correct_offset, correct_bytes, weight_offset, weight_bytes;
    char network[BD_PROGRAM_NAME];
    uint32_t map_bytes; /* the first of store_bytes, which every frame uses: maps that do not stay on the chip */
    uint32_t reserved[11];
};

/* What a device loads once for a program, before its first frame. Parts go to word 0 of their memory and on, as they
 * lie in the image from its section's first byte; what lies behind them in the section is fetched for each row group of
 * a layer with STREAM_*, into two slots in turn at the top of the memory. Beats are 8 bytes; 0 beats: nothing stays on
 * the chip. */
struct bd_load_descriptor {                       /* 64 bytes */
    uint32_t descriptor_offset, descriptor_beats; /* 32 x layers x switches, or 0: fetched for every layer */
    uint32_t table_offset, table_beats;
    uint32_t correct_offset, correct_beats;
    uint32_t weight_offset, weight_beats;
    uint32_t weight_slot_base, weight_slot_words;   /* slot i: weight word base + i x words; words a multiple of 4 */
    uint32_t correct_slot_base, correct_slot_words; /* slot i: correction word base + i x words */
    uint32_t table_slot_base;                       /* slot i: entry base + i x rows */
    uint32_t zero[3];
};

struct bd_program_switch { /* 32 bytes */
    char name[16];
    uint32_t weight_bits, activation_bits;
    int32_t z_frac; /* fraction bits of the residual stream */
    uint32_t reserved;
};

/* Kinds of pooling, a row each: X(kind, its number in descriptors, name, windows, largest)
 *   windows  of kernel and stride, whose results are a map of the stream; else the whole map at once
 *   largest  the accumulator is the largest value of the stream; else their sum */
#define BD_POOL_KINDS(X)                                                                                               \
    X(AVERAGE, 0, "pool", false, false)                                                                                \
    X(MAX, 1, "max_pool", true, true)                                                                                  \
    X(WINDOW_AVERAGE, 2, "average_pool", true, false)

enum bd_pool_kind {
#define X(kind, number, name, windows, largest) BD_POOL_##kind = number,
    BD_POOL_KINDS(X)
#undef X
};
enum {
#define X(kind, number, name, windows, largest) +1
    BD_POOL_KIND_COUNT = 0 BD_POOL_KINDS(X)
#undef X
};

struct bd_pool_kind_row {
    const char *name;
    bool windows, largest;
};
extern const struct bd_pool_kind_row bd_pool_kinds[BD_POOL_KIND_COUNT];
/* One table chunk (row group g of a layer at a switch): rows x { s64 M; s64 B' }; B' is B and what the array's sum
 * lacks, within BD_TABLE_BIAS_BITS. Rows past out_channels: M 0 and a B' with which z is negative and the code 0
 * (bd_pad_bias).
 * One correction chunk, where CORRECT is set: classes x rows x s32, within 24 bits.
 * One weight chunk: planes from the top down, model/program/layout.h says where a weight's bit stands; what is no
 * weight holds 1. A switch reads the first weight_bits planes. Descriptors of one layer may differ in weight_offset,
 * weight_step and weight_plane: where codes do not nest, or the datapath is another, a switch's planes are its own.
 * With weight_zero_point 1 a code c stands for (2c + 1 - 2^b - 1) / 2, not 2c + 1 - 2^b. */
#define BD_TABLE_ROW_BYTES 16u
#define BD_TABLE_BIAS_BITS 52
#define BD_CORRECT_BITS 24

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
/* The same for a device, which computes with what its memory holds: CRC, padding and corrections may be anything. */
bd_status bd_program_open_memory(struct bd_program *program, const char *name, const void *image, size_t size,
                                 struct bd_error *err) BD_WARN_UNUSED;
void bd_program_release(struct bd_program *program);
const struct bd_descriptor *bd_program_descriptor(const struct bd_program *program, unsigned switch_index,
                                                  unsigned layer);
/* Whether two convolutions of a switch have the same filters: bands of one layer. */
bool bd_program_same_weights(const struct bd_descriptor *a, const struct bd_descriptor *b);
static inline const struct bd_load_descriptor *bd_program_load_descriptor(const struct bd_program *program)
{
    return (const struct bd_load_descriptor *)(program->image + program->header->load_offset);
}
/* Index of a switch by name, or -1. */
int bd_program_switch(const struct bd_program *program, const char *name);

#endif
