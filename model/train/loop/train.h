/* Switchable-precision training: every switch forward and backward in each step, from the highest to the lowest, then
 * one update of the shared latent weights by the mean of the switches' gradients, and of each switch's own batch
 * norm and clip levels by its own.
 *
 * A run is a function of its plan (struct bd_train_plan), its starting checkpoint, the data and the arithmetic,
 * whatever the number of threads: the permutation of an epoch and the augmentation of a step come from generators
 * seeded by (seed, epoch) and (seed, step), so that the step counter is all the state they have. Interrupted and
 * resumed it ends in the same bits. */
#ifndef BD_LOOP_TRAIN_H
#define BD_LOOP_TRAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "model/checkpoint/checkpoint.h"
#include "model/core/error.h"
#include "model/core/yaml.h"
#include "model/data/dataset.h"
#include "model/train/network/histogram.h"
#include "model/train/network/measure.h"

enum bd_optimizer { BD_OPTIMIZER_ADAM, BD_OPTIMIZER_SGD };
enum bd_schedule { BD_SCHEDULE_COSINE, BD_SCHEDULE_STEP, BD_SCHEDULE_CONSTANT };
enum bd_teacher { BD_TEACHER_LABELS, BD_TEACHER_TOP, BD_TEACHER_NEXT, BD_TEACHER_NETWORK };
/* Of the switches' gradients in the shared weights: their mean as they are; or each scaled, layer by layer, to the norm
 * of the highest switch's first, so that all have the same say. */
enum bd_balance { BD_BALANCE_NONE, BD_BALANCE_NORM };
enum bd_arithmetic { BD_ARITHMETIC_AUTO, BD_ARITHMETIC_FLOAT32, BD_ARITHMETIC_BFLOAT16 };

/* Of +-1 activations: as the network's description says, or another for this run; inference knows nothing of it. */
enum bd_plan_sign_gradient { BD_PLAN_SIGN_NETWORK, BD_PLAN_SIGN_CLIP, BD_PLAN_SIGN_BIREAL };

/* All that decides the bits of a run. Defaults by bd_train_plan_init, bounds in bd_train_fields (train_config.c). */
struct bd_train_plan {
    int64_t epochs;                      /* 16 */
    int64_t steps;                       /* 0: epochs * (images / batch); else the length of the schedule */
    int64_t batch;                       /* 128 */
    int64_t seed;                        /* 1 */
    int optimizer;                       /* enum bd_optimizer */
    double rate;                         /* 0.003: peak, after a linear warm-up */
    double warm_up;                      /* 0.03 of the steps */
    int schedule;                        /* enum bd_schedule, from the peak on */
    double drop_every, drop_factor;      /* STEP: the rate times 0.1 after every 0.34 of the steps */
    double momentum;                     /* 0.9: SGD's, and Adam's beta 1 */
    double beta2;                        /* 0.999: Adam's */
    double level_decay;                  /* 1e-4: L2 on clip levels */
    double weight_decay;                 /* 0: L2 on latent weights */
    double norm_decay;                   /* 0: L2 on gamma, beta and the classifier's bias */
    bool decoupled;                      /* false: decay enters the gradient; true: beside it (AdamW) */
    int teacher;                         /* enum bd_teacher: what switches below the highest learn from */
    double label_weight, teacher_weight; /* 0.5, 0.5: a0 of cross-entropy, a1 of T^2 KL(teacher || student) */
    double pooled_weight;                /* 0: a2 of the squared distance of the pooled maps, mean over channels */
    double temperature;                  /* 2 */
    double teacher_ramp;                 /* 0.1: the part of the steps over which a1 and a2 grow from zero */
    double frozen;                       /* 0: last part of the steps, in which lower switches learn from a copy of the
                                            highest as it stood when that part began */
    double warm_start;                   /* 0: first part of the steps, in which the `leaders` highest switches train */
    int64_t leaders;                     /* 1; when the others join they take over batch norm and clip levels */
    int sign_gradient;                   /* enum bd_plan_sign_gradient */
    int64_t sampled;                     /* 0: all; n: highest, lowest and n - 2 others drawn anew each step */
    int64_t crop;                        /* 2: zero padding on each side before a random crop */
    bool flip;                           /* true: mirror half of the images */
    int64_t cutout;                      /* 0: side of a square of zeros in each image */
    double norm_momentum;                /* 0.02: part of a new batch in the running statistics */
    double scale_factor, scale_momentum, scale_freeze; /* s = 2.5 mean|w|, 0.01 a step, frozen from 0.9 of the steps */
    int64_t recalibrate; /* 200: batches for the batch-norm statistics after the last step; 0: keep the running ones */
    int balance;         /* enum bd_balance */
    int arithmetic;      /* enum bd_arithmetic; auto: bfloat16 operands where the processor multiplies them */
    uint32_t switches;   /* bit mask of those that train; 0: all */
};

