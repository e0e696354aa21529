/* `bitdial device selftest`: a line a step, and what to do about the one that failed. */
#include <stdio.h>

#include "model/core/json.h"
#include "sw/bringup/selftest.h"
#include "sw/cli/cli.h"
#include "sw/cli/cmd_device.h"

static const char *const verdicts[] = {"not run", "ok", "FAILED"};

static void tell(void *context, enum bd_selftest_step step, const struct bd_selftest_result *result)
{
    const struct look *look = context;
    const struct bd_selftest_text *text = &bd_selftest_texts[step];
    if (look->json) {
        return;
    }
    printf("%2d %-10s %-7s %6.2f s  %s\n", step + 1, text->word, verdicts[result->verdict], result->seconds,
           result->detail);
    if (result->verdict == BD_SELFTEST_FAILED) {
        printf("   should be    %s\n   likely       %s\n   try next     %s\n", text->title,
               bd_selftest_advice(step, result)->causes, bd_selftest_advice(step, result)->next);
    }
    fflush(stdout);
}

bd_status bd_device_selftest(struct look *look)
{
    struct bd_selftest_report report;
    if (!look->json) {
        printf("bitdial %s device selftest --device %s%s%s\n", BD_VERSION, look->options.device,
               look->options.hardware_path ? " --hardware " : "",
               look->options.hardware_path ? look->options.hardware_path : "");
    }
    bd_status status = bd_selftest(&look->options, &report, tell, look, look->err);
    json_t *steps = json_array();
    int passed = 0;
    for (int i = 0; i < BD_SELFTEST_COUNT; i++) {
        const struct bd_selftest_result *r = &report.steps[i];
        const struct bd_selftest_text *advice = bd_selftest_advice((enum bd_selftest_step)i, r);
        passed += r->verdict == BD_SELFTEST_PASSED;
        json_array_append_new(steps, json_pack("{s:i, s:s, s:s, s:f, s:o, s:s, s:s}", "step", i + 1, "name",
                                               bd_selftest_texts[i].word, "verdict", verdicts[r->verdict], "seconds",
                                               r->seconds, "detail", bd_json_text(r->detail), "causes", advice->causes,
                                               "next", advice->next));
    }
    json_object_update_new(
        look->report, json_pack("{s:s, s:o, s:b}", "target", report.target, "steps", steps, "pass", status == BD_OK));
    if (!look->json) {
        printf("%d of %d steps passed\n", passed, BD_SELFTEST_COUNT);
    }
    return status;
}
