/* The co-simulation with the reference as its device, which needs no simulator: what it counts, against counts made
 * here, and planted differences that it must find and word. The RTL is tests/cli/cosim_test.sh's. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/cost/cost.h"
#include "model/program/random_network.h"
#include "sw/cosim/cosim_parts.h"
#include "sw/cosim/parts.h"

#define SMALL "tests/small_hardware.yaml"

struct rig {
    struct bd_hardware hardware;
    struct bd_program program;
    struct bd_dataset dataset;
    struct bd_cosim_options options;
    struct bd_cosim_totals *totals;
};

/* A random network of several switches, and images for it. */
static void open_rig(struct rig *rig, uint32_t images)
{
    struct bd_error err;
    memset(rig, 0, sizeof *rig);
    cr_assert_eq(bd_hardware_load(&rig->hardware, SMALL, &err), BD_OK, "%s", err.message);
    uint32_t index = 0;
    do { /* the first of three switches or more */
        bd_program_release(&rig->program);
        cr_assert_eq(bd_random_network(5, index++, &rig->hardware, &rig->program, &err), BD_OK, "%s", err.message);
    } while (rig->program.header->switch_count < 3);
    const struct bd_program_header *h = rig->program.header;
    rig->dataset = (struct bd_dataset){
        .count = images, .height = h->input_height, .width = h->input_width, .channels = h->input_channels};
    rig->dataset.images = bd_xcalloc(images, h->input_bytes);
    for (uint32_t i = 0; i < images; i++) {
        bd_random_image(&rig->program, i, rig->dataset.images + (size_t)i * h->input_bytes);
    }
    rig->options = (struct bd_cosim_options){.session = {.device = "ref", .hardware_path = SMALL},
                                             .path = "net.bdp",
                                             .first = 1,
                                             .count = images - 1,
                                             .settings = {{.latency = 20, .beat_interval = 1, .outstanding = 4},
                                                          {.latency = 9, .beat_interval = 5, .outstanding = 2}},
                                             .setting_count = 2};
    rig->totals = bd_xcalloc(1, sizeof *rig->totals);
}

static void close_rig(struct rig *rig)
{
    bd_program_release(&rig->program);
    bd_hardware_release(&rig->hardware);
    bd_dataset_release(&rig->dataset);
    free(rig->totals);
}

static uint64_t clocks_of(const struct rig *rig, unsigned s, unsigned setting, bool store)
{
    struct bd_error err;
    struct bd_hardware hardware = rig->hardware;
    struct bd_frame_cost *cost = bd_xcalloc(1, sizeof *cost);
    hardware.memory = rig->options.settings[setting];
    cr_assert_eq(bd_cost_frame(&rig->program, &hardware, s, store, cost, &err), BD_OK, "%s", err.message);
    const uint64_t cycles = cost->cycles;
    free(cost);
    return cycles;
}

/* Products of a frame, each tap of each output, for each pair of bit-planes. */
static uint64_t products_of(const struct bd_program *program, unsigned s)
{
    uint64_t sum = 0;
    for (unsigned l = 0; l < program->header->layer_count; l++) {
        const struct bd_descriptor *d = bd_program_descriptor(program, s, l);
        for (uint32_t o = 0; d->operation == BD_OP_CONV && o < d->out_height * d->out_width * d->out_channels; o++) {
            sum += (uint64_t)d->kernel_h * d->kernel_w * d->in_channels / d->groups * d->weight_bits * d->in_bits;
        }
    }
    return sum;
}

