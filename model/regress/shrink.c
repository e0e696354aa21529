#include "model/regress/shrink.h"

#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"

enum { TRIES = 2000, SEEDS = 6 };

struct search {
    struct bd_shrink *shrink;
    struct bd_case *best;
    bool smaller; /* in this round */
    struct bd_error *err;
};

static bool spent(const struct search *s)
{
    return s->shrink->tries >= (s->shrink->tries_most ? s->shrink->tries_most : TRIES);
}

/* ---- edits of a case, each of which leaves one whose layers may or may not fit each other -------------------- */

/* Keeps height x width x channels of the image, of its top left or, `end`, of its bottom right. */
static void crop_image(struct bd_case *c, int height, int width, int channels, bool end)
{
    const int top = end ? c->height - height : 0, left = end ? c->width - width : 0;
    uint8_t *image = bd_xmalloc((size_t)height * (size_t)width * (size_t)channels);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            memcpy(image + (size_t)(y * width + x) * (size_t)channels,
                   c->image + (size_t)((y + top) * c->width + x + left) * (size_t)c->channels, (size_t)channels);
    free(c->image);
    c->image = image;
    c->height = height;
    c->width = width;
    c->channels = channels;
}

/* Who read what layer l wrote reads what it read. */
static void drop_layer(struct bd_case *c, int l)
{
    int into = c->layers[l].reads;
    for (int b = l - 1; into == -2 && b >= 0; b--) /* of a pooling layer: the codes before it */
        into = c->layers[b].codes ? b : -2;
    into = into == -2 ? -1 : into;
    const bool wrote = c->layers[l].codes;
    memmove(&c->layers[l], &c->layers[l + 1], (size_t)(c->layer_count - l - 1) * sizeof *c->layers);
    c->layer_count--;
    for (int k = l; k < c->layer_count; k++) {
        struct bd_case_layer *layer = &c->layers[k];
        if (layer->reads == l && wrote)
            layer->reads = into;
        else if (layer->reads > l)
            layer->reads--;
    }
}

/* Codes that nobody reads are not written, nor is a stream; the last layer writes neither. */
static void tidy(struct bd_case *c)
{
    bool read[BD_PROGRAM_MAX_LAYERS] = {false}, wanted = false;
    for (int l = c->layer_count - 1; l >= 0; l--) {
        struct bd_case_layer *layer = &c->layers[l];
        const bool last = l == c->layer_count - 1;
        layer->codes = layer->codes && read[l] && !last;
        layer->writes = layer->writes && wanted && !last;
        if (layer->writes)
            wanted = false;
        if (layer->operation == BD_OP_POOL || layer->adds)
            wanted = true;
        if (layer->reads >= 0)
            read[layer->reads] = true;
    }
}

/* ---- tries -------------------------------------------------------------------------------------------------- */

static bool same(const struct bd_case *a, const struct bd_case *b)
{
    return a->switch_count == b->switch_count && a->layer_count == b->layer_count && a->height == b->height &&
           a->width == b->width && a->channels == b->channels &&
           memcmp(a->layers, b->layers, (size_t)a->layer_count * sizeof *a->layers) == 0 &&
           memcmp(a->image, b->image, (size_t)a->height * (size_t)a->width * (size_t)a->channels) == 0;
}

/* Takes `tried` (owned by this call) in place of the best where it fails. `anew`: also where it is the same network,
 * with other content. */
static bool take_any(struct search *s, struct bd_case *tried, bool anew)
{
    struct bd_case_shape *shapes = bd_xcalloc((size_t)tried->layer_count, sizeof *shapes);
    bool fails = false;
    tidy(tried);
    bd_case_fit_last(tried);
    if ((anew || !same(tried, s->best)) && !spent(s) && !s->err->status && tried->layers[0].operation == BD_OP_CONV &&
        bd_case_shapes(tried, shapes)) {
        s->shrink->tries++;
        if (s->shrink->test(s->shrink->user, tried, &fails, s->err))
            fails = false;
    }
    free(shapes);
    if (fails) {
        bd_case_release(s->best);
        *s->best = *tried;
        s->smaller = true;
    } else {
        bd_case_release(tried);
    }
    return fails;
}

