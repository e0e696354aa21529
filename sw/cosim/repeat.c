/* The command lines that repeat a run or a part of it, as a shell takes them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sw/cosim/cosim_parts.h"

struct line {
    char *text;
    size_t used, size;
};

static void add(struct line *line, const char *text)
{
    size_t room = line->size - line->used, length = strlen(text);
    length = length < room ? length : room - 1;
    memcpy(line->text + line->used, text, length);
    line->used += length;
    line->text[line->used] = '\0';
}

static void add_number(struct line *line, const char *option, uint64_t value)
{
    char text[64];
    snprintf(text, sizeof text, " %s %" PRIu64, option, value);
    add(line, text);
}

/* A word with what a shell would read in it put between quotes. */
static void add_word(struct line *line, const char *word)
{
    const char *plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./,:=+@%-";
    add(line, " ");
    if (*word && strspn(word, plain) == strlen(word)) {
        add(line, word);
        return;
    }
    add(line, "'");
    for (; *word; word++) {
        add(line, *word == '\'' ? "'\\''" : (const char[]){*word, '\0'});
    }
    add(line, "'");
}

static void add_option(struct line *line, const char *option, const char *value)
{
    if (value) {
        add(line, option);
        add_word(line, value);
    }
}

/* Where the images come from, but for which of them. */
static void add_source(struct line *line, const struct bd_cosim_options *o)
{
    const struct bd_image_source *source = &o->source;
    if (source->noise) {
        add(line, " --noise");
        add_number(line, "--seed", o->seed);
    } else if (source->array) {
        add_option(line, " --images", source->array);
    } else {
        add_option(line, " --kind", o->kind_given ? bd_data_about(source->data.kind)->name : NULL);
        add_option(line, " --data", source->data.folder);
    }
}

static void add_device(struct line *line, const struct bd_cosim_options *o)
{
    add_option(line, " --hardware", o->session.hardware_path);
    add_option(line, " --device", o->session.device);
}

static void add_memory(struct line *line, const struct bd_memory_model *m)
{
    char text[96];
    snprintf(text, sizeof text, "%" PRId64 ",%" PRId64 ",%" PRId64, m->latency, m->beat_interval, m->outstanding);
    add_option(line, " --memory", text);
}

static void add_rest(struct line *line, const struct bd_cosim_options *o)
{
    add(line, o->session.shared ? "" : " --no-shm");
    if (o->session.reset_seed) {
        add_number(line, "--reset-seed", o->session.reset_seed);
    }
    add_option(line, " --fault", o->fault);
}

void bd_cosim_repeat_line(const struct bd_cosim_worker *w, const struct bd_cosim_item *item, char *text, size_t size)
{
    const struct bd_cosim_options *o = w->options;
    struct line line = {text, 0, size};
    add(&line, "bitdial cosim");
    if (o->path) {
        add_word(&line, o->path);
        add_source(&line, o);
        add_number(&line, "--first", item->id);
        add(&line, " --images 1");
        add_option(&line, " --schedule", w->program->switches[item->switch_index].name);
    } else {
        add(&line, " --random 1");
        add_number(&line, "--first", item->id);
        add_number(&line, "--seed", o->seed);
        add(&line, o->stalls ? " --stalls" : "");
    }
    add_device(&line, o);
    add_memory(&line, &w->memory);
    add_rest(&line, o);
}

void bd_cosim_repeat_run(const struct bd_cosim_options *o, char *text, size_t size)
{
    struct line line = {text, 0, size};
    add(&line, "bitdial cosim");
    if (o->path) {
        add_word(&line, o->path);
        add_source(&line, o);
    } else {
        add_number(&line, "--random", o->count);
        add_number(&line, "--seed", o->seed);
        add(&line, o->stalls ? " --stalls" : "");
    }
    add_number(&line, "--first", o->first);
    if (o->path) {
        add_number(&line, "--images", o->count);
        add(&line, o->results_only ? " --results-only" : "");
    }
    add_option(&line, " --schedule", o->schedule);
    add_device(&line, o);
    for (unsigned m = 0; m < o->setting_count; m++) {
        add_memory(&line, &o->settings[m]);
    }
    add_rest(&line, o);
}
