/* `bitdial data`: loads every split with all checks, and prints what is there. */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "model/core/file.h"
#include "model/data/dataset.h"
#include "sw/cli/cli.h"

static const char usage[] =
    "Usage: bitdial data [--folder DIR] [--split NAME] [--json]\n"
    "Loads the train, validation and test splits of Fashion-MNIST with every check, and prints their sizes.\n\n"
    "  --folder DIR  the folder of the four .gz files (default: $BITDIAL_DATA, else " BD_FASHION_MNIST_FOLDER ")\n"
    "  --split NAME  train, validation or test alone (default: all three)\n"
    "  --json        one JSON object on standard output\n"
    "  --help        print this\n";

/* Adds a split to `report`: its count, images per class and a checksum of its bytes. */
static bd_status describe(json_t *report, const char *folder, enum bd_split split, const char *name, bool json,
                          struct bd_error *err)
{
    struct bd_dataset set;
    bd_status status = bd_dataset_load(&set, folder, split, err);
    if (status != BD_OK) {
        return status;
    }
    uint32_t classes[256] = {0};
    for (uint32_t i = 0; i < set.count; i++) {
        classes[set.labels[i]]++;
    }
    uint32_t crc = bd_crc32(set.images, (size_t)set.count * set.height * set.width * set.channels);
    json_t *per_class = json_array();
    for (uint32_t c = 0; c < set.classes; c++) {
        json_array_append_new(per_class, json_integer(classes[c]));
    }
    json_object_set_new(report, name,
                        json_pack("{s:i, s:i, s:i, s:i, s:I, s:o}", "count", set.count, "height", set.height, "width",
                                  set.width, "channels", set.channels, "crc32", (json_int_t)crc, "per_class",
                                  per_class));
    if (!json) {
        printf("%-10s %u images of %ux%ux%u, %u classes, crc32 %08x\n", name, set.count, set.height, set.width,
               set.channels, set.classes, crc);
    }
    bd_dataset_release(&set);
    return BD_OK;
}

int cmd_data(int argc, char **argv)
{
    static const struct option options[] = {
        {"folder", required_argument, NULL, 'f'},
        {"split", required_argument, NULL, 's'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    static const char *const names[] = {"train", "validation", "test"};
    const char *folder = NULL, *only = NULL;
    bool json = false;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 'f':
            folder = optarg;
            break;
        case 's':
            only = optarg;
            break;
        case 'j':
            json = true;
            break;
        case 'h':
            fputs(usage, stdout);
            return BD_OK;
        default:
            return BD_BAD_INPUT;
        }
    }
    if (optind != argc) {
        return bd_cli_usage("data", "unexpected argument '%s'", argv[optind]);
    }
    if (only && strcmp(only, names[0]) != 0 && strcmp(only, names[1]) != 0 && strcmp(only, names[2]) != 0) {
        return bd_cli_usage("data", "'--split' must be train, validation or test, got '%s'", only);
    }
    json_t *report = json_object();
    struct bd_error err;
    bd_status status = BD_OK;
    for (int split = BD_SPLIT_TRAIN; split <= BD_SPLIT_TEST && status == BD_OK; split++) {
        if (!only || strcmp(only, names[split]) == 0) {
            status = describe(report, folder, split, names[split], json, &err);
        }
    }
    if (status == BD_OK && json) {
        json_dumpf(report, stdout, JSON_COMPACT);
        putchar('\n');
    }
    json_decref(report);
    return status == BD_OK ? BD_OK : bd_cli_fail("data", &err);
}
