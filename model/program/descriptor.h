/* The layer descriptor and the limits of the RTL, generated from hw/descriptor.yaml: do not edit. Needs no hosted
 * environment. */
/* clang-format off */
#ifndef BD_PROGRAM_DESCRIPTOR_H
#define BD_PROGRAM_DESCRIPTOR_H

#include <stdint.h>

#define BD_DESCRIPTOR_WORDS 64u

/* The largest that there is. */
#define BD_LIMIT_SIDE 1023 /* rows or columns of a map */
#define BD_LIMIT_CHANNELS 4095 /* channels of a map */
#define BD_LIMIT_PIXEL_WORDS 255 /* words of the activation buffer that one pixel takes */
#define BD_LIMIT_WORD_ADDRESS 1048575 /* word address in the activation or residual buffer */
#define BD_LIMIT_LANES 256 /* lanes of a word */
#define BD_LIMIT_KERNEL 3 /* side of a kernel, 1 or this */
#define BD_LIMIT_STRIDE 2 /* stride */
#define BD_LIMIT_WEIGHT_BITS 8 /* bits of a weight code */
#define BD_LIMIT_CODE_BITS 8 /* bits of an activation code */
#define BD_LIMIT_IM2COL_CHANNELS 4 /* channels of an image that is loaded as windows */
#define BD_LIMIT_IM2COL_WIDTH 256 /* columns of an image that is loaded as windows */
#define BD_LIMIT_LAYERS 256 /* layers of a program */
#define BD_LIMIT_SWITCHES 16 /* switches of a program */
#define BD_LIMIT_REFERENCE_SIDE 4096 /* rows or columns of a map in a program for the reference alone */
#define BD_LIMIT_REFERENCE_CHANNELS 65535 /* its channels */
#define BD_LIMIT_REFERENCE_KERNEL 64 /* side of its kernels, and its strides */

enum bd_operation {
    BD_OP_CONV = 1, /* convolution */
    BD_OP_POOL = 2, /* pooling of the residual stream */
};

enum bd_descriptor_flag {
    BD_FLAG_LOAD_INPUT = 1u << 0, /* fetch the image into the input tensor first */
    BD_FLAG_IM2COL = 1u << 1, /* ... as 3x3 windows: the layer then computes as a 1x1 over them */
    BD_FLAG_WRITE_CODES = 1u << 2, /* codes go to the activation buffer */
    BD_FLAG_ADD_STREAM = 1u << 3, /* r is read at z_in and added */
    BD_FLAG_WRITE_STREAM = 1u << 4, /* z goes to the residual buffer at z_out */
    BD_FLAG_STORE_CODES = 1u << 5, /* obeyed when CONTROL.STORE_ENABLE was set at the doorbell */
    BD_FLAG_STORE_STREAM = 1u << 6, /* as STORE_CODES */
    BD_FLAG_RESULT = 1u << 7, /* z goes to the frame's output address */
    BD_FLAG_LAST = 1u << 8, /* last layer of the network */
    BD_FLAG_IN_SIGNED = 1u << 9, /* input codes are +-1 */
    BD_FLAG_OUT_SIGNED = 1u << 10, /* output codes are +-1 (for readers; the requantizer does not care) */
};

enum bd_datapath {
    BD_DATAPATH_XNOR = 0, /* XNOR and popcount */
    BD_DATAPATH_MAC = 1, /* add-only MAC */
};

