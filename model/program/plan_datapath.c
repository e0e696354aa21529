/* Layouts of the tensors and the datapath of every layer: the fewest clocks of those that the hardware has, XNOR among
 * equals. All follows from the shape. */
#include <stdio.h>

#include "model/program/plan_parts.h"

/* Bounds of a layer's sums, whatever its weights: magnitudes. */
struct bounds {
    double sum;      /* of the accumulator */
    double constant; /* of what it lacks, inside the map */
    double border;   /* ... more, at the border */
};

static struct bounds bounds_of(const struct bd_descriptor *d)
{
    const double taps = (double)d->kernel_h * d->kernel_w * (d->in_channels / d->groups);
    const double top = (1 << d->weight_bits) - 1;
    const bool is_signed = d->flags & BD_FLAG_IN_SIGNED, xnor = d->datapath == BD_DATAPATH_XNOR;
    const double planes = d->in_bits == 1 ? 1 : (double)((1 << 2 * bd_code_pairs(d->in_bits)) - 1);
    const double counted = xnor ? taps * top * planes : 0;
    const double codes = (1 << d->in_bits) - 1;
    return (struct bounds){.sum = xnor ? counted : taps * (top + d->weight_zero_point) * codes,
                           .constant = is_signed ? 2 * counted + taps * top : counted,
                           .border = is_signed ? taps * (top + d->weight_zero_point) : 0};
}

static const char SUMS[] = "its sums need more bits than the accumulator has";

/* What the chosen datapath's sums do not fit; NULL: they fit. `bits`: of an accumulator for them. */
static const char *misfit(const struct bd_plan *p, const struct bd_descriptor *d, double *bits)
{
    const struct bounds b = bounds_of(d);
    *bits = 1;
    for (double limit = 1; limit <= b.sum; limit *= 2)
        ++*bits;
    if (*bits > p->header.acc_bits)
        return SUMS;
    const struct bd_borders e = bd_borders(d);
    if (e.top > 8 || e.bottom > 8 || e.left > 8 || e.right > 8 || bd_border_classes(d) > BD_LIMIT_BORDER_CLASSES)
        return "its windows have more than 81 classes by the taps that they miss, or 8 on a side";
    const double correct = d->weight_zero_point ? b.constant + b.border : b.border;
    if ((d->flags & BD_FLAG_CORRECT) && correct >= (double)(1 << (BD_CORRECT_BITS - 1)))
        return "its corrections could exceed 24 bits";
    const double multiplier = (double)((int64_t)1 << (p->header.mult_bits - 1));
    const double room = (double)((int64_t)1 << (BD_TABLE_BIAS_BITS - 1)) - (double)((int64_t)1 << 47);
    return bd_bias_holds_constant(d) && b.constant * multiplier >= room ? "its biases could exceed the table memory's"
                                                                        : NULL;
}

static bool usable(const struct bd_plan *p, struct bd_descriptor *d, uint32_t datapath, int wanted)
{
    double bits;
    if (wanted >= 0 ? (uint32_t)wanted != datapath
                    : !(datapath == BD_DATAPATH_XNOR ? p->hardware->xnor : p->hardware->mac))
        return false;
    if (datapath == BD_DATAPATH_XNOR && (d->flags & BD_FLAG_DEPTHWISE))
        return false;
    d->datapath = datapath;
    return p->reference_only || !misfit(p, d, &bits);
}

static bd_status refuse(const struct bd_plan *p, int l, struct bd_descriptor *d, int wanted, struct bd_error *err)
{
    if ((d->flags & BD_FLAG_DEPTHWISE) && (wanted == BD_DATAPATH_XNOR || !p->hardware->mac))
        return bd_plan_refuse(p, l, "depthwise filters run on the MAC, which is left out", err);
    double bits;
    char why[96];
    d->datapath = wanted >= 0 ? (uint32_t)wanted : p->hardware->mac ? BD_DATAPATH_MAC : BD_DATAPATH_XNOR;
    const char *what = misfit(p, d, &bits);
    snprintf(why, sizeof why, "its sums need %.0f bits of the accumulator (acc_bits), which has %u", bits,
             p->header.acc_bits);
    return bd_plan_refuse(p, l, what == SUMS ? why : what, err);
}

