/* bitdial prune: searches the channels of every prune group under a budget of clocks, fine-tunes the best network,
 * and prints it beside the whole one on the test images. Progress on stderr. */
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/core/clock.h"
#include "model/core/file.h"
#include "model/core/json.h"
#include "model/core/memory.h"
#include "model/core/output.h"
#include "sw/cli/cli.h"
#include "sw/cli/options.h"
#include "sw/cli/prune_picture.h"
#include "sw/cli/prune_session.h"
#include "sw/cli/report.h"

static const char usage[] =
    "Usage: bitdial prune SEARCH.yaml [OPTION]...\n"
    "Searches the channel counts of a trained network under budgets of clocks, energy and stored bytes, fine-tunes the "
    "best\n"
    "and saves it; or a front of accuracy and one of these prices, of which the most accurate network is fine-tuned.\n"
    "Candidates are measured on validation images, the closing table on test images.\n"
    "  --rankings         compare the rankings of filters instead, with options of its own: give it with --help\n"
    "  --resume           go on with the journal, and with fine-tuning that was cut short, to the same bits\n"
    "  --force            begin anew, over a journal and an output that are there already\n"
    "  --evaluations N    points to measure, instead of the file's\n"
    "  --checkpoint FILE  network to prune, instead of the file's\n"
    "  --journal FILE     instead of the file's\n"
    "  --output FILE      checkpoint to write, instead of the file's\n"
    "  --channels LIST    no search: cut to these counts, one a prune group, and fine-tune\n"
    "  --search-only      no fine-tuning: print the best point found\n"
    "  --jobs N           evaluations side by side, each a process; what is proposed depends on N, not on their speed\n"
    "  --slurm OPTIONS    those as jobs of Slurm, with these options of sbatch ('': none); needs --jobs\n"
    "  --time-limit S     of wall time, of each of them; needs --jobs\n"
    "  --memory-limit MIB  that each of them holds resident; needs --jobs\n"
    "  --svg FILE         draw the widths kept and the networks measured\n"
    "  --evaluate LIST    measure the network of these channels and print it as JSON, as an evaluation's process does\n"
    "  --orders FILE      of --evaluate: the ranking, as the search wrote it\n"
    "  --images N         test images of the closing table (default: all)\n"
    "           FILE.npy  instead of the data set's: an array (N, H, W, C) or (N, H, W) of bytes; needs --labels\n"
    "  --labels FILE.npy  the classes of that array's images, (N) integers\n"
    "  --first K          number of the first of them (default: 0)\n"
    "  --data DIR         folder of the data set, to tune and validate on too, instead of the file's\n"
    "  --kind KIND        " BD_DATA_CHOICES "\n"
    "                     (default: the file's, else found by the folder's files, else by the network's shape)\n"
    "  --json             one JSON object on stdout\n"
    "  --help             this text and the table of keys\n";

/* ---- fine-tuning ---- */

static void watch(void *context, const struct bd_train_event *event)
{
    struct bd_prune_session *session = context;
    const struct bd_graph *graph = &session->run.base.graph;
    if (event->kind == BD_TRAIN_STEP &&
        (bd_seconds(CLOCK_MONOTONIC) - session->shown_at < 10.0 && event->step < event->steps)) {
        return;
    }
    if (event->kind != BD_TRAIN_STEP && event->kind != BD_TRAIN_VALIDATED) {
        return;
    }
    session->shown_at = bd_seconds(CLOCK_MONOTONIC);
    fprintf(stderr, "fine-tuning %" PRId64 "/%" PRId64 "%s:", event->step, event->steps,
            event->kind == BD_TRAIN_VALIDATED ? ", validation" : "");
    for (int s = 0; s < graph->switch_count; s++) {
        if (event->switches >> s & 1) {
            fprintf(stderr, " %s %.2f", graph->switches[s].name, 100.0 * event->accuracy[s]);
        }
    }
    if (event->kind == BD_TRAIN_STEP) {
        fprintf(stderr, " | %.0f images/s, %.0f s left", event->images_per_second, event->seconds_left);
    }
    fputc('\n', stderr);
}

