/* bitdial cost: what a program costs on a hardware configuration, layer by layer; or a network that nobody has trained
 * yet, from its description alone. */
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model/core/json.h"
#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/cost/cost.h"
#include "model/cost/energy.h"
#include "model/cost/pricer.h"
#include "sw/cli/cli.h"
#include "sw/cli/options.h"
#include "sw/cli/report.h"

#define ENERGY_SOURCE "M. Horowitz, ISSCC 2014, 45 nm"

static const char usage[] =
    "Usage: bitdial cost NET.bdp --hardware HW.yaml [OPTION]...\n"
    "       bitdial cost NETWORK.yaml --hardware HW.yaml [OPTION]...\n"
    "Prints the clocks of a frame as the sequencer takes them, how busy the arrays are, bytes fetched and bytes read\n"
    "from and written to the memories on the chip, and energy by a table of operations; for a program image, or for a\n"
    "network that is only described. The frame is one whose program is on the chip already; what loading it adds to "
    "the first\n"
    "one is said apart.\n"
    "Fill is the part of a layer's clocks in which its array has work.\n"
    "Busy are the products of a layer (taps outside the map count) over what its datapath could do in its clocks.\n"
    "  --hardware FILE   the configuration that the program was compiled for\n"
    "  --switch NAME     one switch, or 'all' (default)\n"
    "  --memory L,I,O    latency, clocks between beats, bursts outstanding, instead of the configuration's\n"
    "  --store           with every layer's codes and z stored to memory\n"
    "  --summary         one line a switch\n"
    "  --rate N          price N networks of random widths (NETWORK.yaml) and print how many a second of one core\n"
    "  --energy-table    print the table and its source, and leave\n"
    "  --json            one JSON object on stdout\n"
    "  --help            this text\n";

struct options {
    const char *program, *hardware, *sw;
    struct bd_memory_model memory; /* latency 0: the configuration's */
    bool store, json, energy_table, summary;
    int64_t rate;
};

/* What is priced, from either kind of file. */
struct priced {
    const struct bd_program_header *header;
    const struct bd_load_descriptor *load;
    const char *network;
    unsigned switch_count;
    const char *switch_names[BD_PROGRAM_MAX_SWITCHES], *layer_names[BD_PROGRAM_MAX_LAYERS];
    const struct bd_descriptor *descriptors[BD_PROGRAM_MAX_SWITCHES];
};

static bool take_memory(void *context, const char *text)
{
    return bd_cli_memory("cost", text, context);
}

static const char *datapath_name(const struct bd_descriptor *d)
{
    return d->operation == BD_OP_POOL       ? "pool"
           : d->operation == BD_OP_LOAD     ? "load"
           : d->datapath == BD_DATAPATH_MAC ? "mac"
                                            : "xnor";
}

/* ---- text ---- */

static void print_switch(const struct priced *priced, unsigned s, const struct bd_frame_cost *c,
                         const struct bd_hardware *hardware)
{
    printf("%s: %" PRIu64 " cycles, %.3f ms at %g MHz (%s), %.2f uJ\n", priced->switch_names[s], c->cycles,
           (double)c->cycles / hardware->clock_mhz / 1000.0, hardware->clock_mhz, bd_hardware_clock_word(hardware),
           c->energy_nj / 1000.0);
    printf("  %-16s %-5s %9s %6s %6s %6s %9s %8s %8s %8s %9s %10s %10s %10s %9s\n", "layer", "path", "cycles", "share",
           "fill", "busy", "compute", "weights", "image", "stores", "overhead", "weight B", "table B", "chip B", "nJ");
    for (unsigned l = 0; l < c->layer_count; l++) {
        const struct bd_layer_cost *y = &c->layers[l];
        printf("  %-16s %-5s %9" PRIu64 " %5.1f%% %5.1f%% %5.1f%% %9" PRIu64 " %8" PRIu64 " %8" PRIu64 " %8" PRIu64
               " %9" PRIu64 " %10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %9.1f\n",
               priced->layer_names[l], datapath_name(&priced->descriptors[s][l]), y->total,
               100.0 * (double)y->total / (double)c->cycles, 100 * y->fill, 100 * y->busy, y->compute, y->weight_stall,
               y->input_stall, y->output_stall, y->overhead, y->weight_bytes, y->table_bytes, y->memory_bytes,
               y->energy_nj);
    }
    printf("  %-16s %-5s %9" PRIu64 "               %5.1f%% %9" PRIu64 " %8" PRIu64 " %8" PRIu64 " %8" PRIu64
           " %9" PRIu64 "                       %10" PRIu64 "  read %" PRIu64 " B, written %" PRIu64 " B\n",
           "frame", "", c->cycles, 100 * c->busy, c->compute, c->weight_stall, c->input_stall, c->output_stall,
           c->overhead, c->memory_bytes, c->read_bytes, c->write_bytes);
    if (c->xnor_fill > 0) {
        printf("  layers on XNOR: the array has work in %.1f%% of their clocks\n", 100 * c->xnor_fill);
    }
}

