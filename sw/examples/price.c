/* Prices a network that nobody has trained, at every switch, and asks how few clocks a narrower one would take: a
 * search over the widths of its groups for the widest network within half of the clocks.
 *
 *     cc price.c -o price $(pkg-config --cflags --libs bitdial)
 *     ./price NETWORK.yaml HARDWARE.yaml */
#include <bitdial.h>
#include <stdio.h>
#include <stdlib.h>

static void check(bitdial_status status, const struct bitdial_error *err)
{
    if (status) {
        fprintf(stderr, "price: %s\n", err->message);
        exit(status);
    }
}

struct candidate {
    const struct bitdial_network *network;
    const struct bitdial_hardware *hardware;
    int **orders, *channels; /* channels: room for a point of the search */
};

/* Clocks at the lowest switch of the network with so many channels in each group; not within any budget where the
 * hardware has no room for it. */
static double clocks(void *context, const double *point)
{
    const struct candidate *c = context;
    struct bitdial_error err;
    struct bitdial_network *pruned;
    struct bitdial_cost cost = {.clocks = UINT64_MAX};
    const int last = bitdial_network_info(c->network).switch_count - 1;
    for (int g = 0; g < bitdial_network_info(c->network).group_count; g++) {
        c->channels[g] = (int)point[g];
    }
    if (bitdial_prune(c->network, (const int *const *)c->orders, c->channels, &pruned, &err) == BITDIAL_OK) {
        if (bitdial_network_cost(pruned, c->hardware, last, &cost, &err)) {
            cost.clocks = UINT64_MAX;
        }
        bitdial_network_free(pruned);
    }
    return (double)cost.clocks;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: price NETWORK.yaml HARDWARE.yaml\n");
        return BITDIAL_BAD_INPUT;
    }
    struct bitdial_error err;
    struct bitdial_network *network;
    struct bitdial_hardware *hardware;
    struct bitdial_cost cost;
    check(bitdial_network_create(argv[1], 1, &network, &err), &err);
    check(bitdial_hardware_load(argv[2], &hardware, &err), &err);
    const struct bitdial_network_info info = bitdial_network_info(network);
    for (int s = 0; s < info.switch_count; s++) {
        check(bitdial_network_cost(network, hardware, s, &cost, &err), &err);
        printf("%s: %llu clocks, %llu bytes read, %.1f uJ\n", bitdial_network_switch_name(network, s),
               (unsigned long long)cost.clocks, (unsigned long long)cost.read_bytes, cost.energy_nj / 1000);
    }

    const size_t groups = (size_t)info.group_count;
    struct candidate candidate = {network, hardware, calloc(groups, sizeof(int *)), calloc(groups, sizeof(int))};
    struct bitdial_search_axis *axes = calloc(groups, sizeof *axes);
    double **values = calloc(groups, sizeof *values), *point = calloc(groups, sizeof *point);
    for (size_t g = 0; g < groups; g++) {
        const int full = bitdial_group_channels(network, (int)g);
        candidate.orders[g] = calloc((size_t)full, sizeof(int));
        check(bitdial_prune_order(network, (int)g, "l1-norm", 0, candidate.orders[g], &err), &err);
        values[g] = calloc((size_t)full, sizeof(double));
        for (int c = 0; c < full; c++) {
            values[g][c] = c + 1;
        }
        axes[g] = (struct bitdial_search_axis){.count = (size_t)full, .values = values[g]};
    }
    const struct bitdial_search_options options = {.method = "random",
                                                   .seed = 1,
                                                   .initial = 2,
                                                   .cost = clocks,
                                                   .context = &candidate,
                                                   .budget = cost.clocks / 2.0};
    struct bitdial_search *search;
    check(bitdial_search_create(groups, axes, &options, &search, &err), &err);
    for (int i = 0; i < 20; i++) {
        check(bitdial_search_ask(search, point, &err), &err);
        double width = 0; /* a stand-in for accuracy, which needs training */
        for (size_t g = 0; g < groups; g++) {
            width += point[g];
        }
        check(bitdial_search_tell(search, point, &width, &err), &err);
    }
    double width;
    check(bitdial_search_best(search, point, &width, &err), &err);
    printf("within %.0f clocks: %.0f channels for %.0f clocks:", options.budget, width, clocks(&candidate, point));
    for (size_t g = 0; g < groups; g++) {
        printf(" %.0f", point[g]);
        free(values[g]);
        free(candidate.orders[g]);
    }
    printf("\n");
    free(values);
    free(axes);
    free(point);
    free(candidate.orders);
    free(candidate.channels);
    bitdial_search_free(search);
    bitdial_hardware_free(hardware);
    bitdial_network_free(network);
    return BITDIAL_OK;
}
