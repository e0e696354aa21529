#include "model/compare/journal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/core/file.h"
#include "model/core/memory.h"

#define PROGRAM_LIMIT ((size_t)1 << 30)

/* The program's own file, as one number; malloc'd. */
static bd_status name_build(char **name, struct bd_error *err)
{
    uint8_t *program;
    size_t size;
    bd_status status = bd_file_read("/proc/self/exe", PROGRAM_LIMIT, &program, &size, err);
    if (!status) {
        *name = bd_asprintf("%08x", bd_crc32(program, size));
        free(program);
    }
    return status;
}

bd_status bd_comparison_open_journal(struct bd_comparison *c, struct bd_journal *journal,
                                     const struct bd_compare_journal *how, struct bd_error *err)
{
    char *path = bd_asprintf("%s/journal.jsonl", c->config.folder), *build = NULL, *images = NULL, *head = NULL;
    bd_status status = BD_OK;
    if (how->go_on) {
        status = bd_make_folder(c->config.folder, err);
        status = status ? status : bd_comparison_images(c, &images, err);
    } else if (access(path, F_OK) != 0) {
        status = bd_fail(err, BD_BAD_INPUT, "there is no journal '%s' to tell a table from", path);
    }
    status = status ? status : name_build(&build, err);
    if (!status) {
        head = bd_comparison_identity(c, build, images);
        status = bd_journal_open(journal, path, how->fresh ? BD_JOURNAL_NEW : BD_JOURNAL_RESUME, err);
    }
    free(build);
    free(images);
    if (!status && journal->count == 0) {
        status = bd_journal_append(journal, head, err);
    } else if (!status) {
        status = bd_comparison_belongs(journal->records[0], head, how->go_on, how->any_build, err);
        if (status) {
            bd_fail_prefix(err, "journal '%s'", path);
        }
    }
    for (size_t i = 1; i < journal->count && !status; i++) {
        status = bd_comparison_take(c, journal->records[i], err);
        if (status) {
            bd_fail_prefix(err, "%s:%zu", path, i + 1);
            bd_fail_at(err, path, (int64_t)i + 1, 0, -1);
        }
    }
    free(path);
    free(head);
    return status;
}
