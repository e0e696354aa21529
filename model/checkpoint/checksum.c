/* One number for what a checkpoint holds. */
#include <stdlib.h>
#include <string.h>

#include "model/checkpoint/checkpoint.h"
#include "model/core/file.h"
#include "model/core/memory.h"

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const struct bd_array *const *)a)->name, (*(const struct bd_array *const *)b)->name);
}

uint32_t bd_checkpoint_checksum(const struct bd_checkpoint *checkpoint)
{
    static const char state[] = "train/";
    const struct bd_array **sorted = bd_xcalloc(checkpoint->array_count + 1, sizeof *sorted);
    const char *network = checkpoint->graph.yaml_text ? checkpoint->graph.yaml_text : "";
    for (size_t i = 0; i < checkpoint->array_count; i++) {
        sorted[i] = &checkpoint->arrays[i];
    }
    qsort(sorted, checkpoint->array_count, sizeof *sorted, by_name);
    uint32_t crc = bd_crc32(network, strlen(network));
    for (size_t i = 0; i < checkpoint->array_count; i++) {
        const struct bd_array *array = sorted[i];
        if (strncmp(array->name, state, strlen(state))) {
            const uint32_t parts[] = {crc, bd_crc32(array->name, strlen(array->name)),
                                      bd_crc32(array->data, array->count * sizeof *array->data)};
            crc = bd_crc32(parts, sizeof parts);
        }
    }
    free(sorted);
    return crc;
}