Test(cosim, totals_are_what_ran)
{
    struct rig rig;
    struct bd_error err;
    enum { IMAGES = 7 };
    open_rig(&rig, IMAGES + 1);
    const unsigned switches = rig.program.header->switch_count;
    struct bd_cosim_totals *t = rig.totals;
    cr_assert_eq(bd_cosim(&rig.options, &rig.program, &rig.dataset, t, &err), BD_OK, "%s", err.message);
    uint64_t products = 0;
    for (unsigned s = 0; s < switches; s++) {
        uint64_t frames = 0;
        for (unsigned i = 0; i < IMAGES; i++) {
            frames += i % switches == s;
        }
        cr_assert_eq(t->at[s].frames, 2 * frames, "switch %u", s);
        for (int store = 0; store < 2; store++) {
            const uint64_t clocks = frames * (clocks_of(&rig, s, 0, store) + clocks_of(&rig, s, 1, store));
            cr_assert_eq(t->at[s].compared[store], 2 * frames);
            cr_assert_eq(t->at[s].predicted[store], clocks);
            cr_assert_eq(t->at[s].simulated[store], clocks);
        }
        /* with layers stored and without, at two settings; and queued: once before the next, twice behind another */
        products += products_of(&rig.program, s) * (4 * frames + 3);
    }
    cr_assert_eq(t->images, 2 * IMAGES);
    cr_assert_eq(t->binary_macs, products);
    cr_assert_eq(t->queue_checked, switches);
    cr_assert(t->loads == 1 && t->load_cycles > 0);
    cr_assert_eq(t->mismatches + t->cycle_mismatches + t->queue_different + t->violations + t->stray_bytes, 0);
    /* an image and some registers, of which PRECISION is written where it changes */
    cr_assert(t->bytes_min > rig.program.header->input_bytes && t->bytes_max < rig.program.header->input_bytes + 64);
    cr_assert(t->bytes_max >= t->bytes_min && t->bytes_max <= t->bytes_min + 16);
    cr_assert(t->bytes_load >= rig.program.size && t->bytes_load < rig.program.size + 256);
    cr_assert(t->clocks > 0 && !t->first[0] && !t->first_cycles[0] && !t->shared);
    close_rig(&rig);
}

Test(cosim, random_networks_are_counted)
{
    struct rig rig;
    struct bd_error err;
    open_rig(&rig, 2);
    struct bd_cosim_totals *t = rig.totals;
    rig.options.path = NULL;
    rig.options.count = 5;
    rig.options.first = 2;
    rig.options.seed = 6;
    uint64_t layers = 0, frames = 0, queued = 0;
    for (uint32_t index = 2; index < 7; index++) {
        struct bd_program program;
        cr_assert_eq(bd_random_network(6, index, &rig.hardware, &program, &err), BD_OK, "%s", err.message);
        layers += program.header->layer_count;
        frames += program.header->switch_count;
        queued += program.header->switch_count - 1;
        bd_program_release(&program);
    }
    cr_assert_eq(bd_cosim(&rig.options, NULL, NULL, t, &err), BD_OK, "%s", err.message);
    cr_assert_eq(t->networks, 5);
    cr_assert_eq(t->layers, layers);
    cr_assert_eq(t->images, frames);
    cr_assert_eq(t->queue_checked, queued);
    cr_assert_eq(t->mismatches, 0);
    rig.options.stalls = true; /* which the reference has no bus for */
    cr_assert_eq(bd_cosim(&rig.options, NULL, NULL, t, &err), BD_BAD_INPUT);
    cr_assert(strstr(err.message, "no bus to stall"), "%s", err.message);
    close_rig(&rig);
}

static void expect_failure(struct rig *rig, const char *const *words)
{
    struct bd_error err;
    cr_assert_eq(bd_cosim(&rig->options, &rig->program, &rig->dataset, rig->totals, &err), BD_FAIL);
    for (; *words; words++) {
        cr_assert(strstr(err.message, *words), "'%s' does not say '%s'", err.message, *words);
    }
}

