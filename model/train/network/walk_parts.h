/* Between walk.c, which shares the shards out, and what is done to them. */
#ifndef BD_NETWORK_WALK_PARTS_H
#define BD_NETWORK_WALK_PARTS_H

#include "model/kernels/prefetch.h"
#include "model/train/network/network_parts.h"

/* `images` of a shard from `first` on, forward: all of them where the convolution takes whole shards. */
bd_status bd_net_forward_images(struct bd_net *net, const struct bd_walk *walk, int first, int images, int worker,
                                struct bd_error *err) BD_WARN_UNUSED;
/* A shard, backward. */
bd_status bd_net_backward_shard(struct bd_net *net, const struct bd_walk *walk, int shard, int worker,
                                struct bd_error *err) BD_WARN_UNUSED;

/* Sums of an image by the integer kernel; `prefetch` (or NULL) is fetched beside them and used up. */
void bd_net_convolve_image(struct bd_net *net, const struct bd_net_layer *layer, int s, int image, int worker,
                           struct bd_prefetch *prefetch);
/* Images' input of a layer as numbers: pixels, or codes, made in the worker's room. */
const void *bd_net_operand(struct bd_net *net, const struct bd_net_layer *layer, int s, int image, int images,
                           int worker);
/* Images of a shard that go through a backward walk together. */
struct bd_part {
    int first, images;
};

/* What a convolution that filters takes at a time, from `first` on; no images at `end`. */
struct bd_part bd_net_filtered_part(const struct bd_net_layer *layer, int first, int end);
/* Both gradients of such a layer: the whole shard's, part by part in their order. The worker's room holds the part's
 * gradients alone, d_source takes its; `prefetch` is fetched beside the products of the weights' gradient, and beside
 * the activations'. */
void bd_net_filter_part(struct bd_net *net, const struct bd_net_layer *layer, int s, struct bd_part part, int worker,
                        void *d_source, const struct bd_prefetch prefetch[2]);

#endif
