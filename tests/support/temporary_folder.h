/* A folder of a test's own: TestSuite(name, .init = make_folder, .fini = remove_folder). */
#ifndef TESTS_TEMPORARY_FOLDER_H
#define TESTS_TEMPORARY_FOLDER_H

#include <criterion/criterion.h>
#include <stdlib.h>

#include "model/core/memory.h"

static char folder[] = "/tmp/bitdial-test-XXXXXX";

static void make_folder(void)
{
    cr_assert_not_null(mkdtemp(folder));
}

static void remove_folder(void)
{
    char *command = bd_asprintf("rm -rf '%s'", folder);
    cr_assert_eq(system(command), 0);
    free(command);
}

#endif
