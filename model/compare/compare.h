/* The comparison that matters: each switch of a shared network against a network of the same form trained for that
 * precision alone.
 *
 * Arms: `shared` (all switches in one set of weights), `independent` (one switch, labels alone), `independent_taught`
 * (one switch, the same loss as the shared network's, its teacher being the finished independent network of the
 * switch that teaches in the shared one; the highest switch has no teacher and is the independent one). All start from
 * the same weights for a seed, see the same batches in the same order for as many epochs, and have their batch-norm
 * statistics taken anew. Each network (an arm at a switch) takes its learning rate from the same list: one short pilot
 * for each rate, with the first seed, chosen by the mean validation accuracy of its switches. Then one run for each
 * seed. Test images are read when a run has ended, and choose nothing.
 *
 * A comparison spans a grid of quantizer families, teachers and label weights; `variant` names one cell. It is a list
 * of runs with names; finished ones have a result in the folder, and a run itself resumes from its checkpoint. */
#ifndef BD_COMPARE_COMPARE_H
#define BD_COMPARE_COMPARE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "model/core/error.h"
#include "model/train/loop/train.h"

#define BD_COMPARE_MAX 8 /* of rates, families, teachers, label weights */

enum bd_arm { BD_ARM_SHARED, BD_ARM_INDEPENDENT, BD_ARM_TAUGHT, BD_ARM_COUNT };
extern const char *const bd_arm_names[BD_ARM_COUNT];

/* Which cells of the grid are run: all; or the first value of every list, and each other value with the first ones. */
enum bd_grid { BD_GRID_FULL, BD_GRID_ONE_FACTOR };

struct bd_compare_config {
    char *name, *network, *folder, *switches, *families, *teachers, *label_weights, *rates, *arms, *extra_top;
    int64_t seeds, images, jobs, pilot_epochs, pilot_steps, test_images;
    int grid;             /* enum bd_grid */
    int extra_arithmetic; /* enum bd_arithmetic; AUTO: none */
    struct bd_data_spec data;
    struct bd_train_config train; /* its plan alone counts */
};

/* One cell of the grid. */
struct bd_variant {
    char name[96];
    int family;  /* index, or -1: as the network says */
    int teacher; /* enum bd_teacher: LABELS, TOP or NEXT */
    double label_weight;
    int arithmetic; /* enum bd_arithmetic */
    bool extra;     /* has a switch on top, or another arithmetic: trained as a shared network alone */
    int network;    /* index into networks */
};

struct bd_compare_run {
    char id[160]; /* also the name of its files in the folder */
    enum bd_arm arm;
    int variant;      /* of SHARED and TAUGHT; of INDEPENDENT: any variant of its network */
    int switch_index; /* -1: all */
    int64_t seed;
    int rate;        /* index; -1: the one that the pilots choose */
    int first_pilot; /* of its network, index of a run; -1: there is one rate alone */
    int teacher;     /* index of the run whose network teaches, or -1 */
    json_t *result;  /* when finished */
    bool started;    /* the caller's mark */
};

struct bd_comparison {
    struct bd_compare_config config;
    double rates[BD_COMPARE_MAX], label_weights[BD_COMPARE_MAX];
    char *families[BD_COMPARE_MAX];
    int teachers[BD_COMPARE_MAX];
    int rate_count, label_weight_count, family_count, teacher_count;
    uint32_t arms;
    struct bd_graph *networks; /* one for each family, and with the extra top switch one more */
    int network_count;
    struct bd_variant *variants;
    int variant_count;
    struct bd_compare_run *runs; /* pilots before what they decide, teachers before pupils */
    int run_count;
};

extern const struct bd_field bd_compare_fields[];

bd_status bd_comparison_load(struct bd_comparison *comparison, const char *path, struct bd_error *err) BD_WARN_UNUSED;
/* Fills `runs` from networks and variants; a step of loading. */
void bd_comparison_make_runs(struct bd_comparison *comparison);
void bd_comparison_release(struct bd_comparison *comparison);
/* Everything that decides a result, as one line of JSON: the head of the folder's plan. malloc'd. `build`: names the
 * program, whose numbers another one need not repeat; `images`: bd_comparison_images, or NULL where none are read. */
char *bd_comparison_identity(const struct bd_comparison *comparison, const char *build, const char *images);
/* Checksums of the images that the runs are trained, validated and tested on, as text; malloc'd. */
bd_status bd_comparison_images(const struct bd_comparison *comparison, char **text, struct bd_error *err)
    BD_WARN_UNUSED;
/* BD_BAD_INPUT, naming what differs, unless a folder that was begun under `begun` belongs to the comparison `now`. To
 * read its table the arithmetic and the build do not matter, nor a key that only one of them knows; to go on with it
 * all do, but the build where `any_build` says so. */
bd_status bd_comparison_belongs(const char *begun, const char *now, bool go_on, bool any_build, struct bd_error *err)
    BD_WARN_UNUSED;

/* Takes a finished run's record, {"run": id, ...}. */
bd_status bd_comparison_take(struct bd_comparison *comparison, const json_t *record, struct bd_error *err)
    BD_WARN_UNUSED;
/* Whether the run is a pilot, which only chooses a rate. */
bool bd_comparison_is_pilot(const struct bd_comparison *comparison, const struct bd_compare_run *run);
/* True when what the run builds on is finished. */
bool bd_comparison_ready(const struct bd_comparison *comparison, const struct bd_compare_run *run);
/* The run's learning rate; of a run that pilots decide, when they are finished. */
double bd_comparison_rate(const struct bd_comparison *comparison, const struct bd_compare_run *run);
/* The run of that name, or NULL. */
struct bd_compare_run *bd_comparison_find(const struct bd_comparison *comparison, const char *id);
/* Steps that the run takes, of `images` training images. */
int64_t bd_comparison_steps(const struct bd_comparison *comparison, const struct bd_compare_run *run, int64_t images);
/* "bfloat16" or "float32", as a run on this machine will have it. */
const char *bd_comparison_arithmetic(const struct bd_comparison *comparison);

/* Trains one run, or goes on with it, and evaluates it; *record: one line of JSON, malloc'd. Its checkpoint stays in
 * the folder. `watch` as in struct bd_train_control. */
bd_status bd_comparison_run(const struct bd_comparison *comparison, const struct bd_compare_run *run, double rate,
                            void (*watch)(void *context, const struct bd_train_event *event), void *context,
                            char **record, struct bd_error *err) BD_WARN_UNUSED;
/* Path of the run's checkpoint, malloc'd. */
char *bd_comparison_checkpoint(const struct bd_comparison *comparison, const struct bd_compare_run *run);

/* The table of all that is finished: {"name", "first", "rows": [{variant, switch, shared, independent,
 * independent_taught, difference, interval, ...}], "means": [...]}; accuracies and differences in per cent, null where
 * an arm is missing. Rows of other variants than the first have first_difference and first_interval too: of the shared
 * networks, against the first variant's. */
json_t *bd_comparison_table(const struct bd_comparison *comparison);
/* The same as Markdown, malloc'd. */
char *bd_comparison_markdown(const json_t *table);

#endif