static void print_summary_head(void)
{
    printf("%-8s %10s %10s %10s %12s %10s %6s\n", "switch", "clocks", "frames/s", "energy uJ", "chip B", "bus B",
           "busy");
}

static void print_summary(const char *name, const struct bd_frame_cost *c, const struct bd_hardware *hardware)
{
    printf("%-8s %10" PRIu64 " %10.1f %10.2f %12" PRIu64 " %10" PRIu64 " %5.1f%%\n", name, c->cycles,
           hardware->clock_mhz * 1e6 / (double)c->cycles, c->energy_nj / 1000.0, c->memory_bytes,
           c->read_bytes + c->write_bytes, 100 * c->busy);
}

static void print_sizes(const struct priced *priced, const struct bd_hardware *hardware)
{
    const struct bd_program_header *h = priced->header;
    printf("%s on %u rows: image %" PRIu64 " bytes (weights %u, tables %u, corrections %u, descriptors %u)\n",
           priced->network, h->rows, h->image_bytes, h->weight_bytes, h->table_bytes, h->correct_bytes,
           h->switch_count * h->switch_stride);
    uint64_t bytes;
    const uint64_t cycles = bd_cost_load(h, priced->load, &hardware->memory, &bytes);
    printf("loaded once, with the first frame: %" PRIu64 " bytes in %" PRIu64 " cycles, %.3f ms at %g MHz (%s)\n",
           bytes, cycles, (double)cycles / hardware->clock_mhz / 1000.0, hardware->clock_mhz,
           bd_hardware_clock_word(hardware));
}

static json_t *energy_json(void)
{
    json_t *rows = json_array();
    for (int i = 0; i < BD_ENERGY_COUNT; i++) {
        json_array_append_new(rows, json_pack("{s:s, s:f, s:s}", "operation", bd_energy_table[i].name, "picojoule",
                                              bd_energy_table[i].picojoule, "meaning", bd_energy_table[i].meaning));
    }
    return json_pack("{s:s, s:o}", "energy_source", ENERGY_SOURCE, "energy", rows);
}

static void print_energy_table(void)
{
    puts("Energy an operation, 45 nm at 0.9 V (M. Horowitz, ISSCC 2014):");
    for (int i = 0; i < BD_ENERGY_COUNT; i++) {
        printf("  %-12s %10.5f pJ  %s\n", bd_energy_table[i].name, bd_energy_table[i].picojoule,
               bd_energy_table[i].meaning);
    }
}

/* ---- JSON ---- */

static json_t *number(uint64_t v)
{
    return json_integer((json_int_t)v);
}

