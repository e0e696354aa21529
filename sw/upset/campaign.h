/* A campaign of upsets as points of model/runs: BD_UPSET_CHUNK injections each, at one switch, in one class, of one
 * image; and the report of what they came to. */
#ifndef BD_UPSET_CAMPAIGN_H
#define BD_UPSET_CAMPAIGN_H

#include "model/program/program.h"
#include "model/runs/runs.h"
#include "sw/upset/upset.h"

#define BD_UPSET_CHUNK 1000u

struct bd_upset_campaign {
    const char *program, *hardware; /* paths, as the user gave them */
    const char *injector, *images;  /* paths: sim/upset's program, and what it reads images from */
    const char *switches[BD_PROGRAM_MAX_SWITCHES];
    unsigned switch_count;
    bool class[BD_UPSET_CLASS_COUNT];
    uint64_t seed, injections;   /* of each switch and class */
    unsigned image_count;        /* injection k: image k / BD_UPSET_CHUNK mod image_count */
    uint64_t host_limit;         /* clocks that the host waits, 0: the injector's own */
    const char *image_words[10]; /* of the command line that repeats one: where images come from */
    unsigned image_word_count;
    uint64_t watchdog, check; /* clocks, 0: the frame's; every check-th that the reference decided, 0: none */
    bool all, full;           /* bits: all that exist, not those in use; no shortcuts */
    double fit;               /* upsets of 2^20 bits in 10^9 hours, for rates */
    double clock_mhz;
};

/* The points, in the order of switches and classes. */
bd_status bd_upset_plan(const struct bd_upset_campaign *campaign, struct bd_runs_plan *plan, struct bd_error *err)
    BD_WARN_UNUSED;

/* The injector's arguments for injections from .. from + count - 1, which lie in one chunk; ended by NULL, the whole in
 * one allocation. `trace` may be NULL. */
char **bd_upset_arguments(const struct bd_upset_campaign *campaign, unsigned switch_index, enum bd_upset_class owner,
                          uint64_t from, uint64_t count, const char *trace);

/* A shell line that repeats injection k. */
char *bd_upset_repeat(const struct bd_upset_campaign *campaign, const char *switch_name, const char *owner, uint64_t k);

/* What the points of `dir` that have ended came to (README.md has the keys); a new reference. */
bd_status bd_upset_report(const struct bd_upset_campaign *campaign, const char *dir, json_t **report,
                          struct bd_error *err) BD_WARN_UNUSED;

/* The same as a table for people; malloc'd. */
char *bd_upset_table(const json_t *report);

#endif
