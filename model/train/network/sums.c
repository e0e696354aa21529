/* Which kernel makes a layer's sums at a switch, and how wide they are stored. */
#include "model/train/network/network_parts.h"

bool bd_net_in_integers(const struct bd_net *net, const struct bd_net_layer *layer, int s)
{
    const struct bd_layer *info = layer->info;
    return net->integer && info->in_quantizer != BD_QUANTIZER_INPUT &&
           bd_quantizer_bits(&net->graph->quantizers[info->in_quantizer], &net->graph->switches[s]) != 32;
}

enum bd_number bd_net_accumulation_type(const struct bd_net *net, const struct bd_net_layer *layer, int s)
{
    struct bd_code code = bd_net_code(net, layer->info->in_quantizer, s);
    if (!bd_net_in_integers(net, layer, s)) {
        return BD_FLOAT;
    }
    double largest = layer->sets[layer->set_of[s]].packed.magnitude * (code.kind == BD_CODE_SIGN ? 1 : (double)code.n);
    return largest <= INT16_MAX ? BD_INT16 : BD_INT32;
}
