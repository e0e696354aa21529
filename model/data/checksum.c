/* One number for the images and labels of a split. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "model/core/file.h"
#include "model/data/dataset.h"
#include "model/data/image_files.h"

/* Names and lengths: a set that does not fit in memory is not read through for its checksum. */
static uint32_t files_checksum(const struct bd_dataset *set)
{
    uint32_t crc = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        char *path = bd_image_files_path(set->files, i);
        const char *name = set->files->text + set->files->names[i];
        struct stat info;
        const uint64_t parts[] = {crc, bd_crc32(name, strlen(name)),
                                  stat(path, &info) == 0 ? (uint64_t)info.st_size : UINT64_MAX};
        crc = bd_crc32(parts, sizeof parts);
        free(path);
    }
    return crc;
}

uint32_t bd_dataset_checksum(const struct bd_dataset *set)
{
    const size_t size = (size_t)set->height * set->width * set->channels;
    const uint32_t parts[] = {set->count,
                              set->height,
                              set->width,
                              set->channels,
                              set->classes,
                              set->images ? bd_crc32(set->images, set->count * size) : files_checksum(set),
                              bd_crc32(set->labels, set->count * sizeof *set->labels)};
    return bd_crc32(parts, sizeof parts);
}
