#include "sw/cli/profile.h"
#include "sw/cli/report.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

/* A row of the table: a phase of the network, or (phase -1) seconds alone. */
struct row {
    const char *name, *key;
    int phase;
    double seconds, limit; /* limit: operations a second of the machine for this kind; 0: none */
};

enum { ROWS = BD_PHASES + 4 };

static void fill_rows(const struct bd_train_profile *p, struct row *rows)
{
    double gradients = p->half ? p->roofline.half_operations : p->roofline.float_operations, named = 0;
    const struct row all[ROWS] = {
        {"convolutions forward", "convolve", BD_PHASE_CONVOLVE, 0, p->roofline.byte_operations},
        {"data gradient", "data_gradient", BD_PHASE_DATA_GRADIENT, 0, gradients},
        {"weight gradient", "weight_gradient", BD_PHASE_WEIGHT_GRADIENT, 0, gradients},
        {"batch norm, quantizers", "norms", BD_PHASE_NORMS, 0, 0},
        {"weights", "weights", BD_PHASE_WEIGHTS, 0, 0},
        {"optimiser", "optimizer", -1, p->optimizer, 0},
        {"loss", "loss", -1, p->loss, 0},
        {"data", "data", -1, p->data, 0},
        {"the rest", "rest", -1, 0, 0},
    };
    for (int i = 0; i < ROWS; i++) {
        rows[i] = all[i];
        if (rows[i].phase >= 0) {
            rows[i].seconds = p->net.seconds[rows[i].phase];
        }
        named += rows[i].seconds;
    }
    rows[ROWS - 1].seconds = p->processor > named ? p->processor - named : 0;
}

static double operations(const struct bd_train_profile *p, const struct row *row)
{
    return row->phase < 0 || row->seconds <= 0 ? 0 : p->net.operations[row->phase] / row->seconds;
}

static double bytes(const struct bd_train_profile *p, const struct row *row)
{
    return row->phase < 0 || row->seconds <= 0 ? 0 : p->net.bytes[row->phase] / row->seconds;
}

void bd_cli_print_profile(const struct bd_train_profile *p)
{
    struct row rows[ROWS];
    fill_rows(p, rows);
    printf("a step of %" PRId64
           " images, %d threads, %s gradients; processor time of all threads, the quickest of %" PRId64 " steps\n",
           p->batch, p->threads, p->half ? "bfloat16" : "float32", p->steps);
    printf("%-24s %9s %6s %9s %8s %8s\n", "", "ms", "%", "GOP/s", "of limit", "GB/s");
    for (int i = 0; i < ROWS; i++) {
        double here = operations(p, &rows[i]), limit = rows[i].limit / p->threads;
        printf("%-24s %9.2f %6.1f", rows[i].name, rows[i].seconds * 1e3, 100 * rows[i].seconds / p->processor);
        if (here > 0) {
            printf(" %9.0f", here * 1e-9);
        }
        if (here > 0 && limit > 0) {
            printf(" %7.0f%%", 100 * here / limit);
        }
        if (bytes(p, &rows[i]) > 0) {
            printf(" %27.1f", bytes(p, &rows[i]) * 1e-9);
        }
        printf("\n");
    }
    printf("%-24s %9.2f        GOP/s and GB/s are of one thread\n", "a step", p->processor * 1e3);
    printf("its convolutions alone   %9.2f        the step stands at %.0f %% of that bound\n", p->bound_processor * 1e3,
           100 * p->bound_processor / p->processor);
    puts("operations are those of plain sums; gradients by Winograd's filtering do a quarter of theirs, and may pass "
         "the limit");
    printf("images/s: %.0f; convolutions alone %.0f\n", p->batch / p->wall, p->batch / p->bound_wall);
    printf("limits of this machine, a thread: %.0f GFLOP/s float32, %.0f bfloat16, %.0f GOP/s int8; %.1f GB/s all "
           "threads\n",
           p->roofline.float_operations * 1e-9 / p->threads, p->roofline.half_operations * 1e-9 / p->threads,
           p->roofline.byte_operations * 1e-9 / p->threads, p->roofline.bytes * 1e-9);
}

void bd_cli_print_profile_json(const struct bd_train_profile *p)
{
    struct row rows[ROWS];
    json_t *phases = json_object();
    fill_rows(p, rows);
    for (int i = 0; i < ROWS; i++) {
        json_object_set_new(phases, rows[i].key,
                            json_pack("{s:f, s:f, s:f}", "seconds", rows[i].seconds, "operations_per_second",
                                      operations(p, &rows[i]), "bytes_per_second", bytes(p, &rows[i])));
    }
    json_t *result = json_pack("{s:I, s:I, s:i, s:b, s:f, s:f, s:f, s:f, s:f, s:f, s:o, s:{s:f, s:f, s:f, s:f}}",
                               "steps", (json_int_t)p->steps, "batch", (json_int_t)p->batch, "threads", p->threads,
                               "bfloat16", p->half, "wall_seconds", p->wall, "processor_seconds", p->processor,
                               "bound_wall_seconds", p->bound_wall, "bound_processor_seconds", p->bound_processor,
                               "images_per_second", p->batch / p->wall, "bound_images_per_second",
                               p->batch / p->bound_wall, "phases", phases, "roofline", "float32_operations",
                               p->roofline.float_operations, "bfloat16_operations", p->roofline.half_operations,
                               "int8_operations", p->roofline.byte_operations, "bytes", p->roofline.bytes);
    bd_cli_report(result);
}
