/* Where a command's images come from: a data set, whose kind may be found out, a .npy file, or seeded noise. */
#ifndef BD_DATA_SOURCE_H
#define BD_DATA_SOURCE_H

#include <stdbool.h>

#include "model/data/dataset.h"
#include "model/graph/graph.h"

#define BD_DATA_ANY (-1) /* a bd_data_spec's kind: to be found out */

/* What the network takes. */
struct bd_image_shape {
    const char *network; /* its name, for messages */
    uint32_t height, width, channels, classes;
    unsigned bits; /* of a pixel: noise is 0 .. 2^bits - 1 */
};

struct bd_image_shape bd_graph_shape(const struct bd_graph *graph);

struct bd_image_source {
    struct bd_data_spec data;
    enum bd_split split;
    const char *array;  /* .npy of images in place of a data set, or NULL */
    const char *labels; /* .npy of their labels, or NULL: they have none */
    bool noise;         /* image i of seed s is the same whatever images are asked for */
    uint64_t seed;
    int64_t first, count; /* images; count 0: all from the first on */
};

/* Finds out the kind where it is BD_DATA_ANY: by the files in the folder that is named (or $BITDIAL_DATA), else by the
 * shape of the network's images. Where images are cut to size (imagenet) and the spec says none, it is the network's.
 * *told (malloc'd) says in words what was taken and why, for a line on stderr. */
bd_status bd_data_resolve(struct bd_data_spec *spec, const struct bd_image_shape *shape, char **told,
                          struct bd_error *err) BD_WARN_UNUSED;

/* The images `first` .. `first + count - 1` in memory, as images 0 .. count - 1 of `set`, in the network's shape; their
 * labels are NULL where nothing tells them. With a `limit` (not 0) a count of 0 means at most so many. The caller
 * releases the set; *told as above. */
bd_status bd_images_open(struct bd_dataset *set, struct bd_image_source *source, const struct bd_image_shape *shape,
                         int64_t limit, char **told, struct bd_error *err) BD_WARN_UNUSED;

#endif