/* ---- the closing table ---- */

static void print_table(const struct bd_prune_session *session)
{
    const struct bd_graph *graph = &session->run.base.graph;
    const struct bd_measured *b = &session->before, *a = &session->after;
    printf("%-6s %18s %18s %22s %7s %18s\n", "switch", "float test acc. %", "integer acc. %", "cycles a frame", "ratio",
           "energy, uJ");
    for (int s = 0; s < graph->switch_count; s++) {
        printf("%-6s %8.2f -> %6.2f %8.2f -> %6.2f %9" PRIu64 " -> %9" PRIu64 " %7.3f %7.2f -> %7.2f\n",
               graph->switches[s].name, 100.0 * b->float_accuracy[s], 100.0 * a->float_accuracy[s],
               100.0 * b->integer_accuracy[s], 100.0 * a->integer_accuracy[s], b->cycles[s], a->cycles[s],
               (double)a->cycles[s] / (double)b->cycles[s], b->energy_nj[s] / 1000.0, a->energy_nj[s] / 1000.0);
    }
    printf("program image: %" PRIu64 " -> %" PRIu64 " bytes\n", b->image_bytes, a->image_bytes);
}

static json_t *measured_json(const struct bd_measured *m, int s)
{
    return json_pack("{s:f, s:f, s:I, s:f}", "float_accuracy", m->float_accuracy[s], "integer_accuracy",
                     m->integer_accuracy[s], "cycles", (json_int_t)m->cycles[s], "energy_nj", m->energy_nj[s]);
}

/* Of accuracy and a price: the networks that no other beats in both, by descending price. */
static json_t *front_json(const struct bd_prune_run *run)
{
    static const char *const names[] = {"clocks", "energy_nj", "bytes"};
    size_t *front = bd_xcalloc(run->search.count + 1, sizeof *front), size = bd_search_front(&run->search, front);
    json_t *list = json_array();
    while (size--) {
        const struct bd_observation *o = &run->search.observations[front[size]];
        int widths[BD_MAX_LAYERS];
        json_t *channels = json_array();
        bd_prune_channels(run, o->point, widths);
        for (int g = 0; g < run->base.graph.prune_group_count; g++) {
            json_array_append_new(channels, json_integer(widths[g]));
        }
        json_array_append_new(list, json_pack("{s:f, s:f, s:o}", "objective", o->value[0], names[run->config.price],
                                              -o->value[1], "channels", channels));
    }
    free(front);
    return list;
}

static void print_front(const struct bd_prune_run *run)
{
    static const char *const units[] = {"clocks", "nJ", "bytes"};
    json_t *list = front_json(run), *point;
    size_t i;
    json_array_foreach(list, i, point)
    {
        char *channels = json_dumps(json_object_get(point, "channels"), JSON_COMPACT);
        json_object_del(point, "channels");
        printf("front: %.2f %% at ", json_real_value(json_object_get(point, "objective")));
        json_object_del(point, "objective");
        printf("%.0f %s, channels %.*s\n", json_real_value(json_object_iter_value(json_object_iter(point))),
               units[run->config.price], (int)strlen(channels) - 2, channels + 1);
        free(channels);
    }
    json_decref(list);
}

