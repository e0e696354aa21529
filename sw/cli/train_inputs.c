#include "sw/cli/train_inputs.h"

#include <jansson.h>
#include <stdlib.h>
#include <sys/stat.h>

/* How the initial checkpoint was made stays apart, under "base". */
static void keep_base(struct bd_checkpoint *checkpoint)
{
    json_t *base = checkpoint->metadata ? json_loads(checkpoint->metadata, 0, NULL) : NULL;
    json_t *metadata = json_pack("{s:o}", "base", base ? base : json_object());
    free(checkpoint->metadata);
    checkpoint->metadata = json_dumps(metadata, JSON_SORT_KEYS | JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_decref(metadata);
}

/* The checkpoint that a run starts with: the initial one, else a fresh network. */
static bd_status open_start(const struct bd_train_config *config, struct bd_checkpoint *checkpoint, uint32_t *start,
                            struct bd_error *err)
{
    bd_checkpoint_init(checkpoint);
    if (config->init) {
        bd_status status = bd_checkpoint_load(checkpoint, config->init, err);
        if (!status) {
            bd_checkpoint_drop(checkpoint, "train/");
            keep_base(checkpoint);
            *start = bd_checkpoint_checksum(checkpoint);
        }
        return status;
    }
    bd_status status = bd_graph_load(&checkpoint->graph, config->network, err);
    if (!status) {
        bd_train_initialise(checkpoint, &config->plan);
    }
    return status;
}

bd_status bd_train_open_checkpoint(const struct bd_train_config *config, bool resume, struct bd_checkpoint *checkpoint,
                                   uint32_t *start, struct bd_error *err)
{
    const char *output = config->output;
    struct stat info;
    bd_status status = open_start(config, checkpoint, start, err);
    if (status || !resume || stat(output, &info) != 0 || info.st_size == 0) {
        return status;
    }
    struct bd_checkpoint fresh = *checkpoint;
    status = bd_checkpoint_load(checkpoint, output, err);
    if (!status && !bd_checkpoint_find(checkpoint, "train/step")) {
        status = bd_fail(err, BD_BAD_INPUT, "'%s' is finished: there is nothing to resume", output);
    }
    if (!status && bd_train_check_network(&checkpoint->graph, &fresh.graph, err)) {
        status = bd_fail_prefix(err, "'%s'", output);
    }
    bd_checkpoint_release(&fresh);
    return status;
}

bd_status bd_train_open_teacher(const struct bd_train_config *config, const char *file, struct bd_checkpoint *teacher,
                                int *switch_index, struct bd_error *err)
{
    *switch_index = 0;
    if (config->plan.teacher != BD_TEACHER_NETWORK) {
        return BD_OK;
    }
    if (!config->teacher) {
        return bd_fail(err, BD_BAD_INPUT, "%s:1:1: the teacher is a network, but 'teacher.checkpoint' is missing",
                       file);
    }
    bd_status status = bd_checkpoint_load(teacher, config->teacher, err);
    if (!status && config->teacher_switch) {
        *switch_index = bd_graph_switch(&teacher->graph, config->teacher_switch);
        if (*switch_index < 0) {
            status = bd_fail(err, BD_BAD_INPUT, "the teacher '%s' has no switch '%s'", config->teacher,
                             config->teacher_switch);
        }
    }
    return status;
}

bd_status bd_train_open_images(const struct bd_data_spec *data, int64_t images, struct bd_dataset *train,
                               struct bd_dataset *validation, struct bd_error *err)
{
    bd_status status = bd_dataset_open(train, data, BD_SPLIT_TRAIN, err);
    if (!status && data->validation != 0) {
        status = bd_dataset_open(validation, data, BD_SPLIT_VALIDATION, err);
    }
    if (!status && images && images < train->count) {
        train->count = images;
    }
    return status;
}
