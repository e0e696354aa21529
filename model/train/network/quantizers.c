/* The quantizers of activations as a network trains them: what they learn, and how the kernels see them. */
#include "model/quant/quant.h"
#include "model/train/network/network_parts.h"

void bd_net_bind_quantizers(struct bd_net *net)
{
    const struct bd_graph *graph = net->graph;
    for (int q = 1; q < graph->quantizer_count; q++) {
        const char *name = graph->quantizers[q].name;
        for (int s = 0; s < graph->switch_count; s++) {
            const char *kind = bd_checkpoint_level_kind(graph, q, &graph->switches[s]);
            if (!kind) {
                continue;
            }
            float *level = bd_checkpoint_find(net->checkpoint, "%s.%s.%s", name, graph->switches[s].name, kind)->data;
            net->level[q][s] = level;
            if (net->switches >> s & 1) {
                const enum bd_parameter_kind what = kind[0] == 's' ? BD_PARAMETER_STEP : BD_PARAMETER_ALPHA;
                net->d_level[q][s] = bd_net_add_parameter(net, what, s, 1, level, NULL, name, kind);
            }
        }
    }
}

struct bd_activation_rule bd_net_activation(const struct bd_net *net, int quantizer, int s)
{
    const struct bd_graph *graph = net->graph;
    const struct bd_quantizer *info = &graph->quantizers[quantizer];
    const float *level = net->level[quantizer][s];
    return (struct bd_activation_rule){.family = graph->activations,
                                       .sign_gradient = net->sign_gradient,
                                       .bits = bd_quantizer_bits(info, &graph->switches[s]),
                                       .is_signed = bd_quantizer_signed(info, &graph->switches[s]),
                                       .level = level ? *level : 1,
                                       .features = (double)info->channels * info->height * info->width};
}

static enum bd_code_pass code_pass(const struct bd_activation_rule *rule)
{
    if (rule->is_signed) {
        return rule->sign_gradient == BD_SIGN_BIREAL ? BD_PASS_BIREAL : BD_PASS_OWN;
    }
    return rule->family == BD_ACTIVATIONS_DOREFA           ? BD_PASS_CLOSED
           : rule->family == BD_ACTIVATIONS_PACT_PUBLISHED ? BD_PASS_PUBLISHED
                                                           : BD_PASS_OWN;
}

struct bd_code bd_net_code(const struct bd_net *net, int quantizer, int s)
{
    if (quantizer < 0) {
        return (struct bd_code){.kind = BD_CODE_NONE, .step = 1};
    }
    if (quantizer == BD_QUANTIZER_INPUT) {
        return (struct bd_code){.kind = BD_CODE_PACT, .n = 255, .scale = 255, .alpha = 1, .step = 1.0f / 255};
    }
    const struct bd_activation_rule rule = bd_net_activation(net, quantizer, s);
    struct bd_code code = {.kind = BD_CODE_SIGN, .pass = code_pass(&rule), .step = 1};
    if (rule.is_signed) {
        return code;
    }
    code.alpha = bd_activation_alpha(&rule);
    code.kind = BD_CODE_CLIP;
    if (rule.bits <= 8) {
        code.kind = BD_CODE_PACT;
        code.n = bd_lsq_high(rule.bits, false);
        code.scale = code.n / code.alpha;
        code.step = code.alpha / code.n;
    }
    return code;
}

void bd_net_add_alpha_gradient(struct bd_net *net, int quantizer, int s, double d_alpha)
{
    const struct bd_activation_rule rule = bd_net_activation(net, quantizer, s);
    double gain = 1;
    if (rule.family == BD_ACTIVATIONS_LSQ && rule.bits <= 8) {
        const int n = bd_lsq_high(rule.bits, false); /* alpha = n step */
        gain = n * bd_lsq_gradient_scale(rule.features, n);
    }
    *net->d_level[quantizer][s] += d_alpha * gain;
}
