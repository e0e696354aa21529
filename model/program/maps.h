/* Maps that do not stay on the chip: layers with SPILL_* leave rows of codes or of the stream in memory, OP_LOAD brings
 * rows back, those of one or of several layers, or rows of the image. */
#ifndef BD_PROGRAM_MAPS_H
#define BD_PROGRAM_MAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "model/program/program.h"

struct bd_map_row {
    int layer;    /* that left it; -1: the image */
    uint32_t row; /* of its output, or of the image */
};

/* Where row y of what OP_LOAD `layer` loads was left by a layer before it, in the same form. False where no such row is
 * there: bd_program_open refuses such programs. */
bool bd_map_codes_row(const struct bd_program *program, unsigned switch_index, unsigned layer, uint32_t y,
                      struct bd_map_row *row);
bool bd_map_stream_row(const struct bd_program *program, unsigned switch_index, unsigned layer, uint32_t y,
                       struct bd_map_row *row);

/* The first layer of the program that is a band of layer `index` of the network that was compiled, and how many bands
 * it has, all behind it: they have one set of tables. Loads between them are no bands. -1: there is no such layer. */
int bd_map_first_band(const struct bd_program *program, unsigned index, unsigned *bands);
/* Whether layer `at` is a band of the layer of which `first` is one. */
bool bd_map_is_band(const struct bd_program *program, unsigned first, unsigned at);

/* Whether a row's words are an even number, as rows in memory must be: they lie there in pairs. */
bool bd_map_stream_even(const struct bd_descriptor *d, const struct bd_program_header *geometry);

#endif
