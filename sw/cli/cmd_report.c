/* `bitdial report DIR`: what a run of a suite, or a sweep, came to, as one page. */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/core/json.h"
#include "model/core/memory.h"
#include "model/core/output.h"
#include "sw/cli/cli.h"
#include "sw/cli/options.h"
#include "sw/cli/report.h"
#include "sw/page/page.h"
#include "sw/regress/results.h"
#include "sw/sweep/sweep.h"

#define NAME "report"

static const char usage[] = "Usage: bitdial report DIR [-o PAGE.html]\n"
                            "Makes one HTML page of a run of `bitdial regress`, also while that goes on: failures "
                            "first, with cause and the line\n"
                            "that repeats each, tests and results, times, and the trend over the runs of the folder. "
                            "Of `bitdial sweep`: the\n"
                            "front, all designs as parallel coordinates and as a table that sorts and filters, layers "
                            "of a chosen design.\n"
                            "The page needs nothing but itself.\n\n"
                            "  -o, --out FILE       the page (default: DIR/report.html)\n"
                            "  --json               one JSON object on stdout\n"
                            "  --help               print this\n";

static bd_status make(const char *dir, const char *path, bool json, struct bd_error *err)
{
    json_t *document;
    bd_status status = bd_sweep_read(dir, &document, err);
    const bool swept = document;
    status = status || swept ? status : bd_results_read(dir, &document, err);
    if (status) {
        return status;
    }
    status = bd_output_check(path, BD_OUTPUT_TEXT, NULL, NULL, err);
    status = status ? status : bd_page_save(path, swept ? bd_sweep_html : bd_results_html, document, err);
    status = status || swept ? status : bd_results_write(dir, document, err);
    if (!status && json) {
        bd_cli_report(
            json_pack("{s:o, s:O}", "page", bd_json_text(path), "counts", json_object_get(document, "counts")));
    } else if (!status) {
        printf("%s\n", path);
    }
    json_decref(document);
    return status;
}

int cmd_report(int argc, char **argv)
{
    const char *out = NULL;
    bool json = false;
    struct bd_error err;
    const struct bd_option table[] = {
        {"out", .text = &out, .letter = 'o'},
        {"json", .flag = &json},
        {0},
    };
    int code = bd_cli_options(NAME, usage, table, argc, argv);
    if (code != BD_OPTIONS_READ) {
        return code;
    }
    if (optind + 1 != argc) {
        return bd_cli_usage(NAME, "expected the folder of one run (DIR)");
    }
    char *path = out ? bd_xstrdup(out) : bd_asprintf("%s/report.html", argv[optind]);
    bd_status status = make(argv[optind], path, json, &err);
    free(path);
    return status == BD_OK ? BD_OK : bd_cli_fail(NAME, &err);
}