/* Where a run stands; handed to the watcher. Arrays by switch index. */
struct bd_train_event {
    enum { BD_TRAIN_STEP, BD_TRAIN_VALIDATED, BD_TRAIN_SAVED, BD_TRAIN_RECALIBRATED } kind;
    int64_t step, steps, epoch;
    uint32_t switches;
    double rate, images_per_second, seconds_left;
    double loss[BD_MAX_SWITCHES], accuracy[BD_MAX_SWITCHES]; /* STEP: moving averages; VALIDATED: accuracy alone */
    /* STEP, every `measure_every`: the part that each switch of `measured` has in the shared gradient. Layers whose
     * accumulations all switches share (a stem of fixed bits) are left out. */
    uint32_t measured;
    double gradient_norm[BD_MAX_SWITCHES], gradient_cosine[BD_MAX_SWITCHES][BD_MAX_SWITCHES];
    const struct bd_gradient_layer *gradient_layers; /* the norms again, of each weight array by itself */
    size_t gradient_layer_count;
    /* STEP, of `measured`: the codes of that step's forward passes, of the weights before its update */
    const struct bd_occupancy *occupancy;
    struct bd_histogram histogram[BD_MAX_SWITCHES]; /* VALIDATED */
};

/* What a run does beside computing, and what it reads; `train`, `teacher` and the start alone decide bits. */
struct bd_train_control {
    const struct bd_dataset *train, *validation; /* validation may be NULL */
    int64_t validate_images;                     /* 0: all */
    const char *save_path;                       /* with the state to resume from; NULL: never */
    int64_t save_every;                          /* steps; 0: at the end alone */
    int64_t measure_every;                       /* steps between measured gradients; 0: never */
    const struct bd_checkpoint *teacher;         /* BD_TEACHER_NETWORK: a finished network */
    int teacher_switch;                          /* at this switch */
    uint32_t start;                   /* bd_checkpoint_checksum of what the run started from; 0: fresh weights */
    const struct bd_reducer *reducer; /* ranks that share each batch; NULL: alone */
    int rank;                         /* this one; 0 alone saves, validates, tells */
    double limit_seconds;             /* stop (saved, resumable) after this; 0: none */
    void (*watch)(void *context, const struct bd_train_event *event); /* or NULL */
    void *context;
    bool finished; /* out: false when the limit stopped the run */
};

void bd_train_plan_init(struct bd_train_plan *plan);

/* Every key of the plan with its value, "key value; " each, but for those that a run resolves first (epochs, steps,
 * arithmetic); malloc'd. */
char *bd_train_plan_text(const struct bd_train_plan *plan);

/* Whether a run of the plan multiplies bfloat16 operands on this machine. */
bool bd_train_uses_bfloat16(const struct bd_train_plan *plan);

/* Fresh arrays for the checkpoint's graph: weights normal with deviation sqrt(2 / fan-in). */
void bd_train_initialise(struct bd_checkpoint *checkpoint, const struct bd_train_plan *plan);

/* The levels of a switch that joins a run: clip levels of switch `from` (as steps with LSQ), and steps of its own
 * weights that suit the latents as they stand. In place. */
void bd_train_join_levels(struct bd_checkpoint *checkpoint, int from, int to);

/* Trains the checkpoint in place. One that holds "train/" state resumes, and is refused (BD_BAD_INPUT) under another
 * plan, with other images or from another start; else it is a start, and fine-tuning is a start from trained weights.
 * At the end the state is dropped. */
bd_status bd_train_run(struct bd_checkpoint *checkpoint, const struct bd_train_plan *plan,
                       struct bd_train_control *control, struct bd_error *err) BD_WARN_UNUSED;

/* BD_BAD_INPUT, naming the first difference, unless the checkpoint, finished or not, is of a run of this plan, on these
 * images, from this start. */
bd_status bd_train_check_made(const struct bd_checkpoint *checkpoint, const struct bd_train_plan *plan,
                              const struct bd_train_control *control, struct bd_error *err) BD_WARN_UNUSED;
/* BD_BAD_INPUT, naming the first line that differs, unless both descriptions, written out in full, are the same. */
bd_status bd_train_check_network(const struct bd_graph *before, const struct bd_graph *now, struct bd_error *err)
    BD_WARN_UNUSED;

/* Batch-norm statistics of the switches in the mask (0: all) anew from the first batches * batch images, weights
 * frozen: the mean over the batches of each batch's mean and variance. */
bd_status bd_train_recalibrate(struct bd_checkpoint *checkpoint, const struct bd_dataset *images, uint32_t switches,
                               int batch, int batches, struct bd_error *err) BD_WARN_UNUSED;

/* `bitdial train CONFIG`: the plan and the files around it. */
struct bd_train_config {
    char *network;  /* YAML; unused with `init` */
    char *init;     /* checkpoint to start from, or NULL */
    char *output;   /* checkpoint to write */
    char *switches; /* comma-separated, or NULL: all */
    struct bd_data_spec data;
    char *teacher;        /* BD_TEACHER_NETWORK's checkpoint, or NULL */
    char *teacher_switch; /* or NULL: its highest */
    int64_t save_every, validate_images, log_every, measure_every;
    struct bd_train_plan plan;
};

extern const struct bd_field bd_train_fields[];

bd_status bd_train_config_load(struct bd_train_config *config, const char *path, struct bd_error *err) BD_WARN_UNUSED;
void bd_train_config_release(struct bd_train_config *config);
/* Mask of a comma-separated list of switch names; NULL or "": all. */
bd_status bd_train_switch_mask(const struct bd_graph *graph, const char *list, uint32_t *mask, struct bd_error *err)
    BD_WARN_UNUSED;

#endif
