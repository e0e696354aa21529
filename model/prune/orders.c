/* Rankings in a file, so that the workers of a search need not rank. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/prune/ranking.h"

#define FILE_LIMIT ((size_t)64 << 20)

bd_status bd_orders_write(const struct bd_graph *graph, int *const *orders, const char *path, struct bd_error *err)
{
    json_t *groups = json_array();
    for (int g = 0; g < graph->prune_group_count; g++) {
        json_t *order = json_array();
        for (int i = 0; i < bd_graph_group_channels(graph, g); i++) {
            json_array_append_new(order, json_integer(orders[g][i]));
        }
        json_array_append_new(groups, order);
    }
    char *text = json_dumps(groups, JSON_COMPACT);
    bd_status status = bd_file_write(path, text, strlen(text), err);
    free(text);
    json_decref(groups);
    return status;
}

/* Whether the list is a permutation of 0 .. count - 1. */
static bool read_order(const json_t *list, int count, int *order)
{
    bool fine = json_array_size(list) == (size_t)count;
    char *seen = bd_xcalloc((size_t)count, 1);
    for (int i = 0; i < count && fine; i++) {
        const json_t *item = json_array_get(list, (size_t)i);
        const json_int_t channel = json_is_integer(item) ? json_integer_value(item) : -1;
        fine = channel >= 0 && channel < count && !seen[channel];
        if (fine) {
            order[i] = (int)channel;
            seen[channel] = 1;
        }
    }
    free(seen);
    return fine;
}

bd_status bd_orders_read(const struct bd_graph *graph, const char *path, int ***orders, struct bd_error *err)
{
    uint8_t *text;
    size_t size;
    *orders = NULL;
    if (bd_file_read(path, FILE_LIMIT, &text, &size, err)) {
        return err->status;
    }
    json_t *groups = json_loadb((char *)text, size, 0, NULL);
    int **read = bd_orders_new(graph);
    bool fine = json_array_size(groups) == (size_t)graph->prune_group_count;
    for (int g = 0; g < graph->prune_group_count && fine; g++) {
        fine = read_order(json_array_get(groups, (size_t)g), bd_graph_group_channels(graph, g), read[g]);
    }
    free(text);
    json_decref(groups);
    if (!fine) {
        bd_orders_free(graph, read);
        return bd_fail(err, BD_BAD_INPUT, "'%s' holds no orders of the channels of '%s'", path, graph->name);
    }
    *orders = read;
    return BD_OK;
}