/* The better of the usable datapaths, derived; false where there is none. */
static bool choose(const struct bd_plan *p, struct bd_descriptor *d, int wanted)
{
    struct bd_descriptor mac = *d;
    const bool has_mac = usable(p, &mac, BD_DATAPATH_MAC, wanted);
    const bool has_xnor = usable(p, d, BD_DATAPATH_XNOR, wanted);
    if (has_mac)
        bd_descriptor_derive(&mac, &p->header);
    if (has_xnor)
        bd_descriptor_derive(d, &p->header);
    if (has_mac && (!has_xnor || bd_descriptor_clocks(&mac) < bd_descriptor_clocks(d)))
        *d = mac;
    return has_mac || has_xnor;
}

/* Whole codes are best where the image's one reader computes on the MAC, and is quicker there than on XNOR. */
static bool bytes_are_best(const struct bd_plan *p)
{
    const struct bd_plan_tensor *image = &p->tensors[0];
    if (!image->wants_windows || image->last_reader > 0)
        return false;
    for (int s = 0; s < p->network->switch_count; s++) {
        const int wanted = p->network->layers[0].at[s].datapath;
        struct bd_descriptor mac = *bd_plan_descriptor(p, s, 0), xnor = mac;
        mac.in_layout = BD_LAYOUT_BYTE;
        if ((mac.flags & BD_FLAG_DEPTHWISE) || !usable(p, &mac, BD_DATAPATH_MAC, wanted))
            return false;
        bd_descriptor_derive(&mac, &p->header);
        const bool has_xnor = usable(p, &xnor, BD_DATAPATH_XNOR, wanted);
        if (has_xnor)
            bd_descriptor_derive(&xnor, &p->header);
        if (has_xnor && bd_descriptor_clocks(&xnor) <= bd_descriptor_clocks(&mac))
            return false;
    }
    return true;
}

static void set_layouts(struct bd_plan *p, int s, int l)
{
    const struct bd_plain_layer *layer = &p->network->layers[l];
    struct bd_descriptor *d = bd_plan_descriptor(p, s, l);
    d->in_layout = layer->operation == BD_OP_CONV ? p->tensors[layer->in_tensor].layout : 0;
    d->out_layout = layer->out_tensor >= 0 ? p->tensors[layer->out_tensor].layout : 0;
}

static bd_status choose_datapath(struct bd_plan *p, int s, int l, struct bd_error *err)
{
    const struct bd_plain_layer *layer = &p->network->layers[l];
    struct bd_descriptor *d = bd_plan_descriptor(p, s, l);
    int wanted = layer->at[s].datapath;
    if (layer->operation != BD_OP_CONV) {
        bd_descriptor_derive(d, &p->header);
        return BD_OK;
    }
    d->in_layout = p->tensors[layer->in_tensor].layout;
    wanted = d->in_layout == BD_LAYOUT_BYTE ? BD_DATAPATH_MAC : wanted;
    if (p->reference_only && wanted == BD_DATAPATH_XNOR && (d->flags & BD_FLAG_DEPTHWISE))
        wanted = -1;
    return choose(p, d, wanted) ? BD_OK : refuse(p, l, d, wanted, err);
}

bd_status bd_plan_choose_datapaths(struct bd_plan *p, int first, int count, struct bd_error *err)
{
    for (int s = 0; s < p->network->switch_count; s++)
        for (int l = first; l < first + count; l++)
            set_layouts(p, s, l);
    if (first == 0 && !p->bands && bytes_are_best(p))
        p->tensors[0].layout = BD_LAYOUT_BYTE;
    for (int s = 0; s < p->network->switch_count; s++)
        for (int l = first; l < first + count; l++)
            if (choose_datapath(p, s, l, err))
                return err->status;
    return BD_OK;
}
