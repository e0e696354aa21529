/* `bitdial data`: what a data set holds, and whether every byte of it is sound. */
#include <getopt.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/file.h"
#include "model/core/json.h"
#include "model/core/memory.h"
#include "model/data/dataset.h"
#include "sw/cli/cli.h"
#include "sw/cli/options.h"
#include "sw/cli/report.h"

#define NAME "data"
#define FEW_CLASSES 20 /* up to so many are counted one by one in the text */
#define SAMPLE 1000    /* images behind mean and deviation where each must be decoded */
#define AT_ONCE 256

static const char usage[] =
    "Usage: bitdial data [info|check] [--kind KIND] [--folder DIR] [--split NAME] [--json]\n"
    "  info   sizes, images per class, mean and standard deviation of each channel (the default)\n"
    "  check  reads every file to its end and names each one that is bad; exit code 2 when there is one\n\n"
    "  --kind KIND      " BD_DATA_CHOICES " (default: fashion-mnist)\n"
    "  --folder DIR     its files (default: $BITDIAL_DATA, else the folder that a message names when it is missing)\n"
    "  --split NAME     info of train, validation or test alone (default: all three)\n"
    "  --validation N   training images held out (default: 5000; imagenet: 10000)\n"
    "  --size N         side that imagenet's images are cut to (default: 224)\n"
    "  --images N       images that mean and deviation are taken over (default: all; imagenet: the first 1000)\n"
    "  --json           one JSON object on standard output\n"
    "  --help           print this\n";

struct data {
    struct bd_data_spec spec;
    int only; /* enum bd_split, or -1: all */
    int64_t images;
    bool check, json;
    json_t *report, *bad;
};

/* ---- info ---- */

struct moments {
    uint64_t count, sum[3], squares[3];
};

static void add_pixels(struct moments *moments, const uint8_t *pixels, size_t count, uint32_t channels)
{
    for (size_t i = 0; i < count; i++) {
        for (uint32_t c = 0; c < channels; c++) {
            const uint64_t value = pixels[i * channels + c];
            moments->sum[c] += value;
            moments->squares[c] += value * value;
        }
    }
    moments->count += count;
}

static bd_status measure(const struct bd_dataset *set, uint32_t images, struct moments *moments, struct bd_error *err)
{
    const size_t pixels = (size_t)set->height * set->width;
    uint8_t *room = bd_xmalloc(AT_ONCE * pixels * set->channels);
    bd_status status = BD_OK;
    *moments = (struct moments){0};
    for (uint32_t first = 0; first < images && !status; first += AT_ONCE) {
        const uint32_t count = images - first < AT_ONCE ? images - first : AT_ONCE;
        status = bd_dataset_read(set, first, count, room, err);
        if (!status) {
            add_pixels(moments, room, count * pixels, set->channels);
        }
    }
    free(room);
    return status;
}

static void print_split(const struct bd_dataset *set, const char *name, const uint32_t *classes, uint32_t images,
                        const double *mean, const double *deviation)
{
    uint32_t least = UINT32_MAX, most = 0;
    printf("%-10s %u images of %ux%ux%u, %u classes", name, set->count, set->height, set->width, set->channels,
           set->classes);
    if (set->images) {
        printf(", crc32 %08x", bd_crc32(set->images, (size_t)set->count * set->height * set->width * set->channels));
    }
    printf("\n%-10s images a class:", "");
    for (uint32_t c = 0; c < set->classes; c++) {
        least = classes[c] < least ? classes[c] : least;
        most = classes[c] > most ? classes[c] : most;
        if (set->classes <= FEW_CLASSES) {
            printf(" %u", classes[c]);
        }
    }
    if (set->classes > FEW_CLASSES) {
        printf(" %u to %u", least, most);
    }
    printf("\n%-10s mean", "");
    for (uint32_t c = 0; c < set->channels; c++) {
        printf(" %.3f", mean[c]);
    }
    printf(", deviation");
    for (uint32_t c = 0; c < set->channels; c++) {
        printf(" %.3f", deviation[c]);
    }
    printf(" over %u images\n", images);
}

static json_t *split_json(const struct bd_dataset *set, const uint32_t *classes, uint32_t images, const double *mean,
                          const double *deviation)
{
    json_t *per_class = json_array(), *means = json_array(), *deviations = json_array();
    for (uint32_t c = 0; c < set->classes; c++) {
        json_array_append_new(per_class, json_integer(classes[c]));
    }
    for (uint32_t c = 0; c < set->channels; c++) {
        json_array_append_new(means, json_real(mean[c]));
        json_array_append_new(deviations, json_real(deviation[c]));
    }
    json_t *split = json_pack("{s:I, s:I, s:I, s:I, s:I, s:o, s:I, s:o, s:o}", "count", (json_int_t)set->count,
                              "height", (json_int_t)set->height, "width", (json_int_t)set->width, "channels",
                              (json_int_t)set->channels, "classes", (json_int_t)set->classes, "per_class", per_class,
                              "measured_images", (json_int_t)images, "mean", means, "deviation", deviations);
    if (set->images) {
        json_object_set_new(
            split, "crc32",
            json_integer(bd_crc32(set->images, (size_t)set->count * set->height * set->width * set->channels)));
    }
    return split;
}

