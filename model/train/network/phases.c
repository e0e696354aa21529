/* The clock of a step: what each phase takes, and what it computes and moves. */
#include <string.h>

#include "model/core/clock.h"
#include "model/train/network/network_parts.h"

double bd_clock(const struct bd_net *net)
{
    return net->profiling ? bd_seconds(CLOCK_MONOTONIC) : 0;
}

double bd_clock_phase(struct bd_net *net, int worker, enum bd_phase phase, double from)
{
    if (!net->profiling) {
        return 0;
    }
    double now = bd_clock(net);
    net->worker[worker].seconds[phase] += now - from;
    return now;
}

void bd_clock_begin(struct bd_net *net, int worker)
{
    struct bd_net_worker *own = &net->worker[worker];
    if (net->profiling) {
        memcpy(own->before, own->seconds, sizeof own->before);
        own->processor = bd_seconds(CLOCK_THREAD_CPUTIME_ID);
        own->wall = bd_clock(net);
    }
}

void bd_clock_end(struct bd_net *net, int worker)
{
    struct bd_net_worker *own = &net->worker[worker];
    if (net->profiling) {
        const double wall = bd_clock(net) - own->wall, processor = bd_seconds(CLOCK_THREAD_CPUTIME_ID) - own->processor;
        for (int phase = 0; phase < BD_PHASES && wall > 0; phase++) {
            own->seconds[phase] = own->before[phase] + (own->seconds[phase] - own->before[phase]) * processor / wall;
        }
    }
}

void bd_net_count_bytes(struct bd_net *net, double bytes)
{
    if (net->profiling) {
#pragma omp atomic
        net->profile.bytes[BD_PHASE_NORMS] += bytes;
    }
}

void bd_net_count_convolution(struct bd_net *net, const struct bd_net_layer *layer, int images, enum bd_phase phase)
{
    if (net->profiling) {
        const struct bd_layer *info = layer->info;
        double operations = 2.0 * images * info->out_channels * layer->out_pixels * (info->in_channels / info->groups) *
                            info->kernel_h * info->kernel_w * bd_layer_side(info) * bd_layer_side(info);
#pragma omp atomic
        net->profile.operations[phase] += operations;
    }
}

void bd_net_start_profile(struct bd_net *net)
{
    net->profiling = true;
    net->profile = (struct bd_profile){0};
    for (int i = 0; i < net->workers; i++) {
        memset(net->worker[i].seconds, 0, sizeof net->worker[i].seconds);
    }
}

struct bd_profile bd_net_profile(const struct bd_net *net)
{
    struct bd_profile profile = net->profile;
    for (int i = 0; i < net->workers; i++) {
        for (int phase = 0; phase < BD_PHASES; phase++) {
            profile.seconds[phase] += net->worker[i].seconds[phase];
        }
    }
    return profile;
}
