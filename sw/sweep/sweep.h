/* A sweep: many designs (a network, pruned or not, at a switch, on a hardware configuration), priced, measured, and the
 * front of those that no other beats, each confirmed on the RTL.
 *
 *     SWEEP.yaml ─config.c─► lists ─expand.c─► designs ─tasks.c, drive.c─► points of model/runs ─► results
 *
 * Tasks, each one point of the runner, each shared by all designs that need it:
 *     prune.NET.LEVEL            `bitdial prune`: the pruned checkpoint
 *     accuracy.NET.LEVEL[.mB]    its accuracy in integers at every switch (mB: of multipliers of B bits, where not 24)
 *     price.DESIGN               clocks, energy, bytes, layers of one design
 *     confirm.DESIGN             of a design on the front: frames on the RTL, values and clocks
 * What a design takes of a chip follows from its hardware alone: those that fit no named part are never run. */
#ifndef BD_SWEEP_SWEEP_H
#define BD_SWEEP_SWEEP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/core/error.h"
#include "model/core/yaml.h"
#include "model/cost/area.h"
#include "model/data/dataset.h"
#include "model/program/hardware.h"
#include "model/program/program.h"

enum { BD_SWEEP_DESIGNS = 100000, BD_SWEEP_CONSTRAINTS = 16, BD_SWEEP_NAME = 180 };

/* ---- metrics ---- */

/* X(id, name, larger is better, digits, unit, how it is known) */
#define BD_SWEEP_METRICS(X)                                                                                            \
    X(ACCURACY, "accuracy", true, 2, "%", "measured: the program's integers on test images")                           \
    X(CLOCKS, "clocks", false, 0, "", "exact, by the cost model")                                                      \
    X(ENERGY, "energy", false, 2, "uJ", "of a frame, by the energy table (45 nm): no measurement")                     \
    X(BYTES, "bytes", false, 0, "", "of the program image, exact")                                                     \
    X(LUT4, "lut4", false, 0, "", "estimated: rows and requantizers as fitted, the rest as measured on mid")           \
    X(SITES, "sites", false, 0, "", "estimated: rows and requantizers as fitted, the rest as measured on mid")         \
    X(BLOCK_RAM, "block_ram", false, 0, "", "exact, by the memories' shapes")                                          \
    X(MULTIPLIERS, "multipliers", false, 0, "", "estimated: requantizers as fitted, the rest as measured on mid")      \
    X(FPS, "fps", true, 1, "1/s", "clocks at the clock of the configuration")                                          \
    X(POWER, "power_mw", false, 3, "mW", "energy of a frame at the frame rate, by the energy table: no measurement")

enum bd_sweep_metric {
#define X(id, name, larger, digits, unit, known) BD_SWEEP_##id,
    BD_SWEEP_METRICS(X)
#undef X
        BD_SWEEP_METRIC_COUNT
};

struct bd_sweep_metric_row {
    const char *name;
    bool larger;
    int digits;
    const char *unit, *known;
};
extern const struct bd_sweep_metric_row bd_sweep_metrics[BD_SWEEP_METRIC_COUNT];
int bd_sweep_metric(const char *name); /* -1: there is none */

struct bd_sweep_constraint {
    enum bd_sweep_metric metric;
    bool at_least; /* >=, else <= */
    double value;
};

/* ---- what a sweep is ---- */

enum bd_sweep_kind { BD_SWEEP_PRODUCT, BD_SWEEP_LIST, BD_SWEEP_SEARCH };
#define BD_SWEEP_KINDS "product|list|search"

struct bd_sweep_network {
    char *path, *name; /* name: of the file, without its end */
    uint32_t crc;      /* of the file */
    int switch_count;
    char switches[BD_PROGRAM_MAX_SWITCHES][16]; /* those that hardware runs */
};

struct bd_sweep_level {
    char *name;                   /* "none", "clocks80", "bytes50" */
    double clocks, energy, bytes; /* shares that stay, of the whole network's; 1: no budget */
};

/* A configuration with its overrides. */
struct bd_sweep_hardware {
    char *name;    /* of the base, with what is overridden */
    char *path;    /* of the base; workers read it unless `text` */
    char *text;    /* of a file of its own, or NULL where nothing is overridden */
    char *refused; /* why there is no such configuration, or NULL */
    struct bd_hardware hardware;
    struct bd_area area; /* of the whole machine, estimated */
    double at[8];        /* of a search: places on the axes of base, memory and keys */
};

