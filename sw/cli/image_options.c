#include "sw/cli/image_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sw/cli/cli.h"

bool bd_cli_take_images(void *options, const char *text)
{
    struct bd_image_options *o = options;
    char *end;
    errno = 0;
    (void)!strtoll(text, &end, 0);
    if (end != text && !*end) {
        return bd_cli_int(o->command, "--images", text, 1, 1000000000, &o->source.count);
    }
    const size_t length = strlen(text);
    if (length < 5 || strcmp(text + length - 4, ".npy") != 0) {
        return !bd_cli_usage(o->command, "'--images' must be a count or the name of a .npy file, got '%s'", text);
    }
    o->source.array = text;
    return true;
}

int bd_cli_check_images(const struct bd_image_options *o)
{
    const struct bd_image_source *s = &o->source;
    const bool named = s->data.folder || s->data.kind != BD_DATA_ANY;
    if ((s->array != NULL) + s->noise + named > 1) {
        return bd_cli_usage(o->command, "images come from a data set (--kind, --data), from --images FILE.npy, or from "
                                        "--noise: give one of them");
    }
    if (s->labels && !s->array) {
        return bd_cli_usage(o->command, "--labels goes with --images FILE.npy");
    }
    return BD_OK;
}

struct bd_image_shape bd_program_shape(const struct bd_program *program)
{
    const struct bd_program_header *h = program->header;
    return (struct bd_image_shape){.network = h->network,
                                   .height = h->input_height,
                                   .width = h->input_width,
                                   .channels = h->input_channels,
                                   .classes = h->classes,
                                   .bits = bd_program_descriptor(program, 0, 0)->in_bits};
}

bd_status bd_cli_open_images(struct bd_dataset *set, struct bd_image_options *o, const struct bd_image_shape *shape,
                             int64_t limit, struct bd_error *err)
{
    char *told;
    const bool open = o->source.data.kind == BD_DATA_ANY && !o->source.array;
    bd_status status = bd_images_open(set, &o->source, shape, o->source.array ? 0 : limit, &told, err);
    if (status == BD_OK && open) {
        fprintf(stderr, "bitdial %s: images: %s\n", o->command, told);
    }
    free(told);
    return status;
}
