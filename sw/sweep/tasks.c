/* Tasks of a sweep as points of the runner: names, argument vectors, identities. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/data/source.h"
#include "model/prune/ranking.h"
#include "sw/session/tree.h"
#include "sw/sweep/drive.h"

const char *const bd_sweep_task_names[BD_SWEEP_TASKS] = {"prune", "accuracy", "price", "confirm"};

enum { WORDS = 24 };
/* About how many seconds a task takes, for the time left. */
static const double weights[BD_SWEEP_TASKS] = {120, 20, 0.5, 60};

static bool is_pruned(const struct bd_sweep_level *level)
{
    return strcmp(level->name, "none") != 0;
}

static char *checkpoint_name(const struct bd_sweep *s, int network, int level)
{
    return bd_asprintf("%s.%s", s->networks[network].name, s->levels[level].name);
}

char *bd_sweep_hardware_path(const struct bd_sweep_run *run, int hardware)
{
    const struct bd_sweep_hardware *h = &run->sweep->hardware[hardware];
    return h->text ? bd_asprintf("%s/hardware/%s.yaml", run->dir ? run->dir : "DIR", h->name) : bd_xstrdup(h->path);
}

static char *hardware_identity(const struct bd_hardware *h)
{
    return bd_asprintf("%016" PRIx64 " %d,%d,%d", bd_hardware_geometry_hash(h), (int)h->memory.latency,
                       (int)h->memory.beat_interval, (int)h->memory.outstanding);
}

/* ---- checkpoints ---- */

/* The configuration that prices a network while it is pruned. */
static const char *prune_hardware(const struct bd_sweep *s)
{
    return s->prune.hardware ? s->prune.hardware : s->hardware[0].path;
}

static const char *prune_switch(const struct bd_sweep *s, int network)
{
    const struct bd_sweep_network *n = &s->networks[network];
    return s->prune.sw ? s->prune.sw : n->switches[n->switch_count - 1];
}

static const char *word_of(const char *choices, int index)
{
    static char word[64];
    for (; index > 0 && strchr(choices, '|'); index--) {
        choices = strchr(choices, '|') + 1;
    }
    const size_t length = strcspn(choices, "|");
    memcpy(word, choices, length < sizeof word ? length : sizeof word - 1);
    word[length < sizeof word ? length : sizeof word - 1] = '\0';
    return word;
}

/* The keys of a pruning configuration but for its places. */
static char *prune_settings(const struct bd_sweep *s, int network, int level)
{
    const struct bd_sweep_prune *p = &s->prune;
    const struct bd_sweep_level *l = &s->levels[level];
    const char *sw = prune_switch(s, network);
    const double floor = l->clocks < 1 ? 0.85 * l->clocks : 0; /* what is far below a budget is seldom the best */
    return bd_asprintf(
        "seed: %" PRId64 "\nranking: %s\n"
        "budget: {switch: %s, ratio: %.10g, floor: %.10g, energy: %.10g, bytes: %.10g}\n"
        "search: {method: bayes, evaluations: %" PRId64 ", initial: %" PRId64 ", groups: \"%s\", least_ratio: %.10g}\n"
        "evaluation: {switches: %s, images: %" PRId64 ", recalibrate: %" PRId64 "}\n"
        "final: {epochs: 0, steps: %" PRId64 ", rate: %.10g, teacher: top}\n",
        p->seed, word_of(BD_RANKINGS, p->ranking), sw, l->clocks, floor, l->energy, l->bytes, p->evaluations,
        p->initial, p->groups, p->least_ratio, sw, p->images, p->recalibrate, p->tune_steps, p->tune_rate);
}

static char *data_words(const struct bd_sweep *s)
{
    const char *kind = s->data.kind == BD_DATA_ANY ? "" : bd_data_about(s->data.kind)->name;
    return bd_asprintf("%s %s %" PRId64 " %" PRId64, kind, s->data.folder ? s->data.folder : "", s->data.validation,
                       s->data.size);
}

void bd_sweep_name_checkpoint(struct bd_sweep_run *run, int network, int level)
{
    const struct bd_sweep *s = run->sweep;
    struct bd_sweep_checkpoint *c = bd_sweep_checkpoint_of(run, network, level);
    if (!is_pruned(&s->levels[level])) {
        c->state = BD_SWEEP_THERE;
        c->path = bd_xstrdup(s->networks[network].path);
        c->identity = bd_asprintf("%08x", s->networks[network].crc);
        return;
    }
    char *name = checkpoint_name(s, network, level), *settings = prune_settings(s, network, level),
         *data = data_words(s);
    uint8_t *bytes = NULL;
    size_t size = 0;
    struct bd_error ignored;
    const uint32_t hardware =
        bd_file_read(prune_hardware(s), 1 << 20, &bytes, &size, &ignored) ? 0 : bd_crc32(bytes, size);
    c->path = bd_asprintf("%s/pruned/%s.h5", run->dir ? run->dir : "DIR", name);
    c->identity = bd_asprintf("%08x pruned %s on %08x with %s", s->networks[network].crc, settings, hardware, data);
    free(bytes);
    free(name);
    free(settings);
    free(data);
}

