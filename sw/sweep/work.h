/* One task of a sweep, in a process of its own: `bitdial sweep --task`. */
#ifndef BD_SWEEP_WORK_H
#define BD_SWEEP_WORK_H

#include "model/data/source.h"
#include "sw/sweep/drive.h"

struct bd_sweep_work {
    enum bd_sweep_task task;                          /* all but PRUNE, which `bitdial prune` does */
    const char *checkpoint, *hardware, *sw, *program; /* program: the image that CONFIRM writes and runs */
    struct bd_image_source images;                    /* of ACCURACY (count 0: all) and CONFIRM */
    void (*notice)(void *context, const char *text);  /* about a device that is built or silent */
    void *context;
};

/* *output: a new reference.
 * price: {"clocks", "energy_nj", "bytes", "layers": [{"name", "datapath", "clocks", "energy_nj"}]}, or {"refused": why}
 *     where the hardware does not run the network
 * accuracy: {"images", "accuracy": {SWITCH: 0..1}}
 * confirm: {"pass", "frames", "mismatches", "cycle_mismatches", "clocks"}: of one frame, as simulated. BD_FAIL, with an
 *     *output, where a value or a clock differs. */
bd_status bd_sweep_work(struct bd_sweep_work *work, json_t **output, struct bd_error *err) BD_WARN_UNUSED;

#endif
