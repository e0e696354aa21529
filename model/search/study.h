/* A search whose state is a journal on the disk, for programs that ask and tell from outside: `bitdial ask` and
 * `bitdial tell`.
 *
 * A study is described by YAML: axes, goals, method, constraints. The journal's first record holds that description, so
 * that who tells needs the journal alone; each further record is a point asked for, told or lost, on the disk before
 * the call returns. A point is known by its id, counted from 1. One process at a time holds a journal. */
#ifndef BD_SEARCH_STUDY_H
#define BD_SEARCH_STUDY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "model/core/error.h"
#include "model/core/yaml.h"
#include "model/search/journal.h"
#include "model/search/search.h"

enum { BD_STUDY_CONSTRAINTS = 16 };

struct bd_study_constraint { /* least <= sum of weight * value <= most */
    double weights[BD_GP_MAX_DIMENSIONS];
    double least, most;
};

struct bd_study_space {
    size_t d;
    char *names[BD_GP_MAX_DIMENSIONS];
    struct bd_search_axis axes[BD_GP_MAX_DIMENSIONS]; /* their values are the study's */
    int goals;
    bool minimize[BD_SEARCH_OBJECTIVES];
    bool has_reference;
    double reference[BD_SEARCH_OBJECTIVES]; /* in the goals' own sense */
    size_t constraint_count;
    struct bd_study_constraint constraints[BD_STUDY_CONSTRAINTS];
    int method;
    int64_t seed, initial;
};

extern const struct bd_field bd_study_fields[];

enum bd_study_state { BD_STUDY_PENDING, BD_STUDY_TOLD, BD_STUDY_LOST };

struct bd_study_point {
    enum bd_study_state state;
    double point[BD_GP_MAX_DIMENSIONS];
    double told[BD_SEARCH_OBJECTIVES]; /* as it was told */
};

struct bd_study {
    struct bd_study_space space;
    struct bd_search search;
    struct bd_journal journal;
    size_t count; /* points; id - 1 is the index */
    struct bd_study_point *points;
};

/* The description of a YAML file, or of text in memory whose place is told as `path`; the caller releases it. */
bd_status bd_study_load(struct bd_study_space *space, const char *path, struct bd_error *err) BD_WARN_UNUSED;
bd_status bd_study_parse(struct bd_study_space *space, const char *path, const char *text, struct bd_error *err)
    BD_WARN_UNUSED;
void bd_study_space_release(struct bd_study_space *space);
/* The description as JSON, which is YAML too: equal for studies that are alike. */
json_t *bd_study_json(const struct bd_study_space *space);

/* Opens a journal and replays it. `path`: the study's file, by which a new journal begins and which an old one must be
 * of; NULL: the journal says, and must be there. On failure nothing is held. */
bd_status bd_study_open(struct bd_study *study, const char *path, const char *journal, struct bd_error *err)
    BD_WARN_UNUSED;
void bd_study_close(struct bd_study *study);

/* Asks for a point and journals it: the id. BD_FAIL where none is left. */
bd_status bd_study_ask(struct bd_study *study, size_t *id, struct bd_error *err) BD_WARN_UNUSED;
/* Messages: an array of {"id" or "point", "value" or "values"} and {"id", "lost": true}. All are checked before the
 * first is told and journalled; *bad is the index of the one that the error is about. */
bd_status bd_study_tell(struct bd_study *study, const json_t *messages, size_t *bad, struct bd_error *err)
    BD_WARN_UNUSED;

/* Values by axis name. */
json_t *bd_study_point_json(const struct bd_study *study, const double *point);
/* {"id", "point"} and what was told. */
json_t *bd_study_id_json(const struct bd_study *study, size_t id);
/* Id of the best point by the only goal, 0: none yet. */
size_t bd_study_best(const struct bd_study *study);
/* Ids of the front of two goals; returns how many. `ids`: room for `count`. */
size_t bd_study_front(const struct bd_study *study, size_t *ids);

#endif
