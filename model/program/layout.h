/* How tensors lie in the activation memory, how a layer walks them, and where its weights stand: the formulas that
 * packer, verifier, decoder and cost model share. model/program/README.md says them in words.
 *
 * The activation memory has nine banks of 16-bit words, a low and a high byte. A byte holds one bit-plane of eight
 * channels; a word of all nine banks is 72 lanes of two planes. In LAYOUT_WINDOW a bank is a place in 3x3 pixels, in
 * LAYOUT_CHANNEL one of nine groups of eight channels; LAYOUT_BYTE is the first with whole codes of two channels. */
#ifndef BD_PROGRAM_LAYOUT_H
#define BD_PROGRAM_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "model/program/program.h"

struct bd_tensor_layout {
    uint32_t layout; /* enum bd_in_layout */
    uint32_t groups; /* of channels: 8, 16 where codes have one bit; 72 or 144 in LAYOUT_CHANNEL, 2 in LAYOUT_BYTE */
    uint32_t pairs;  /* words of a group: planes two at a time */
    uint32_t cell_words, pitch, tail_banks;
    uint64_t words; /* of each bank */
};
struct bd_tensor_layout bd_tensor_layout(uint32_t layout, uint32_t bits, uint32_t height, uint32_t width,
                                         uint32_t channels);

/* Words of a group: ceil(bits / 2). */
uint32_t bd_code_pairs(uint32_t bits);

/* Fills in every count that follows from shape, bits, flags, datapath and layouts: cells and pitches of the tensors,
 * row groups, sub-windows, words, segments, blocks, intervals, borders. Not weight_plane and what concerns places. */
void bd_descriptor_derive(struct bd_descriptor *d, const struct bd_program_header *geometry);

/* Clocks in which a block of so many pixels is walked, by an array of so many rows. */
uint64_t bd_block_clocks(const struct bd_descriptor *d, uint32_t rows, uint32_t pixels);
/* Clocks in which a K word's codes are gathered for the MAC. */
uint32_t bd_gather_clocks(const struct bd_descriptor *d, uint32_t rows);
/* Words in which the codes of so many channels of a pixel are written; a word takes a clock. */
uint32_t bd_code_writes(const struct bd_descriptor *d, uint32_t channels);
/* Clocks in which all blocks of a layer are walked, one after the other. */
uint64_t bd_descriptor_clocks(const struct bd_descriptor *d);

/* Classes of output pixels by the taps that their windows miss: rows and columns at each border that are classes of
 * their own, and one for all between. */
struct bd_borders {
    uint32_t top, bottom, left, right;
};
struct bd_borders bd_borders(const struct bd_descriptor *d);
uint32_t bd_border_classes(const struct bd_descriptor *d);
/* Class of an output row (of a column, with left, right and out_width): 0 .. first + last. */
uint32_t bd_border_class(uint32_t at, uint32_t first, uint32_t last, uint32_t count);

/* ---- weights ---- */

/* Weight words of one plane of a row group. `even`: groups of channels are made even in number, for a reader of one-bit
 * codes, who takes two at once (with more than one sub-window they always are). */
uint32_t bd_weight_plane(const struct bd_descriptor *d, bool even);
/* Words of `planes` planes, up to whole beats. */
uint32_t bd_weight_step(uint32_t planes, uint32_t weight_plane);
uint64_t bd_weight_bytes(const struct bd_program_header *geometry, uint64_t words);
/* Where the weight of tap (ky, kx) and input channel ic stands: a bit of a row group's plane. */
uint64_t bd_weight_bit(const struct bd_descriptor *d, const struct bd_program_header *geometry, uint32_t row,
                       uint32_t ky, uint32_t kx, uint32_t ic);

/* What the array's sum of a row lacks, for a window wholly inside the map: acc = (signed ? 2P : P) + constant, with
 * `sum_codes` the sum of the row's weight codes (weight_bits each) and `taps` their number. */
int64_t bd_row_constant(const struct bd_descriptor *d, int64_t sum_codes, int64_t taps);
/* Whether the tables' B' holds that constant times M: not where corrections hold it. */
bool bd_bias_holds_constant(const struct bd_descriptor *d);

/* B' of rows past the last channel, whose M is 0: z is -1, or further below zero where the code of -1 is not 0. 0 where
 * no z within 52 bits has code 0. A stream that they add is negative too, so that their codes stay 0. */
int64_t bd_pad_bias(const struct bd_descriptor *d);

/* ---- residual memory, stores ---- */

/* Words of a residual map of so many pixels. */
uint64_t bd_z_words(const struct bd_program_header *geometry, uint64_t pixels, uint32_t row_groups, bool wide);

/* 16-bit words of a pixel of the output tensor where it lies in memory as words of planes (SPILL_CODES, OP_LOAD):
 * pixels in raster order, a pixel's words by groups of channels, a group's by planes; nothing of where they lie on the
 * chip. bd_map_row_bytes: of a row of pixels, up to whole beats. */
uint32_t bd_map_words(const struct bd_descriptor *d);
uint32_t bd_map_row_bytes(const struct bd_descriptor *d);
/* A row's words of the residual memory as they lie in memory: pairs of words, low halves and high halves as in wide
 * ones. */
uint32_t bd_map_z_row_bytes(const struct bd_descriptor *d, const struct bd_program_header *geometry);

/* Bytes of a layer's stored or loaded codes and z. */
uint32_t bd_store_codes_bytes(const struct bd_descriptor *d);
uint32_t bd_store_z_bytes(const struct bd_descriptor *d, const struct bd_program_header *geometry);

/* Bytes of a row group's tables and corrections. */
uint32_t bd_table_chunk(const struct bd_program_header *geometry);
uint32_t bd_correct_chunk(const struct bd_descriptor *d, const struct bd_program_header *geometry);

#endif