static bd_status write_text(const struct bd_sweep_run *run, const char *folder, const char *name, const char *text,
                            struct bd_error *err)
{
    char *path = bd_asprintf("%s/%s/%s.yaml", run->dir, folder, name);
    bd_status status = bd_make_parent(path, err);
    status = status ? status : bd_file_write(path, text, strlen(text), err);
    free(path);
    return status;
}

/* A text in double quotes, as YAML and JSON read it. */
static char *quoted(const char *text)
{
    json_t *string = json_string(text);
    char *quoted = string ? json_dumps(string, JSON_ENCODE_ANY) : NULL;
    json_decref(string);
    return quoted ? quoted : bd_xstrdup("\"\"");
}

static bd_status write_prune(const struct bd_sweep_run *run, int network, int level, struct bd_error *err)
{
    const struct bd_sweep *s = run->sweep;
    char *name = checkpoint_name(s, network, level), *settings = prune_settings(s, network, level);
    const char *const endings[] = {"h5", "jsonl", "h5.partial"};
    char *checkpoint = quoted(s->networks[network].path), *hardware = quoted(prune_hardware(s)),
         *output = quoted(bd_sweep_checkpoint_of(run, network, level)->path), *folder = NULL;
    char *journal_path = bd_asprintf("%s/pruned/%s.jsonl", run->dir, name), *journal = quoted(journal_path);
    if (s->data.folder) {
        char *word = quoted(s->data.folder);
        folder = bd_asprintf(", folder: %s", word);
        free(word);
    }
    char *text =
        bd_asprintf("checkpoint: %s\nhardware: %s\njournal: %s\noutput: %s\n%s%s%s%s%s", checkpoint, hardware, journal,
                    output, settings, s->data.kind == BD_DATA_ANY ? "" : "data: {kind: ",
                    s->data.kind == BD_DATA_ANY ? "" : bd_data_about(s->data.kind)->name,
                    s->data.kind == BD_DATA_ANY || !folder ? "" : folder, s->data.kind == BD_DATA_ANY ? "" : "}\n");
    bd_status status = write_text(run, "pruned", name, text, err);
    for (size_t i = 0; i < sizeof endings / sizeof *endings && run->force && !status; i++) {
        char *path = bd_asprintf("%s/pruned/%s.%s", run->dir, name, endings[i]);
        unlink(path);
        free(path);
    }
    free(name);
    free(settings);
    free(checkpoint);
    free(hardware);
    free(output);
    free(journal_path);
    free(journal);
    free(folder);
    free(text);
    return status;
}

bd_status bd_sweep_write_inputs(const struct bd_sweep_run *run, struct bd_error *err)
{
    const struct bd_sweep *s = run->sweep;
    bool *needed = bd_xcalloc(s->hardware_count, sizeof *needed);
    bd_status status = BD_OK;
    for (size_t d = 0; d < s->design_count; d++) {
        needed[s->designs[d].hardware] |= s->designs[d].state == BD_SWEEP_OPEN;
    }
    for (size_t h = 0; h < s->hardware_count && !status; h++) {
        if (s->hardware[h].text && needed[h]) {
            status = write_text(run, "hardware", s->hardware[h].name, s->hardware[h].text, err);
        }
    }
    for (size_t n = 0; n < s->network_count && !status; n++) {
        for (size_t l = 0; l < s->level_count && !status; l++) {
            status = is_pruned(&s->levels[l]) ? write_prune(run, (int)n, (int)l, err) : BD_OK;
        }
    }
    free(needed);
    return status;
}

/* ---- points ---- */

struct words {
    const char *argv[WORDS + 1];
    size_t count;
};

static void say(struct words *w, const char *option, const char *value)
{
    if (value && w->count + 2 <= WORDS) {
        w->argv[w->count++] = option;
        w->argv[w->count++] = value;
    }
}

static void say_data(struct words *w, const struct bd_sweep *s)
{
    say(w, "--kind", s->data.kind == BD_DATA_ANY ? NULL : bd_data_about(s->data.kind)->name);
    say(w, "--data", s->data.folder);
}

static bd_status add(const struct bd_sweep_run *run, enum bd_sweep_task task, const char *name, const struct words *w,
                     const char *identity, const char *const *inputs, struct bd_runs_plan *plan, struct bd_error *err)
{
    char *whole = bd_asprintf("%s.%s", bd_sweep_task_names[task], name);
    char *threads = bd_asprintf("OMP_NUM_THREADS=%d", run->threads);
    const struct bd_runs_point point = {
        .name = whole,
        .argv = w->argv,
        .environment = (const char *const[]){threads, "OMP_WAIT_POLICY=passive", NULL},
        .inputs = inputs,
        .time_limit = (double)run->sweep->time_limit,
        .weight = weights[task],
        .identity = identity, /* wherever the folder lies */
    };
    bd_status status = bd_runs_plan_add(plan, &point, err);
    free(whole);
    free(threads);
    return status;
}

