/* A program's answers in integers, and one switch of a network in both of its forms: the checkpoint in float, the
 * program in integers, on the same images. Image arrays are those of the data set, which must be in memory
 * (bd_images_open, bd_dataset_keep). */
#ifndef BD_EVAL_INTEGERS_H
#define BD_EVAL_INTEGERS_H

#include <stddef.h>
#include <stdint.h>

#include "model/checkpoint/checkpoint.h"
#include "model/data/dataset.h"
#include "model/exec/exec.h"

/* BD_BAD_INPUT unless the program takes the set's images and tells at least its classes apart. */
bd_status bd_check_program_images(const struct bd_program *program, const struct bd_dataset *set, struct bd_error *err)
    BD_WARN_UNUSED;

/* The first `count` images at one switch by the fast executor: logits (count, classes) and the class of the largest,
 * predictions (count). Either may be NULL. */
bd_status bd_integer_eval(const struct bd_program *program, const struct bd_decoded *decoded, unsigned switch_index,
                          const struct bd_dataset *set, size_t count, int32_t *logits, uint16_t *predictions,
                          struct bd_error *err) BD_WARN_UNUSED;

/* Part of the first `count` images that are classified rightly. The set has labels. */
bd_status bd_integer_accuracy(const struct bd_program *program, const struct bd_decoded *decoded, unsigned switch_index,
                              const struct bd_dataset *set, size_t count, double *accuracy, struct bd_error *err)
    BD_WARN_UNUSED;

/* Of the first `count` images, those whose logits (count, classes) are not the plain executor's. */
bd_status bd_integer_check(const struct bd_program *program, const struct bd_decoded *decoded, unsigned switch_index,
                           const struct bd_dataset *set, size_t count, const int32_t *logits, int64_t *mismatches,
                           struct bd_error *err) BD_WARN_UNUSED;

/* What bd_evaluate_switch evaluates, and on what. */
struct bd_evaluation {
    const struct bd_checkpoint *checkpoint; /* NULL: integers alone */
    const struct bd_program *program;       /* NULL: float alone */
    const struct bd_decoded *decoded;       /* the program's */
    const struct bd_dataset *set;
    size_t images, compare; /* the first so many; of them compared with the plain executor */
    /* (images) each, written where there are labels: 1 where the form is right, else 0. Either may be NULL. */
    uint8_t *float_right, *integers_right;
};

struct bd_switch_result { /* -1 where there is nothing to say */
    double float_accuracy, integer_accuracy;
    int64_t disagree;             /* images that the two forms classify differently */
    int64_t compared, mismatches; /* images whose logits were compared with the plain executor's; of them different */
    double fast_seconds, plain_seconds;
};

/* The switch of this name in whatever has one. logits (images, classes), or NULL, are those in integers; they are not
 * touched where the program has no such switch. */
bd_status bd_evaluate_switch(const struct bd_evaluation *evaluation, const char *name, struct bd_switch_result *result,
                             int32_t *logits, struct bd_error *err) BD_WARN_UNUSED;

#endif
