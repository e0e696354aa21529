/* Where the time of training steps goes, beside what the machine could do and what the step's convolutions alone take.
 */
#ifndef BD_LOOP_PROFILE_H
#define BD_LOOP_PROFILE_H

#include "model/train/loop/train.h"
#include "model/train/network/network.h"

/* What this machine reaches with all threads in short loops of their own, by processor time: operations a second of
 * multiply-adds in registers (0: no such instruction) and bytes a second read and written by a triad over memory. */
struct bd_roofline {
    double float_operations, half_operations, byte_operations, bytes;
};

struct bd_roofline bd_measure_roofline(void);

/* Of the step that took the least processor time: seconds of processor time of all threads, but for `wall`. */
struct bd_train_profile {
    int64_t steps, batch;
    int threads;
    bool half;              /* bfloat16 gradients */
    double wall, processor; /* of a whole step */
    double data, loss, optimizer;
    struct bd_profile net;
    /* The same convolutions, forward and backward, with the same primitives and shapes and nothing else: the quickest
     * of as many, */
    double bound_wall, bound_processor;
    double bound_walls, bound_processors; /* and all together */
    struct bd_roofline roofline;
};

/* Takes a few steps of the run to warm up and then `steps` that count, in turns with its bare convolutions. The
 * checkpoint's arrays move as in training; `control` as for bd_train_run, with nothing saved or validated. */
bd_status bd_train_profile(struct bd_checkpoint *checkpoint, const struct bd_train_plan *plan,
                           struct bd_train_control *control, int64_t steps, struct bd_train_profile *profile,
                           struct bd_error *err) BD_WARN_UNUSED;

#endif
