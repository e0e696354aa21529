#include "sw/session/platform_build.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/core/process.h"
#include "sw/session/tree.h"

enum { BUILD_SECONDS = 3600, NOTICE_SECONDS = 5 };

/* Says what is waited for after 5 s, and again each time that the wait has doubled. */
struct notices {
    const struct bd_session_options *options;
    const char *script;
    double next;
};

static void waiting(void *context, long pid, double seconds)
{
    struct notices *n = context;
    char text[256];
    if (seconds >= n->next && n->options->notice) {
        snprintf(text, sizeof text, "waiting for %s (pid %ld), which builds for '%.100s': %.0f s", n->script, pid,
                 n->options->hardware_path, seconds);
        n->options->notice(n->options->context, text);
        n->next = 2 * seconds;
    }
}

static bd_status run_builder(const struct bd_session_options *options, const char *script, const char *const *argv,
                             char **line, struct bd_error *err)
{
    struct notices notices = {options, script, NOTICE_SECONDS};
    int code;
    const struct bd_process process = {.argv = argv,
                                       .seconds = BUILD_SECONDS,
                                       .most = PATH_MAX,
                                       .outlives = true, /* the next caller finds what it has built */
                                       .foreground = true,
                                       .waiting = waiting,
                                       .context = &notices};
    bd_status status = bd_process_run(&process, line, &code, err);
    if (status) {
        return status;
    }
    (*line)[strcspn(*line, "\n")] = '\0';
    if (code == BD_PROCESS_TIMED_OUT) {
        status = bd_fail(err, BD_INFRA, "%s did not end within %d minutes: it was ended", script, BUILD_SECONDS / 60);
    } else if (!**line || code != 0) {
        status =
            bd_fail(err, BD_INFRA, "%s did not build for '%s' (exit code %d)", script, options->hardware_path, code);
    }
    if (status) {
        free(*line);
        *line = NULL;
    }
    return status;
}

bd_status bd_tree_build(const struct bd_session_options *options, const char *script, const char *const *arguments,
                        char **path, struct bd_error *err)
{
    char root[PATH_MAX], hardware[PATH_MAX];
    bd_status status = bd_tree_find(root, err);
    if (status != BD_OK) {
        return status;
    }
    if (!realpath(options->hardware_path, hardware)) {
        return bd_fail(err, BD_BAD_INPUT, "cannot open '%s': %s", options->hardware_path, strerror(errno));
    }
    char *file = bd_asprintf("%s/%s", root, script);
    const char *argv[12] = {"/bin/sh", file};
    int n = 2;
    for (; *arguments; arguments++) {
        argv[n++] = *arguments;
    }
    argv[n] = hardware;
    status = run_builder(options, script, argv, path, err);
    free(file);
    return status;
}

bd_status bd_platform_build(const struct bd_session_options *options, char **path, struct bd_error *err)
{
    const char *const arguments[] = {"--target", options->device,
                                     options->trace || options->rtl_fault ? "--debug" : NULL, NULL};
    return bd_tree_build(options, "sim/build.sh", arguments, path, err);
}