static bd_status describe(struct data *data, enum bd_split split, struct bd_error *err)
{
    struct bd_dataset set;
    struct moments moments;
    bd_status status = bd_dataset_open(&set, &data->spec, split, err);
    if (status != BD_OK) {
        return status;
    }
    int64_t images = data->images ? data->images : set.files ? SAMPLE : set.count;
    images = images < set.count ? images : set.count;
    status = measure(&set, images, &moments, err);
    if (status == BD_OK) {
        double mean[3], deviation[3];
        uint32_t *classes = bd_xcalloc(set.classes, sizeof *classes);
        for (uint32_t i = 0; i < set.count; i++) {
            classes[set.labels[i]]++;
        }
        for (uint32_t c = 0; c < set.channels; c++) {
            mean[c] = (double)moments.sum[c] / moments.count;
            deviation[c] = sqrt(fmax((double)moments.squares[c] / moments.count - mean[c] * mean[c], 0));
        }
        if (data->json) {
            json_object_set_new(data->report, bd_split_names[split],
                                split_json(&set, classes, images, mean, deviation));
        } else {
            print_split(&set, bd_split_names[split], classes, images, mean, deviation);
        }
        free(classes);
    }
    bd_dataset_release(&set);
    return status;
}

static bd_status info(struct data *data, struct bd_error *err)
{
    bd_status status = BD_OK;
    for (int split = BD_SPLIT_TRAIN; split <= BD_SPLIT_TEST && status == BD_OK; split++) {
        const bool wanted =
            data->only >= 0 ? data->only == split : split != BD_SPLIT_VALIDATION || data->spec.validation != 0;
        if (wanted) {
            status = describe(data, split, err);
        }
    }
    return status;
}

/* ---- check ---- */

static void note_bad(void *context, const char *message)
{
    struct data *data = context;
    json_array_append_new(data->bad, bd_json_text(message));
    fprintf(stderr, "bitdial data: %s\n", message);
}

static bd_status check(struct data *data, struct bd_error *err)
{
    uint64_t checked;
    bd_status status = bd_dataset_check(&data->spec, note_bad, data, &checked, err);
    if (status != BD_OK) {
        return status;
    }
    const size_t bad = json_array_size(data->bad);
    json_object_set_new(data->report, "checked_images", json_integer(checked));
    json_object_set(data->report, "bad", data->bad);
    if (bad) {
        return bd_fail(err, BD_BAD_INPUT, bad == 1 ? "%zu file is bad" : "%zu files are bad", bad);
    }
    if (!data->json) {
        printf("%s: %lu images, all sound\n", bd_data_about(data->spec.kind)->title, (unsigned long)checked);
    }
    return BD_OK;
}

/* ---- options ---- */

static int parse_options(struct data *data, int argc, char **argv)
{
    const struct bd_option table[] = {
        {"kind", .choice = &data->spec.kind, .choices = BD_DATA_CHOICES},
        {"folder", .text = (const char **)&data->spec.folder},
        {"split", .choice = &data->only, .choices = "train|validation|test"},
        {"json", .flag = &data->json},
        {"validation", .integer = &data->spec.validation, .min = 0, .max = 1 << 30},
        {"size", .integer = &data->spec.size, .min = 1, .max = 1024},
        {"images", .integer = &data->images, .min = 1, .max = 1 << 30},
        {0},
    };
    int code = bd_cli_options(NAME, usage, table, argc, argv);
    if (code != BD_OPTIONS_READ) {
        return code;
    }
    const char *what = optind < argc ? argv[optind] : "info";
    data->check = !strcmp(what, "check");
    if (!data->check && strcmp(what, "info")) {
        return bd_cli_usage(NAME, "expected 'info' or 'check', got '%s'", what);
    }
    return optind + 1 < argc ? bd_cli_usage(NAME, "unexpected argument '%s'", argv[optind + 1]) : BD_OPTIONS_READ;
}

int cmd_data(int argc, char **argv)
{
    struct data data = {.spec = {.validation = -1}, .only = -1};
    int parsed = parse_options(&data, argc, argv);
    if (parsed != BD_OPTIONS_READ) {
        return parsed;
    }
    struct bd_error err;
    data.report = json_pack("{s:s}", "kind", bd_data_about(data.spec.kind)->name);
    data.bad = json_array();
    bd_status status = data.check ? check(&data, &err) : info(&data, &err);
    if (data.json && (status == BD_OK || json_array_size(data.bad))) {
        bd_cli_report(json_incref(data.report));
    }
    json_decref(data.bad);
    json_decref(data.report);
    return status == BD_OK ? BD_OK : bd_cli_fail(NAME, &err);
}