bd_status bd_sweep_add_prune(const struct bd_sweep_run *run, int network, int level, struct bd_runs_plan *plan,
                             struct bd_error *err)
{
    char *name = checkpoint_name(run->sweep, network, level);
    char *file = bd_asprintf("%s/pruned/%s.yaml", run->dir ? run->dir : "DIR", name);
    struct words w = {.argv = {run->program, "prune", file, "--resume", "--json"}, .count = 5};
    say(&w, "--images", "100"); /* accuracy has a task of its own */
    bd_status status =
        add(run, BD_SWEEP_PRUNE, name, &w, bd_sweep_checkpoint_of(run, network, level)->identity, NULL, plan, err);
    free(file);
    free(name);
    return status;
}

bd_status bd_sweep_add_accuracy(const struct bd_sweep_run *run, const struct bd_sweep_accuracy *a,
                                struct bd_runs_plan *plan, struct bd_error *err)
{
    const struct bd_sweep *s = run->sweep;
    const struct bd_sweep_checkpoint *c = bd_sweep_checkpoint_of(run, a->network, a->level);
    char *base = checkpoint_name(s, a->network, a->level), *images = bd_asprintf("%" PRId64, s->images),
         *name = a->mult_bits == 24 ? bd_xstrdup(base) : bd_asprintf("%s.m%d", base, a->mult_bits),
         *hardware = a->mult_bits == 24 ? NULL : bd_sweep_hardware_path(run, a->hardware), *data = data_words(s),
         *identity = bd_asprintf("%s images %s of %s m%d", c->identity, images, data, a->mult_bits);
    struct words w = {.argv = {run->program, "sweep", "--json", "--task", "accuracy", "--checkpoint", c->path},
                      .count = 7};
    say(&w, "--hardware", hardware);
    say(&w, "--images", s->images ? images : NULL);
    say_data(&w, s);
    bd_status status = add(run, BD_SWEEP_ACCURACY_OF, name, &w, identity, NULL, plan, err);
    free(base);
    free(images);
    free(name);
    free(hardware);
    free(data);
    free(identity);
    return status;
}

bd_status bd_sweep_add_price(const struct bd_sweep_run *run, const struct bd_sweep_design *d, struct bd_runs_plan *plan,
                             struct bd_error *err)
{
    const struct bd_sweep_checkpoint *c = bd_sweep_checkpoint_of(run, d->network, d->level);
    char *hardware = bd_sweep_hardware_path(run, d->hardware),
         *of = hardware_identity(&run->sweep->hardware[d->hardware].hardware),
         *identity = bd_asprintf("%s at %s on %s", c->identity, d->sw, of);
    const struct words w = {.argv = {run->program, "sweep", "--json", "--task", "price", "--checkpoint", c->path,
                                     "--hardware", hardware, "--switch", d->sw}};
    bd_status status = add(run, BD_SWEEP_PRICE, d->name, &w, identity, NULL, plan, err);
    free(hardware);
    free(of);
    free(identity);
    return status;
}

bd_status bd_sweep_add_confirm(const struct bd_sweep_run *run, const struct bd_sweep_design *d,
                               struct bd_runs_plan *plan, struct bd_error *err)
{
    const struct bd_sweep *s = run->sweep;
    const struct bd_sweep_checkpoint *c = bd_sweep_checkpoint_of(run, d->network, d->level);
    char *hardware = bd_sweep_hardware_path(run, d->hardware), *base = checkpoint_name(s, d->network, d->level),
         *of = hardware_identity(&s->hardware[d->hardware].hardware),
         *images = bd_asprintf("%" PRId64, s->confirm_images),
         *program =
             bd_asprintf("%s/programs/%s.%s.bdp", run->dir ? run->dir : "DIR", base, s->hardware[d->hardware].name),
         *data = data_words(s),
         *identity = bd_asprintf("%s at %s on %s, %s images of %s", c->identity, d->sw, of, images, data);
    struct words w = {.argv = {run->program, "sweep", "--json", "--task", "confirm", "--checkpoint", c->path,
                               "--hardware", hardware, "--switch", d->sw, "--program", program, "--images", images},
                      .count = 15};
    say_data(&w, s);
    char root[PATH_MAX];
    glob_t sources; /* another RTL has to be asked again */
    bd_status status = bd_tree_root(root, err);
    if (!status) {
        bd_tree_rtl(root, &sources);
        status = add(run, BD_SWEEP_CONFIRM, d->name, &w, identity, (const char *const *)sources.gl_pathv, plan, err);
        globfree(&sources);
    }
    free(hardware);
    free(base);
    free(of);
    free(images);
    free(program);
    free(data);
    free(identity);
    return status;
}