struct bd_descriptor { /* the word's number stands behind each line */
    uint32_t operation; /* 0: kind of layer */
    uint32_t flags; /* 1: one bit each */
    uint32_t datapath; /* 2: the array that computes */
    uint32_t weight_bits; /* 3: bits of the weights */
    uint32_t in_bits; /* 4: bits of the input codes */
    uint32_t out_bits; /* 5: bits of the output codes */
    uint32_t in_height; /* 6: the true map, before any im2col */
    uint32_t in_width; /* 7: as in_height */
    uint32_t in_channels; /* 8: as in_height */
    uint32_t out_height; /* 9: rows of the output */
    uint32_t out_width; /* 10: columns of the output */
    uint32_t out_channels; /* 11: channels of the output */
    uint32_t kernel_h; /* 12: rows of the kernel; global pooling: the map's */
    uint32_t kernel_w; /* 13: columns of the kernel */
    uint32_t stride; /* 14: in both directions */
    uint32_t groups; /* 15: of channels */
    uint32_t pad_top; /* 16: rows of padding above */
    uint32_t pad_bottom; /* 17: ... below */
    uint32_t pad_left; /* 18: columns of padding left */
    uint32_t pad_right; /* 19: ... right */
    uint32_t in_zero_point; /* 20: reserved */
    uint32_t weight_zero_point; /* 21: 0, or 1 (LSQ, for the reference alone) */
    uint32_t pool_kind; /* 22: of a pooling layer (model/program/program.h): 0, average of the whole map; others are for the reference alone */
    uint32_t in_base; /* 23: first word of the input tensor */
    uint32_t in_slots; /* 24: U: pixels side by side in a word */
    uint32_t in_slot_lanes; /* 25: Cs: lanes from one slot to the next */
    uint32_t in_pixel_words; /* 26: cw: words of a pixel */
    uint32_t in_pitch; /* 27: words of a row */
    uint32_t in_left; /* 28: PL: columns stored left of column 0 */
    uint32_t out_base; /* 29: the same of the output tensor */
    uint32_t out_slots; /* 30: U */
    uint32_t out_slot_lanes; /* 31: Cs */
    uint32_t out_pixel_words; /* 32: cw */
    uint32_t out_pitch; /* 33: words of a row */
    uint32_t out_left; /* 34: PL */
    uint32_t z_in_base; /* 35: word of the residual buffer where r is read */
    uint32_t z_out_base; /* 36: ... where z is written */
    uint32_t row_groups; /* 37: ceil(out_channels / rows) */
    uint32_t row_words; /* 38: wpr: words of a kernel row, of one word of a pixel each */
    uint32_t k_words; /* 39: K words of an output pixel */
    uint32_t segments; /* 40: nseg: pieces of a word that the MAC takes in turn */
    uint32_t pixel_cycles; /* 41: compute clocks of one output pixel (the RTL does not need it) */
    uint32_t initiation_interval; /* 42: clocks from one output pixel to the next */
    uint32_t shift; /* 43: sh */
    uint32_t code_multiplier; /* 44: S */
    int32_t code_offset; /* 45: H */
    uint32_t code_shift; /* 46: ss */
    int32_t residual_multiplier; /* 47: R */
    uint32_t residual_shift; /* 48: rs */
    uint32_t presets; /* 49: presets of a row: one, or one for each border class */
    uint32_t table_offset; /* 50: of row group 0, from the start of the image */
    uint32_t table_stride; /* 51: of one row group, and from one to the next */
    uint32_t weight_offset; /* 52: of row group 0, from the start of the image */
    uint32_t weight_stride; /* 53: from one row group to the next: all stored planes */
    uint32_t weight_bytes; /* 54: of one row group at this switch: its top planes */
    uint32_t store_codes_offset; /* 55: from STORE_ADDR */
    uint32_t store_codes_bytes; /* 56: of the stored codes */
    uint32_t store_z_offset; /* 57: from STORE_ADDR */
    uint32_t store_z_bytes; /* 58: of the stored z */
    uint32_t channel_tile; /* 59: reserved */
    uint32_t row_tile; /* 60: reserved */
    uint32_t spill_offset; /* 61: reserved */
    uint32_t layer; /* 62: its number (the RTL counts for itself) */
    uint32_t reserved; /* 63: reserved */
};

/* Every field in order: X(name). */
#define BD_DESCRIPTOR_FIELDS(X) \
    X(operation) X(flags) X(datapath) X(weight_bits) X(in_bits) X(out_bits) \
    X(in_height) X(in_width) X(in_channels) X(out_height) X(out_width) X(out_channels) \
    X(kernel_h) X(kernel_w) X(stride) X(groups) X(pad_top) X(pad_bottom) \
    X(pad_left) X(pad_right) X(in_zero_point) X(weight_zero_point) X(pool_kind) X(in_base) \
    X(in_slots) X(in_slot_lanes) X(in_pixel_words) X(in_pitch) X(in_left) X(out_base) \
    X(out_slots) X(out_slot_lanes) X(out_pixel_words) X(out_pitch) X(out_left) X(z_in_base) \
    X(z_out_base) X(row_groups) X(row_words) X(k_words) X(segments) X(pixel_cycles) \
    X(initiation_interval) X(shift) X(code_multiplier) X(code_offset) X(code_shift) X(residual_multiplier) \
    X(residual_shift) X(presets) X(table_offset) X(table_stride) X(weight_offset) X(weight_stride) \
    X(weight_bytes) X(store_codes_offset) X(store_codes_bytes) X(store_z_offset) X(store_z_bytes) X(channel_tile) \
    X(row_tile) X(spill_offset) X(layer) X(reserved)

/* What a device takes in each word: X(word, name, when, min_when, min, max, multiple, only_ends). The rule holds
 * where `when` says, its min where `min_when` says; only_ends: min and max alone. */
