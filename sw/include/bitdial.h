/* Bitdial's public C interface: train a network that runs at several precisions, fold it to integers, price it, run it
 * on a device and turn its precision between two frames, prune it, search.
 *
 *   #include <bitdial.h>           cc $(pkg-config --cflags bitdial) x.c $(pkg-config --libs bitdial)
 *
 * Rules that hold for every function here:
 * - Fallible functions return a bitdial_status, which must be used; on anything but BITDIAL_OK they fill the caller's
 *   `struct bitdial_error` with one sentence (led by "file:line:column: " where input caused it) and leave their output
 *   arguments as they were. `err` may not be NULL. Nothing is printed, no last error is
 *   kept; but memory that runs out ends the process.
 * - Objects are opaque. A function that makes one hands it to the caller, who ends it with its _free function; NULL may
 *   be freed. An object that takes another one as an argument copies what it needs, unless its text says "keeps".
 *   Texts and arrays returned as `const` belong to the object and live as long as it does.
 * - Images are bytes, (count, height, width, channels), channels fastest, raw pixel codes 0 .. 255. Labels are uint16.
 *   Logits are int32, (count, classes); the class of an image is its largest logit, the lowest of equal ones.
 * - A switch is one operating point of a network, written w<weight bits>a<activation bits>, such as "w1a4"; switches
 *   are numbered from 0 in the order of the object that is asked, from the highest precision to the lowest.
 * - Files are written atomically: after any failure or kill a path holds its old bytes or all of the new ones.
 * - Different objects may be used by different threads at once; one object by one thread at a time. Execution, training
 *   and evaluation use all OpenMP threads (OMP_NUM_THREADS); results do not depend on their number. */
#ifndef BITDIAL_H
#define BITDIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BITDIAL_API __attribute__((visibility("default")))
#define BITDIAL_CHECK BITDIAL_API __attribute__((warn_unused_result))

/* The values are the exit codes of the `bitdial` command. */
typedef enum bitdial_status {
    BITDIAL_OK = 0,        /* done */
    BITDIAL_FAIL = 1,      /* a check failed: a mismatch, a missed bound, nothing left to propose */
    BITDIAL_BAD_INPUT = 2, /* an argument or a file is wrong; nothing was written */
    BITDIAL_INFRA = 3,     /* the machine failed us: input or output, memory, a dead process, a timeout */
} bitdial_status;

struct bitdial_error {
    bitdial_status status;
    char message[1024]; /* no full stop, no line end */
};

enum { BITDIAL_MAX_SWITCHES = 16 };

/* "major.minor.patch" of the library. */
BITDIAL_API const char *bitdial_version(void);

/* ---- Networks: descriptions, and trained ones ---------------------------------------------------------------- */

/* A network with its arrays: latent weights shared by every switch, batch norm and clip levels for each. */
struct bitdial_network;

/* What every switch of a network shares. */
struct bitdial_network_info {
    const char *name;
    int height, width, channels; /* of an image */
    int classes;
    int switch_count;
    int layer_count;
    int group_count; /* sets of channels that pruning takes together */
};

/* A new network from a YAML description (yaml-configs/networks), weights drawn from `seed`: normal, deviation
 * sqrt(2 / fan-in). BAD_INPUT with line and column for a description that does not hold. */
BITDIAL_CHECK bitdial_status bitdial_network_create(const char *description_path, uint64_t seed,
                                                    struct bitdial_network **network, struct bitdial_error *err);
/* A trained network from a checkpoint file (HDF5). The file is not trusted: every array is checked. */
BITDIAL_CHECK bitdial_status bitdial_network_load(const char *path, struct bitdial_network **network,
                                                  struct bitdial_error *err);
/* Writes a checkpoint. */
BITDIAL_CHECK bitdial_status bitdial_network_save(const struct bitdial_network *network, const char *path,
                                                  struct bitdial_error *err);
BITDIAL_API void bitdial_network_free(struct bitdial_network *network);
BITDIAL_API struct bitdial_network_info bitdial_network_info(const struct bitdial_network *network);
/* NULL where there is no such switch; -1 where there is no such name. */
BITDIAL_API const char *bitdial_network_switch_name(const struct bitdial_network *network, int switch_index);
BITDIAL_API int bitdial_network_switch(const struct bitdial_network *network, const char *name);

/* ---- Labelled images ------------------------------------------------------------------------------------------ */

struct bitdial_images;

enum bitdial_split { BITDIAL_TRAIN, BITDIAL_VALIDATION, BITDIAL_TEST };

struct bitdial_images_info {
    uint32_t count, height, width, channels, classes;
};

