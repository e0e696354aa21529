#include "sw/session/tree.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "model/core/file.h"
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

/* All files of patterns below `root`, in their order. */
static void find_files(const char *root, const char *const *patterns, size_t count, glob_t *found)
{
    memset(found, 0, sizeof *found);
    for (size_t p = 0; p < count; p++) {
        char *pattern = bd_asprintf("%s%s%s", root, *root ? "/" : "", patterns[p]);
        if (glob(pattern, p ? GLOB_APPEND : 0, NULL, found) != 0 && p == 0) {
            found->gl_pathc = 0;
        }
        free(pattern);
    }
}

void bd_tree_rtl(const char *root, glob_t *found)
{
    static const char *const patterns[] = {"hw/*.sv", "hw/*.svh", "hw/*/*.sv"};
    find_files(root, patterns, sizeof patterns / sizeof *patterns, found);
}

bd_status bd_tree_rtl_hash(const char *root, uint32_t *hash, struct bd_error *err)
{
    enum { SOURCE_MOST = 4 << 20 };
    static const char *const patterns[] = {"hw/*.sv",          "hw/control/*.sv", "hw/memory/*.sv",
                                           "hw/datapath/*.sv", "hw/*.svh",        "hw/build.sh"};
    glob_t files;
    bd_status status = BD_OK;
    uLong crc = crc32(0, NULL, 0);
    find_files(root, patterns, sizeof patterns / sizeof *patterns, &files);
    for (size_t f = 0; f < files.gl_pathc && !status; f++) {
        uint8_t *data;
        size_t size;
        status = bd_file_read(files.gl_pathv[f], SOURCE_MOST, &data, &size, err);
        if (!status) {
            crc = crc32(crc, data, (uInt)size);
            free(data);
        }
    }
    globfree(&files);
    *hash = (uint32_t)crc;
    return status;
}
