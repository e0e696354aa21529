/* The kinds of tests: a row each, with its keys and the names that they take. */
#include "model/core/yaml.h"
#include "sw/regress/suite_parts.h"

/* ---- their keys --------------------------------------------------------------------------------------------- */

#define AT(member) offsetof(struct bd_suite_row, member)
#define COMMON(limit)                                                                                                  \
    {"name", BD_FIELD_STRING, AT(test.name), 1, 40, NULL, NULL, NULL, "of the test"},                                  \
        {"kind", BD_FIELD_STRING, AT(kind), 1, 40, NULL, NULL, NULL, "what it is"},                                    \
    {                                                                                                                  \
        "time_limit", BD_FIELD_INT, AT(test.time_limit), 1, 864000, limit, NULL, NULL, "s, of a point"                 \
    }
#define LIST(key, member, fallback, help)                                                                              \
    {                                                                                                                  \
        key, BD_FIELD_NODE, AT(member), 0, 0, fallback, NULL, NULL, help                                               \
    }
#define COUNT(key, member, most, fallback, help)                                                                       \
    {                                                                                                                  \
        key, BD_FIELD_INT, AT(test.member), 1, most, fallback, NULL, NULL, help                                        \
    }
static const struct bd_field random_fields[] = {
    COMMON("1800"),
    LIST("hardware", hardware, NULL, "configurations"),
    COUNT("networks", count, 1000000, NULL, "random networks of each combination"),
    COUNT("per_point", per_point, 10000, "16", "networks of a point"),
    LIST("memory", memory, "", "timings, \"LATENCY,INTERVAL,OUTSTANDING\""),
    LIST("stalls", stalls, "", "chances of 256 that a channel is held back in a clock"),
    {"fault", BD_FIELD_INT, AT(test.fault), 0, 999, "0", NULL, NULL, "planted: the test must then fail"},
    {0},
};
static const struct bd_field mode_fields[] = {
    COMMON("1800"),
    LIST("hardware", hardware, NULL, "configurations"),
    LIST("cases", modes, NULL, "which"),
    COUNT("networks", count, 100000, "1", "random networks of each"),
    COUNT("per_point", per_point, 10000, "1", "networks of a point"),
    LIST("stalls", stalls, "", "chances of stalls beside them"),
    COUNT("share", share, 1000, "1", "each network takes one in so many faults of words, hangs and resets"),
    {0},
};
static const struct bd_field case_fields[] = {
    COMMON("1800"),
    LIST("hardware", hardware, NULL, "configurations"),
    LIST("networks", networks, NULL, "networks with their images, as triage writes them"),
    LIST("stalls", stalls, "", "chances of stalls beside them"),
    {0},
};
static const struct bd_field zoo_fields[] = {
    COMMON("7200"),
    LIST("hardware", hardware, NULL, "configurations"),
    LIST("networks", networks, NULL, "checkpoints"),
    COUNT("images", images, 10000, "2", "random images"),
    LIST("memory", memory, "", "timings"),
    {"schedule", BD_FIELD_STRING, AT(test.schedule), 0, 255, "", NULL, NULL, "switches of the images, in turn"},
    {0},
};
static const struct bd_field fault_fields[] = {
    COMMON("1800"),
    {"table", BD_FIELD_PATH, AT(test.table), 1, 4095, NULL, NULL, NULL, "faults, with what must be said of each"},
    {0},
};
static const struct bd_field name_fields[] = {
    COMMON("3600"),
    LIST("names", names, NULL, "which"),
    {0},
};
static const struct bd_field all_or_name_fields[] = {
    COMMON("3600"),
    LIST("names", names, "", "which; without it all"),
    {0},
};
static const struct bd_field fuzz_fields[] = {
    COMMON("7200"),
    LIST("names", names, "", "readers; without it all"),
    COUNT("seconds", seconds, 86400, "60", "each"),
    {0},
};
#undef AT

const struct bd_suite_kind bd_suite_kinds[] = {
    {"random", random_fields, NULL, NULL, bd_expand_random, BD_SUITE_NO_NETWORKS},
    {"directed", mode_fields, "switches|borders|extremes|words|limits|registers", NULL, bd_expand_modes,
     BD_SUITE_NO_NETWORKS},
    {"bus", mode_fields, "errors|hangs|resets", NULL, bd_expand_modes, BD_SUITE_NO_NETWORKS},
    {"case", case_fields, NULL, NULL, bd_expand_cases, BD_SUITE_BY_HAND},
    {"zoo", zoo_fields, NULL, NULL, bd_expand_zoo, BD_SUITE_TRAINED},
    {"faults", fault_fields, NULL, NULL, bd_expand_faults, BD_SUITE_NO_NETWORKS},
    {"unit", name_fields, NULL, "front|core|back|requantizer|arrays|count", bd_expand_unit, BD_SUITE_NO_NETWORKS},
    {"proof", all_or_name_fields, NULL,
     "axil_slave|doorbell_queue|csr|program_loader|frame_results|dma_read|dma_write|watchdog|sequencer|tile_feeder|"
     "axil_master",
     bd_expand_proof, BD_SUITE_NO_NETWORKS},
    {"inject", all_or_name_fields, NULL,
     "slverr-read|decerr-read|slverr-write|decerr-write|stuck-ready|dead-memory|late-memory|lost-interrupt|"
     "spurious-interrupt|reset-mid-frame|device-killed|serial-changed|serial-dropped|serial-doubled|serial-truncated|"
     "serial-unplugged|serial-adapter-gone|frame-changed|frame-byte-lost|frame-cut|wrong-bitstream|old-bitstream|"
     "other-hardware|damaged-program|uio-lost-interrupt|uio-spurious-interrupt|uio-incomplete|uio-vanished|"
     "serial-memory-silent",
     bd_expand_inject, BD_SUITE_NO_NETWORKS},
    {"fuzz", fuzz_fields, NULL,
     "program|checkpoint|network|hardware|training|search|comparison|image|npy|idx|protocol|journal", bd_expand_fuzz,
     BD_SUITE_NO_NETWORKS},
    {"make", name_fields, NULL, "netlist|geometries|cosim-geometries|synth-check|lint", bd_expand_make,
     BD_SUITE_NO_NETWORKS},
    {"script", name_fields, NULL,
     "fault|session|driver_freestanding|chip|upset|serial|resume|train_kill|prune_kill|compare|runs", bd_expand_shell,
     BD_SUITE_NO_NETWORKS},
};
const int bd_suite_kind_count = sizeof bd_suite_kinds / sizeof *bd_suite_kinds;

const char *bd_suite_kind(const struct bd_suite_test *test)
{
    return bd_suite_kinds[test->kind].name;
}
