/* The command lines that repeat a run or a part of it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/runs/runs.h"
#include "sw/cosim/cosim_parts.h"
#include "sw/cosim/parts.h"

enum { WORDS = 64 };

/* Words of a command, each malloc'd, ended by NULL. */
struct line {
    char *word[WORDS + 1];
    int count;
};

static void add(struct line *line, const char *word)
{
    if (line->count < WORDS) {
        line->word[line->count++] = bd_xstrdup(word);
    }
}

static void add_number(struct line *line, const char *option, uint64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64, value);
    add(line, option);
    add(line, text);
}

static void add_option(struct line *line, const char *option, const char *value)
{
    if (value) {
        add(line, option);
        add(line, value);
    }
}

static void add_flag(struct line *line, const char *option, bool on)
{
    if (on) {
        add(line, option);
    }
}

/* As a shell takes them; frees them. */
static void tell(struct line *line, char *text, size_t size)
{
    char *words = bd_runs_shell_line(NULL, (const char *const *)line->word);
    snprintf(text, size, "%s", words);
    free(words);
    for (int i = 0; i < line->count; i++) {
        free(line->word[i]);
    }
}

/* Where the images come from, but for which of them. */
static void add_source(struct line *line, const struct bd_cosim_options *o)
{
    const struct bd_image_source *source = &o->source;
    if (source->noise) {
        add(line, "--noise");
        add_number(line, "--seed", o->seed);
    } else if (source->array) {
        add_option(line, "--images", source->array);
    } else {
        add_option(line, "--kind", o->kind_given ? bd_data_about(source->data.kind)->name : NULL);
        add_option(line, "--data", source->data.folder);
    }
}

static void add_device(struct line *line, const struct bd_cosim_options *o)
{
    add_option(line, "--hardware", o->session.hardware_path);
    add_option(line, "--device", o->session.device);
}

static void add_memory(struct line *line, const struct bd_memory_model *m)
{
    char text[96];
    snprintf(text, sizeof text, "%" PRId64 ",%" PRId64 ",%" PRId64, m->latency, m->beat_interval, m->outstanding);
    add_option(line, "--memory", text);
}

static void add_rest(struct line *line, const struct bd_cosim_options *o)
{
    add_flag(line, "--no-shm", !o->session.shared);
    if (o->session.reset_seed) {
        add_number(line, "--reset-seed", o->session.reset_seed);
    }
    add_option(line, "--fault", o->fault);
}

void bd_cosim_repeat_line(const struct bd_cosim_worker *w, const struct bd_cosim_item *item, char *text, size_t size)
{
    const struct bd_cosim_options *o = w->options;
    struct line line = {{NULL}, 0};
    add(&line, "bitdial");
    add(&line, "cosim");
    if (o->path) {
        add(&line, o->path);
        add_source(&line, o);
        add_number(&line, "--first", item->id);
        add_number(&line, "--images", 1);
        add_option(&line, "--schedule", w->program->switches[item->switch_index].name);
    } else {
        add_number(&line, "--random", 1);
        add_number(&line, "--first", item->id);
        add_number(&line, "--seed", o->seed);
        add_flag(&line, "--stalls", o->stalls);
    }
    add_device(&line, o);
    add_memory(&line, &w->memory);
    add_rest(&line, o);
    tell(&line, text, size);
}

static void add_run(struct line *line, const struct bd_cosim_options *o)
{
    add(line, "cosim");
    if (o->path) {
        add(line, o->path);
        add_source(line, o);
    } else {
        add_number(line, "--random", o->count);
        add_number(line, "--seed", o->seed);
        add_flag(line, "--stalls", o->stalls);
    }
    add_number(line, "--first", o->first);
    if (o->path) {
        add_number(line, "--images", o->count);
        add_flag(line, "--results-only", o->results_only);
    }
    add_option(line, "--schedule", o->schedule);
    add_device(line, o);
    for (unsigned m = 0; m < o->setting_count; m++) {
        add_memory(line, &o->settings[m]);
    }
    add_rest(line, o);
}

void bd_cosim_repeat_run(const struct bd_cosim_options *o, char *text, size_t size)
{
    struct line line = {{NULL}, 0};
    add(&line, "bitdial");
    add_run(&line, o);
    tell(&line, text, size);
}

char **bd_cosim_part_arguments(const struct bd_cosim_options *o, const char *program, uint32_t from, uint32_t count)
{
    struct line line = {{NULL}, 0};
    char text[64];
    add(&line, program);
    add_run(&line, o);
    snprintf(text, sizeof text, "%" PRIu32 ":%" PRIu32, from, count);
    add_option(&line, "--part", text);
    char **argv = bd_xcalloc((size_t)line.count + 1, sizeof *argv);
    memcpy(argv, line.word, (size_t)line.count * sizeof *argv);
    return argv;
}