/* One split of a data set. kind: "fashion-mnist", "cifar10", "cifar100", "tiny-imagenet" or "imagenet" (any set in
 * folders, one a class); folder: NULL for the kind's usual place; validation: images held out of the training images,
 * -1 for the kind's usual number; size: side in pixels where images are cut to size ("imagenet"), 0 for 224. */
BITDIAL_CHECK bitdial_status bitdial_images_open(const char *kind, const char *folder, enum bitdial_split split,
                                                 int64_t validation, int64_t size, struct bitdial_images **images,
                                                 struct bitdial_error *err);
/* Images in memory, copied: bytes (count, height, width, channels); labels (count), below `classes`. */
BITDIAL_CHECK bitdial_status bitdial_images_copy(const struct bitdial_images_info *shape, const uint8_t *bytes,
                                                 const uint16_t *labels, struct bitdial_images **images,
                                                 struct bitdial_error *err);
BITDIAL_API void bitdial_images_free(struct bitdial_images *images);
BITDIAL_API struct bitdial_images_info bitdial_images_info(const struct bitdial_images *images);
/* Copies, or decodes, images first .. first + count - 1 to bytes (count, height, width, channels), and their labels
 * (count); either may be NULL. */
BITDIAL_CHECK bitdial_status bitdial_images_read(const struct bitdial_images *images, uint32_t first, uint32_t count,
                                                 uint8_t *bytes, uint16_t *labels, struct bitdial_error *err);

/* ---- Training and evaluation ---------------------------------------------------------------------------------- */

/* Where a training run stands, after each step. Arrays by switch index. */
struct bitdial_progress {
    int64_t step, steps; /* done, and in all */
    double images_per_second, seconds_left;
    double loss[BITDIAL_MAX_SWITCHES], accuracy[BITDIAL_MAX_SWITCHES]; /* moving averages over training batches */
};

/* What a run does beside computing; all zero is a good choice. */
struct bitdial_train_options {
    const char *save_path; /* checkpoint with the state to go on from; NULL: never */
    double limit_seconds;  /* stop after so long, resumable; 0: no limit */
    void (*watch)(void *context, const struct bitdial_progress *progress); /* or NULL */
    void *context;
};

/* Trains in place by the recipe of a YAML file (yaml-configs/training; its keys `network`, `init`, `output` and `data`
 * are not read: the arguments say it). A network that holds the state of an unfinished run goes on with it, and is
 * refused under another recipe. `validation` may be NULL. *finished is false where the limit stopped the run. */
BITDIAL_CHECK bitdial_status bitdial_train(struct bitdial_network *network, const char *recipe_path,
                                           const struct bitdial_images *train, const struct bitdial_images *validation,
                                           const struct bitdial_train_options *options, bool *finished,
                                           struct bitdial_error *err);
/* Batch-norm statistics of every switch anew from the first `count` images (0: all), weights frozen. */
BITDIAL_CHECK bitdial_status bitdial_recalibrate(struct bitdial_network *network, const struct bitdial_images *images,
                                                 uint32_t count, struct bitdial_error *err);
/* Part of the first `count` images (0: all) that each switch classifies rightly, in floats: accuracy (switch_count). */
BITDIAL_CHECK bitdial_status bitdial_evaluate(const struct bitdial_network *network,
                                              const struct bitdial_images *images, uint32_t count, double *accuracy,
                                              struct bitdial_error *err);

/* ---- Hardware configurations ---------------------------------------------------------------------------------- */

struct bitdial_hardware;

/* Reads a configuration (yaml-configs/hardware): geometry, buffers, datapaths, memory. */
BITDIAL_CHECK bitdial_status bitdial_hardware_load(const char *path, struct bitdial_hardware **hardware,
                                                   struct bitdial_error *err);
BITDIAL_API void bitdial_hardware_free(struct bitdial_hardware *hardware);

/* ---- Programs: a network in integers, in one image ------------------------------------------------------------ */

struct bitdial_program;

struct bitdial_program_info {
    const char *name;
    int height, width, channels, classes, switch_count, layer_count;
    size_t image_bytes; /* of the whole program */
};

/* Folds a network to integers and packs it. hardware NULL: for the plain reference alone, which runs every layer at
 * every size. switches: names separated by commas, NULL for all. max_moved: most accumulator values of a layer and
 * switch, in per mille, whose code may differ from the exact one, else FAIL; negative: the usual 1. BAD_INPUT by the
 * layer's name for what the hardware cannot run. */
BITDIAL_CHECK bitdial_status bitdial_compile(const struct bitdial_network *network,
                                             const struct bitdial_hardware *hardware, const char *switches,
                                             double max_moved, struct bitdial_program **program,
                                             struct bitdial_error *err);
