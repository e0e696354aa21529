/* The run: kinds by turns, each injection in a process of its own with a limit of time, outcomes counted. */
#include "tests/inject/inject.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model/core/clock.h"
#include "model/program/random_network.h"
#include "sw/driver/bitdial_regs.h"

enum { FRAMES = 3, CLASSES = 1024, NETWORKS = 64, SMALL_OF = 16 };
enum outcome { RIGHT, NAMED, FAILED, OUTCOMES };

struct report {
    enum outcome outcome;
    char fault[64], text[1100];
};

struct run {
    const char *only;
    uint64_t seed;
    int first, count, limit_s;
    bool verbose;
};

const char *inject_platform = "", *inject_board = "";

uint64_t inject_below(struct injection *in, uint64_t limit)
{
    return bd_rng_u64(&in->rng) % limit;
}

uint64_t inject_between(struct injection *in, uint64_t low, uint64_t high)
{
    return low + inject_below(in, high - low + 1);
}

/* Whether a message holds one of the words, apart by |. */
static bool is_named(const char *message, const char *words)
{
    char part[128];
    for (const char *at = words; *at; at += strcspn(at, "|"), at += *at == '|') {
        snprintf(part, sizeof part, "%.*s", (int)strcspn(at, "|"), at);
        if (strstr(message, part)) {
            return true;
        }
    }
    return false;
}

static bd_status one_frame(struct injection *in, unsigned frame, bool *equal, struct bd_error *err)
{
    static uint8_t image[1 << 20];
    static int32_t logits[CLASSES];
    const struct bd_program_header *h = in->program.header;
    const unsigned s = (unsigned)inject_below(in, h->switch_count);
    struct bd_frame want = {0};
    bd_random_image(&in->program, bd_rng_u64(&in->rng), image);
    bd_status status = bd_session_start(&in->session, 0, s, image, err);
    if (status == BD_OK) {
        if (in->kind->strike && frame == in->strike_at) {
            in->kind->strike(in, frame);
        }
        status = bd_session_finish(&in->session, 0, logits, err);
    }
    status = status ? status : bd_execute(&in->program, in->decoded, s, image, &want, err);
    if (status == BD_OK) {
        *equal = memcmp(logits, want.logits, h->classes * sizeof *logits) == 0;
        bd_frame_release(&want);
    }
    return status;
}

static bd_status run_frames(struct injection *in, unsigned from, unsigned to, bool *equal, struct bd_error *err)
{
    const struct bd_platform_ops *ops = in->session.platform.ops;
    bd_status status = bd_session_load(&in->session, &in->program, err);
    if (status == BD_OK && in->watchdog) {
        status = ops->write_register(in->session.platform.self, BITDIAL_WATCHDOG_LIMIT_REG, in->watchdog, err);
    }
    if (status == BD_OK && in->store) {
        status = bd_session_store_layers(&in->session, true, err);
    }
    *equal = true;
    for (unsigned frame = from; frame < to && status == BD_OK && *equal; frame++) {
        status = one_frame(in, frame, equal, err);
    }
    return status;
}

/* A network that a slow line carries fast: the smallest of some. */
static uint32_t smallest(struct injection *in)
{
    uint32_t best = 0;
    size_t least = SIZE_MAX;
    for (uint32_t i = 0; i < SMALL_OF; i++) {
        struct bd_program program = {0};
        struct bd_error err;
        if (bd_random_network(in->seed, i, &in->hardware, &program, &err) == BD_OK && program.size < least) {
            least = program.size;
            best = i;
        }
        bd_program_release(&program);
    }
    return best;
}

static bd_status prepare(struct injection *in, struct bd_error *err)
{
    struct bd_hardware other;
    bd_status status = bd_hardware_load(&in->hardware, INJECT_HARDWARE, err);
    uint32_t index = (uint32_t)inject_below(in, NETWORKS);
    if (status == BD_OK && in->elsewhere) {
        static const char *const others[] = {"demo",  "mid",      "rq4",       "slow_memory",
                                             "small", "mac_only", "xnor_only", "large"};
        char path[64];
        snprintf(path, sizeof path, "yaml-configs/hardware/%s.yaml", others[inject_below(in, 8)]);
        snprintf(in->fault, sizeof in->fault, "%s", path);
        status = bd_hardware_load(&other, path, err);
        status = status ? status : bd_random_network(in->seed, index, &other, &in->program, err);
    } else if (status == BD_OK) {
        if (!strncmp(in->kind->name, "serial", 6)) {
            index = smallest(in);
        }
        status = bd_random_network(in->seed, index, &in->hardware, &in->program, err);
    }
    return status ? status : bd_decode(&in->program, &in->decoded, err);
}

