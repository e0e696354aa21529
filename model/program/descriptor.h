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
#define BD_LIMIT_WORD_ADDRESS 1048575 /* word address in any memory of the chip */
#define BD_LIMIT_KERNEL 9 /* side of a kernel */
#define BD_LIMIT_STRIDE 4 /* stride */
#define BD_LIMIT_WEIGHT_BITS 8 /* bits of a weight code */
#define BD_LIMIT_CODE_BITS 8 /* bits of an activation code */
#define BD_LIMIT_BLOCK_PIXELS 16 /* output pixels whose sums a row keeps at once */
#define BD_LIMIT_BORDER_CLASSES 81 /* classes of output pixels by the taps that their windows miss */
#define BD_LIMIT_INTERVAL 16777215 /* clocks from one block of pixels to the next */
#define BD_LIMIT_LAYERS 256 /* layers of a program */
#define BD_LIMIT_SWITCHES 16 /* switches of a program */
#define BD_LIMIT_REFERENCE_SIDE 4096 /* rows or columns of a map in a program for the reference alone */
#define BD_LIMIT_REFERENCE_CHANNELS 65535 /* its channels */
#define BD_LIMIT_REFERENCE_KERNEL 64 /* side of its kernels, and its strides */

enum bd_operation {
    BD_OP_CONV = 1, /* convolution */
    BD_OP_POOL = 2, /* pooling of the residual stream */
    BD_OP_LOAD = 3, /* nothing is computed: output codes and stream come from memory (with the flag LOAD) */
};

enum bd_descriptor_flag {
    BD_FLAG_LOAD_INPUT = 1u << 0, /* fetch the image into the input tensor first; OP_LOAD: rows of the image are the output tensor */
    BD_FLAG_WRITE_CODES = 1u << 1, /* codes go to the activation memory */
    BD_FLAG_ADD_STREAM = 1u << 2, /* r is read at z_in and added */
    BD_FLAG_WRITE_STREAM = 1u << 3, /* z goes to the residual memory at z_out */
    BD_FLAG_STORE_CODES = 1u << 4, /* obeyed when CONTROL.STORE_ENABLE was set at the doorbell */
    BD_FLAG_STORE_STREAM = 1u << 5, /* as STORE_CODES */
    BD_FLAG_RESULT = 1u << 6, /* z goes to the frame's output address */
    BD_FLAG_LAST = 1u << 7, /* last layer of the network */
    BD_FLAG_IN_SIGNED = 1u << 8, /* input codes are +-1 */
    BD_FLAG_OUT_SIGNED = 1u << 9, /* output codes are +-1 (for readers; the requantizer does not care) */
    BD_FLAG_DEPTHWISE = 1u << 10, /* each row has a channel of its own (groups = channels) */
    BD_FLAG_CORRECT = 1u << 11, /* each sum gets its class's correction */
    BD_FLAG_SIGN_ONLY = 1u << 12, /* one-bit codes by comparison alone: M is -1, 0 or 1 */
    BD_FLAG_Z_IN_WIDE = 1u << 13, /* r was stored with 32 bits, not 16 */
    BD_FLAG_Z_OUT_WIDE = 1u << 14, /* z is stored with 32 bits, not 16 */
    BD_FLAG_STREAM_TABLES = 1u << 15, /* tables and corrections are fetched for each row group, through two slots */
    BD_FLAG_STREAM_WEIGHTS = 1u << 16, /* weights are fetched for each row group, through two slots */
    BD_FLAG_LOAD = 1u << 17, /* OP_LOAD */
    BD_FLAG_SPILL_CODES = 1u << 18, /* codes are stored in every frame, as words of planes */
    BD_FLAG_SPILL_STREAM = 1u << 19, /* z is stored in every frame, as words of the residual memory */
};

enum bd_datapath {
    BD_DATAPATH_XNOR = 0, /* XNOR and popcount */
    BD_DATAPATH_MAC = 1, /* add-only MAC */
};