Test(cosim, planted_faults_are_found_and_worded)
{
    struct rig rig;
    char schedule[64], layer[96];
    open_rig(&rig, 4);
    snprintf(schedule, sizeof schedule, "%s", rig.program.switches[1].name);
    snprintf(layer, sizeof layer, "layer %s (", rig.program.names[0]);
    rig.options.schedule = schedule;
    rig.options.fault = "weight-bit";
    expect_failure(&rig, (const char *const[]){
                             "image 1, switch ", layer, "channel 0, pixel (", ": expected ",
                             "; repeat with: bitdial cosim net.bdp --first 1 --images 1 --schedule ",
                             " --hardware " SMALL " --device ref --memory 20,1,4 --no-shm --fault weight-bit", NULL});
    cr_assert(rig.totals->mismatches > 0 && rig.totals->layer_mismatches[0] > 0);
    cr_assert_eq(rig.totals->cycle_mismatches, 0);
    rig.options.fault = "guard";
    expect_failure(&rig, (const char *const[]){"sealed program", NULL});
    rig.options.fault = NULL;
    rig.options.schedule = "w9a9";
    struct bd_error err;
    cr_assert_eq(bd_cosim(&rig.options, &rig.program, &rig.dataset, rig.totals, &err), BD_BAD_INPUT);
    cr_assert(strstr(err.message, "no switch 'w9a9'"), "%s", err.message);
    close_rig(&rig);
}

/* The line that repeats a run has each of its memory settings once. */
Test(cosim, a_run_is_repeated_by_its_line)
{
    struct rig rig;
    char text[1024];
    open_rig(&rig, 3);
    for (unsigned count = 1; count <= 2; count++) {
        int found = 0;
        rig.options.setting_count = count;
        bd_cosim_repeat_run(&rig.options, text, sizeof text);
        for (const char *at = text; (at = strstr(at, " --memory ")) != NULL; at++) {
            found++;
        }
        cr_assert_eq(found, (int)count, "%s", text);
        cr_assert(strstr(text, " --memory 20,1,4") && !strstr(text, " --memory 9,5,2") == (count == 1), "%s", text);
        cr_assert(strstr(text, " --first 1") && strstr(text, " --images 2") && strstr(text, "net.bdp"), "%s", text);
    }
    close_rig(&rig);
}