static json_t *layer_json(const char *name, const struct bd_descriptor *d, const struct bd_layer_cost *y,
                          const struct bd_frame_cost *c)
{
    json_t *o =
        json_pack("{s:o, s:s, s:f, s:f, s:f, s:f}", "name", bd_json_text(name), "datapath", datapath_name(d), "share",
                  (double)y->total / (double)c->cycles, "fill", y->fill, "busy", y->busy, "energy_nj", y->energy_nj);
    const struct {
        const char *key;
        uint64_t value;
    } rows[] = {{"cycles", y->total},
                {"compute", y->compute},
                {"weight_stall", y->weight_stall},
                {"input_stall", y->input_stall},
                {"output_stall", y->output_stall},
                {"overhead", y->overhead},
                {"weight_bytes_read", y->weight_bytes},
                {"table_bytes_read", y->table_bytes},
                {"memory_bytes", y->memory_bytes},
                {"weight_words_stored", (uint64_t)d->row_groups * d->weight_step},
                {"xnor_ops", y->xnor_ops},
                {"mac_ops", y->mac_ops}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        json_object_set_new(o, rows[i].key, number(rows[i].value));
    }
    return o;
}

static json_t *switch_json(const struct priced *priced, unsigned s, const struct bd_frame_cost *c)
{
    json_t *layers = json_array();
    for (unsigned l = 0; l < c->layer_count; l++) {
        json_array_append_new(layers, layer_json(priced->layer_names[l], &priced->descriptors[s][l], &c->layers[l], c));
    }
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:f, s:f, s:f, s:o}", "cycles", number(c->cycles),
                     "compute", number(c->compute), "weight_stall", number(c->weight_stall), "input_stall",
                     number(c->input_stall), "output_stall", number(c->output_stall), "overhead", number(c->overhead),
                     "bytes_read", number(c->read_bytes), "bytes_written", number(c->write_bytes), "memory_bytes",
                     number(c->memory_bytes), "busy", c->busy, "xnor_fill", c->xnor_fill, "energy_nj", c->energy_nj,
                     "layers", layers);
}

static json_t *document(const struct priced *priced, const struct bd_hardware *hardware)
{
    const struct bd_program_header *h = priced->header;
    uint64_t bytes;
    const uint64_t load = bd_cost_load(h, priced->load, &hardware->memory, &bytes);
    return json_pack("{s:o, s:o, s:{s:I, s:I, s:I}, s:{s:o, s:I, s:I, s:I, s:I}, s:{s:o, s:o}, s:f, s:s, s:s, s:{}}",
                     "network", bd_json_text(priced->network), "hardware", bd_json_text(hardware->name), "memory",
                     "latency", (json_int_t)hardware->memory.latency, "beat_interval",
                     (json_int_t)hardware->memory.beat_interval, "outstanding",
                     (json_int_t)hardware->memory.outstanding, "bytes", "image", number(h->image_bytes), "weights",
                     (json_int_t)h->weight_bytes, "tables", (json_int_t)h->table_bytes, "corrections",
                     (json_int_t)h->correct_bytes, "descriptors", (json_int_t)h->switch_count * h->switch_stride,
                     "load", "cycles", number(load), "bytes", number(bytes), "clock_mhz", hardware->clock_mhz, "clock",
                     bd_hardware_clock_word(hardware), "energy_source", ENERGY_SOURCE, "switches");
}

/* ---- */

static bd_status report(const struct options *o, const struct priced *priced, const struct bd_hardware *hardware,
                        struct bd_error *err)
{
    bool all = !o->sw || strcmp(o->sw, "all") == 0, found = false;
    struct bd_frame_cost *cost = bd_xcalloc(1, sizeof(*cost));
    json_t *root = o->json ? document(priced, hardware) : NULL;
    for (unsigned s = 0; s < priced->switch_count; s++) {
        if (!all && strcmp(o->sw, priced->switch_names[s]) != 0) {
            continue;
        }
        if (!root && !found) {
            print_sizes(priced, hardware);
            if (o->summary) {
                print_summary_head();
            }
        }
        found = true;
        bd_cost_layers(priced->header, priced->descriptors[s], s, &hardware->memory, o->store, NULL, cost);
        if (root) {
            char *name = bd_utf8(priced->switch_names[s]);
            json_object_set_new(json_object_get(root, "switches"), name, switch_json(priced, s, cost));
            free(name);
        } else if (o->summary) {
            print_summary(priced->switch_names[s], cost, hardware);
        } else {
            print_switch(priced, s, cost, hardware);
        }
    }
    if (root && found) {
        bd_cli_report(root);
    } else {
        json_decref(root);
    }
    free(cost);
    return found ? BD_OK : bd_fail(err, BD_BAD_INPUT, "'%s' has no switch '%s'", o->program, o->sw);
}

