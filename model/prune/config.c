/* The keys of a pruning configuration (yaml-configs/searches/). */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/prune/pipeline.h"

#define AT(member) offsetof(struct bd_prune_config, member)
#define TEACHERS "labels|top|next|whole" /* enum bd_teacher */
#define SIGN_GRADIENTS "network|clip|bireal"
static const struct bd_field budget_fields[] = {
    {"switch", BD_FIELD_STRING, AT(budget_switch), 0, 15, NULL, NULL, NULL, "at which prices count"},
    {"ratio", BD_FIELD_REAL, AT(budget_ratio), 0.01, 1, "1", NULL, NULL, "most, of the whole network's clocks"},
    {"floor", BD_FIELD_REAL, AT(floor_ratio), 0, 1, "0", NULL, NULL, "least, of the whole network's clocks"},
    {"energy", BD_FIELD_REAL, AT(limits[BD_PRICE_ENERGY]), 0.01, 1, "1", NULL, NULL, "most, of its energy a frame"},
    {"bytes", BD_FIELD_REAL, AT(limits[BD_PRICE_BYTES]), 0.01, 1, "1", NULL, NULL,
     "most, of its stored bytes; under 1, groups lose single filters instead of whole tiles"},
    {0},
};
static const struct bd_field search_fields[] = {
    {"method", BD_FIELD_ENUM, AT(method), 0, 0, "bayes", BD_SEARCH_METHODS, NULL, "how points are proposed"},
    {"evaluations", BD_FIELD_INT, AT(evaluations), 1, 100000, NULL, NULL, NULL, "points to measure"},
    {"initial", BD_FIELD_INT, AT(initial), 2, 1000, "8", NULL, NULL, "Sobol points before the model is asked"},
    {"objective", BD_FIELD_ENUM, AT(front), 0, 0, "best", "best|front", NULL,
     "the most accurate network, or a front of accuracy and a price"},
    {"price", BD_FIELD_ENUM, AT(price), 0, 0, "clocks", BD_PRICE_CHOICES, NULL, "of a front"},
    {"groups", BD_FIELD_STRING, AT(groups), 0, 63, "inner,stream", NULL, NULL,
     "widths that may move: those inside blocks, those of the residual stream"},
    {"least_ratio", BD_FIELD_REAL, AT(least_ratio), 0, 1, "0.25", NULL, NULL, "of a group's channels that stay"},
    {"finalists", BD_FIELD_INT, AT(finalists), 0, 100, "0", NULL, NULL,
     "best points that are tuned longer and measured again, beside one ratio for all; the best of them is taken"},
    {"finalist_steps", BD_FIELD_INT, AT(finalist_steps), 1, 1000000, "400", NULL, NULL, "of tuning each of them"},
    {0},
};
static const struct bd_field evaluation_fields[] = {
    {"switches", BD_FIELD_STRING, AT(objective), 0, 255, "", NULL, NULL, "whose accuracy is the target; empty: all"},
    {"target", BD_FIELD_ENUM, AT(worst), 0, 0, "mean", "mean|worst", NULL, "of these switches"},
    {"images", BD_FIELD_INT, AT(images), 1, 1000000, "2000", NULL, NULL, "validation images"},
    {"recalibrate", BD_FIELD_INT, AT(recalibrate), 1, 10000, "10", NULL, NULL, "batches for batch-norm statistics"},
    {"tune_steps", BD_FIELD_INT, AT(tune_steps), 0, 100000, "0", NULL, NULL, "fine-tuning steps before measuring"},
    {"tune_batch", BD_FIELD_INT, AT(tune_batch), 1, 4096, "128", NULL, NULL, "images a step"},
    {"tune_rate", BD_FIELD_REAL, AT(tune_rate), 0, 10, "0.001", NULL, NULL, "peak rate"},
    {"teacher", BD_FIELD_ENUM, AT(tune_teacher), 0, 0, "top", TEACHERS, NULL,
     "what switches learn from, as in 'final'"},
    {"sign_gradient", BD_FIELD_ENUM, AT(tune_sign), 0, 0, "network", SIGN_GRADIENTS, NULL,
     "of +-1 activations; network: as its description says"},
    {0},
};
static const struct bd_field final_fields[] = {
    {"epochs", BD_FIELD_INT, AT(final_epochs), 0, 1000, "4", NULL, NULL, "of fine-tuning; 0 with steps 0: none"},
    {"steps", BD_FIELD_INT, AT(final_steps), 0, 1000000, "0", NULL, NULL, "instead of whole epochs"},
    {"batch", BD_FIELD_INT, AT(final_batch), 1, 4096, "128", NULL, NULL, "images a step"},
    {"crop", BD_FIELD_INT, AT(final_crop), 0, 8, "1", NULL, NULL, "zero padding before a random crop"},
    {"save_every", BD_FIELD_INT, AT(final_save_every), 1, 1000000, "200", NULL, NULL, "steps between resumable saves"},
    {"rate", BD_FIELD_REAL, AT(final_rate), 0, 10, "0.002", NULL, NULL, "peak rate"},
    {"switches", BD_FIELD_STRING, AT(final_switches), 0, 255, "", NULL, NULL, "that are tuned; empty: all"},
    {"teacher", BD_FIELD_ENUM, AT(final_teacher), 0, 0, "top", TEACHERS, NULL,
     "what switches below the highest learn from; whole: all of them from the network that is cut, at its highest"},
    {"sign_gradient", BD_FIELD_ENUM, AT(final_sign), 0, 0, "network", SIGN_GRADIENTS, NULL,
     "of +-1 activations; network: as its description says"},
    {0},
};
const struct bd_field bd_prune_fields[] = {
    {"checkpoint", BD_FIELD_PATH, AT(checkpoint), 0, 4095, NULL, NULL, NULL, "trained network"},
    {"hardware", BD_FIELD_PATH, AT(hardware), 0, 4095, NULL, NULL, NULL, "configuration that prices it"},
    {"journal", BD_FIELD_STRING, AT(journal), 0, 4095, NULL, NULL, NULL, "JSON lines, one an evaluation"},
    {"output", BD_FIELD_STRING, AT(output), 0, 4095, NULL, NULL, NULL, "checkpoint of the best, fine-tuned"},
    {"data", BD_FIELD_MAP, AT(data), 0, 0, "{}", NULL, bd_data_fields,
     "images; a kind that is not named is found by the folder's files, else by the network's shape"},
    {"seed", BD_FIELD_INT, AT(seed), 0, 1e15, "1", NULL, NULL, "of proposals and fine-tuning"},
    {"ranking", BD_FIELD_ENUM, AT(ranking), 0, 0, BD_RANKING_DEFAULT, BD_RANKINGS, NULL, "which filters go first"},
    {"budget", BD_FIELD_MAP, 0, 0, 0, NULL, NULL, budget_fields, "the constraint"},
    {"search", BD_FIELD_MAP, 0, 0, 0, NULL, NULL, search_fields, "the search"},
    {"evaluation", BD_FIELD_MAP, 0, 0, 0, NULL, NULL, evaluation_fields, "how a point is measured"},
    {"final", BD_FIELD_MAP, 0, 0, 0, NULL, NULL, final_fields, "fine-tuning of the best"},
    {0},
};
#undef AT