/* Opens and verifies an image: from a file, or from memory (copied). Neither is trusted. */
BITDIAL_CHECK bitdial_status bitdial_program_load(const char *path, struct bitdial_program **program,
                                                  struct bitdial_error *err);
BITDIAL_CHECK bitdial_status bitdial_program_open(const void *bytes, size_t size, struct bitdial_program **program,
                                                  struct bitdial_error *err);
BITDIAL_CHECK bitdial_status bitdial_program_save(const struct bitdial_program *program, const char *path,
                                                  struct bitdial_error *err);
BITDIAL_API void bitdial_program_free(struct bitdial_program *program);
BITDIAL_API struct bitdial_program_info bitdial_program_info(const struct bitdial_program *program);
BITDIAL_API const char *bitdial_program_switch_name(const struct bitdial_program *program, int switch_index);
BITDIAL_API int bitdial_program_switch(const struct bitdial_program *program, const char *name);
/* Runs images on this processor, exactly: logits (count, classes) are the integers that hardware gives. bytes: (count,
 * height, width, channels). */
BITDIAL_CHECK bitdial_status bitdial_program_run(const struct bitdial_program *program, int switch_index,
                                                 const uint8_t *bytes, size_t count, int32_t *logits,
                                                 struct bitdial_error *err);

/* ---- Sessions: a program on a device -------------------------------------------------------------------------- */

struct bitdial_session;

/* Starts a device and its driver. device: "ref" (the plain reference behind the register map), "tlm" (SystemC model) or
 * "rtl" (Verilated RTL). The latter two run as a process of their own, which the `sim/build.sh` of Bitdial's tree
 * builds; without that tree they are INFRA, by name. */
BITDIAL_CHECK bitdial_status bitdial_session_open(const char *device, const char *hardware_path,
                                                  struct bitdial_session **session, struct bitdial_error *err);
/* Ends the device. */
BITDIAL_API void bitdial_session_close(struct bitdial_session *session);
/* Loads a program, in place of the one before, at switch 0. Keeps `program`: it must outlive the session or the next
 * load. */
BITDIAL_CHECK bitdial_status bitdial_session_load(struct bitdial_session *session,
                                                  const struct bitdial_program *program, struct bitdial_error *err);
/* The precision of the frames from now on: one register write, nothing is loaded. */
BITDIAL_CHECK bitdial_status bitdial_session_set_switch(struct bitdial_session *session, int switch_index,
                                                        struct bitdial_error *err);
/* Runs one frame: image (height, width, channels) to logits (classes). *clocks, unless NULL: from doorbell to
 * interrupt; the first frame after a load brings the program onto the chip, which takes load_clocks more. */
BITDIAL_CHECK bitdial_status bitdial_session_run(struct bitdial_session *session, const uint8_t *image, int32_t *logits,
                                                 uint64_t *clocks, struct bitdial_error *err);

/* ---- Prices --------------------------------------------------------------------------------------------------- */

/* What one frame costs at a switch. */
struct bitdial_cost {
    uint64_t clocks;                                                     /* doorbell to interrupt, program loaded */
    uint64_t compute, weight_stall, input_stall, output_stall, overhead; /* which add up to them */
    uint64_t read_bytes, write_bytes;                                    /* over the memory bus */
    uint64_t image_bytes, weight_bytes, table_bytes;                     /* of the program, all switches */
    uint64_t load_clocks, load_bytes; /* by which a program's first frame takes longer, and reads more */
    double energy_nj;                 /* by a published table for 45 nm: it prices operations, and measures no device */
};

/* Price of a program; FAIL or BAD_INPUT where it was packed for another geometry. */
BITDIAL_CHECK bitdial_status bitdial_program_cost(const struct bitdial_program *program,
                                                  const struct bitdial_hardware *hardware, int switch_index,
                                                  struct bitdial_cost *cost, struct bitdial_error *err);
/* Price of a network by its description alone: that of the program that bitdial_compile would make of it, with all its
 * switches. BAD_INPUT where that would refuse it. */
BITDIAL_CHECK bitdial_status bitdial_network_cost(const struct bitdial_network *network,
                                                  const struct bitdial_hardware *hardware, int switch_index,
                                                  struct bitdial_cost *cost, struct bitdial_error *err);

/* ---- Pruning -------------------------------------------------------------------------------------------------- */

/* Channels of a group; 0 where there is no such group. */
BITDIAL_API int bitdial_group_channels(const struct bitdial_network *network, int group);
/* Orders the channels of every group by what the network loses with them: orders[g] (channels of the group), the first
 * to give up first. ranking: "fidelity" (what the integer sums of a channel's readers lose without it, at all switches)
 * and "code-variance" read some of the images, in the network's shape; "redundancy", "redundancy-reversed", "l1-norm",
 * "fpgm", "gamma" and "random" take NULL. `seed` draws images, and random orders. */