static void print_json(const struct bd_prune_session *session)
{
    const struct bd_prune_run *run = &session->run;
    const struct bd_graph *graph = &run->base.graph;
    json_t *o = json_object(), *channels = json_array();
    for (int g = 0; g < graph->prune_group_count; g++) {
        json_array_append_new(channels, json_integer(session->channels[g]));
    }
    json_object_set_new(o, "network", bd_json_text(graph->name));
    json_object_set_new(o, "channels", channels);
    json_object_set_new(o, "evaluations", json_integer((json_int_t)run->search.count));
    json_object_set_new(o, "resumed", json_integer((json_int_t)run->resumed));
    long best = bd_search_best(&run->search);
    if (best >= 0) {
        json_object_set_new(o, "objective", json_real(run->search.observations[best].value[0]));
        json_object_set_new(o, "cycles", json_integer((json_int_t)run->search.observations[best].cost));
    }
    if (run->config.front && best >= 0) {
        json_object_set_new(o, "front", front_json(run));
    }
    const struct bd_prune_skill skill = bd_prune_skill(run);
    if (skill.count) {
        json_object_set_new(o, "forecasts",
                            json_pack("{s:I, s:f, s:I}", "count", (json_int_t)skill.count, "rms_error", skill.error,
                                      "within_two_deviations", (json_int_t)skill.within));
    }
    json_object_set_new(o, "cycles_whole", json_integer((json_int_t)run->base_cycles));
    if (session->has_pruned) {
        json_t *switches = json_object();
        for (int s = 0; s < graph->switch_count; s++) {
            json_object_set_new(switches, graph->switches[s].name,
                                json_pack("{s:o, s:o}", "whole", measured_json(&session->before, s), "pruned",
                                          measured_json(&session->after, s)));
        }
        json_object_set_new(o, "switches", switches);
        json_object_set_new(o, "bytes_whole", json_integer((json_int_t)session->before.image_bytes));
        json_object_set_new(o, "bytes_pruned", json_integer((json_int_t)session->after.image_bytes));
        json_object_set_new(o, "output", bd_json_text(run->config.output));
    }
    bd_cli_report(o);
}

/* The images of the closing table. */
static bd_status open_test(struct bd_prune_session *session, struct bd_error *err)
{
    const struct bd_prune_run *run = &session->run;
    const struct bd_image_shape shape = bd_graph_shape(&run->base.graph);
    struct bd_image_source source = session->options.images.source;
    const int64_t most = source.count; /* or as many as there are */
    char *told;
    source.data = run->config.data;
    source.count = 0;
    if (bd_images_open(&session->test, &source, &shape, most, &told, err)) {
        return err->status;
    }
    session->has_test = true;
    free(told);
    return BD_OK;
}

static bd_status finish(struct bd_prune_session *session, struct bd_error *err)
{
    char *partial = bd_prune_partial(&session->run);
    if (!session->options.resume && access(partial, F_OK) == 0) {
        fprintf(stderr,
                "'%s', which a run that was cut short left, is kept as '%s.old': --resume would have gone on with it\n",
                partial, partial);
    }
    free(partial);
    bd_status status = bd_prune_finish(&session->run, session->channels, session->options.resume, watch, session,
                                       &session->pruned, err);
    if (status != BD_OK) {
        return status;
    }
    session->has_pruned = true;
    const struct bd_prune_run *run = &session->run;
    status = session->has_test ? BD_OK : open_test(session, err);
    if (status == BD_OK) {
        status = bd_measure(&run->base, &run->hardware, &session->test, 0, &session->before, err);
    }
    if (status == BD_OK) {
        status = bd_measure(&session->pruned, &run->hardware, &session->test, 0, &session->after, err);
    }
    return status;
}

static void replace(char **target, const char *value)
{
    if (value) {
        free(*target);
        *target = bd_xstrdup(value);
    }
}

/* Before anything is read: what the run would write over. */
static bd_status check_outputs(const struct bd_prune_options *o, const struct bd_prune_config *config,
                               struct bd_error *err)
{
    const char *keep = o->resume || o->force ? NULL : "--resume goes on with it, --force begins anew over it";
    const char *const inputs[] = {o->config, config->checkpoint, config->hardware, NULL};
    char *partial = bd_asprintf("%s.partial", config->output);
    bd_status status = o->picture ? bd_output_check(o->picture, BD_OUTPUT_DRAWING, NULL, inputs, err) : BD_OK;
    if (status == BD_OK && !o->channels) {
        status = bd_output_check(config->journal, BD_OUTPUT_JOURNAL, keep, inputs, err);
    }
    if (status == BD_OK && !o->search_only) {
        status = bd_output_check(config->output, BD_OUTPUT_CHECKPOINT, keep, inputs, err);
    }
    if (status == BD_OK && !o->search_only && access(partial, F_OK) == 0) { /* it is kept as .old, unless resumed */
        char *old = bd_asprintf("%s.old", partial);
        status = bd_output_check(old, BD_OUTPUT_CHECKPOINT, keep, inputs, err);
        free(old);
    }
    free(partial);
    return status;
}

