/* Another checkpoint that answers the same images, and by how much the first differs from it. */
#ifndef BD_CLI_AGAINST_H
#define BD_CLI_AGAINST_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "model/compare/statistics.h"
#include "model/eval/integers.h"
#include "model/program/hardware.h"

struct bd_against {
    const char *path; /* the caller's */
    bool open, has_program;
    struct bd_checkpoint checkpoint;
    struct bd_program program; /* of the switches that both have */
    struct bd_decoded *decoded;
    uint8_t *right[4]; /* (images) in float and in integers: of the first, of this one */
};

struct bd_against_result { /* first less this one, in parts of the images, at one switch */
    bool has_float, has_integers;
    struct bd_paired in_float, in_integers;
};

/* Loads it; folds it too, as the first was, where `hardware` is not NULL. BD_BAD_INPUT where it does not take the
 * images of `first`. */
bd_status bd_against_open(struct bd_against *against, const char *path, const struct bd_checkpoint *first,
                          const struct bd_hardware *hardware, bool reference, double max_moved, struct bd_error *err)
    BD_WARN_UNUSED;

/* Has `evaluation`, of the first, write down which images are right. */
void bd_against_watch(struct bd_against *against, struct bd_evaluation *evaluation);
/* After the first was evaluated so at the switch of this name. At least two images, with labels. */
bd_status bd_against_compare(struct bd_against *against, const struct bd_evaluation *evaluation, const char *name,
                             struct bd_against_result *result, struct bd_error *err) BD_WARN_UNUSED;

/* A table of the differences, first less this one, in points: its head, then a row a switch. */
void bd_against_print_head(const struct bd_against *against);
void bd_against_print(const struct bd_against_result *result, const char *name);
/* Into the switch's object: float_difference and integer_difference, {"difference", "low", "high"} in parts; nothing of
 * what was not compared. */
void bd_against_json(const struct bd_against_result *result, json_t *object);

void bd_against_release(struct bd_against *against);

#endif
