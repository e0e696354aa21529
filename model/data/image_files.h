/* Lists of image files with their classes, as the folder layouts give them, and one image of such a list. */
#ifndef BD_DATA_IMAGE_FILES_H
#define BD_DATA_IMAGE_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/core/error.h"
#include "model/core/rng.h"
#include "model/data/image.h"

/* Names are kept in one block: a million files cost their text and eight bytes each. */
struct bd_image_files {
    char *root;    /* the folder that the names start from */
    char *text;    /* names, each ended by a zero byte */
    size_t *names; /* (count): where a name begins in `text` */
    uint32_t count;
    bool exact; /* images must have the size asked for; else they are cut to it */
    size_t text_used, text_room, name_room;
};

/* Every image of a part of a data set, before it is split. */
struct bd_listing {
    struct bd_image_files files;
    uint16_t *labels; /* (files.count) */
    size_t label_room;
    uint32_t classes;
};

void bd_listing_add(struct bd_listing *listing, uint16_t label, const char *name);
void bd_listing_release(struct bd_listing *listing);

/* Tiny ImageNet (test: its val folder) or ImageNet's layout, ordered by class, then by name, but where a file of
 * annotations gives the order. A class is a number in the sorted list of class names. */
bd_status bd_listing_tiny(struct bd_listing *listing, const char *folder, bool test, struct bd_error *err)
    BD_WARN_UNUSED;
bd_status bd_listing_imagenet(struct bd_listing *listing, const char *folder, bool test, struct bd_error *err)
    BD_WARN_UNUSED;

/* The caller frees. */
char *bd_image_files_path(const struct bd_image_files *files, uint32_t index);
void bd_image_files_release(struct bd_image_files *files);

/* Image `index` as (side, side, 3): in the form for evaluation, or a random part of it for training. */
bd_status bd_image_files_read(const struct bd_image_files *files, uint32_t index, uint32_t side, uint8_t *out,
                              struct bd_error *err) BD_WARN_UNUSED;
bd_status bd_image_files_random(const struct bd_image_files *files, uint32_t index, uint32_t side, bool flip,
                                struct bd_rng *rng, uint8_t *out, struct bd_error *err) BD_WARN_UNUSED;

/* Refuses an image that is not side x side. */
bd_status bd_image_files_check_size(const struct bd_image_files *files, uint32_t index, uint32_t side,
                                    const struct bd_image *image, struct bd_error *err) BD_WARN_UNUSED;

#endif