enum bd_in_layout {
    BD_LAYOUT_WINDOW = 0, /* a bank for each place in 3x3 pixels, words of planes of 8 channels */
    BD_LAYOUT_CHANNEL = 1, /* a bank for each of nine groups of channels: for 1x1 readers */
    BD_LAYOUT_BYTE = 2, /* as LAYOUT_WINDOW, words of whole codes of two channels: images for the MAC */
};

struct bd_descriptor { /* the word's number stands behind each line */
    uint32_t operation; /* 0: kind of layer */
    uint32_t flags; /* 1: one bit each */
    uint32_t datapath; /* 2: the array that computes */
    uint32_t weight_bits; /* 3: bits of the weights */
    uint32_t in_bits; /* 4: bits of the input codes */
    uint32_t out_bits; /* 5: bits of the output codes */
    uint32_t in_height; /* 6: rows of the input */
    uint32_t in_width; /* 7: columns of the input */
    uint32_t in_channels; /* 8: channels of the input */
    uint32_t out_height; /* 9: rows of the output */
    uint32_t out_width; /* 10: columns of the output */
    uint32_t out_channels; /* 11: channels of the output */
    uint32_t kernel_h; /* 12: rows of the kernel or of the pooled window; global pooling: the map's */
    uint32_t kernel_w; /* 13: columns */
    uint32_t stride; /* 14: in both directions */
    uint32_t groups; /* 15: of channels: 1, or all of them (DEPTHWISE) */
    uint32_t pad_top; /* 16: rows of padding above */
    uint32_t pad_bottom; /* 17: ... below */
    uint32_t pad_left; /* 18: columns of padding left */
    uint32_t pad_right; /* 19: ... right */
    uint32_t weight_zero_point; /* 20: 1: a weight is half of one less than its odd integer (LSQ) */
    uint32_t pool_kind; /* 21: of a pooling layer (model/program/program.h): 0 average of the whole map, 1 largest, 2 average of windows */
    uint32_t in_base; /* 22: first word of the input tensor */
    uint32_t in_layout; /* 23: how its codes lie */
    uint32_t in_cell_words; /* 24: words of a cell: 3x3 pixels, or one */
    uint32_t in_pitch; /* 25: words of a row of cells */
    uint32_t in_tail_banks; /* 26: LAYOUT_CHANNEL: banks that the last word of a pixel uses */
    uint32_t out_base; /* 27: the same of the output tensor */
    uint32_t out_layout; /* 28: LAYOUT_WINDOW or LAYOUT_CHANNEL; LAYOUT_BYTE of rows of the image */
    uint32_t out_cell_words; /* 29: words of a cell */
    uint32_t out_pitch; /* 30: words of a row of cells */
    uint32_t z_in_base; /* 31: word of the residual memory where r is read */
    uint32_t z_out_base; /* 32: ... where z is written */
    uint32_t row_groups; /* 33: ceil(out_channels / rows) */
    uint32_t sub_rows; /* 34: sub-windows of 3x3 taps, down */
    uint32_t sub_columns; /* 35: ... across */
    uint32_t word_groups; /* 36: K words of a sub-window: groups of channels */
    uint32_t segments; /* 37: MAC: clocks of a weight plane in a K word */
    uint32_t tail_segments; /* 38: MAC: ... in the last group's */
    uint32_t blocks_large; /* 39: blocks of pixels_large output pixels, first */
    uint32_t blocks_small; /* 40: blocks of one pixel less, then */
    uint32_t pixels_large; /* 41: output pixels of a block */
    uint32_t interval_large; /* 42: clocks from a large block to the next block */
    uint32_t interval_small; /* 43: ... from a small one */
    uint32_t pixel_period; /* 44: clocks from one requantized pixel to the next */
    uint32_t shift; /* 45: sh */
    uint32_t code_multiplier; /* 46: S */
    int32_t code_offset; /* 47: H */
    uint32_t code_shift; /* 48: ss */
    int32_t residual_multiplier; /* 49: R */
    uint32_t residual_shift; /* 50: rs */
    uint32_t borders; /* 51: output rows at the top, at the bottom, columns left, right (a byte each, lowest first) that are classes of their own */
    uint32_t table_base; /* 52: entry of row 0 in the table memory */
    uint32_t correct_base; /* 53: word of row group 0 in the correction memory */
    uint32_t weight_base; /* 54: word of row group 0 in the weight memory */
    uint32_t weight_step; /* 55: words from one row group to the next: all stored planes */
    uint32_t weight_plane; /* 56: words from one plane to the next */
    uint32_t table_offset; /* 57: tables of row group 0 */
    uint32_t correct_offset; /* 58: corrections of row group 0 */
    uint32_t weight_offset; /* 59: weights of row group 0 */
    uint32_t store_codes_offset; /* 60: from STORE_ADDR: where codes are stored, OP_LOAD: where they come from, a multiple of 8; rows of the image: from INPUT_ADDR, any byte */
    uint32_t store_codes_bytes; /* 61: of the stored or loaded codes; 0 of rows of the image */
    uint32_t store_z_offset; /* 62: the same of z, from STORE_ADDR */
    uint32_t store_z_bytes; /* 63: of the stored or loaded z */
};

