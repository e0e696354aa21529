#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/train/loop/train.h"

#define AT(member) offsetof(struct bd_train_config, member)
#define PLAN(member) offsetof(struct bd_train_config, plan.member)

static const struct bd_field optimizer_fields[] = {
    {"kind", BD_FIELD_ENUM, PLAN(optimizer), 0, 0, "adam", "adam|sgd", NULL, "sgd: with momentum"},
    {"rate", BD_FIELD_REAL, PLAN(rate), 1e-8, 10, "0.003", NULL, NULL, "peak learning rate"},
    {"warm_up", BD_FIELD_REAL, PLAN(warm_up), 0, 0.9, "0.03", NULL, NULL, "part of the steps with a rising rate"},
    {"schedule", BD_FIELD_ENUM, PLAN(schedule), 0, 0, "cosine", "cosine|step|constant", NULL,
     "the rate after warm-up: down to zero, in drops, or as it is"},
    {"drop_every", BD_FIELD_REAL, PLAN(drop_every), 0.001, 1, "0.34", NULL, NULL, "of step: part of the steps"},
    {"drop_factor", BD_FIELD_REAL, PLAN(drop_factor), 0, 1, "0.1", NULL, NULL, "of step: what a drop leaves"},
    {"momentum", BD_FIELD_REAL, PLAN(momentum), 0, 0.9999, "0.9", NULL, NULL, "of sgd; beta 1 of adam"},
    {"beta2", BD_FIELD_REAL, PLAN(beta2), 0, 0.99999, "0.999", NULL, NULL, "of adam"},
    {"level_decay", BD_FIELD_REAL, PLAN(level_decay), 0, 1, "0.0001", NULL, NULL, "L2 on clip levels"},
    {"weight_decay", BD_FIELD_REAL, PLAN(weight_decay), 0, 1, "0", NULL, NULL, "L2 on latent weights"},
    {"norm_decay", BD_FIELD_REAL, PLAN(norm_decay), 0, 1, "0", NULL, NULL, "L2 on gamma, beta and bias"},
    {"decoupled", BD_FIELD_BOOL, PLAN(decoupled), 0, 0, "false", NULL, NULL,
     "decay beside the gradient (AdamW), not in it"},
    {0},
};
static const struct bd_field teacher_fields[] = {
    {"from", BD_FIELD_ENUM, PLAN(teacher), 0, 0, "top", "labels|top|next|network", NULL,
     "whom a switch below the highest learns from: nobody, the highest, the next-higher; all: a finished network"},
    {"checkpoint", BD_FIELD_PATH, AT(teacher), 0, 4096, "", NULL, NULL, "of network: its file"},
    {"switch", BD_FIELD_STRING, AT(teacher_switch), 0, 15, "", NULL, NULL, "of network: at this switch; its highest"},
    {"label_weight", BD_FIELD_REAL, PLAN(label_weight), 0, 10, "0.5", NULL, NULL, "a0, of its cross-entropy"},
    {"weight", BD_FIELD_REAL, PLAN(teacher_weight), 0, 10, "0.5", NULL, NULL, "a1, of T^2 KL(teacher || student)"},
    {"pooled_weight", BD_FIELD_REAL, PLAN(pooled_weight), 0, 1000, "0", NULL, NULL,
     "a2, of the squared distance of the pooled maps, mean over channels"},
    {"temperature", BD_FIELD_REAL, PLAN(temperature), 0.1, 100, "2", NULL, NULL, "T"},
    {"ramp", BD_FIELD_REAL, PLAN(teacher_ramp), 0, 1, "0.1", NULL, NULL, "part of the steps in which a1, a2 rise"},
    {"frozen", BD_FIELD_REAL, PLAN(frozen), 0, 1, "0", NULL, NULL,
     "last part of the steps, in which the teacher is the highest switch as it stood when that part began"},
    {0},
};
static const struct bd_field warm_start_fields[] = {
    {"part", BD_FIELD_REAL, PLAN(warm_start), 0, 1, "0", NULL, NULL,
     "first part of the steps, in which the leaders train alone; the others then join with their batch norm and "
     "levels"},
    {"leaders", BD_FIELD_INT, PLAN(leaders), 1, BD_MAX_SWITCHES, "1", NULL, NULL, "how many of the highest switches"},
    {0},
};
static const struct bd_field log_fields[] = {
    {"every", BD_FIELD_INT, AT(log_every), 1, 1 << 30, "50", NULL, NULL, "steps between lines"},
    {"gradients", BD_FIELD_INT, AT(measure_every), 0, 1 << 30, "0", NULL, NULL,
     "steps between measured norms and cosines of the switches' gradients; 0: never"},
    {0},
};
static const struct bd_field augment_fields[] = {
    {"crop", BD_FIELD_INT, PLAN(crop), 0, 16, "2", NULL, NULL, "pixels of black around an image before a random crop"},
    {"flip", BD_FIELD_BOOL, PLAN(flip), 0, 0, "true", NULL, NULL, "mirror half of the images"},
    {"cutout", BD_FIELD_INT, PLAN(cutout), 0, 512, "0", NULL, NULL, "side of a square of zeros; 0: none"},
    {0},
};
static const struct bd_field norm_fields[] = {
    {"momentum", BD_FIELD_REAL, PLAN(norm_momentum), 0, 1, "0.02", NULL, NULL, "of a new batch in running statistics"},
    {"recalibrate", BD_FIELD_INT, PLAN(recalibrate), 0, 100000, "200", NULL, NULL, "batches after training; 0: none"},
    {0},
};
static const struct bd_field scale_fields[] = {
    {"factor", BD_FIELD_REAL, PLAN(scale_factor), 0.1, 100, "2.5", NULL, NULL, "s over mean|w|"},
    {"momentum", BD_FIELD_REAL, PLAN(scale_momentum), 0, 1, "0.01", NULL, NULL, "of the moving average, a step"},
    {"freeze", BD_FIELD_REAL, PLAN(scale_freeze), 0, 1, "0.9", NULL, NULL, "part of the steps after which s stays"},
    {0},
};