/* Before the first evaluation: whether what the run ends in can be written at all. */
static bd_status try_outputs(const struct bd_prune_options *o, const struct bd_prune_config *config,
                             struct bd_error *err)
{
    const char *const paths[] = {o->channels ? NULL : config->journal, o->search_only ? NULL : config->output,
                                 o->picture};
    bd_status status = BD_OK;
    for (int i = 0; i < 3 && status == BD_OK; i++) {
        status = paths[i] ? bd_output_try(paths[i], err) : BD_OK;
    }
    return status;
}

/* The search, or the channels that were named; then fine-tuning. One run at a time writes the output. */
static bd_status search_and_finish(struct bd_prune_session *session, struct bd_error *err)
{
    const struct bd_prune_options *o = &session->options;
    const struct bd_prune_run *run = &session->run;
    struct bd_output_lock lock = BD_OUTPUT_UNLOCKED;
    bd_status status =
        o->channels ? bd_cli_prune_channels(&run->base.graph, o->channels, session->channels, err) : BD_OK;
    if (status == BD_OK && !o->search_only) {
        status = bd_make_parent(run->config.output, err);
        status = status ? status : bd_output_lock(&lock, run->config.output, err);
        status = status ? status : check_outputs(o, &run->config, err); /* what another run has written by now counts */
    }
    if (status == BD_OK && !o->search_only && o->resume) {
        status = bd_prune_check_output(run, o->channels ? session->channels : NULL, err);
    }
    if (status == BD_OK && !o->channels) {
        status = bd_cli_prune_search(session, err);
    }
    if (status == BD_OK && !o->search_only) {
        status = finish(session, err);
    }
    bd_output_unlock(&lock);
    return status;
}

static void print_skill(const struct bd_prune_run *run)
{
    const struct bd_prune_skill skill = bd_prune_skill(run);
    if (skill.count) {
        printf("forecasts: %zu of %zu evaluations, off by %.2f points (root mean square), %zu within two deviations\n",
               skill.count, run->search.count, skill.error, skill.within);
    }
}

static bd_status run_session(struct bd_prune_session *session, struct bd_error *err)
{
    const struct bd_prune_options *o = &session->options;
    struct bd_prune_config config;
    bd_status status = bd_prune_config_load(&config, o->config, err);
    if (status != BD_OK) {
        return status;
    }
    status = bd_yaml_expect_path(o->config, "hardware", config.hardware, err);
    if (status == BD_OK && !o->checkpoint) {
        status = bd_yaml_expect_path(o->config, "checkpoint", config.checkpoint, err);
    }
    if (status != BD_OK) {
        bd_prune_config_release(&config);
        return status;
    }
    replace(&config.checkpoint, o->checkpoint);
    replace(&config.journal, o->journal);
    replace(&config.output, o->output);
    const struct bd_data_spec *data = &o->images.source.data;
    replace(&config.data.folder, data->folder);
    if (data->folder || data->kind != BD_DATA_ANY) {
        config.data.kind = data->kind;
    }
    config.evaluations = o->evaluations ? o->evaluations : config.evaluations;
    config.jobs = o->jobs;
    if (o->evaluate) {
        return bd_cli_prune_evaluate(o, &config, err);
    }
    status = check_outputs(o, &config, err);
    status = status ? status : try_outputs(o, &config, err);
    if (status != BD_OK) {
        bd_prune_config_release(&config);
        return status;
    }
    status = bd_prune_open(&session->run, &config, err);
    if (status != BD_OK) {
        return status;
    }
    fprintf(stderr, "images: %s\n", session->run.images_told);
    fprintf(stderr, "%s on %s: %" PRIu64 " cycles at %s, budget %.0f\n", session->run.base.graph.name,
            session->run.hardware.name, session->run.base_cycles, session->run.config.budget_switch,
            session->run.search.config.budget);
    if (session->run.told_whole) {
        fprintf(stderr, "a search moves %d groups at most: those of %s stay whole\n", BD_GP_MAX_DIMENSIONS,
                session->run.told_whole);
    }
    if (o->images.source.array && !o->search_only) { /* refused before the search, not after it */
        status = open_test(session, err);
    }
    status = status ? status : search_and_finish(session, err);
    if (status == BD_OK && o->picture) {
        status = bd_cli_draw_prune(&session->run, session->channels, o->picture, err);
    }
    if (status == BD_OK && o->json) {
        print_json(session);
    } else if (status == BD_OK) {
        printf("channels of the prune groups:");
        for (int g = 0; g < session->run.base.graph.prune_group_count; g++) {
            printf(" %d/%d", session->channels[g], bd_graph_group_channels(&session->run.base.graph, g));
        }
        putchar('\n');
        if (session->run.config.front && session->run.search.count) {
            print_front(&session->run);
        }
        print_skill(&session->run);
        if (session->has_pruned) {
            print_table(session);
        }
    }
    if (session->has_pruned) {
        bd_checkpoint_release(&session->pruned);
    }
    if (session->has_test) {
        bd_dataset_release(&session->test);
    }
    bd_prune_close(&session->run);
    return status;
}