/* Every field in order: X(name). */
#define BD_DESCRIPTOR_FIELDS(X) \
    X(operation) X(flags) X(datapath) X(weight_bits) X(in_bits) X(out_bits) \
    X(in_height) X(in_width) X(in_channels) X(out_height) X(out_width) X(out_channels) \
    X(kernel_h) X(kernel_w) X(stride) X(groups) X(pad_top) X(pad_bottom) \
    X(pad_left) X(pad_right) X(weight_zero_point) X(pool_kind) X(in_base) X(in_layout) \
    X(in_cell_words) X(in_pitch) X(in_tail_banks) X(out_base) X(out_layout) X(out_cell_words) \
    X(out_pitch) X(z_in_base) X(z_out_base) X(row_groups) X(sub_rows) X(sub_columns) \
    X(word_groups) X(segments) X(tail_segments) X(blocks_large) X(blocks_small) X(pixels_large) \
    X(interval_large) X(interval_small) X(pixel_period) X(shift) X(code_multiplier) X(code_offset) \
    X(code_shift) X(residual_multiplier) X(residual_shift) X(borders) X(table_base) X(correct_base) \
    X(weight_base) X(weight_step) X(weight_plane) X(table_offset) X(correct_offset) X(weight_offset) \
    X(store_codes_offset) X(store_codes_bytes) X(store_z_offset) X(store_z_bytes)

/* What a device takes in each word: X(word, name, when, min_when, min, max, multiple, only_ends). The rule holds
 * where `when` says, its min where `min_when` says; only_ends: min and max alone. */
