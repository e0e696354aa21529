#include "sw/cli/against.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/fold/fold.h"

enum { FIRST_FLOAT, FIRST_INTEGERS, OTHER_FLOAT, OTHER_INTEGERS };

/* Names of the switches that both have and integers can run, separated by commas; the caller frees. */
static char *shared_switches(const struct bd_graph *first, const struct bd_graph *other)
{
    char *list = bd_xstrdup("");
    for (int s = 0; s < other->switch_count; s++) {
        const struct bd_switch *sw = &other->switches[s];
        if (sw->activation_bits <= 8 && bd_graph_switch(first, sw->name) >= 0) {
            char *longer = bd_asprintf("%s%s%s", list, *list ? "," : "", sw->name);
            free(list);
            list = longer;
        }
    }
    return list;
}

static bd_status fold(struct bd_against *against, const struct bd_graph *first, const struct bd_hardware *hardware,
                      bool reference, double max_moved, struct bd_error *err)
{
    char *list = shared_switches(first, &against->checkpoint.graph);
    bd_status status = BD_OK;
    if (*list) {
        const struct bd_fold_options options = {.switches = list, .reference = reference, .max_moved = max_moved};
        struct bd_fold_report report;
        status = bd_fold(&against->checkpoint, hardware, &options, &against->program, &report, err);
        against->has_program = status == BD_OK;
        bd_fold_report_release(&report);
    }
    free(list);
    return status == BD_OK && against->has_program ? bd_decode(&against->program, &against->decoded, err) : status;
}

bd_status bd_against_open(struct bd_against *against, const char *path, const struct bd_checkpoint *first,
                          const struct bd_hardware *hardware, bool reference, double max_moved, struct bd_error *err)
{
    *against = (struct bd_against){.path = path};
    if (bd_checkpoint_load(&against->checkpoint, path, err)) {
        return err->status;
    }
    against->open = true;
    const struct bd_graph *a = &first->graph, *b = &against->checkpoint.graph;
    if (a->input_height != b->input_height || a->input_width != b->input_width ||
        a->input_channels != b->input_channels || a->classes != b->classes) {
        return bd_fail(err, BD_BAD_INPUT,
                       "'%s' takes %dx%dx%d images of %d classes, the first checkpoint %dx%dx%d of %d", path,
                       b->input_height, b->input_width, b->input_channels, b->classes, a->input_height, a->input_width,
                       a->input_channels, a->classes);
    }
    return hardware ? fold(against, a, hardware, reference, max_moved, err) : BD_OK;
}

void bd_against_watch(struct bd_against *against, struct bd_evaluation *evaluation)
{
    for (int i = 0; i < 4 && !against->right[i]; i++) {
        against->right[i] = bd_xcalloc(evaluation->images, 1);
    }
    evaluation->float_right = against->right[FIRST_FLOAT];
    evaluation->integers_right = against->right[FIRST_INTEGERS];
}

bd_status bd_against_compare(struct bd_against *against, const struct bd_evaluation *evaluation, const char *name,
                             struct bd_against_result *result, struct bd_error *err)
{
    const struct bd_evaluation other = {.checkpoint = &against->checkpoint,
                                        .program = against->has_program ? &against->program : NULL,
                                        .decoded = against->decoded,
                                        .set = evaluation->set,
                                        .images = evaluation->images,
                                        .float_right = against->right[OTHER_FLOAT],
                                        .integers_right = against->right[OTHER_INTEGERS]};
    struct bd_switch_result there;
    *result = (struct bd_against_result){0};
    if (bd_evaluate_switch(&other, name, &there, NULL, err)) {
        return err->status;
    }
    const uint8_t *const *right = (const uint8_t *const *)against->right;
    result->has_float = there.float_accuracy >= 0 && bd_graph_switch(&evaluation->checkpoint->graph, name) >= 0;
    result->has_integers =
        there.integer_accuracy >= 0 && evaluation->program && bd_program_switch(evaluation->program, name) >= 0;
    if (result->has_float) {
        result->in_float = bd_paired_difference(right + FIRST_FLOAT, right + OTHER_FLOAT, 1, evaluation->images);
    }
    if (result->has_integers) {
        result->in_integers =
            bd_paired_difference(right + FIRST_INTEGERS, right + OTHER_INTEGERS, 1, evaluation->images);
    }
    return BD_OK;
}

void bd_against_print_head(const struct bd_against *against)
{
    printf("less '%s' on the same images, points (95 %% interval of pairs)\n%-8s%26s%26s\n", against->path, "switch",
           "float", "integer");
}

static void print_pair(bool known, const struct bd_paired *pair)
{
    char text[64] = "-";
    if (known) {
        snprintf(text, sizeof text, "%+.2f (%+.2f to %+.2f)", 100 * pair->difference, 100 * pair->low,
                 100 * pair->high);
    }
    printf("%26s", text);
}

void bd_against_print(const struct bd_against_result *result, const char *name)
{
    printf("%-8s", name);
    print_pair(result->has_float, &result->in_float);
    print_pair(result->has_integers, &result->in_integers);
    putchar('\n');
}

static void add_pair(json_t *object, const char *key, bool known, const struct bd_paired *pair)
{
    if (known) {
        json_object_set_new(
            object, key,
            json_pack("{s:f, s:f, s:f}", "difference", pair->difference, "low", pair->low, "high", pair->high));
    }
}

void bd_against_json(const struct bd_against_result *result, json_t *object)
{
    add_pair(object, "float_difference", result->has_float, &result->in_float);
    add_pair(object, "integer_difference", result->has_integers, &result->in_integers);
}

void bd_against_release(struct bd_against *against)
{
    for (int i = 0; i < 4; i++) {
        free(against->right[i]);
    }
    bd_decoded_free(against->decoded);
    if (against->has_program) {
        bd_program_release(&against->program);
    }
    if (against->open) {
        bd_checkpoint_release(&against->checkpoint);
    }
    *against = (struct bd_against){0};
}
