/* Waivers of coverage (hw/coverage_waivers.yaml): places of the RTL that no run can reach, each with its reason, and
 * which test of a suite would fill the holes of a file. */
#ifndef BD_REGRESS_WAIVERS_H
#define BD_REGRESS_WAIVERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/core/error.h"
#include "model/core/yaml.h"

enum bd_place_kind { BD_PLACE_LINE, BD_PLACE_BRANCH, BD_PLACE_PORT, BD_PLACE_KINDS };
extern const char *const bd_place_kinds[BD_PLACE_KINDS]; /* "line", ... */

struct bd_place {
    enum bd_place_kind kind;
    const char *file;
    int line;
    const char *name; /* of a line or branch "else 14"; of a port "addr_i" */
    const char *text; /* the source line, without the blanks at its ends */
    size_t bit;       /* of a port */
    bool covered;
};

/* One line, one block of it, or one item of a list of ports; of a file, or of all files below a folder ("hw/"). */
struct bd_waiver {
    const struct bd_yaml_node *node; /* where it stands */
    const char *file, *reason;
    const struct bd_yaml_node *hardware; /* list of configurations on which alone it holds; NULL: on all */
    bool lifted;                         /* another one ran */
    const char *line, *of;     /* of a line: its text; NULL: of a port. of: "else", or "" for all of the line */
    char *port;                /* its name, owned */
    int64_t from, to;          /* bits; -1: all */
    size_t matched, uncovered; /* places, while they are judged */
};

struct bd_waivers {
    struct bd_yaml yaml;
    double goals[BD_PLACE_KINDS]; /* percent */
    struct bd_waiver *waivers;    /* owned */
    size_t count;
    struct bd_waiver_row *rows; /* owned: the strings of the waivers */
    size_t row_count;
};

bd_status bd_waivers_load(struct bd_waivers *waivers, const char *path, struct bd_error *err) BD_WARN_UNUSED;
void bd_waivers_release(struct bd_waivers *waivers);

/* Lifts the waivers that do not hold on a configuration that ran, by its name ("small_hardware"). */
void bd_waivers_lift(struct bd_waivers *waivers, const char *hardware);
/* Whether a waiver stands for the place, counted in all that do. */
bool bd_waivers_match(struct bd_waivers *waivers, const struct bd_place *place);
/* The test that fills holes of a file: that of the longest beginning of its path; NULL: none is named. */
const char *bd_waivers_filled_by(const struct bd_waivers *waivers, const char *file);

#endif