static bd_status identify(struct injection *in, struct bd_error *err)
{
    bd_status status = bd_session_identify(&in->session, err);
    in->identified = status == BD_OK;
    return status;
}

/* The device on which the fault struck is used again: from the driver's reset on all is right. */
static bd_status heal(struct injection *in, bool *equal, struct bd_error *err)
{
    if (in->kind->mend) {
        in->kind->mend(in);
    }
    bd_status status = in->identified ? BD_OK : identify(in, err); /* it may have struck before */
    if (status != BD_OK) {
        return status;
    }
    enum bd_device_status done = bd_device_reset(&in->session.device, 5000);
    status = done == BD_DEVICE_BUS_DEAD ? BD_OK : bd_session_fail(&in->session, done, err);
    return status ? status : run_frames(in, FRAMES, FRAMES + 1, equal, err);
}

static void inject(struct injection *in, struct report *report)
{
    struct bd_error err = {0};
    bool equal = true, opened = false;
    in->frame_ms = 20000;
    in->silence_ms = 100000;
    in->strike_at = (unsigned)inject_below(in, FRAMES);
    in->elsewhere = !strcmp(in->kind->name, "other-hardware");
    bd_status status = prepare(in, &err);
    if (status != BD_OK) {
        report->outcome = FAILED;
        snprintf(report->text, sizeof report->text, "preparing: %s", err.message);
        return;
    }
    status = in->kind->open(in, &err);
    if (status == BD_OK) {
        opened = true;
        in->session.is_board = true; /* the geometry is what the device tells */
        in->session.frame_ms = in->frame_ms;
        status = identify(in, &err);
        status = status ? status : run_frames(in, 0, FRAMES, &equal, &err);
    }
    snprintf(report->fault, sizeof report->fault, "%s", in->fault);
    snprintf(report->text, sizeof report->text, "%s", status ? err.message : "right");
    report->outcome = status ? NAMED : RIGHT;
    if (!equal) {
        report->outcome = FAILED;
        snprintf(report->text, sizeof report->text, "a wrong result");
    } else if (status != BD_OK && (in->kind->must == MUST_RIGHT || !is_named(err.message, in->kind->words))) {
        report->outcome = FAILED;
    } else if (status == BD_OK && in->kind->must == MUST_FAIL) {
        report->outcome = FAILED;
        snprintf(report->text, sizeof report->text, "no error, and the result is right");
    } else if (opened && in->kind->heals) {
        status = heal(in, &equal, &err);
        if (status != BD_OK && report->outcome == RIGHT && in->kind->must == EITHER &&
            is_named(err.message, in->kind->words)) {
            report->outcome = NAMED; /* only now has it struck */
            snprintf(report->text, sizeof report->text, "%s", err.message);
            status = heal(in, &equal, &err);
        }
        if (status != BD_OK || !equal) {
            report->outcome = FAILED;
            snprintf(report->text, sizeof report->text, "used again: %s", status ? err.message : "a wrong result");
        }
    }
    if (opened) {
        struct bd_error ignored;
        (void)!in->session.platform.ops->close(in->session.platform.self, &ignored);
    }
    inject_end_board(in);
}

/* One injection, in a process of its own, which ends within the limit or is ended. */
static void isolate(const struct run *run, const struct kind *kind, int number, struct report *report)
{
    int line[2];
    *report = (struct report){.outcome = FAILED};
    if (pipe(line) != 0) {
        snprintf(report->text, sizeof report->text, "no pipe: %s", strerror(errno));
        return;
    }
    const pid_t child = fork();
    if (child == 0) {
        struct report own = {.outcome = FAILED};
        struct injection in = {.kind = kind};
        setpgid(0, 0);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        in.seed = run->seed * 1000003 + (uint64_t)number;
        bd_rng_seed(&in.rng, in.seed ^ (uint64_t)(kind - inject_kinds) << 40);
        inject(&in, &own);
        const ssize_t sent = write(line[1], &own, sizeof own);
        _exit(sent == sizeof own ? 0 : 1);
    }
    close(line[1]);
    struct pollfd wait = {.fd = line[0], .events = POLLIN};
    const int ready = child > 0 ? poll(&wait, 1, run->limit_s * 1000) : -1;
    if (ready == 0) {
        snprintf(report->text, sizeof report->text, "no end within %d s", run->limit_s);
    } else if (ready < 0 || read(line[0], report, sizeof *report) != sizeof *report) {
        *report = (struct report){.outcome = FAILED, .text = "the process died"};
    }
    close(line[0]);
    if (child > 0) {
        int status = 0;
        kill(-child, SIGKILL); /* with what it started */
        waitpid(child, &status, 0);
    }
}