/* A count of the device that differs from the prediction is named, in words. */
Test(cosim, clocks_that_differ_are_named_by_their_part)
{
    static const char *const names[] = {"compute", "weight stall", "input stall", "output stall", "overhead"};
    struct rig rig;
    struct bd_error err;
    open_rig(&rig, 1);
    struct bd_cosim_worker *w = bd_xcalloc(1, sizeof *w);
    w->options = &rig.options;
    w->program = &rig.program;
    w->memory = rig.options.settings[0];
    w->loads = true;
    int32_t *logits = bd_xcalloc(rig.program.header->classes, sizeof *logits);
    uint64_t cycles;
    struct bd_statistics statistics;
    const struct bd_cosim_item item = {.switch_index = 1, .image = rig.dataset.images};
    cr_assert_eq(bd_session_open(&w->session, &rig.options.session, &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_session_load(&w->session, &rig.program, &err), BD_OK, "%s", err.message);
    cr_assert_eq(w->session.platform.ops->set_memory(w->session.platform.self, &w->memory, &err), BD_OK);
    cr_assert_eq(bd_session_start(&w->session, 0, 1, item.image, &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_session_finish(&w->session, 0, logits, &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_session_statistics(&w->session, &statistics, &err), BD_OK);
    cr_assert_eq(bd_cosim_find_price(w, 1, false, &cycles, &err), BD_OK, "%s", err.message);
    bd_cosim_compare_cycles(w, &item, false, statistics.frame_cycles);
    cr_assert_str_empty(w->totals.first_cycles);
    uint64_t bytes,
        load = bd_cost_load(rig.program.header, bd_program_load_descriptor(&rig.program), &w->memory, &bytes);
    cr_assert(w->totals.loads == 1 && w->totals.load_cycles == load && statistics.frame_cycles == cycles + load);
    struct bd_device_counters *parts = &w->prices[1][false].parts;
    uint64_t *const at[] = {&parts->compute, &parts->weight_stall, &parts->input_stall, &parts->output_stall,
                            &parts->overhead};
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        char words[64];
        w->totals.first_cycles[0] = '\0';
        *at[i] += 5;
        bd_cosim_compare_cycles(w, &item, false, statistics.frame_cycles);
        snprintf(words, sizeof words, "it counts %llu of %s, %llu were predicted",
                 (unsigned long long)(*at[i] - 5 + (i == 1 ? load : 0)), names[i],
                 (unsigned long long)(*at[i] + (i == 1 ? load : 0)));
        cr_assert(strstr(w->totals.first_cycles, words), "'%s' does not say '%s'", w->totals.first_cycles, words);
        *at[i] -= 5;
    }
    cr_assert_eq(w->totals.cycle_mismatches, 5);
    cr_assert_eq(bd_session_close(&w->session, &err), BD_OK);
    free(logits);
    free(w);
    close_rig(&rig);
}

/* Parts of the comparison by themselves: what merging adds up, and what is judged first. */
Test(cosim, totals_merge_and_are_judged)
{
    struct bd_cosim_totals *sum = bd_xcalloc(1, sizeof *sum), *part = bd_xcalloc(1, sizeof *part);
    struct bd_error err;
    *part = (struct bd_cosim_totals){.images = 1,
                                     .mismatches = 2,
                                     .cycle_mismatches = 3,
                                     .queue_checked = 4,
                                     .queue_different = 5,
                                     .bytes_load = 6,
                                     .bytes_min = 7,
                                     .bytes_max = 8,
                                     .stray_bytes = 9,
                                     .violations = 10,
                                     .clocks = 11,
                                     .run_nanoseconds = 12,
                                     .binary_macs = 13,
                                     .networks = 14,
                                     .layers = 15,
                                     .shared = true};
    part->layer_mismatches[BD_PROGRAM_MAX_LAYERS - 1] = 16;
    part->at[BD_PROGRAM_MAX_SWITCHES - 1] = (struct bd_cosim_switch){17, {18, 19}, {20, 21}, {22, 23}};
    bd_cosim_merge(sum, part);
    cr_assert_arr_eq(sum, part, offsetof(struct bd_cosim_totals, first_cycles));
    bd_cosim_merge(sum, part);
    const uint64_t doubled[] = {sum->images,
                                sum->mismatches,
                                sum->cycle_mismatches,
                                sum->queue_checked,
                                sum->queue_different,
                                sum->stray_bytes,
                                sum->violations,
                                sum->clocks,
                                sum->run_nanoseconds,
                                sum->binary_macs,
                                sum->networks,
                                sum->layers,
                                sum->layer_mismatches[BD_PROGRAM_MAX_LAYERS - 1]};
    const uint64_t once[] = {1, 2, 3, 4, 5, 9, 10, 11, 12, 13, 14, 15, 16};
    for (size_t i = 0; i < sizeof once / sizeof *once; i++) {
        cr_assert_eq(doubled[i], 2 * once[i], "number %zu", i);
    }
    const struct bd_cosim_switch *at = &sum->at[BD_PROGRAM_MAX_SWITCHES - 1];
    cr_assert(at->frames == 34 && at->simulated[0] == 36 && at->simulated[1] == 38 && at->predicted[0] == 40 &&
              at->predicted[1] == 42 && at->compared[0] == 44 && at->compared[1] == 46);
    cr_assert(sum->bytes_load == 6 && sum->bytes_min == 7 && sum->bytes_max == 8);
    part->bytes_min = 5; /* the extremes of all */
    part->bytes_max = 9;
    strcpy(part->first, "one");
    strcpy(part->first_cycles, "clocks");
    bd_cosim_merge(sum, part);
    cr_assert(sum->bytes_min == 5 && sum->bytes_max == 9);
    strcpy(part->first, "two");
    bd_cosim_merge(sum, part);
    cr_assert_str_eq(sum->first, "one");

    cr_assert_eq(bd_cosim_judge(sum, &err), BD_FAIL);
    cr_assert_str_eq(err.message, "one");
    sum->first[0] = '\0';
    cr_assert_eq(bd_cosim_judge(sum, &err), BD_FAIL);
    cr_assert_str_eq(err.message, "clocks");
    sum->first_cycles[0] = '\0';
    cr_assert_eq(bd_cosim_judge(sum, &err), BD_FAIL);
    cr_assert(strstr(err.message, "40 writes into the sealed program"), "%s", err.message);
    sum->violations = 0;
    cr_assert_eq(bd_cosim_judge(sum, &err), BD_FAIL);
    cr_assert(strstr(err.message, "36 bytes that are neither image nor registers"), "%s", err.message);
    sum->stray_bytes = 0;
    cr_assert_eq(bd_cosim_judge(sum, &err), BD_OK);
    free(sum);
    free(part);
}

/* A part's record holds all of its totals, and what is no record is refused. */
Test(cosim, records_are_read_back)
{
    struct bd_cosim_totals *t = bd_xcalloc(1, sizeof *t), *back = bd_xcalloc(1, sizeof *back);
    struct bd_error err;
    uint64_t *counts = (uint64_t *)t;
    for (size_t i = 0; i < offsetof(struct bd_cosim_totals, shared) / sizeof *counts; i++) {
        counts[i] = i + 1;
    }
    t->shared = t->unstored = t->broken = true;
    strcpy(t->first, "one \"difference\"");
    strcpy(t->first_cycles, "clocks");
    json_t *record = bd_cosim_record(t, "the device died"), *copy;
    cr_assert_eq(bd_cosim_record_read(record, back, &err), BD_OK, "%s", err.message);
    cr_assert_arr_eq(back, t, sizeof *t);

    static const char *const keys[] = {"counts",   "switches", "layer_mismatches", "bytes",  "shared", "broken",
                                       "unstored", "first",    "first_cycles",     "failure"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        for (int wrong = 0; wrong < 2; wrong++) {
            copy = json_deep_copy(record);
            if (wrong) {
                json_object_set_new(copy, keys[i], json_real(1.5));
            } else {
                json_object_del(copy, keys[i]);
            }
            cr_assert_eq(bd_cosim_record_read(copy, back, &err), BD_BAD_INPUT, "%s", keys[i]);
            json_decref(copy);
        }
    }
    copy = json_deep_copy(record);
    json_object_del(json_object_get(copy, "counts"), "clocks");
    cr_assert_eq(bd_cosim_record_read(copy, back, &err), BD_BAD_INPUT);
    json_decref(copy);
    json_decref(record);
    free(t);
    free(back);
}

/* Parts of a run, each by itself, add up to the run in one piece but for what a device does once. */
Test(cosim, parts_add_up_to_the_whole)
{
    struct rig rig;
    struct bd_error err;
    enum { IMAGES = 7, PARTS = 3 };
    open_rig(&rig, IMAGES + 1);
    struct bd_cosim_totals *sum = bd_xcalloc(1, sizeof *sum), *part = bd_xcalloc(1, sizeof *part);
    cr_assert_eq(bd_cosim(&rig.options, &rig.program, &rig.dataset, rig.totals, &err), BD_OK, "%s", err.message);
    for (uint32_t p = 0; p < PARTS; p++) {
        struct bd_cosim_options o = rig.options;
        struct bd_dataset images = rig.dataset;
        o.skip = IMAGES * p / PARTS;
        o.count = IMAGES * (p + 1) / PARTS - o.skip;
        o.first += o.skip;
        images.images += (size_t)o.skip * rig.program.header->input_bytes;
        cr_assert_eq(bd_cosim(&o, &rig.program, &images, part, &err), BD_OK, "%s", err.message);
        bd_cosim_merge(sum, part);
    }
    cr_assert_arr_eq(sum->at, rig.totals->at, sizeof sum->at);
    cr_assert(sum->images == rig.totals->images && sum->queue_checked == rig.totals->queue_checked &&
              sum->binary_macs == rig.totals->binary_macs && sum->loads == PARTS && sum->bytes_max >= sum->bytes_min);
    free(sum);
    free(part);
    close_rig(&rig);
}