enum bd_sweep_state {
    BD_SWEEP_ABSENT,   /* the network has no such switch, and none was asked for by name */
    BD_SWEEP_EXCLUDED, /* before it ran: `reason` */
    BD_SWEEP_OPEN,     /* not run: not yet, or not proposed, or not selected */
    BD_SWEEP_REFUSED,  /* the hardware does not run the network: `reason` */
    BD_SWEEP_FAILED,   /* one of its tasks failed: `reason` */
    BD_SWEEP_DONE,
};
extern const char *const bd_sweep_state_names[];

struct bd_sweep_design {
    char *name;
    int network, level, hardware; /* indices */
    char sw[16];
    enum bd_sweep_state state;
    char *reason;
    bool selected;                        /* to be run: by -k, or proposed */
    double metric[BD_SWEEP_METRIC_COUNT]; /* NAN: not known */
    json_t *layers;                       /* of its price: [{"name", "datapath", "clocks", "energy_nj"}] */
    bool priced, feasible, front;
    json_t *confirmed; /* what its run on the RTL came to, or NULL */
};

struct bd_sweep_prune { /* how checkpoints are pruned */
    char *hardware, *sw, *groups;
    int64_t evaluations, initial, images, recalibrate, tune_steps, seed;
    double tune_rate, least_ratio;
    int ranking;
};

struct bd_sweep_search {
    int64_t evaluations, initial, parallel, seed;
};

struct bd_sweep {
    char *path, *name, *title;
    int kind;
    size_t network_count, level_count, hardware_count, design_count, switch_count;
    struct bd_sweep_network *networks;
    struct bd_sweep_level *levels;
    struct bd_sweep_hardware *hardware;
    struct bd_sweep_design *designs;
    char (*switches)[16]; /* of product and search: all that a design may have */
    size_t axis_count;    /* of a search: base, memory and keys, as places in bd_sweep_hardware.at */
    char *axis_names[8];
    size_t axis_sizes[8];
    int objectives[BD_SWEEP_METRIC_COUNT];
    size_t objective_count, constraint_count;
    struct bd_sweep_constraint constraints[BD_SWEEP_CONSTRAINTS];
    char *device;
    const struct bd_area_part *part; /* NULL: any */
    double frame_rate;               /* frames a second that power is of */
    int64_t images, confirm_images, time_limit;
    struct bd_data_spec data;
    struct bd_sweep_prune prune;
    struct bd_sweep_search search;
};

extern const struct bd_field bd_sweep_fields[];

/* Reads a sweep, its networks and hardware, and expands it: BD_BAD_INPUT with file, line and column where it cannot be,
 * before anything is written. bd_sweep_release in every case. */
bd_status bd_sweep_load(struct bd_sweep *sweep, const char *path, struct bd_error *err) BD_WARN_UNUSED;
void bd_sweep_release(struct bd_sweep *sweep);

/* ---- fronts ---- */

bool bd_sweep_meets(const struct bd_sweep_constraint *constraint, double value);
/* Whether a is at least as good as b in every objective, and better in one. */
bool bd_sweep_beats(const struct bd_sweep *sweep, const double *a, const double *b);
/* Sets `feasible` and `front` of all designs that are done: on the front are those that meet every constraint and that
 * no other such design beats. Returns how many are on it. */
size_t bd_sweep_mark_front(struct bd_sweep *sweep);
/* How far a design is from meeting the constraints: the sum of what is lacking, each as a share of its bound; 0: it
 * meets all. */
double bd_sweep_lack(const struct bd_sweep *sweep, const double *metric);
/* The done design with the least lack, or -1. */
long bd_sweep_nearest(const struct bd_sweep *sweep);
/* Whether a comes before b in tables: feasible ones first, then by the objectives in their order. */
bool bd_sweep_before(const struct bd_sweep *sweep, const struct bd_sweep_design *a, const struct bd_sweep_design *b);

/* ---- results ---- */

/* The whole as one document (README.md has its keys); a new reference. */
json_t *bd_sweep_document(const struct bd_sweep *sweep);
/* Writes DIR/results.json, results.csv and results.md. */
bd_status bd_sweep_write(const char *dir, const json_t *document, struct bd_error *err) BD_WARN_UNUSED;
/* *document: DIR/results.json of a sweep, a new reference; NULL where DIR holds none. */
bd_status bd_sweep_read(const char *dir, json_t **document, struct bd_error *err) BD_WARN_UNUSED;
/* Designs of a document in one state: [{"hardware", "reason", "designs": how many}]; a new reference. */
json_t *bd_sweep_reasons(const json_t *document, const char *state);
void bd_sweep_csv(FILE *out, const json_t *document);
void bd_sweep_markdown(FILE *out, const json_t *document);
void bd_sweep_html(FILE *out, const json_t *document);

#endif
