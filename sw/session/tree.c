#include "sw/session/tree.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/core/memory.h"

bd_status bd_tree_find(char root[PATH_MAX], struct bd_error *err)
{
    ssize_t length = readlink("/proc/self/exe", root, PATH_MAX - 1);
    if (length < 0) {
        return bd_fail(err, BD_INFRA, "cannot find this program's own file: %s", strerror(errno));
    }
    root[length] = '\0';
    for (char *slash; (slash = strrchr(root, '/'));) {
        *slash = '\0';
        char *script = bd_asprintf("%s/sim/build.sh", root);
        bool found = access(script, R_OK) == 0;
        free(script);
        if (found) {
            return BD_OK;
        }
    }
    return bd_fail(err, BD_INFRA, "no folder above this program holds sim/build.sh, which builds the platform");
}

bd_status bd_tree_root(char root[PATH_MAX], struct bd_error *err)
{
    char here[PATH_MAX];
    if (bd_tree_find(root, err)) {
        return err->status;
    }
    if (getcwd(here, sizeof here) && strcmp(here, root) == 0) {
        root[0] = '\0';
    }
    return BD_OK;
}

void bd_tree_rtl(const char *root, glob_t *found)
{
    static const char *const patterns[] = {"hw/*.sv", "hw/*.svh", "hw/*/*.sv"};
    memset(found, 0, sizeof *found);
    for (size_t p = 0; p < sizeof patterns / sizeof *patterns; p++) {
        char *pattern = bd_asprintf("%s%s%s", root, *root ? "/" : "", patterns[p]);
        if (glob(pattern, p ? GLOB_APPEND : 0, NULL, found) != 0 && p == 0) {
            found->gl_pathc = 0;
        }
        free(pattern);
    }
}
