/* Single-bit upsets in the running accelerator: what is drawn, what is seen, and what it is called.
 *
 * An *injection* flips one bit of the accelerator at one clock of a frame. Injection k of a campaign is a function of
 * seed, switch, class and k alone: in whatever order, process or number injections are run, k is the same one.
 * The simulator that runs them is sim/upset; `bitdial upset` plans, counts and prints. */
#ifndef BD_UPSET_UPSET_H
#define BD_UPSET_UPSET_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "model/core/error.h"
#include "model/core/json.h"

/* Where a bit lies: X(class, name, help). */
#define BD_UPSET_CLASSES(X)                                                                                            \
    X(WEIGHTS, "weights", "the weight memory")                                                                         \
    X(TABLES, "tables", "the memories of requantizer tables and corrections")                                          \
    X(ACTIVATIONS, "activations", "the plane memory and the residual memory")                                          \
    X(STATE, "state", "flip-flops of control and data path")                                                           \
    X(CONFIGURATION, "configuration", "the descriptor memory; registers, doorbells and results that wait")

enum bd_upset_class {
#define X(class, name, help) BD_UPSET_##class,
    BD_UPSET_CLASSES(X)
#undef X
        BD_UPSET_CLASS_COUNT
};
extern const char *const bd_upset_class_names[BD_UPSET_CLASS_COUNT];

/* What the frame came to: X(outcome, name, help). */
#define BD_UPSET_OUTCOMES(X)                                                                                           \
    X(MASKED, "masked", "the right logits in the right clocks")                                                        \
    X(LATE, "late", "the right logits in other clocks")                                                                \
    X(LOGITS, "wrong logits", "other logits, the same class, and no error")                                            \
    X(CLASS, "wrong class", "another class, and no error")                                                             \
    X(DETECTED, "detected", "an error that the driver reports")                                                        \
    X(HANG, "hang", "no interrupt within the host's limit, or a register access without an answer")

enum bd_upset_outcome {
#define X(outcome, name, help) BD_UPSET_##outcome,
    BD_UPSET_OUTCOMES(X)
#undef X
        BD_UPSET_OUTCOME_COUNT
};
extern const char *const bd_upset_outcome_names[BD_UPSET_OUTCOME_COUNT];

/* ---- drawing ---- */

struct bd_upset_hit {
    uint64_t bit;   /* of the population, 0 .. bits - 1 */
    uint32_t clock; /* of the frame, 0 .. clocks - 1; 0: the clock after the doorbell's */
};

/* Injection k: uniform over bits x clocks. bits 1 .. 2^40, clocks >= 1. */
struct bd_upset_hit bd_upset_draw(uint64_t seed, unsigned switch_index, enum bd_upset_class owner, uint64_t k,
                                  uint64_t bits, uint32_t clocks);

/* ---- what one injection came to ---- */

/* A frame as the host saw it. */
struct bd_upset_frame {
    int status;      /* of the driver (enum bd_device_status), of the call that failed, or of bd_device_wait */
    bool silent;     /* the host's wait ran out, whatever the driver then found; or a register access had no answer */
    uint64_t clocks; /* doorbell to interrupt; where status is BD_DEVICE_OK */
    const int32_t *logits;
};

enum bd_upset_outcome bd_upset_classify(const struct bd_upset_frame *seen, const struct bd_upset_frame *right,
                                        unsigned classes);

/* ---- counting ---- */

#define BD_UPSET_STATUSES 32 /* more than the driver has */

struct bd_upset_counts {
    uint64_t total, outcome[BD_UPSET_OUTCOME_COUNT];
    uint64_t persistent[BD_UPSET_OUTCOME_COUNT]; /* of those, injections whose next frame was not right either */
    uint64_t status[BD_UPSET_STATUSES];          /* DETECTED and HANG by the driver's status */
};

/* `next_right`: the logits of the next frame were right, in whatever clocks. */
void bd_upset_count(struct bd_upset_counts *counts, enum bd_upset_outcome outcome, int status, bool next_right);
void bd_upset_add(struct bd_upset_counts *sum, const struct bd_upset_counts *part);

/* Wilson's interval (1927) at 95 % of a share of which `hits` of `total` were seen; [0, 1] where there are none. */
void bd_upset_interval(uint64_t hits, uint64_t total, double *low, double *high);

/* {"injections", "outcomes": {name: {"count", "share", "low", "high", "persistent"}}, "errors": {status: count}}; a
 * new reference. Outcomes stand in the order of the list above. */
json_t *bd_upset_counts_json(const struct bd_upset_counts *counts);
/* What that function made, read back; BD_BAD_INPUT for anything else. */
bd_status bd_upset_counts_read(struct bd_upset_counts *counts, const json_t *json, struct bd_error *err) BD_WARN_UNUSED;

#endif