const struct bd_field bd_train_fields[] = {
    {"network", BD_FIELD_PATH, AT(network), 0, 4096, "", NULL, NULL, "network YAML, unless 'init' is given"},
    {"init", BD_FIELD_PATH, AT(init), 0, 4096, "", NULL, NULL, "checkpoint to start from, with its own network"},
    {"output", BD_FIELD_STRING, AT(output), 0, 4096, "", NULL, NULL, "checkpoint to write"},
    {"switches", BD_FIELD_STRING, AT(switches), 0, 256, "", NULL, NULL, "comma-separated names; default all"},
    {"sampled_switches", BD_FIELD_INT, PLAN(sampled), 0, BD_MAX_SWITCHES, "0", NULL, NULL,
     "switches a step: the highest, the lowest and others drawn anew; 0: all"},
    {"balance", BD_FIELD_ENUM, PLAN(balance), 0, 0, "none", "none|norm", NULL,
     "norm: a layer's gradients of all switches are scaled to the norm of the highest's before their mean"},
    {"epochs", BD_FIELD_INT, PLAN(epochs), 1, 10000, "16", NULL, NULL, "walks over the training images"},
    {"steps", BD_FIELD_INT, PLAN(steps), 0, 1 << 30, "0", NULL, NULL, "length in steps, before 'epochs'; 0: by epochs"},
    {"batch", BD_FIELD_INT, PLAN(batch), 1, 4096, "128", NULL, NULL, "images a step"},
    {"seed", BD_FIELD_INT, PLAN(seed), 0, 1 << 30, "1", NULL, NULL, "of weights, order and augmentation"},
    {"arithmetic", BD_FIELD_ENUM, PLAN(arithmetic), 0, 0, "auto", "auto|float32|bfloat16", NULL,
     "operands of convolutions; auto: bfloat16 where the processor multiplies it"},
    {"sign_gradient", BD_FIELD_ENUM, PLAN(sign_gradient), 0, 0, "network", "network|clip|bireal", NULL,
     "of +-1 activations; network: as the network's description says"},
    {"data", BD_FIELD_MAP, AT(data), 0, 0, "{}", NULL, bd_data_fields, "the images to train on"},
    {"save_every", BD_FIELD_INT, AT(save_every), 0, 1 << 30, "500", NULL, NULL, "steps between checkpoints; 0: none"},
    {"validate_images", BD_FIELD_INT, AT(validate_images), 0, 1 << 30, "0", NULL, NULL, "after an epoch; 0: all"},
    {"optimizer", BD_FIELD_MAP, 0, 0, 0, "{}", NULL, optimizer_fields, "one update a step"},
    {"teacher", BD_FIELD_MAP, 0, 0, 0, "{}", NULL, teacher_fields, "self-distillation"},
    {"warm_start", BD_FIELD_MAP, 0, 0, 0, "{}", NULL, warm_start_fields, "high switches first"},
    {"log", BD_FIELD_MAP, 0, 0, 0, "{}", NULL, log_fields, "JSON lines beside the output"},
    {"augment", BD_FIELD_MAP, 0, 0, 0, "{}", NULL, augment_fields, "of training images"},
    {"batch_norm", BD_FIELD_MAP, 0, 0, 0, "{}", NULL, norm_fields, "statistics"},
    {"weight_scale", BD_FIELD_MAP, 0, 0, 0, "{}", NULL, scale_fields, "range s of the centred-floor quantizer"},
    {0},
};

