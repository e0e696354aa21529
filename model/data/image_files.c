#include "model/data/image_files.h"

#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/data/image.h"

void bd_listing_add(struct bd_listing *listing, uint16_t label, const char *name)
{
    struct bd_image_files *files = &listing->files;
    const size_t size = strlen(name) + 1;
    if (files->text_used + size > files->text_room) {
        files->text_room = 2 * files->text_room + size + 4096;
        files->text = bd_xrealloc(files->text, files->text_room, 1);
    }
    if (files->count == files->name_room) {
        files->name_room = 2 * files->name_room + 256;
        files->names = bd_xrealloc(files->names, files->name_room, sizeof *files->names);
        listing->labels = bd_xrealloc(listing->labels, files->name_room, sizeof *listing->labels);
    }
    memcpy(files->text + files->text_used, name, size);
    listing->labels[files->count] = label;
    files->names[files->count++] = files->text_used;
    files->text_used += size;
}

void bd_listing_release(struct bd_listing *listing)
{
    bd_image_files_release(&listing->files);
    free(listing->labels);
    *listing = (struct bd_listing){0};
}

char *bd_image_files_path(const struct bd_image_files *files, uint32_t index)
{
    return bd_asprintf("%s/%s", files->root, files->text + files->names[index]);
}

void bd_image_files_release(struct bd_image_files *files)
{
    free(files->root);
    free(files->text);
    free(files->names);
    *files = (struct bd_image_files){0};
}

static bd_status load(const struct bd_image_files *files, uint32_t index, struct bd_image *image, struct bd_error *err)
{
    char *path = bd_image_files_path(files, index);
    bd_status status = bd_image_load(image, path, err);
    free(path);
    return status;
}

bd_status bd_image_files_check_size(const struct bd_image_files *files, uint32_t index, uint32_t side,
                                    const struct bd_image *image, struct bd_error *err)
{
    if (image->height == side && image->width == side) {
        return BD_OK;
    }
    char *path = bd_image_files_path(files, index);
    bd_fail_byte(err, path, 0, "the image must be %ux%u, got %ux%u", side, side, image->width, image->height);
    free(path);
    return BD_BAD_INPUT;
}

bd_status bd_image_files_read(const struct bd_image_files *files, uint32_t index, uint32_t side, uint8_t *out,
                              struct bd_error *err)
{
    struct bd_image image;
    bd_status status = load(files, index, &image, err);
    if (status) {
        return status;
    }
    if (files->exact) {
        status = bd_image_files_check_size(files, index, side, &image, err);
        if (!status) {
            memcpy(out, image.pixels, (size_t)side * side * 3);
        }
    } else {
        struct bd_crop crop = bd_crop_centre(image.height, image.width, side);
        bd_resample(&image, &crop, false, side, side, out);
    }
    free(image.pixels);
    return status;
}

bd_status bd_image_files_random(const struct bd_image_files *files, uint32_t index, uint32_t side, bool flip,
                                struct bd_rng *rng, uint8_t *out, struct bd_error *err)
{
    struct bd_image image;
    bd_status status = load(files, index, &image, err);
    if (status) {
        return status;
    }
    struct bd_crop crop = bd_crop_random(image.height, image.width, rng);
    bd_resample(&image, &crop, flip, side, side, out);
    free(image.pixels);
    return BD_OK;
}