static bd_status report_program(const struct options *o, const struct bd_hardware *hardware, struct bd_error *err)
{
    struct bd_program program;
    bd_status status = bd_program_load(&program, o->program, err);
    if (status != BD_OK) {
        return status;
    }
    struct priced priced = {.header = program.header,
                            .load = bd_program_load_descriptor(&program),
                            .network = program.header->network,
                            .switch_count = program.header->switch_count};
    for (unsigned s = 0; s < priced.switch_count; s++) {
        priced.switch_names[s] = program.switches[s].name;
        priced.descriptors[s] = bd_program_descriptor(&program, s, 0);
    }
    for (unsigned l = 0; l < program.header->layer_count; l++) {
        priced.layer_names[l] = program.names[l];
    }
    status = bd_cost_check(&program, hardware, err);
    if (status == BD_OK) {
        status = report(o, &priced, hardware, err);
    }
    bd_program_release(&program);
    return status;
}

/* ---- networks that are only described ---- */

static bd_status report_graph(const struct options *o, const struct bd_graph *graph, const struct bd_hardware *hardware,
                              struct bd_error *err)
{
    struct bd_plain_network network;
    int switches[BD_PROGRAM_MAX_SWITCHES] = {0};
    int count = bd_plain_switches(graph, switches);
    const int asked = o->sw ? bd_graph_switch(graph, o->sw) : -1;
    if (count == 0 || (asked >= 0 && graph->switches[asked].activation_bits > 8)) { /* refused by its name */
        switches[0] = asked >= 0 ? asked : 0;
        count = 1;
    }
    if (bd_plain_from_graph(&network, graph, switches, count, err)) {
        return err->status;
    }
    struct bd_plan plan;
    bd_status status = bd_plan_open(&plan, &network, hardware, false, err);
    status = status ? status : bd_plan_make(&plan, err);
    struct priced priced = {
        .header = &plan.header, .load = &plan.load, .network = graph->name, .switch_count = (unsigned)count};
    for (int s = 0; s < count && status == BD_OK; s++) {
        priced.switch_names[s] = network.switches[s].name;
        priced.descriptors[s] = bd_plan_descriptor(&plan, s, 0);
    }
    for (int l = 0; l < plan.network->layer_count && status == BD_OK; l++) {
        priced.layer_names[l] = plan.network->layers[l].name;
    }
    if (status == BD_OK) {
        status = report(o, &priced, hardware, err);
    }
    bd_plan_release(&plan);
    bd_plain_release(&network);
    return status;
}

#define PLANS 20000 /* networks that --rate prices by a plan of each, for comparison */

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* of this one thread: what else runs does not count */
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Seconds of one core in which `count` networks of random widths, those of `seed`, are priced; their mean clocks. */
static double time_prices(struct bd_pricer *pricer, int64_t count, bool by_plan, double *mean)
{
    const struct bd_graph *graph = pricer->graph;
    struct bd_rng rng;
    struct bd_error err;
    uint64_t sum = 0;
    int64_t fit = 0;
    bd_rng_seed(&rng, 1);
    const double start = cpu_seconds();
    for (int64_t i = 0; i < count; i++) {
        int channels[BD_MAX_LAYERS];
        for (int g = 0; g < graph->prune_group_count; g++) {
            channels[g] = 1 + (int)bd_rng_below(&rng, (uint32_t)bd_graph_group_channels(graph, g));
        }
        const uint64_t cycles = !by_plan                                           ? bd_pricer_cycles(pricer, channels)
                                : bd_pricer_price(pricer, channels, &err) == BD_OK ? pricer->cost->cycles
                                                                                   : UINT64_MAX;
        if (cycles != UINT64_MAX) {
            sum += cycles;
            fit++;
        }
    }
    *mean = fit ? (double)sum / (double)fit : 0;
    return cpu_seconds() - start;
}

