#include "model/program/plan_fit.h"

#include "model/program/plan_parts.h"

/* Tensors that lie at the two ends in turn, of which only the one before is still to be read: two that stand side by
 * side in the order of their writers always fit where their words do (plan_tensors.c). */
static bool collect_chain(struct bd_plan_fit *fit)
{
    const struct bd_plan *p = fit->plan;
    int before = -1, two_before = -1;
    for (int i = 0; i < p->tensor_count; i++) {
        const struct bd_plan_tensor *t = &p->tensors[i];
        if (!t->used)
            continue;
        if (before >= 0 && i % 2 == before % 2)
            return false;
        for (int k = 0; k <= two_before; k++)
            if (p->tensors[k].used && p->tensors[k].last_reader >= t->writer)
                return false;
        const bool beside = before >= 0 && p->tensors[before].last_reader >= t->writer;
        fit->tensors[fit->tensor_count].writer = t->writer;
        fit->tensors[fit->tensor_count++].beside = beside ? p->tensors[before].writer : BD_FIT_NONE;
        two_before = before;
        before = i;
    }
    return true;
}

static void collect_streams(struct bd_plan_fit *fit)
{
    const struct bd_plan *p = fit->plan;
    for (int l = 0; l < p->network->layer_count; l++) {
        const struct bd_descriptor *d = bd_plan_descriptor(p, 0, l);
        if (!(d->flags & BD_FLAG_WRITE_STREAM))
            continue;
        fit->streams[fit->stream_count].layer = l;
        fit->streams[fit->stream_count].adds = d->flags & BD_FLAG_ADD_STREAM;
        fit->streams[fit->stream_count].pools = d->operation == BD_OP_POOL;
        fit->streams[fit->stream_count].result = d->flags & BD_FLAG_RESULT;
        fit->streams[fit->stream_count++].pixels = (uint64_t)d->out_height * d->out_width;
    }
    for (int s = 0; s < p->network->switch_count; s++)
        fit->has_width[p->network->narrow_stream[s]] = true;
}

/* Places in the image and in the stores are 32 bits wide. What stays on the chip is far less; stores of the largest
 * widths are bounded from above. */
static bool stores_fit(const struct bd_plan *p)
{
    double bytes = 0;
    for (int l = 0; l < p->network->layer_count; l++) {
        const struct bd_plain_layer *layer = &p->network->layers[l];
        bytes += 5.0 * layer->out_height * layer->out_width * (layer->out_channels + 64) + 2 * BD_PROGRAM_ALIGN;
    }
    return bytes < UINT32_MAX;
}

void bd_plan_fit_init(struct bd_plan_fit *fit, const struct bd_plan *plan)
{
    *fit = (struct bd_plan_fit){.plan = plan};
    fit->known = collect_chain(fit) && stores_fit(plan);
    collect_streams(fit);
}

bool bd_plan_need(const struct bd_plan *p, int l, struct bd_layer_need *need, uint64_t *image_words)
{
    const struct bd_plan_layer *layer = &p->layers[l];
    const int out_tensor = p->network->layers[l].out_tensor;
    const uint64_t out = out_tensor >= 0 ? bd_plan_tensor_words(p, &p->tensors[out_tensor]) : 0;
    if (l == 0)
        *image_words = bd_plan_tensor_words(p, &p->tensors[0]);
    *need = (struct bd_layer_need){.weight_words = (uint32_t)layer->weight_words,
                                   .correct_words = (uint32_t)layer->correct_words,
                                   .out_words = (uint32_t)out,
                                   .row_groups = bd_plan_descriptor(p, 0, l)->row_groups};
    return layer->weight_words <= UINT32_MAX && layer->correct_words <= UINT32_MAX && out <= UINT32_MAX;
}

static bool activations_fit(const struct bd_plan_fit *fit, const struct bd_layer_need *const *needs,
                            uint64_t image_words)
{
    for (int i = 0; i < fit->tensor_count; i++) {
        const int writer = fit->tensors[i].writer, beside = fit->tensors[i].beside;
        uint64_t words = writer < 0 ? image_words : needs[writer]->out_words;
        if (beside != BD_FIT_NONE)
            words += beside < 0 ? image_words : needs[beside]->out_words;
        if (words > fit->plan->header.act_words)
            return false;
    }
    return true;
}

static bool stream_fits(const struct bd_plan_fit *fit, const struct bd_layer_need *const *needs, bool narrow)
{
    const struct bd_program_header *h = &fit->plan->header;
    struct bd_plan_stream now = {0};
    for (int i = 0; i < fit->stream_count; i++) {
        const bool wide = !narrow || fit->streams[i].result;
        now =
            bd_plan_next_stream(&now, fit->streams[i].adds, fit->streams[i].pools, wide,
                                bd_z_words(h, fit->streams[i].pixels, needs[fit->streams[i].layer]->row_groups, wide));
        if (now.base + now.words > h->z_words)
            return false;
    }
    return true;
}

bool bd_plan_fits(const struct bd_plan_fit *fit, const struct bd_layer_need *const *needs, uint64_t image_words)
{
    const struct bd_program_header *h = &fit->plan->header;
    uint64_t weights = 0, corrections = 0, row_groups = 0;
    for (uint32_t l = 0; l < h->layer_count; l++) {
        weights += needs[l]->weight_words;
        corrections += needs[l]->correct_words;
        row_groups += needs[l]->row_groups;
    }
    return fit->known && weights <= h->weight_words && corrections <= h->correct_words &&
           row_groups * h->switch_count * h->rows <= h->table_words && activations_fit(fit, needs, image_words) &&
           (!fit->has_width[false] || stream_fits(fit, needs, false)) &&
           (!fit->has_width[true] || stream_fits(fit, needs, true));
}