static bool take(struct search *s, struct bd_case *tried)
{
    return take_any(s, tried, false);
}

/* Copy of the best one, to be changed and taken. */
static struct bd_case copy(const struct search *s)
{
    struct bd_case c;
    bd_case_copy(&c, s->best);
    return c;
}

/* Runs of layers, half of them at a time, then a quarter, down to one. */
static void fewer_layers(struct search *s)
{
    for (int run = s->best->layer_count / 2; run >= 1; run = run > 1 ? run / 2 : 0)
        for (int from = 0; from + run <= s->best->layer_count && s->best->layer_count > run;) {
            struct bd_case c = copy(s);
            for (int k = 0; k < run; k++)
                drop_layer(&c, from);
            if (!take(s, &c))
                from++;
        }
}

static void fewer_switches(struct search *s)
{
    for (int drop = 0; drop < s->best->switch_count && s->best->switch_count > 1;) {
        struct bd_case c = copy(s);
        c.switch_count--;
        const size_t after = (size_t)(c.switch_count - drop);
        memmove(&c.switches[drop], &c.switches[drop + 1], after * sizeof *c.switches);
        for (int l = 0; l < c.layer_count; l++)
            memmove(&c.layers[l].at[drop], &c.layers[l].at[drop + 1], after * sizeof *c.layers[l].at);
        if (!take(s, &c))
            drop++;
    }
}

/* The smallest value of one number that still fails, by bisection between `least` and what it is. */
static void bisect(struct search *s, int least, int value, void (*set)(struct bd_case *c, int place, int value),
                   int place)
{
    for (int low = least; low < value && !spent(s);) {
        const int middle = low + (value - low) / 2;
        struct bd_case c = copy(s);
        set(&c, place, middle);
        if (take(s, &c))
            value = middle;
        else
            low = middle + 1;
    }
}

/* Of the image `end` says which part stays. */
static void set_height(struct bd_case *c, int end, int value)
{
    crop_image(c, value, c->width, c->channels, end);
}

static void set_width(struct bd_case *c, int end, int value)
{
    crop_image(c, c->height, value, c->channels, end);
}

static void set_side(struct bd_case *c, int end, int value)
{
    crop_image(c, value < c->height ? value : c->height, value < c->width ? value : c->width, c->channels, end);
}

static void set_input_channels(struct bd_case *c, int place, int value)
{
    (void)place;
    crop_image(c, c->height, c->width, value, false);
}

static void set_channels(struct bd_case *c, int place, int value)
{
    c->layers[place].channels = value;
}

/* Of all layers at once: adds keep their shapes. */
static void set_all_channels(struct bd_case *c, int place, int value)
{
    (void)place;
    for (int l = 0; l < c->layer_count; l++)
        if (c->layers[l].channels > value)
            c->layers[l].channels = value;
}

static int most_channels(const struct bd_case *c)
{
    int most = 1;
    for (int l = 0; l < c->layer_count; l++)
        most = c->layers[l].channels > most ? c->layers[l].channels : most;
    return most;
}

static void smaller_sizes(struct search *s)
{
    for (int end = 0; end < 2; end++) {
        const int larger = s->best->height > s->best->width ? s->best->height : s->best->width;
        bisect(s, 1, larger, set_side, end);
        bisect(s, 1, s->best->height, set_height, end);
        bisect(s, 1, s->best->width, set_width, end);
    }
    bisect(s, 1, most_channels(s->best), set_all_channels, 0);
    bisect(s, 1, s->best->channels, set_input_channels, 0);
    for (int l = 0; l < s->best->layer_count; l++)
        if (s->best->layers[l].operation == BD_OP_CONV && !s->best->layers[l].depthwise)
            bisect(s, 1, s->best->layers[l].channels, set_channels, l);
}

/* ---- plainer layers ----------------------------------------------------------------------------------------- */

