/* Programs run for what they print: against what a shell is known to do. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/process.h"
#include "tests/support/temporary_folder.h"

TestSuite(core_process, .init = make_folder, .fini = remove_folder);

static void run(struct bd_process process, const char *script, const char *expected, int expected_code)
{
    struct bd_error err;
    char *output;
    int code = 99;
    process.argv = (const char *const[]){"sh", "-c", script, NULL};
    process.seconds = process.seconds > 0 ? process.seconds : 20;
    cr_assert_eq(bd_process_run(&process, &output, &code, &err), BD_OK, "%s", err.message);
    cr_assert_str_eq(output, expected, "%s", script);
    cr_assert_eq(code, expected_code, "%s: %d", script, code);
    free(output);
}

Test(core_process, output_code_and_errors)
{
    run((struct bd_process){0}, "printf out; exit 7", "out", 7);
    run((struct bd_process){0}, "kill -9 $$", "", BD_PROCESS_SIGNALLED);
    run((struct bd_process){0}, "cat; printf end", "end", 0); /* its stdin is empty */
    run((struct bd_process){.most = 3}, "printf abcdef; exit 1", "abc", 1);
    run((struct bd_process){.errors = BD_PROCESS_JOIN}, "printf a; printf b >&2", "ab", 0);
    run((struct bd_process){.input = "LICENSE"}, "head -c 6 | wc -c | tr -d ' \\n'", "6", 0);
    run((struct bd_process){0}, "head -c 200000 /dev/zero | tr '\\0' x | wc -c | tr -d ' \\n'", "200000", 0);
}

Test(core_process, errors_are_added_to_a_log)
{
    char log[256], line[64] = "";
    snprintf(log, sizeof log, "%s/log", folder);
    for (int i = 0; i < 2; i++) {
        run((struct bd_process){.errors = BD_PROCESS_LOG, .log = log}, "printf said >&2; printf out", "out", 0);
    }
    FILE *file = fopen(log, "r");
    cr_assert(file && fgets(line, sizeof line, file));
    fclose(file);
    cr_assert_str_eq(line, "saidsaid");
}

/* Its time over, it and what it started are gone: the pipe that both hold is closed, and the call returns. */
Test(core_process, over_its_time_it_is_killed_with_its_children)
{
    struct bd_process limited = {.seconds = 0.3};
    run(limited, "sleep 60 & echo begun; wait", "begun\n", BD_PROCESS_TIMED_OUT);
    run(limited, "exec >&-; sleep 60", "", BD_PROCESS_TIMED_OUT); /* says no more, and stays */
    limited.foreground = true;
    run(limited, "exec sleep 60", "", BD_PROCESS_TIMED_OUT);
}

static void count(void *context, long pid, double seconds)
{
    int *calls = context;
    *calls += pid > 0 && seconds > 0;
}

Test(core_process, the_caller_hears_of_long_waits)
{
    int calls = 0;
    run((struct bd_process){.waiting = count, .context = &calls}, "sleep 1.2", "", 0);
    cr_assert(calls >= 1, "%d calls", calls);
}

Test(core_process, what_cannot_be_started_is_told)
{
    static const struct {
        const char *program, *input, *log, *words;
    } cases[] = {
        {"no-such-program", NULL, NULL, "cannot start 'no-such-program': No such file or directory"},
        {"/etc", NULL, NULL, "cannot start '/etc': Permission denied"},
        {"true", "/no/input", NULL, "cannot open '/no/input' for 'true'"},
        {"true", NULL, "/no/log", "cannot write '/no/log', the log of 'true'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bd_error err;
        char *output = (char *)"";
        int code;
        const struct bd_process process = {.argv = (const char *const[]){cases[i].program, NULL},
                                           .seconds = 20,
                                           .input = cases[i].input,
                                           .errors = cases[i].log ? BD_PROCESS_LOG : BD_PROCESS_INHERIT,
                                           .log = cases[i].log};
        cr_assert_eq(bd_process_run(&process, &output, &code, &err), BD_INFRA);
        cr_assert(strstr(err.message, cases[i].words), "%s", err.message);
        cr_assert_null(output);
    }
}