enum bd_descriptor_when { BD_WHEN_ALWAYS, BD_WHEN_CONV, BD_WHEN_WRITE_CODES, BD_WHEN_ADD_STREAM, BD_WHEN_STORE_CODES, BD_WHEN_STORE_STREAM };
#define BD_DESCRIPTOR_RULES(X) \
    X(0, operation, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 1u, 2u, 1u, 0) \
    X(1, flags, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 2047u, 1u, 0) \
    X(2, datapath, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 1u, 1u, 0) \
    X(3, weight_bits, BD_WHEN_ALWAYS, BD_WHEN_CONV, 1u, 8u, 1u, 0) \
    X(4, in_bits, BD_WHEN_ALWAYS, BD_WHEN_CONV, 1u, 8u, 1u, 0) \
    X(5, out_bits, BD_WHEN_ALWAYS, BD_WHEN_WRITE_CODES, 1u, 8u, 1u, 0) \
    X(6, in_height, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 1u, 1023u, 1u, 0) \
    X(7, in_width, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 1u, 1023u, 1u, 0) \
    X(8, in_channels, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 1u, 4095u, 1u, 0) \
    X(9, out_height, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 1u, 1023u, 1u, 0) \
    X(10, out_width, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 1u, 1023u, 1u, 0) \
    X(11, out_channels, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 1u, 4095u, 1u, 0) \
    X(12, kernel_h, BD_WHEN_CONV, BD_WHEN_CONV, 1u, 3u, 1u, 1) \
    X(13, kernel_w, BD_WHEN_CONV, BD_WHEN_CONV, 1u, 3u, 1u, 1) \
    X(14, stride, BD_WHEN_CONV, BD_WHEN_CONV, 1u, 2u, 1u, 0) \
    X(15, groups, BD_WHEN_ALWAYS, BD_WHEN_CONV, 1u, 1u, 1u, 0) \
    X(16, pad_top, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 1u, 1u, 0) \
    X(17, pad_bottom, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 1u, 1u, 0) \
    X(18, pad_left, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 1u, 1u, 0) \
    X(19, pad_right, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 1u, 1u, 0) \
    X(20, in_zero_point, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 0u, 1u, 0) \
    X(21, weight_zero_point, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 0u, 1u, 0) \
    X(22, pool_kind, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 0u, 1u, 0) \
    X(23, in_base, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 1048575u, 1u, 0) \
    X(24, in_slots, BD_WHEN_ALWAYS, BD_WHEN_CONV, 1u, 3u, 1u, 0) \
    X(25, in_slot_lanes, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 256u, 1u, 0) \
    X(26, in_pixel_words, BD_WHEN_ALWAYS, BD_WHEN_CONV, 1u, 255u, 1u, 0) \
    X(27, in_pitch, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 1048575u, 1u, 0) \
    X(28, in_left, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 1u, 1u, 0) \
    X(29, out_base, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 1048575u, 1u, 0) \
    X(30, out_slots, BD_WHEN_ALWAYS, BD_WHEN_WRITE_CODES, 1u, 3u, 1u, 0) \
    X(31, out_slot_lanes, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 256u, 1u, 0) \
    X(32, out_pixel_words, BD_WHEN_ALWAYS, BD_WHEN_WRITE_CODES, 1u, 255u, 1u, 0) \
    X(33, out_pitch, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 1048575u, 1u, 0) \
    X(34, out_left, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 1u, 1u, 0) \
    X(35, z_in_base, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 1048575u, 1u, 0) \
    X(36, z_out_base, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 1048575u, 1u, 0) \
    X(37, row_groups, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 1u, 4095u, 1u, 0) \
    X(38, row_words, BD_WHEN_ALWAYS, BD_WHEN_CONV, 1u, 3u, 1u, 0) \
    X(39, k_words, BD_WHEN_ALWAYS, BD_WHEN_CONV, 1u, 4095u, 1u, 0) \
    X(40, segments, BD_WHEN_ALWAYS, BD_WHEN_CONV, 1u, 255u, 1u, 0) \
    X(41, pixel_cycles, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 4294967295u, 1u, 0) \
    X(42, initiation_interval, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 1u, 16777215u, 1u, 0) \
    X(43, shift, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 47u, 1u, 0) \
    X(44, code_multiplier, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 262143u, 1u, 0) \
    X(45, code_offset, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 4294967295u, 1u, 0) \
    X(46, code_shift, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 31u, 1u, 0) \
    X(47, residual_multiplier, BD_WHEN_ADD_STREAM, BD_WHEN_ADD_STREAM, 1u, 1u, 1u, 0) \
    X(48, residual_shift, BD_WHEN_ADD_STREAM, BD_WHEN_ADD_STREAM, 0u, 0u, 1u, 0) \
    X(49, presets, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 1u, 16u, 1u, 1) \
    X(50, table_offset, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 4294967295u, 8u, 0) \
    X(51, table_stride, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 8u, 1048568u, 8u, 0) \
    X(52, weight_offset, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 4294967295u, 8u, 0) \
    X(53, weight_stride, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 4294967295u, 8u, 0) \
    X(54, weight_bytes, BD_WHEN_ALWAYS, BD_WHEN_CONV, 8u, 16777208u, 8u, 0) \
    X(55, store_codes_offset, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 4294967295u, 8u, 0) \
    X(56, store_codes_bytes, BD_WHEN_ALWAYS, BD_WHEN_STORE_CODES, 8u, 134217720u, 8u, 0) \
    X(57, store_z_offset, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 4294967295u, 8u, 0) \
    X(58, store_z_bytes, BD_WHEN_ALWAYS, BD_WHEN_STORE_STREAM, 8u, 134217720u, 8u, 0) \
    X(59, channel_tile, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 0u, 1u, 0) \
    X(60, row_tile, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 0u, 1u, 0) \
    X(61, spill_offset, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 0u, 1u, 0) \
    X(62, layer, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 4294967295u, 1u, 0) \
    X(63, reserved, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 0u, 1u, 0)

#endif
