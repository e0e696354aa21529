/* Whether networks that share layers fit the chip whole, from what each layer takes, without a plan of each: a search
 * asks for thousands a second. What is said here is what bd_plan_make finds; where that takes more than sums, nothing
 * is said and a plan must be made. */
#ifndef BD_PROGRAM_PLAN_FIT_H
#define BD_PROGRAM_PLAN_FIT_H

#include "model/program/plan.h"

/* Of a layer, by its channels alone. */
struct bd_layer_need {
    uint32_t weight_words, correct_words; /* over all switches and row groups */
    uint32_t out_words;                   /* of the activation memory, for the codes that it writes */
    uint32_t row_groups;
};

#define BD_FIT_NONE -2

struct bd_plan_fit {
    const struct bd_plan *plan;
    bool known; /* false: nothing is ever said */
    /* activations: what is to be read when a layer writes its codes, which is one tensor at most */
    int tensor_count;
    struct {
        int writer, beside; /* layers; -1: the image; beside: or BD_FIT_NONE */
    } tensors[BD_PROGRAM_MAX_LAYERS + 1];
    /* the residual stream, once for all switches that keep it alike */
    int stream_count;
    struct {
        int layer;
        bool adds, pools, result;
        uint64_t pixels;
    } streams[BD_PROGRAM_MAX_LAYERS];
    bool has_width[2]; /* some switch keeps it in 32 bits, in 16 */
};

/* `plan`: has been made, with any numbers of channels; its network has the largest now. The fit keeps it. */
void bd_plan_fit_init(struct bd_plan_fit *fit, const struct bd_plan *plan);

/* What layer l, just made (bd_plan_make_layer), takes; image_words of the activation memory: layer 0, else left alone.
 * False where a number is too large to be said. */
bool bd_plan_need(const struct bd_plan *plan, int layer, struct bd_layer_need *need, uint64_t *image_words);

/* True: all fits, and weights, tables and corrections of all layers stay on the chip. False: it does not, or only a
 * plan can tell. needs[layer]. */
bool bd_plan_fits(const struct bd_plan_fit *fit, const struct bd_layer_need *const *needs, uint64_t image_words);

#endif
