/* The public interface: what its functions promise, one against the other, and what they refuse. That it stands alone,
 * with its header, libraries and examples, is tests/cli/install_test.sh's. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sw/include/bitdial.h"
#include "tests/support/temporary_folder.h"

#define GOOD(call) cr_assert_eq((call), BITDIAL_OK, "%s", err.message)
#define REFUSED(call, text)                                                                                            \
    do {                                                                                                               \
        cr_assert_eq((call), BITDIAL_BAD_INPUT);                                                                       \
        cr_assert_eq(err.status, BITDIAL_BAD_INPUT);                                                                   \
        cr_assert(strstr(err.message, text), "'%s' does not say '%s'", err.message, text);                             \
    } while (0)

static const char description[] =
    "name: small\ninput: {height: 6, width: 5, channels: 3}\nclasses: 3\nswitches: [w4a4, w1a1]\n"
    "stem: {channels: 8}\nstages:\n  - {channels: 8, stride: 2, blocks: [{kind: basic}]}\nhead: {}\n";

static struct bitdial_error err;

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static struct bitdial_network *small_network(void)
{
    char path[512];
    struct bitdial_network *network;
    snprintf(path, sizeof path, "%s/small.yaml", folder);
    write_text(path, description);
    GOOD(bitdial_network_create(path, 7, &network, &err));
    return network;
}

/* Three classes that differ in their brightest channel. */
static struct bitdial_images *small_images(void)
{
    enum { COUNT = 48, SIZE = 6 * 5 * 3 };
    static uint8_t bytes[COUNT * SIZE];
    uint16_t labels[COUNT];
    for (int i = 0; i < COUNT; i++) {
        labels[i] = (uint16_t)(i % 3);
        for (int k = 0; k < SIZE; k++) {
            bytes[i * SIZE + k] = (uint8_t)((k % 3 == i % 3 ? 200 : 30) + (i * 7 + k * 13) % 40);
        }
    }
    const struct bitdial_images_info shape = {.count = COUNT, .height = 6, .width = 5, .channels = 3, .classes = 3};
    struct bitdial_images *images;
    GOOD(bitdial_images_copy(&shape, bytes, labels, &images, &err));
    return images;
}

static void count_steps(void *context, const struct bitdial_progress *progress)
{
    int64_t *last = context;
    cr_assert_eq(progress->step, *last + 1);
    cr_assert_eq(progress->steps, 60);
    *last = progress->step;
}

Test(api, trains_saves_and_evaluates)
{
    char path[512];
    make_folder();
    struct bitdial_network *network = small_network(), *again;
    struct bitdial_images *images = small_images();
    struct bitdial_network_info info = bitdial_network_info(network);
    cr_assert_str_eq(info.name, "small");
    cr_assert(info.height == 6 && info.width == 5 && info.channels == 3 && info.classes == 3 && info.switch_count == 2);
    cr_assert_str_eq(bitdial_network_switch_name(network, 1), "w1a1");
    cr_assert_null(bitdial_network_switch_name(network, 2));
    cr_assert_eq(bitdial_network_switch(network, "w4a4"), 0);
    cr_assert_eq(bitdial_network_switch(network, "w8a8"), -1);

    snprintf(path, sizeof path, "%s/recipe.yaml", folder);
    write_text(path, "steps: 60\nbatch: 16\naugment: {crop: 0, flip: false}\nbatch_norm: {recalibrate: 3}\n");
    int64_t steps = 0;
    bool finished = false;
    double accuracy[2] = {-1, -1};
    const struct bitdial_train_options options = {.watch = count_steps, .context = &steps};
    GOOD(bitdial_train(network, path, images, NULL, &options, &finished, &err));
    cr_assert(finished && steps == 60);
    GOOD(bitdial_evaluate(network, images, 0, accuracy, &err));
    cr_assert(accuracy[0] > 0.9 && accuracy[1] > 0.5, "classes by colour: %g and %g", accuracy[0], accuracy[1]);

    snprintf(path, sizeof path, "%s/small.h5", folder);
    double loaded[2];
    GOOD(bitdial_network_save(network, path, &err));
    GOOD(bitdial_network_load(path, &again, &err));
    GOOD(bitdial_evaluate(again, images, 0, loaded, &err));
    cr_assert(loaded[0] == accuracy[0] && loaded[1] == accuracy[1]);
    GOOD(bitdial_recalibrate(again, images, 32, &err));
    bitdial_network_free(again);
    bitdial_network_free(network);
    bitdial_images_free(images);
    remove_folder();
}

