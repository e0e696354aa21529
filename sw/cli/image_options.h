/* The options of a command that reads images: which data set, which file, which of the images. */
#ifndef BD_CLI_IMAGE_OPTIONS_H
#define BD_CLI_IMAGE_OPTIONS_H

#include "model/data/source.h"
#include "model/program/program.h"

struct bd_image_options {
    const char *command;
    struct bd_image_source source;
};

/* No option given. */
#define BD_IMAGE_DEFAULTS(name)                                                                                        \
    {                                                                                                                  \
        .command = (name), .source = {.data = {.kind = BD_DATA_ANY, .validation = -1}, .split = BD_SPLIT_TEST }        \
    }

/* Rows of the option table; `o` is a struct bd_image_options *. */
#define BD_IMAGE_ROWS(o)                                                                                               \
    {"images", .take = bd_cli_take_images, .context = (o)}, {"labels", .text = &(o)->source.labels},                   \
        {"first", .integer = &(o)->source.first, .min = 0, .max = 1000000000},                                         \
        {"kind", .choice = &(o)->source.data.kind, .choices = BD_DATA_CHOICES},                                        \
    {                                                                                                                  \
        "data", .text = (const char **)&(o)->source.data.folder                                                        \
    }

/* After the line of `--images N`, whose default is the command's own. */
#define BD_IMAGE_USAGE                                                                                                 \
    "           FILE.npy   instead of a data set: an array (N, H, W, C) or (N, H, W) of bytes; all of it, or with\n"   \
    "                      another --images N so many\n"                                                               \
    "  --labels FILE.npy   the classes of that array's images, (N) integers\n"                                         \
    "  --first K           number of the first image (default: 0)\n"                                                   \
    "  --data DIR          the folder of the data set (default: $BITDIAL_DATA, else the kind's own)\n"                 \
    "  --kind KIND         " BD_DATA_CHOICES "\n"                                                                      \
    "                      (default: found by the files in the folder, else by the network's shape)\n"

/* A whole number is a count, anything else a file. */
bool bd_cli_take_images(void *options, const char *text);
/* 0, or 2 after telling which options exclude each other. */
int bd_cli_check_images(const struct bd_image_options *options);

/* What a program takes. */
struct bd_image_shape bd_program_shape(const struct bd_program *program);

/* bd_images_open, at most `limit` where no count was given (0: all); which images they are is told on stderr where the
 * options left it open. */
bd_status bd_cli_open_images(struct bd_dataset *set, struct bd_image_options *options,
                             const struct bd_image_shape *shape, int64_t limit, struct bd_error *err) BD_WARN_UNUSED;

#endif
