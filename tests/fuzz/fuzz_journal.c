/* The search's journal, as it is or (first byte odd) with the checksum of each line made right; its records are
 * replayed in a search, which then proposes a point; and in a study, where it is the journal of one. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/search/journal.h"
#include "model/search/search.h"
#include "model/search/study.h"
#include "tests/fuzz/fuzz.h"

static const double values[] = {1, 2, 3, 5, 8};

/* Only for points of the grid: what it is called with, it may index with. */
static double cost(void *context, const double *point)
{
    double sum = 0;
    (void)context;
    for (int i = 0; i < 3; i++) {
        int known = 0;
        for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
            known |= point[i] == values[k];
        }
        fuzz_demand(known, "the cost of a point outside of the grid was asked");
        sum += point[i];
    }
    return sum;
}

static void replay(const struct bd_journal *journal)
{
    struct bd_search search;
    struct bd_error err = {0};
    struct bd_search_axis axes[3];
    double point[3], value = 0.5;
    const struct bd_search_config config = {
        .method = BD_SEARCH_BAYES, .seed = 1, .initial = 2, .budget = 20, .floor = 3, .cost = cost};
    for (int i = 0; i < 3; i++) {
        axes[i] = (struct bd_search_axis){.count = sizeof values / sizeof *values, .values = values};
    }
    fuzz_demand(bd_search_init(&search, 3, axes, &config, &err) == BD_OK, "no search");
    int fine = 1;
    for (size_t i = 0; i < journal->count && i < 6 && fine; i++) {
        fine = fuzz_accepted(bd_search_replay(&search, journal->records[i], &err), &err);
    }
    if (fine && fuzz_accepted(bd_search_ask(&search, point, &err), &err)) {
        cost(NULL, point);
        fuzz_demand(bd_search_tell(&search, point, &value, &err) == BD_OK, "a point that was asked for is refused");
        free(bd_search_record(&search));
    }
    bd_search_release(&search);
}

static void replay_study(const char *path)
{
    struct bd_study study;
    struct bd_error err = {0};
    size_t id;
    if (!fuzz_accepted(bd_study_open(&study, NULL, path, &err), &err)) {
        return;
    }
    if (study.search.count < 20 && study.space.d < 5) { /* larger ones take long to fit */
        const bd_status status = bd_study_ask(&study, &id, &err);
        fuzz_demand(status == BD_OK || status == BD_FAIL || fuzz_accepted(status, &err) == 0, "a study does not go on");
    }
    bd_study_close(&study);
}

/* Lines become records with their checksums. */
static char *sealed(const char *text, size_t size, size_t *length)
{
    size_t room = 64, used = 0;
    char *out = bd_xmalloc(room);
    while (size) {
        const char *end = memchr(text, '\n', size);
        const size_t record = end ? (size_t)(end - text) : size;
        out = bd_xrealloc(out, room += record + 64, 1);
        used += (size_t)sprintf(out + used, "{\"crc\":\"%08x\",\"record\":", (unsigned)bd_crc32(text, record));
        memcpy(out + used, text, record);
        used += record;
        out[used++] = '}';
        out[used++] = '\n';
        text += record + (end != NULL);
        size -= record + (end != NULL);
    }
    *length = used;
    return out;
}

void fuzz_journal(const uint8_t *data, size_t size)
{
    struct bd_journal journal;
    struct bd_error err = {0};
    if (size == 0) {
        return;
    }
    size_t length = size - 1;
    const char *text = (const char *)data + 1;
    char *mended = data[0] % 2 ? sealed(text, size - 1, &length) : NULL;
    const char *path = fuzz_file(mended ? mended : text, length);
    if (fuzz_accepted(bd_journal_open(&journal, path, BD_JOURNAL_RESUME, &err), &err)) {
        replay(&journal);
        bd_journal_close(&journal);
        replay_study(path);
    }
    free(mended);
}