/* Which kinds of groups move; `node` is the text's place, for messages. */
static bd_status parse_groups(struct bd_prune_config *config, const struct bd_yaml *yaml,
                              const struct bd_yaml_node *node, struct bd_error *err)
{
    char *text = bd_xstrdup(config->groups), *rest = NULL;
    bd_status status = BD_OK;
    for (char *word = strtok_r(text, ", ", &rest); word && status == BD_OK; word = strtok_r(NULL, ", ", &rest)) {
        if (!strcmp(word, "inner")) {
            config->inner = true;
        } else if (!strcmp(word, "stream")) {
            config->stream = true;
        } else {
            status = bd_yaml_fail(yaml, node, err, "'groups' names 'inner' and 'stream' alone, got '%s'", word);
        }
    }
    free(text);
    if (status == BD_OK && !config->inner && !config->stream) {
        status = bd_yaml_fail(yaml, node, err, "'groups' names no group");
    }
    return status;
}

bd_status bd_prune_config_load(struct bd_prune_config *config, const char *path, struct bd_error *err)
{
    struct bd_yaml yaml;
    memset(config, 0, sizeof(*config));
    bd_status status = bd_yaml_load(&yaml, path, err);
    if (status != BD_OK) {
        return status;
    }
    status = bd_yaml_bind(&yaml, yaml.root, bd_prune_fields, config, err);
    if (status == BD_OK && config->floor_ratio > config->budget_ratio) {
        status = bd_yaml_fail(&yaml, bd_yaml_get(bd_yaml_get(yaml.root, "budget"), "floor"), err,
                              "'floor' of %g is above 'ratio', which is %g: no network is between them",
                              config->floor_ratio, config->budget_ratio);
        bd_prune_config_release(config);
    } else if (status == BD_OK) {
        const struct bd_yaml_node *search = bd_yaml_get(yaml.root, "search");
        const struct bd_yaml_node *groups = bd_yaml_get(search, "groups");
        if (!bd_yaml_get(bd_yaml_get(yaml.root, "data"), "kind")) {
            config->data.kind = BD_DATA_ANY;
        }
        status = parse_groups(config, &yaml, groups ? groups : search, err);
        if (status != BD_OK) {
            bd_prune_config_release(config);
        }
    }
    bd_yaml_release(&yaml);
    return status;
}

void bd_prune_config_release(struct bd_prune_config *config)
{
    bd_fields_release(bd_prune_fields, config);
    memset(config, 0, sizeof(*config));
}