static int run_kind(const struct run *run, const struct kind *kind, int count, int total[OUTCOMES])
{
    int seen[OUTCOMES] = {0};
    double longest = 0;
    for (int n = run->first; n < run->first + count; n++) {
        struct report report;
        const double from = bd_seconds(CLOCK_MONOTONIC);
        isolate(run, kind, n, &report);
        const double took = bd_seconds(CLOCK_MONOTONIC) - from;
        longest = took > longest ? took : longest;
        seen[report.outcome]++;
        if (run->verbose || report.outcome == FAILED) {
            printf("%s %s %d (%s): %s\n", report.outcome == FAILED ? "FAIL" : "ok  ", kind->name, n, report.fault,
                   report.text);
        }
        if (report.outcome == FAILED) {
            printf("     again: bash tests/board_faults.sh --kind %s --seed %" PRIu64 " --first %d --count 1\n",
                   kind->name, run->seed, n);
        }
        fflush(stdout);
    }
    printf("| %s | %d | %d | %d | %d | %.1f |\n", kind->name, count, seen[RIGHT], seen[NAMED], seen[FAILED], longest);
    fflush(stdout);
    for (int i = 0; i < OUTCOMES; i++) {
        total[i] += seen[i];
    }
    return seen[FAILED];
}

/* A number to at most `most`; a word that is none ends the run. */
static uint64_t number(const char *text, uint64_t most)
{
    char *end;
    errno = 0;
    const uint64_t value = strtoull(text, &end, 10);
    if (errno || end == text || *end || *text == '-' || value > most) {
        fprintf(stderr, "board_faults: a number up to %" PRIu64 " expected, got '%s'\n", most, text);
        exit(BD_BAD_INPUT);
    }
    return value;
}

static int usage(void)
{
    fputs("usage: board_faults [--platform PATH] [--board PATH] [--kind NAME] [--seed N] [--first N] [--count N] "
          "[--limit SECONDS] [--verbose]\n",
          stderr);
    return BD_BAD_INPUT;
}

int main(int argc, char **argv)
{
    struct run run = {.seed = 1, .limit_s = 300};
    int total[OUTCOMES] = {0}, kinds = 0;
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (!strcmp(argv[i], "--verbose")) {
            run.verbose = true;
            continue;
        }
        if (++i >= argc) {
            return usage();
        } else if (!strcmp(argv[i - 1], "--kind")) {
            run.only = value;
        } else if (!strcmp(argv[i - 1], "--platform")) {
            inject_platform = value;
        } else if (!strcmp(argv[i - 1], "--board")) {
            inject_board = value;
        } else if (!strcmp(argv[i - 1], "--seed")) {
            run.seed = number(value, UINT64_MAX);
        } else if (!strcmp(argv[i - 1], "--first")) {
            run.first = (int)number(value, 1000000);
        } else if (!strcmp(argv[i - 1], "--count")) {
            run.count = (int)number(value, 1000000);
        } else if (!strcmp(argv[i - 1], "--limit")) {
            run.limit_s = (int)number(value, 1000000);
        } else {
            return usage();
        }
    }
    printf(
        "| fault | injected | right result | error that names it | wrong | longest, s |\n|---|---|---|---|---|---|\n");
    for (int k = 0; k < inject_kind_count; k++) {
        const struct kind *kind = &inject_kinds[k];
        if (run.only ? !strcmp(run.only, kind->name) : kind->count > 0) {
            run_kind(&run, kind, run.count ? run.count : kind->count, total);
            kinds++;
        }
    }
    if (kinds == 0) {
        fprintf(stderr, "board_faults: no kind '%s'\n", run.only);
        return BD_BAD_INPUT;
    }
    printf("| all | %d | %d | %d | %d | |\n\nseed %" PRIu64 "\n", total[RIGHT] + total[NAMED] + total[FAILED],
           total[RIGHT], total[NAMED], total[FAILED], run.seed);
    return total[FAILED] ? BD_FAIL : BD_OK;
}
