#include "model/program/pack.h"

#include <stdlib.h>

#include "model/program/pack_parts.h"

/* The numbers of the requantizer and the codes: what the plan does not look at. */
static bd_status check_content(const struct bd_plan *plan, int l, struct bd_error *err)
{
    const struct bd_plain_layer *layer = &plan->network->layers[l];
    if (layer->operation == BD_OP_LOAD)
        return BD_OK;
    for (int s = 0; s < plan->network->switch_count; s++) {
        const struct bd_plain_requant *q = &layer->at[s].requant;
        if (q->shift < 0 || q->shift > 47 || q->code_multiplier >= 1u << 18 || q->code_shift < 0 ||
            q->code_shift > 31 || q->residual_shift < 0 || q->residual_shift > 31)
            return bd_fail(err, BD_BAD_INPUT, "layer '%s': requantizer fields out of range at switch '%s'", layer->name,
                           plan->network->switches[s].name);
        for (int c = 0; c < layer->out_channels; c++) {
            const int64_t limit = (int64_t)1 << (plan->hardware->mult_bits - 1), bias = q->bias[c];
            if (q->multiplier[c] >= limit || q->multiplier[c] < -limit || bias >= (int64_t)1 << 47 ||
                bias < -((int64_t)1 << 47))
                return bd_fail(err, BD_BAD_INPUT, "layer '%s': channel %d: M or B exceeds its width", layer->name, c);
        }
        if (layer->operation != BD_OP_CONV)
            continue;
        if (!bd_pack_codes(layer, s))
            return bd_fail(err, BD_BAD_INPUT, "layer '%s' has no weights at switch '%s'", layer->name,
                           plan->network->switches[s].name);
        if (!plan->reference_only && (q->residual_multiplier != 1 || q->residual_shift != 0))
            return bd_fail(err, BD_BAD_INPUT,
                           "layer '%s' needs a residual scale other than 1, which the RTL does not have", layer->name);
    }
    return BD_OK;
}

/* Rows past the last channel have code 0: some z must have. */
static bd_status check_pad_rows(const struct bd_plan *plan, struct bd_error *err)
{
    for (int s = 0; s < plan->network->switch_count; s++)
        for (int l = 0; l < plan->network->layer_count; l++)
            if (plan->network->layers[l].operation != BD_OP_LOAD && bd_pad_bias(bd_plan_descriptor(plan, s, l)) == 0)
                return bd_fail(err, BD_BAD_INPUT, "layer '%s': no value has code 0 at switch '%s'",
                               plan->network->layers[l].name, plan->network->switches[s].name);
    return BD_OK;
}

static bd_status pack(struct bd_plan *plan, struct bd_program *program, struct bd_error *err)
{
    for (int l = 0; l < plan->network->layer_count; l++)
        if (check_content(plan, l, err))
            return err->status;
    if (!plan->reference_only && check_pad_rows(plan, err))
        return err->status;
    uint8_t *image = bd_pack_image(plan);
    const bd_status status = bd_program_open(program, plan->network->name, image, plan->header.image_bytes, err);
    free(image);
    return status;
}

bd_status bd_pack(const struct bd_plain_network *network, const struct bd_hardware *hardware, bool reference_only,
                  struct bd_program *program, struct bd_error *err)
{
    struct bd_plan plan;
    bd_status status = bd_plan_open(&plan, network, hardware, reference_only, err);
    if (status == BD_OK)
        status = bd_plan_make(&plan, err);
    if (status == BD_OK)
        status = pack(&plan, program, err);
    bd_plan_release(&plan);
    return status;
}