static bool no_adds(struct bd_case *c, int l)
{
    return c->layers[l].adds && !(c->layers[l].adds = false);
}

static bool no_writes(struct bd_case *c, int l)
{
    return c->layers[l].writes && !(c->layers[l].writes = false);
}

static bool no_depthwise(struct bd_case *c, int l)
{
    return c->layers[l].depthwise && !(c->layers[l].depthwise = false);
}

static bool plain_kernel(struct bd_case *c, int l)
{
    struct bd_case_layer *layer = &c->layers[l];
    if (layer->operation == BD_OP_POOL || (layer->kernel == 1 && layer->pad == 0))
        return false;
    layer->kernel = 1;
    layer->pad = 0;
    return true;
}

static bool kernel_of_three(struct bd_case *c, int l)
{
    struct bd_case_layer *layer = &c->layers[l];
    if (layer->operation == BD_OP_POOL || layer->kernel <= 3)
        return false;
    layer->kernel = 3;
    layer->pad = layer->pad > 1 ? 1 : layer->pad;
    return true;
}

static bool no_pad(struct bd_case *c, int l)
{
    const bool has = c->layers[l].pad > 0;
    c->layers[l].pad = 0;
    return has;
}

static bool no_stride(struct bd_case *c, int l)
{
    const bool has = c->layers[l].stride > 1;
    c->layers[l].stride = 1;
    return has;
}

static bool plain_weights(struct bd_case *c, int l)
{
    bool had = false;
    for (int s = 0; s < c->switch_count; s++) {
        struct bd_case_bits *at = &c->layers[l].at[s];
        had |= at->own_planes || at->weight_zero_point;
        at->own_planes = false;
        at->weight_zero_point = 0;
    }
    return had;
}

static bool (*const plainer[])(struct bd_case *c, int l) = {no_adds,         no_writes, no_depthwise, plain_kernel,
                                                            kernel_of_three, no_pad,    no_stride,    plain_weights};

static void plainer_layers(struct search *s)
{
    for (size_t p = 0; p < sizeof plainer / sizeof *plainer; p++)
        for (int l = 0; l < s->best->layer_count; l++) {
            struct bd_case c = copy(s);
            if (plainer[p](&c, l))
                take(s, &c);
            else
                bd_case_release(&c);
        }
}

/* Pixels to zero, in halves down to a sixteenth. */
static void emptier_image(struct search *s)
{
    const int count = s->best->height * s->best->width * s->best->channels;
    for (int part = count; part >= 1 && part >= count / 16; part = part > 1 ? (part + 1) / 2 : 0)
        for (int from = 0; from < count; from += part) {
            struct bd_case c = copy(s);
            const int size = from + part < count ? part : count - from;
            bool any = false;
            for (int i = from; i < from + size; i++)
                any |= c.image[i] != 0;
            memset(c.image + from, 0, (size_t)size);
            if (any)
                take(s, &c);
            else
                bd_case_release(&c);
        }
}

/* The first content with which the shape fails. */
static bd_status begin(struct search *s)
{
    for (int i = 0; i < 2 * SEEDS; i++) {
        struct bd_case c = copy(s);
        c.seed = s->best->seed + (uint64_t)(i % SEEDS);
        c.saturate = i >= SEEDS;
        if (take_any(s, &c, true))
            return BD_OK;
        if (s->err->status)
            return s->err->status;
    }
    return bd_fail(s->err, BD_FAIL, "the network does not fail with weights of other seeds: it is not made smaller");
}

bd_status bd_shrink(struct bd_shrink *shrink, struct bd_case *c, struct bd_error *err)
{
    struct search s = {.shrink = shrink, .best = c, .err = err};
    err->status = BD_OK;
    shrink->tries = 0;
    shrink->whole = false;
    if (begin(&s))
        return err->status;
    do {
        s.smaller = false;
        fewer_switches(&s);
        fewer_layers(&s);
        smaller_sizes(&s);
        plainer_layers(&s);
    } while (s.smaller && !spent(&s) && !err->status);
    emptier_image(&s);
    shrink->whole = !spent(&s);
    return err->status;
}
