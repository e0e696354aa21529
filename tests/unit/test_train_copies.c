/* A batch of copies of a few images has their batch norm and their mean gradient, whatever shards, parts and threads it
 * is cut into: what images do to each other's buffers, they do here. */
#include <math.h>

#include "model/kernels/conv.h"
#include "tests/support/train_fixture.h"

enum { FEW = 8, COPIES = 4, MANY = FEW * COPIES };

/* Maps that grow and shrink, in pixels and channels, between layers without a stream, and with one. */
static const char chain_format[] = "name: chain\n"
                                   "input: {height: 8, width: 8, channels: 1}\n"
                                   "classes: 3\n"
                                   "switches: [w4a4, w1a2, w1a1]\n"
                                   "stem: {channels: 21%s}\n"
                                   "stages:\n"
                                   "  - {channels: 37, blocks: [{kind: %s}, {kind: %s}]}\n"
                                   "  - {channels: 40, stride: 2, blocks: [{kind: %s}, {kind: %s}]}\n"
                                   "  - {channels: 16, blocks: [{kind: %s}]}\n"
                                   "head: {pool_bits: 8}\n";

struct chain {
    struct bd_checkpoint checkpoint;
    struct bd_net *net;
    struct bd_parameter *parameters;
    size_t count;
};

/* Gradients of the sum of a few numbers times the logits, of `copies` copies of the images with their parts of it. */
static void open_chain(struct chain *c, const char *kind, const char *pooled, int copies, bool half)
{
    struct bd_error err;
    struct bd_train_plan plan;
    struct bd_dataset data;
    char *text = bd_asprintf(chain_format, pooled, kind, kind, kind, kind, kind);
    float logits[MANY * CLASSES], d_logits[MANY * CLASSES];
    uint8_t images[MANY * SIDE * SIDE];
    tiny_plan(&plan);
    bd_checkpoint_init(&c->checkpoint);
    cr_assert_eq(bd_graph_parse(&c->checkpoint.graph, "chain", text, strlen(text), &err), BD_OK, "%s", err.message);
    free(text);
    bd_train_initialise(&c->checkpoint, &plan);
    make_images(&data, FEW, 4);
    for (int i = 0; i < copies; i++) {
        memcpy(images + (size_t)i * FEW * SIDE * SIDE, data.images, FEW * SIDE * SIDE);
    }
    bd_dataset_release(&data);
    cr_assert_eq(bd_net_create(&c->net, &c->checkpoint, copies * FEW, 7, half, true, &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_net_begin(c->net, images, &err), BD_OK, "%s", err.message);
    for (int s = 0; s < 3; s++) {
        cr_assert_eq(bd_net_forward(c->net, s, 0.1, logits, &err), BD_OK, "%s", err.message);
        for (int i = 0; i < copies * FEW * CLASSES; i++) {
            d_logits[i] = (i % (FEW * CLASSES) % 7 - 3) / 32.0f / copies;
        }
        cr_assert_eq(bd_net_backward(c->net, s, d_logits, NULL, &err), BD_OK, "%s", err.message);
    }
    cr_assert_eq(bd_net_finish(c->net, &err), BD_OK, "%s", err.message);
    c->parameters = bd_net_parameters(c->net, &c->count);
}

static void close_chain(struct chain *c)
{
    bd_net_destroy(c->net);
    bd_checkpoint_release(&c->checkpoint);
}

static void check(const char *kind, const char *pooled, bool half)
{
    struct chain few, many;
    open_chain(&few, kind, pooled, 1, half);
    open_chain(&many, kind, pooled, COPIES, half);
    for (size_t i = 0; i < few.count; i++) {
        const struct bd_parameter *a = &few.parameters[i], *b = &many.parameters[i];
        double apart = 0, size = 0;
        for (size_t k = 0; k < a->count; k++) {
            apart += pow(a->gradient[k] - b->gradient[k], 2);
            size += pow(a->gradient[k], 2);
        }
        cr_assert_leq(sqrt(apart), (half ? 1e-2 : 1e-3) * sqrt(size) + 1e-6, "%s%s: %s is apart by %g of %g", kind,
                      pooled, a->name, sqrt(apart), sqrt(size));
    }
    close_chain(&few);
    close_chain(&many);
}

static void check_kinds(bool half)
{
    static const char *const kinds[] = {"separable", "plain", "basic", "bireal"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        check(kinds[i], "", half);
        check(kinds[i], ", max_pool: {kernel: 3, stride: 2, pad: 1}", half);
    }
}

Test(train_copies, float32)
{
    check_kinds(false);
}

Test(train_copies, bfloat16)
{
    if (bd_conv_half_is_fast()) {
        check_kinds(true);
    }
}