static bd_status measure_rate(const struct options *o, const struct bd_graph *graph, const struct bd_hardware *hardware,
                              struct bd_error *err)
{
    struct bd_pricer pricer;
    int s = o->sw && strcmp(o->sw, "all") != 0 ? bd_graph_switch(graph, o->sw) : graph->switch_count - 1;
    if (s < 0) {
        return bd_fail(err, BD_BAD_INPUT, "'%s' has no switch '%s'", o->program, o->sw);
    }
    if (bd_pricer_init(&pricer, graph, hardware, s, err) || bd_pricer_price(&pricer, NULL, err)) {
        bd_pricer_release(&pricer);
        return err->status;
    }
    const int64_t plans = o->rate < PLANS ? o->rate : PLANS;
    double mean, plan_mean;
    const double seconds = time_prices(&pricer, o->rate, false, &mean);
    const double rate = (double)o->rate / seconds;
    const double plan_rate = (double)plans / time_prices(&pricer, plans, true, &plan_mean);
    bd_pricer_release(&pricer);
    if (o->json) {
        bd_cli_report(json_pack("{s:I, s:f, s:f, s:f}", "networks", (json_int_t)o->rate, "seconds", seconds,
                                "networks_per_second", rate, "plans_per_second", plan_rate));
    } else {
        printf("%" PRId64 " networks of random widths priced exactly at %s in %.3f s of one core: %.0f a second (mean "
               "%.0f cycles); %.0f a second by a plan of each\n",
               o->rate, graph->switches[s].name, seconds, rate, mean, plan_rate);
    }
    return BD_OK;
}

static bd_status report_description(const struct options *o, const struct bd_hardware *hardware, struct bd_error *err)
{
    struct bd_graph graph;
    bd_status status = bd_graph_load(&graph, o->program, err);
    if (status == BD_OK) {
        status = o->rate ? measure_rate(o, &graph, hardware, err) : report_graph(o, &graph, hardware, err);
        bd_graph_release(&graph);
    }
    return status;
}

static int run(const struct options *o)
{
    struct bd_error err;
    struct bd_hardware hardware;
    const char *dot = strrchr(o->program, '.');
    bool description = dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
    if (o->rate && !description) {
        return bd_cli_usage("cost", "'--rate' wants a NETWORK.yaml");
    }
    bd_status status = bd_hardware_load(&hardware, o->hardware, &err);
    if (status == BD_OK) {
        hardware.memory = o->memory.latency ? o->memory : hardware.memory;
        status = description ? report_description(o, &hardware, &err) : report_program(o, &hardware, &err);
        bd_hardware_release(&hardware);
    }
    return status == BD_OK ? BD_OK : bd_cli_fail("cost", &err);
}

int cmd_cost(int argc, char **argv)
{
    struct options o = {0};
    const struct bd_option table[] = {
        {"hardware", .text = &o.hardware},
        {"switch", .text = &o.sw},
        {"memory", .take = take_memory, .context = &o.memory},
        {"store", .flag = &o.store},
        {"summary", .flag = &o.summary},
        {"rate", .integer = &o.rate, .min = 1, .max = 100000000},
        {"energy-table", .flag = &o.energy_table},
        {"json", .flag = &o.json},
        {0},
    };
    int code = bd_cli_options("cost", usage, table, argc, argv);
    if (code != BD_OPTIONS_READ) {
        return code;
    }
    if (o.energy_table) {
        if (o.json) {
            bd_cli_report(energy_json());
        } else {
            print_energy_table();
        }
        return BD_OK;
    }
    if (optind + 1 != argc) {
        return bd_cli_usage("cost", "expected one NET.bdp or NETWORK.yaml");
    }
    if (!o.hardware) {
        return bd_cli_usage("cost", "'--hardware' is missing");
    }
    o.program = argv[optind];
    return run(&o);
}