int cmd_prune(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
        if (!strcmp(argv[i], "--rankings")) {
            memmove(argv + i, argv + i + 1, (size_t)(argc - i) * sizeof(*argv)); /* the NULL at the end too */
            return bd_cli_prune_rankings(argc - 1, argv);
        }
    }
    struct bd_prune_options o = {.images = BD_IMAGE_DEFAULTS("prune")};
    const struct bd_option table[] = {
        {"rankings", .flag = &o.rankings},
        {"resume", .flag = &o.resume},
        {"force", .flag = &o.force},
        {"evaluations", .integer = &o.evaluations, .min = 1, .max = 100000},
        {"checkpoint", .text = &o.checkpoint},
        {"journal", .text = &o.journal},
        {"output", .text = &o.output},
        {"channels", .text = &o.channels},
        {"search-only", .flag = &o.search_only},
        {"jobs", .integer = &o.jobs, .min = 1, .max = BD_RUNS_JOBS},
        {"slurm", .text = &o.slurm},
        {"time-limit", .real = &o.time_limit, .low = 0.01, .high = 1e7},
        {"memory-limit", .integer = &o.memory_limit, .min = 1, .max = 1 << 30},
        {"svg", .text = &o.picture},
        {"evaluate", .text = &o.evaluate},
        {"orders", .text = &o.orders},
        BD_IMAGE_ROWS(&o.images),
        {"json", .flag = &o.json},
        {0},
    };
    int code = bd_cli_options("prune", usage, table, argc, argv);
    if (code == BD_OK) {
        puts("\nKeys of SEARCH.yaml: name, default, meaning");
        bd_cli_print_fields(bd_prune_fields, 0);
    }
    if (code != BD_OPTIONS_READ) {
        return code;
    }
    if (optind + 1 != argc) {
        return bd_cli_usage("prune", "expected one SEARCH.yaml");
    }
    if (o.resume && o.force) {
        return bd_cli_usage("prune", "'--resume' goes on with what '--force' would replace: give one of them");
    }
    if ((o.slurm || o.time_limit > 0 || o.memory_limit) && o.jobs < 2) {
        return bd_cli_usage("prune", "'%s' is of evaluations side by side: it needs '--jobs' of 2 or more",
                            o.slurm            ? "--slurm"
                            : o.time_limit > 0 ? "--time-limit"
                                               : "--memory-limit");
    }
    if (!o.images.source.array != !o.images.source.labels) {
        return bd_cli_usage(
            "prune", "'--images FILE.npy' and '--labels FILE.npy' go together: the closing table has accuracies");
    }
    if (!o.evaluate != !o.orders) {
        return bd_cli_usage("prune", "'--evaluate' and '--orders' go together");
    }
    struct bd_prune_session *session = bd_xcalloc(1, sizeof(*session));
    struct bd_error err;
    o.config = argv[optind];
    session->options = o;
    bd_status status = run_session(session, &err);
    free(session);
    return status == BD_OK ? BD_OK : bd_cli_fail("prune", &err);
}
