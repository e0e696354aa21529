/* The picture of the dial: accuracy against what a frame costs. */
#ifndef BD_CLI_DIAL_H
#define BD_CLI_DIAL_H

#include <stdint.h>

#include "model/core/error.h"

/* What a network is worth at a switch, and what it costs. */
struct bd_dial_point {
    char name[16];
    int weight_bits, activation_bits;
    double float_accuracy, integer_accuracy; /* 0..1; float negative: not known */
    uint64_t clocks;
    double energy_nj;
};

/* Writes an SVG: accuracy against clocks and against energy, a line for the switches of equal bits, one for those of
 * one-bit weights, integers filled and floats hollow. count > 0. */
bd_status bd_cli_draw_dial(const char *title, const struct bd_dial_point *points, int count, const char *path,
                           struct bd_error *err) BD_WARN_UNUSED;

#endif
