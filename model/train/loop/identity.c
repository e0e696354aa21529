/* What a run must have in common with the one that it resumes: everything that decides its bits. */
#include "model/train/loop/identity.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"

char *bd_train_identity(const struct bd_checkpoint *checkpoint, const struct bd_train_plan *plan,
                        const struct bd_train_control *control)
{
    char *keys = bd_train_plan_text(plan), *teacher = bd_xstrdup(""), *start = bd_xstrdup("fresh weights");
    if (plan->teacher == BD_TEACHER_NETWORK) {
        free(teacher);
        teacher =
            bd_asprintf("; teacher %08x at %d", bd_checkpoint_checksum(control->teacher), control->teacher_switch);
    }
    if (control->start) {
        free(start);
        start = bd_asprintf("%08x", control->start);
    }
    const bool lasts = control->save_path || bd_checkpoint_find(checkpoint, "train/step");
    const uint32_t all = (1u << checkpoint->graph.switch_count) - 1,
                   switches = plan->switches ? plan->switches & all : all;
    const int64_t per_epoch = control->train->count / plan->batch;
    char *text = bd_asprintf(
        "%simages %u; data %08x; start %s; ranks %d; steps %" PRId64 "; bfloat16 %d; switches %x%s", keys,
        control->train->count, lasts ? bd_dataset_checksum(control->train) : 0, start,
        control->reducer ? control->reducer->ranks : 1, plan->steps ? plan->steps : plan->epochs * per_epoch,
        bd_train_uses_bfloat16(plan), switches, teacher);
    free(keys);
    free(start);
    free(teacher);
    return text;
}

/* Where two texts first differ: the whole parts there, parts being ended by a character of `ends`. */
static bd_status refuse(const char *before, const char *now, char end, struct bd_error *err)
{
    const char ends[] = {end, '\n', 0}, *a = before, *b = now;
    for (size_t i = 0; before[i] && before[i] == now[i]; i++) {
        if (now[i] == end) {
            a = before + i + 1;
            b = now + i + 1;
        }
    }
    a += strspn(a, " ");
    b += strspn(b, " ");
    return bd_fail(err, BD_BAD_INPUT, "cannot resume: the run was started with '%.*s', not '%.*s'",
                   (int)strcspn(a, ends), a, (int)strcspn(b, ends), b);
}

bd_status bd_train_check_identity(const struct bd_checkpoint *checkpoint, const char *identity, struct bd_error *err)
{
    json_t *metadata = json_loads(checkpoint->metadata ? checkpoint->metadata : "{}", 0, NULL);
    const char *before = json_string_value(json_object_get(metadata, "plan"));
    bd_status status = BD_OK;
    if (!before) {
        status = bd_fail(err, BD_BAD_INPUT, "cannot resume: the checkpoint does not say with what plan it was started");
    } else if (strcmp(before, identity)) {
        status = refuse(before, identity, ';', err);
    }
    json_decref(metadata);
    return status;
}

bd_status bd_train_check_made(const struct bd_checkpoint *checkpoint, const struct bd_train_plan *plan,
                              const struct bd_train_control *control, struct bd_error *err)
{
    char *identity = bd_train_identity(checkpoint, plan, control);
    bd_status status = bd_train_check_identity(checkpoint, identity, err);
    free(identity);
    return status;
}

bd_status bd_train_check_network(const struct bd_graph *before, const struct bd_graph *now, struct bd_error *err)
{
    const struct bd_graph_shape same = {0};
    struct bd_graph a, b;
    if (bd_graph_adapt(before, &same, &a, err)) {
        return err->status;
    }
    bd_status status = bd_graph_adapt(now, &same, &b, err);
    if (!status) {
        status = strcmp(a.yaml_text, b.yaml_text) ? refuse(a.yaml_text, b.yaml_text, '\n', err) : BD_OK;
        bd_graph_release(&b);
    }
    bd_graph_release(&a);
    return status;
}