enum bd_descriptor_when { BD_WHEN_ALWAYS, BD_WHEN_CONV, BD_WHEN_WRITE_CODES, BD_WHEN_ADD_STREAM, BD_WHEN_STORE_CODES, BD_WHEN_STORE_STREAM };
#define BD_DESCRIPTOR_RULES(X) \
    X(0, operation, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 1u, 3u, 1u, 0) \
    X(1, flags, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 1048575u, 1u, 0) \
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
    X(12, kernel_h, BD_WHEN_CONV, BD_WHEN_CONV, 1u, 9u, 1u, 0) \
    X(13, kernel_w, BD_WHEN_CONV, BD_WHEN_CONV, 1u, 9u, 1u, 0) \
    X(14, stride, BD_WHEN_CONV, BD_WHEN_CONV, 1u, 4u, 1u, 0) \
    X(15, groups, BD_WHEN_ALWAYS, BD_WHEN_CONV, 1u, 4095u, 1u, 0) \
    X(16, pad_top, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 8u, 1u, 0) \
    X(17, pad_bottom, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 8u, 1u, 0) \
    X(18, pad_left, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 8u, 1u, 0) \
    X(19, pad_right, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 8u, 1u, 0) \
    X(20, weight_zero_point, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 1u, 1u, 0) \
    X(21, pool_kind, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 2u, 1u, 0) \
    X(22, in_base, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 1048575u, 1u, 0) \
    X(23, in_layout, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 2u, 1u, 0) \
    X(24, in_cell_words, BD_WHEN_ALWAYS, BD_WHEN_CONV, 1u, 1048575u, 1u, 0) \
    X(25, in_pitch, BD_WHEN_ALWAYS, BD_WHEN_CONV, 1u, 1048575u, 1u, 0) \
    X(26, in_tail_banks, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 9u, 1u, 0) \
    X(27, out_base, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 1048575u, 1u, 0) \
    X(28, out_layout, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 2u, 1u, 0) \
    X(29, out_cell_words, BD_WHEN_ALWAYS, BD_WHEN_WRITE_CODES, 1u, 1048575u, 1u, 0) \
    X(30, out_pitch, BD_WHEN_ALWAYS, BD_WHEN_WRITE_CODES, 1u, 1048575u, 1u, 0) \
    X(31, z_in_base, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 1048575u, 1u, 0) \
    X(32, z_out_base, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 1048575u, 1u, 0) \
    X(33, row_groups, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 1u, 4095u, 1u, 0) \
    X(34, sub_rows, BD_WHEN_ALWAYS, BD_WHEN_CONV, 1u, 3u, 1u, 0) \
    X(35, sub_columns, BD_WHEN_ALWAYS, BD_WHEN_CONV, 1u, 3u, 1u, 0) \
    X(36, word_groups, BD_WHEN_ALWAYS, BD_WHEN_CONV, 1u, 2047u, 1u, 0) \
    X(37, segments, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 16u, 1u, 0) \
    X(38, tail_segments, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 16u, 1u, 0) \
    X(39, blocks_large, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 1u, 65535u, 1u, 0) \
    X(40, blocks_small, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 65535u, 1u, 0) \
    X(41, pixels_large, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 1u, 16u, 1u, 0) \
    X(42, interval_large, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 1u, 16777215u, 1u, 0) \
    X(43, interval_small, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 16777215u, 1u, 0) \
    X(44, pixel_period, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 1u, 16777215u, 1u, 0) \
    X(45, shift, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 47u, 1u, 0) \
    X(46, code_multiplier, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 262143u, 1u, 0) \
    X(47, code_offset, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 4294967295u, 1u, 0) \
    X(48, code_shift, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 31u, 1u, 0) \
    X(49, residual_multiplier, BD_WHEN_ADD_STREAM, BD_WHEN_ADD_STREAM, 1u, 1u, 1u, 0) \
    X(50, residual_shift, BD_WHEN_ADD_STREAM, BD_WHEN_ADD_STREAM, 0u, 0u, 1u, 0) \
    X(51, borders, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 134744072u, 1u, 0) \
    X(52, table_base, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 1048575u, 1u, 0) \
    X(53, correct_base, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 1048575u, 1u, 0) \
    X(54, weight_base, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 1048575u, 1u, 0) \
    X(55, weight_step, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 1048572u, 4u, 0) \
    X(56, weight_plane, BD_WHEN_ALWAYS, BD_WHEN_CONV, 1u, 1048575u, 1u, 0) \
    X(57, table_offset, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 4294967295u, 8u, 0) \
    X(58, correct_offset, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 4294967295u, 8u, 0) \
    X(59, weight_offset, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 4294967295u, 8u, 0) \
    X(60, store_codes_offset, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 4294967295u, 1u, 0) \
    X(61, store_codes_bytes, BD_WHEN_ALWAYS, BD_WHEN_STORE_CODES, 8u, 134217720u, 8u, 0) \
    X(62, store_z_offset, BD_WHEN_ALWAYS, BD_WHEN_ALWAYS, 0u, 4294967295u, 8u, 0) \
    X(63, store_z_bytes, BD_WHEN_ALWAYS, BD_WHEN_STORE_STREAM, 8u, 134217720u, 8u, 0)

#endif
