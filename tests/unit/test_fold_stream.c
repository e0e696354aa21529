/* The residual stream's range and fraction bits. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "model/checkpoint/random_checkpoint.h"
#include "model/core/memory.h"
#include "model/fold/fold.h"

/* Moves batch norm's offsets so that each channel's values at the switch reach from 0 to one side alone, up to `reach`.
 */
static void lay_on_one_side(struct bd_checkpoint *checkpoint, const struct bd_layer *layer, int s, int sign,
                            double *reach)
{
    struct bd_error err;
    const char *sw = checkpoint->graph.switches[s].name;
    const size_t taps = (size_t)layer->in_channels / layer->groups * layer->kernel_h * layer->kernel_w;
    int16_t *weights = bd_xcalloc(layer->out_channels * taps, sizeof *weights);
    struct bd_affine *a = bd_xcalloc(layer->out_channels, sizeof *a);
    float *gamma = bd_checkpoint_find(checkpoint, "%s.%s.gamma", layer->name, sw)->data;
    float *beta = bd_checkpoint_find(checkpoint, "%s.%s.beta", layer->name, sw)->data;
    for (int c = 0; c < layer->out_channels; c++) {
        gamma[c] *= 300;
    }
    cr_assert_eq(bd_checkpoint_integers(checkpoint, layer, s, weights, &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_fold_affine(checkpoint, layer, s, weights, a, &err), BD_OK, "%s", err.message);
    for (int c = 0; c < layer->out_channels; c++) {
        const double ends[2] = {(double)(a[c].offset + a[c].gain * a[c].lo),
                                (double)(a[c].offset + a[c].gain * a[c].hi)};
        beta[c] -= (float)(sign < 0 ? fmax(ends[0], ends[1]) : fmin(ends[0], ends[1]));
        reach[c] = fabs(ends[0] - ends[1]);
    }
    free(weights);
    free(a);
}

/* The largest magnitude of the stream and of its sum over the pool: reaches add up where layers add. */
static double largest_reach(struct bd_checkpoint *checkpoint, int sign)
{
    const struct bd_graph *graph = &checkpoint->graph;
    double largest = 0;
    for (int s = 0; s < graph->switch_count; s++) {
        double stream[64] = {0};
        for (int l = 0; l < graph->layer_count; l++) {
            const struct bd_layer *layer = &graph->layers[l];
            double reach[64] = {0};
            if (layer->writes_stream) {
                lay_on_one_side(checkpoint, layer, s, sign, reach);
            }
            const double pixels = layer->kind == BD_LAYER_POOL ? layer->in_height * layer->in_width : 1;
            for (int c = 0; c < layer->out_channels && (layer->writes_stream || layer->kind == BD_LAYER_POOL); c++) {
                stream[c] = reach[c] + (layer->writes_stream && !layer->adds_stream ? 0 : stream[c]);
                largest = fmax(largest, stream[c] * pixels);
            }
        }
    }
    return largest;
}

/* The stream has all the fraction bits that its range leaves room for in 2^30, and not one more, whichever side of zero
 * it lies on. */
Test(fold_stream, it_has_the_fraction_bits_that_its_range_allows)
{
    struct bd_error err;
    struct bd_hardware hardware;
    cr_assert_eq(bd_hardware_load(&hardware, "yaml-configs/hardware/demo.yaml", &err), BD_OK, "%s", err.message);
    for (int sign = -1; sign <= 1; sign += 2) {
        struct bd_checkpoint checkpoint;
        struct bd_program program;
        struct bd_fold_report report;
        const struct bd_fold_options options = {.max_moved = 1e9};
        cr_assert_eq(bd_random_checkpoint("yaml-configs/networks/resnet8.yaml", 6, &checkpoint, &err), BD_OK, "%s",
                     err.message);
        const double largest = largest_reach(&checkpoint, sign);
        cr_assert_eq(bd_fold(&checkpoint, &hardware, &options, &program, &report, &err), BD_OK, "%s", err.message);
        const double units = ldexp(largest, report.z_frac[0]);
        cr_assert(units < 0x1.01p30 && units > 0x1.fcp28, "up to %g on side %d: %d fraction bits make %g units",
                  largest, sign, report.z_frac[0], units);
        bd_fold_report_release(&report);
        bd_program_release(&program);
        bd_checkpoint_release(&checkpoint);
    }
    bd_hardware_release(&hardware);
}

/* A level that is missing is an error, not a step of whatever stands in memory. */
Test(fold_stream, a_missing_level_is_refused)
{
    struct bd_checkpoint checkpoint;
    struct bd_code_rule rule;
    struct bd_error err;
    cr_assert_eq(bd_random_checkpoint("yaml-configs/networks/resnet8.yaml", 6, &checkpoint, &err), BD_OK, "%s",
                 err.message);
    cr_assert_eq(bd_fold_rule(&checkpoint, 1, 0, &rule, &err), BD_OK, "%s", err.message);
    struct bd_array *level = bd_checkpoint_find(&checkpoint, "%s.%s.alpha", checkpoint.graph.quantizers[1].name,
                                                checkpoint.graph.switches[0].name);
    level->name[0] = '?';
    cr_assert_neq(bd_fold_rule(&checkpoint, 1, 0, &rule, &err), BD_OK);
    bd_checkpoint_release(&checkpoint);
}