BITDIAL_CHECK bitdial_status bitdial_prune_orders(const struct bitdial_network *network,
                                                  const struct bitdial_images *images, const char *ranking,
                                                  uint64_t seed, int **orders, struct bitdial_error *err);
/* The same for one group, by a ranking that reads no images: order (channels of the group). */
BITDIAL_CHECK bitdial_status bitdial_prune_order(const struct bitdial_network *network, int group, const char *ranking,
                                                 uint64_t seed, int *order, struct bitdial_error *err);
/* A new network that keeps channels[g] (1 or more) channels of every group g: the last ones of orders[g]. Each
 * surviving weight code is what it was; recalibrate, then train on. */
BITDIAL_CHECK bitdial_status bitdial_prune(const struct bitdial_network *network, const int *const *orders,
                                           const int *channels, struct bitdial_network **pruned,
                                           struct bitdial_error *err);

/* ---- Search: ask and tell ------------------------------------------------------------------------------------- */

struct bitdial_search;

/* What one axis may be: listed values, or any number of a range. */
struct bitdial_search_axis {
    size_t count;         /* of values; 0: a range */
    const double *values; /* ascending; copied */
    double low, high;     /* of a range: low < high */
    bool log;             /* equal ratios are equally far, as of learning rates; all above 0 */
};

struct bitdial_search_options {
    const char *method; /* "bayes" (Gaussian process, log expected improvement), "random", "uniform", "sobol" */
    uint64_t seed;
    int initial; /* Sobol points before the model is asked: 2 or more for "bayes" */
    /* Exact cost of a point (one value an axis), and what it may be: floor <= cost <= budget. It grows with each value.
     * NULL: no such constraint. */
    double (*cost)(void *context, const double *point);
    bool (*allowed)(void *context, const double *point); /* any other constraint; NULL: none */
    void *context;
    double budget, floor;
    int objectives; /* 1 or 2; 0: 1 */
    /* The second objective where it is known without measuring, as a price is; NULL: it is told. */
    double (*known)(void *context, const double *point);
    /* (2), with two objectives: a point is worth the area that it adds above this one. NULL: each objective's worst
     * value on the front less a tenth of its range there. */
    const double *reference;
};

/* A search over 1 to 40 axes for the largest value, or with two objectives for the front of points that no other beats
 * in both. The same options and the same calls give the same proposals, whatever the number of BLAS's threads. */
BITDIAL_CHECK bitdial_status bitdial_search_create(size_t axis_count, const struct bitdial_search_axis *axes,
                                                   const struct bitdial_search_options *options,
                                                   struct bitdial_search **search, struct bitdial_error *err);
BITDIAL_API void bitdial_search_free(struct bitdial_search *search);
/* The next point (axis_count values): allowed, never asked for or told before. FAIL when none is left. It is pending
 * until it is told or forgotten; asked again meanwhile, as for several workers, the search proposes elsewhere. */
BITDIAL_CHECK bitdial_status bitdial_search_ask(struct bitdial_search *search, double *point,
                                                struct bitdial_error *err);
/* The values (objectives) of a point, asked for or not; larger is better, and one that is not finite is BAD_INPUT. */
BITDIAL_CHECK bitdial_status bitdial_search_tell(struct bitdial_search *search, const double *point,
                                                 const double *values, struct bitdial_error *err);
/* A pending point will not be told. BAD_INPUT where it is not pending. */
BITDIAL_CHECK bitdial_status bitdial_search_forget(struct bitdial_search *search, const double *point,
                                                   struct bitdial_error *err);
/* BAD_INPUT unless a point is on the axes, within the budget and allowed. */
BITDIAL_CHECK bitdial_status bitdial_search_check(const struct bitdial_search *search, const double *point,
                                                  struct bitdial_error *err);
/* The best point told so far by the first objective (the first among equals) and its values (objectives); FAIL before
 * the first. */
BITDIAL_CHECK bitdial_status bitdial_search_best(const struct bitdial_search *search, double *point, double *values,
                                                 struct bitdial_error *err);
/* How many of the points told no other beats in both objectives; the first `room` of them, by ascending first
 * objective, to points (room, axis_count) and values (room, 2). 0 of a search with one objective. */
BITDIAL_API size_t bitdial_search_front(const struct bitdial_search *search, size_t room, double *points,
                                        double *values);
/* Area between `reference` (2) and the front. */
BITDIAL_API double bitdial_search_hypervolume(const struct bitdial_search *search, const double *reference);

#ifdef __cplusplus
}
#endif

#endif