#undef AT
#undef PLAN

static bd_status parse(struct bd_train_config *config, const struct bd_yaml *yaml, struct bd_error *err)
{
    memset(config, 0, sizeof *config);
    return bd_yaml_bind(yaml, yaml->root, bd_train_fields, config, err);
}

void bd_train_plan_init(struct bd_train_plan *plan)
{
    struct bd_error err;
    struct bd_yaml yaml;
    struct bd_train_config config;
    static const char text[] = "{}\n";
    if (bd_yaml_parse(&yaml, "defaults", text, sizeof text - 1, &err) || parse(&config, &yaml, &err)) {
        abort(); /* the table's own defaults are out of its bounds */
    }
    *plan = config.plan;
    bd_train_config_release(&config);
    bd_yaml_release(&yaml);
}

static void print_fields(FILE *out, const struct bd_field *fields, const char *prefix, const char *base)
{
    static const char *const resolved[] = {"epochs", "steps", "arithmetic"};
    for (const struct bd_field *field = fields; field->name; field++) {
        const void *at = base + field->offset;
        bool skipped = field->type != BD_FIELD_MAP && field->offset < offsetof(struct bd_train_config, plan);
        for (size_t i = 0; i < sizeof resolved / sizeof *resolved; i++) {
            skipped = skipped || !strcmp(field->name, resolved[i]);
        }
        if (skipped) {
            continue;
        }
        if (field->type == BD_FIELD_MAP) {
            char *inner = bd_asprintf("%s%s.", prefix, field->name);
            print_fields(out, field->fields, inner, base);
            free(inner);
            continue;
        }
        fprintf(out, "%s%s ", prefix, field->name);
        switch (field->type) {
        case BD_FIELD_BOOL:
            fprintf(out, "%d; ", *(const bool *)at);
            break;
        case BD_FIELD_REAL:
            fprintf(out, "%.17g; ", *(const double *)at);
            break;
        case BD_FIELD_ENUM:
            fprintf(out, "%d; ", *(const int *)at);
            break;
        default:
            fprintf(out, "%" PRId64 "; ", *(const int64_t *)at);
        }
    }
}

char *bd_train_plan_text(const struct bd_train_plan *plan)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out) {
        abort(); /* out of memory */
    }
    print_fields(out, bd_train_fields, "", (const char *)plan - offsetof(struct bd_train_config, plan));
    fclose(out);
    return text;
}

bd_status bd_train_config_load(struct bd_train_config *config, const char *path, struct bd_error *err)
{
    struct bd_yaml yaml;
    memset(config, 0, sizeof *config);
    bd_status status = bd_yaml_load(&yaml, path, err);
    if (status) {
        return status;
    }
    status = parse(config, &yaml, err);
    bd_yaml_release(&yaml);
    return status;
}

void bd_train_config_release(struct bd_train_config *config)
{
    bd_fields_release(bd_train_fields, config);
}

bd_status bd_train_switch_mask(const struct bd_graph *graph, const char *list, uint32_t *mask, struct bd_error *err)
{
    *mask = 0;
    if (!list || !*list) {
        *mask = (1u << graph->switch_count) - 1;
        return BD_OK;
    }
    char *copy = bd_xstrdup(list), *rest = copy;
    bd_status status = BD_OK;
    for (char *name; !status && (name = strsep(&rest, ","));) {
        int s = bd_graph_switch(graph, name);
        if (s < 0) {
            status = bd_fail(err, BD_BAD_INPUT, "network '%s' has no switch '%s'", graph->name, name);
        } else {
            *mask |= 1u << s;
        }
    }
    free(copy);
    return status;
}