/* One program, two ways to its logits; and prices of the program and of its description. */
Test(api, runs_alike_on_processor_and_device)
{
    const char *hardware_path = "tests/small_hardware.yaml";
    make_folder();
    struct bitdial_network *network = small_network();
    struct bitdial_images *images = small_images();
    struct bitdial_hardware *hardware;
    struct bitdial_program *program, *copy;
    struct bitdial_session *session;
    GOOD(bitdial_hardware_load(hardware_path, &hardware, &err));
    GOOD(bitdial_compile(network, hardware, NULL, 1000, &program, &err));
    GOOD(bitdial_session_open("ref", hardware_path, &session, &err));
    uint8_t image[6 * 5 * 3];
    uint16_t label;
    int32_t here[3], there[3];
    REFUSED(bitdial_session_run(session, image, there, NULL, &err), "no program");
    GOOD(bitdial_session_load(session, program, &err));
    REFUSED(bitdial_session_set_switch(session, 2, &err), "no switch 2");
    for (uint32_t i = 0; i < 6; i++) {
        const int s = (int)(i % 2);
        uint64_t clocks;
        struct bitdial_cost cost, described;
        GOOD(bitdial_images_read(images, i, 1, image, &label, &err));
        cr_assert_eq(label, i % 3);
        GOOD(bitdial_program_run(program, s, image, 1, here, &err));
        GOOD(bitdial_session_set_switch(session, s, &err));
        GOOD(bitdial_session_run(session, image, there, &clocks, &err));
        cr_assert_arr_eq(here, there, sizeof here);
        GOOD(bitdial_program_cost(program, hardware, s, &cost, &err));
        cr_assert_eq(clocks, cost.clocks + (i == 0 ? cost.load_clocks : 0)); /* the first loads the program */
        cr_assert(cost.load_clocks > cost.load_bytes / 8 && cost.load_bytes > cost.weight_bytes);
        cr_assert_eq(cost.clocks,
                     cost.compute + cost.weight_stall + cost.input_stall + cost.output_stall + cost.overhead);
        GOOD(bitdial_network_cost(network, hardware, s, &described, &err));
        cr_assert_eq(memcmp(&cost, &described, sizeof cost), 0, "price of the description at switch %d", s);
    }
    char path[512];
    snprintf(path, sizeof path, "%s/small.bdp", folder);
    GOOD(bitdial_program_save(program, path, &err));
    GOOD(bitdial_program_load(path, &copy, &err));
    cr_assert_eq(bitdial_program_info(copy).image_bytes, bitdial_program_info(program).image_bytes);
    cr_assert_eq(bitdial_program_switch(copy, "w1a1"), 1);
    bitdial_session_close(session);
    bitdial_program_free(copy);
    bitdial_program_free(program);
    bitdial_hardware_free(hardware);
    bitdial_network_free(network);
    bitdial_images_free(images);
    remove_folder();
}

Test(api, prunes_and_refuses_what_is_no_choice)
{
    make_folder();
    struct bitdial_network *network = small_network(), *pruned;
    int groups = bitdial_network_info(network).group_count, channels[8], *orders[8];
    cr_assert(groups >= 1 && groups <= 8);
    for (int g = 0; g < groups; g++) {
        channels[g] = bitdial_group_channels(network, g) / 2;
        orders[g] = calloc((size_t)bitdial_group_channels(network, g), sizeof(int));
        GOOD(bitdial_prune_order(network, g, "l1-norm", 0, orders[g], &err));
    }
    GOOD(bitdial_prune(network, (const int *const *)orders, channels, &pruned, &err));
    for (int g = 0; g < groups; g++) {
        cr_assert_eq(bitdial_group_channels(pruned, g), channels[g]);
    }
    cr_assert_eq(bitdial_group_channels(network, groups), 0);
    channels[0] = 0;
    REFUSED(bitdial_prune(network, (const int *const *)orders, channels, &pruned, &err), "1 to 8 channels, not 0");
    channels[0] = 1;
    orders[0][0] = orders[0][1];
    REFUSED(bitdial_prune(network, (const int *const *)orders, channels, &pruned, &err), "each once");
    REFUSED(bitdial_prune_order(network, 0, "beauty", 0, orders[0], &err), "beauty");
    REFUSED(bitdial_prune_order(network, groups, "fpgm", 0, orders[0], &err), "no group");
    struct bitdial_images *images = small_images();
    REFUSED(bitdial_prune_order(network, 0, "fidelity", 0, orders[0], &err), "bitdial_prune_orders takes them");
    REFUSED(bitdial_prune_orders(network, NULL, "fidelity", 0, orders, &err), "there are none");
    REFUSED(bitdial_prune_orders(network, images, "beauty", 0, orders, &err), "beauty");
    GOOD(bitdial_prune_orders(network, images, "fidelity", 0, orders, &err));
    channels[0] = 2;
    bitdial_network_free(pruned);
    GOOD(bitdial_prune(network, (const int *const *)orders, channels, &pruned, &err));
    for (int g = 0; g < groups; g++) {
        cr_assert_eq(bitdial_group_channels(pruned, g), channels[g]);
        free(orders[g]);
    }
    bitdial_images_free(images);
    bitdial_network_free(network);
    bitdial_network_free(pruned);
    remove_folder();
}

