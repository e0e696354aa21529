/* The walk over all shards: what is done to each between two batch norms (walk_forward.c, walk_backward.c), by
 * threads that share them; and the sums over them. */
#include <omp.h>
#include <string.h>

#include "model/train/network/walk_parts.h"

#define IMAGES 2 /* that a thread takes at a time, where shards need not be whole */

/* Whether a forward walk's convolution is oneDNN's, for whole shards. */
static bool by_shards(const struct bd_walk *walk)
{
    return walk->convolve && walk->convolve->accumulation_type == BD_FLOAT;
}

/* The part that a thread takes next, or -1. Each thread has a run of neighbouring parts and goes through it in
 * the opposite direction to the walk before, because what that walk touched last is still in the thread's caches. A
 * thread that has finished its run takes parts of the others'. */
static int next_part(struct bd_net *net, int parts, int worker)
{
    for (int i = 0; i < net->workers; i++) {
        const int owner = (worker + i) % net->workers;
        const int begin = owner * parts / net->workers, end = (owner + 1) * parts / net->workers;
        int taken;
#pragma omp atomic capture
        taken = net->worker[owner].taken++;
        if (taken < end - begin) {
            return net->upwards ? begin + taken : end - 1 - taken;
        }
    }
    return -1;
}

bd_status bd_net_walk(struct bd_net *net, const struct bd_walk *walk, struct bd_error *err)
{
    bd_status worst = BD_OK;
    const bool back = walk->unpool || walk->normalize || walk->scatter || walk->gather;
    const int part = back || by_shards(walk) ? net->shard : net->shard % IMAGES ? 1 : IMAGES;
    const int parts = net->batch / part;
    for (int i = 0; i < net->workers; i++) {
        net->worker[i].taken = 0;
    }
    net->upwards = !net->upwards;
#pragma omp parallel num_threads(net->workers)
    {
        const int worker = omp_get_thread_num();
        struct bd_error here;
        bd_status status = BD_OK;
        bd_clock_begin(net, worker);
#pragma omp single nowait
        if (walk->add_up) {
            status = bd_net_add_weight_gradient(net, walk->add_up, walk->s, net->d_shards[!net->turn], worker, &here);
        }
        for (int i; !status && (i = next_part(net, parts, worker)) >= 0;) {
            status = back ? bd_net_backward_shard(net, walk, i, worker, &here)
                          : bd_net_forward_images(net, walk, i * part, part, worker, &here);
        }
        bd_clock_end(net, worker);
        if (status) {
#pragma omp critical(bd_net_walk)
            {
                worst = status;
                *err = here;
            }
        }
    }
    return worst;
}

void bd_net_add_slabs(struct bd_net *net, const struct bd_net_layer *layer)
{
    int block = net->block, blocks = bd_blocks(net, layer);
    memset(net->channel_sums, 0, 2 * layer->out_padded * sizeof *net->channel_sums);
    for (int i = 0; i < net->batch * blocks; i++) {
        const double *from = net->slab_sums + (size_t)i * 2 * block;
        double *to = net->channel_sums + i % blocks * block;
        for (int c = 0; c < block; c++) {
            to[c] += from[c];
            to[layer->out_padded + c] += from[block + c];
        }
    }
}

bd_status bd_net_reduce_sums(struct bd_net *net, const struct bd_net_layer *layer, struct bd_error *err)
{
    const struct bd_reducer *reducer = &net->reducer;
    return reducer->ranks == 1 ? BD_OK
                               : reducer->sum_doubles(reducer->context, net->channel_sums, 2 * layer->out_padded, err);
}
