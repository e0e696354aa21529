/* The gradients of a training step whose batch is shared among the ranks of mpirun, against the same step alone.
 * Every rank takes the whole batch through a network of its own, then its part through one whose sums go over all
 * ranks. Prints "rank R: N parameters apart by at most E, F of C codes flipped"; a code that sits on an edge may flip
 * with the last bit of a batch-norm sum, and is counted apart. Exit code 1: further apart than 1e-5 of the largest
 * entry though no code flipped. Arguments plant a fault in a step that ranks may be silent in for STALL seconds:
 * `twice`: one image counts twice, which must be told; `asleep`: rank 0 stands still for ever, and the others must fail
 * and name it; `busy`: rank 0 works alone for longer than that, which is no fault. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/core/clock.h"
#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/train/loop/ranks.h"
#include "model/train/loop/train.h"

#define BATCH 16
#define CLASSES 10
#define PIXELS (28 * 28)
#define BOUND 1e-5
#define STALL 1.5

static const char network[] = "name: ranks\n"
                              "input: {height: 28, width: 28, channels: 1}\n"
                              "classes: 10\n"
                              "switches: [w2a8, w1a2, w1a1]\n"
                              "stem: {channels: 8, stride: 2}\n"
                              "stages:\n"
                              "  - {channels: 8, blocks: [{kind: basic}]}\n"
                              "  - {channels: 16, stride: 2, blocks: [{kind: basic}]}\n"
                              "head: {}\n";

struct step {
    struct bd_checkpoint checkpoint;
    struct bd_net *net;
    struct bd_parameter *parameters;
    size_t count;
    int16_t *codes; /* of every quantizer at every switch, one after the other, of this rank's images */
    size_t code_count;
};

static bd_status open_step(struct step *step, int rows, const struct bd_reducer *reducer, struct bd_error *err)
{
    struct bd_train_plan plan;
    bd_train_plan_init(&plan);
    bd_checkpoint_init(&step->checkpoint);
    bd_status status = bd_graph_parse(&step->checkpoint.graph, "ranks", network, sizeof network - 1, err);
    if (status) {
        return status;
    }
    bd_train_initialise(&step->checkpoint, &plan);
    status = bd_net_create(&step->net, &step->checkpoint, rows, 7, false, true, err);
    if (!status) {
        bd_net_set_reducer(step->net, reducer);
        step->parameters = bd_net_parameters(step->net, &step->count);
    }
    return status;
}

/* Appends what the last forward emitted for `rows` images from `first`. */
static void take_codes(struct step *step, int s, int batch, int first, int rows)
{
    const struct bd_graph *graph = &step->checkpoint.graph;
    for (int q = 1; q < graph->quantizer_count; q++) {
        const struct bd_quantizer *info = &graph->quantizers[q];
        size_t size = (size_t)info->channels * info->height * info->width;
        int16_t *codes = bd_xcalloc(batch * size, sizeof *codes);
        bd_net_codes(step->net, q, s, codes);
        step->codes = bd_xrealloc(step->codes, step->code_count + rows * size, sizeof *codes);
        memcpy(step->codes + step->code_count, codes + first * size, rows * size * sizeof *codes);
        step->code_count += rows * size;
        free(codes);
    }
}

/* d_logits depend on the image alone, so that both steps have the same. */
static bd_status take_step(struct step *step, const uint8_t *images, const float *d_logits, int batch, int first,
                           int rows, struct bd_error *err)
{
    float *logits = bd_xcalloc((size_t)batch * CLASSES, sizeof *logits);
    bd_net_update_weights(step->net);
    bd_status status = bd_net_begin(step->net, images, err);
    for (int s = 0; s < 3 && !status; s++) {
        status = bd_net_forward(step->net, s, 0.1, logits, err);
        if (!status) {
            take_codes(step, s, batch, first, rows);
            status = bd_net_backward(step->net, s, d_logits, NULL, err);
        }
    }
    free(logits);
    return status ? status : bd_net_finish(step->net, err);
}

static bd_status compare(const struct bd_mpi *mpi, bool twice, bool *equal, struct bd_error *err)
{
    struct step whole = {0}, part = {0};
    struct bd_rng rng;
    uint8_t *images = bd_xcalloc(BATCH, PIXELS);
    float d_logits[BATCH * CLASSES];
    int rows = BATCH / mpi->ranks, first = mpi->rank * rows;
    size_t flipped = 0;
    double worst = 0;
    bd_rng_seed(&rng, 9);
    for (int i = 0; i < BATCH * PIXELS; i++) {
        images[i] = bd_rng_below(&rng, 256);
    }
    for (int i = 0; i < BATCH * CLASSES; i++) {
        d_logits[i] = bd_rng_normal(&rng) / BATCH;
    }
    bd_status status = open_step(&whole, BATCH, NULL, err);
    status = status ? status : open_step(&part, rows, mpi->ranks > 1 ? &mpi->reducer : NULL, err);
    status = status ? status : take_step(&whole, images, d_logits, BATCH, first, rows, err);
    if (twice) {
        memcpy(images, images + PIXELS, PIXELS);
    }
    status = status ? status
                    : take_step(&part, images + (size_t)first * PIXELS, d_logits + first * CLASSES, rows, 0, rows, err);
    for (size_t i = 0; i < whole.count && !status; i++) {
        const struct bd_parameter *a = &whole.parameters[i], *b = &part.parameters[i];
        double apart = 0, largest = 0;
        for (size_t k = 0; k < a->count; k++) {
            apart = fmax(apart, fabs(a->gradient[k] - b->gradient[k]));
            largest = fmax(largest, fabs(a->gradient[k]));
        }
        worst = fmax(worst, largest > 0 ? apart / largest : apart);
    }
    for (size_t i = 0; i < whole.code_count && !status; i++) {
        flipped += whole.codes[i] != part.codes[i];
    }
    *equal = flipped ? worst < 0.1 : worst <= BOUND;
    if (!status) {
        printf("rank %d of %d: %zu parameters apart by at most %.2g, %zu of %zu codes flipped\n", mpi->rank, mpi->ranks,
               whole.count, worst, flipped, whole.code_count);
    }
    bd_net_destroy(whole.net);
    bd_net_destroy(part.net);
    bd_checkpoint_release(&whole.checkpoint);
    bd_checkpoint_release(&part.checkpoint);
    free(whole.codes);
    free(part.codes);
    free(images);
    return status;
}

static void stand_still(const char *how)
{
    if (!strcmp(how, "asleep")) {
        pause();
    }
    double from = bd_seconds(CLOCK_MONOTONIC);
    while (!strcmp(how, "busy") && bd_seconds(CLOCK_MONOTONIC) < from + 2 * STALL) {
    }
}

int main(int argc, char **argv)
{
    struct bd_mpi mpi;
    struct bd_error err;
    bool equal = false;
    const char *fault = argc > 1 ? argv[1] : "";
    bd_status status = bd_mpi_open(&mpi, STALL, &err);
    if (!status && mpi.rank == 0) {
        stand_still(fault);
    }
    status = status ? status : compare(&mpi, !strcmp(fault, "twice"), &equal, &err);
    status = status ? status : bd_mpi_close(&mpi, &err);
    if (status) {
        fprintf(stderr, "rank %d: %s\n", mpi.rank, err.message);
        fflush(stdout);
        bd_mpi_abort(&mpi, status);
    }
    return status ? (int)status : !equal;
}