static double sum_of_two(void *context, const double *point)
{
    (void)context;
    return point[0] + point[1];
}

Test(api, searches_by_ask_and_tell)
{
    const double values[] = {1, 2, 3, 4, 5, 6}, falling[] = {2, 1};
    struct bitdial_search_axis axes[2] = {{.count = 6, .values = values}, {.count = 6, .values = values}};
    struct bitdial_search_options options = {
        .method = "bayes", .seed = 3, .initial = 4, .cost = sum_of_two, .budget = 7, .floor = 2};
    struct bitdial_search *search;
    double point[2], best[2], value;
    GOOD(bitdial_search_create(2, axes, &options, &search, &err));
    cr_assert_eq(bitdial_search_best(search, best, &value, &err), BITDIAL_FAIL);
    for (int i = 0; i < 21; i++) { /* all that the budget allows: 1+1 to 1+6, 2+1 to 2+5, ... */
        GOOD(bitdial_search_ask(search, point, &err));
        cr_assert(point[0] + point[1] <= 7);
        value = 2 * point[0] + point[1];
        GOOD(bitdial_search_tell(search, point, &value, &err));
    }
    GOOD(bitdial_search_best(search, best, &value, &err));
    cr_assert(best[0] == 6 && best[1] == 1 && value == 13);
    cr_assert_eq(bitdial_search_ask(search, point, &err), BITDIAL_FAIL, "a point twice");
    value = NAN;
    REFUSED(bitdial_search_tell(search, point, &value, &err), "finite");
    bitdial_search_free(search);
    axes[1] = (struct bitdial_search_axis){.count = 2, .values = falling};
    REFUSED(bitdial_search_create(2, axes, &options, &search, &err), "dimension 1");
    axes[1] = axes[0];
    options.floor = 8;
    REFUSED(bitdial_search_create(2, axes, &options, &search, &err), "floor");
    options.method = "luck";
    REFUSED(bitdial_search_create(2, axes, &options, &search, &err), "luck");
}

Test(api, refuses_by_name_and_leaves_outputs_alone)
{
    struct bitdial_network *network = NULL;
    struct bitdial_program *program = NULL;
    struct bitdial_images *images = NULL;
    struct bitdial_session *session = NULL;
    const struct bitdial_images_info shape = {.count = 1, .height = 1, .width = 1, .channels = 1, .classes = 2};
    const uint8_t byte = 0;
    const uint16_t label = 2;
    REFUSED(bitdial_network_load("nowhere.h5", &network, &err), "nowhere.h5");
    REFUSED(bitdial_network_create("nowhere.yaml", 1, &network, &err), "nowhere.yaml");
    REFUSED(bitdial_program_load("nowhere.bdp", &program, &err), "nowhere.bdp");
    REFUSED(bitdial_program_open("BDP1", 4, &program, &err), "program in memory");
    REFUSED(bitdial_images_open("mnist", NULL, BITDIAL_TEST, -1, 0, &images, &err), "mnist");
    REFUSED(bitdial_images_copy(&shape, &byte, &label, &images, &err), "label 2");
    REFUSED(bitdial_session_open("fpga", "tests/small_hardware.yaml", &session, &err), "fpga");
    cr_assert(!network && !program && !images && !session);
    bitdial_network_free(NULL);
    bitdial_images_free(NULL);
    bitdial_program_free(NULL);
    bitdial_search_free(NULL);
    bitdial_session_close(NULL);
    bitdial_hardware_free(NULL);
    cr_assert_str_eq(bitdial_version(), "0.1.0");
}
