/* The list of what training changes: values in the checkpoint, each with its gradient. */
#include <stdio.h>

#include "model/core/memory.h"
#include "model/train/network/network_parts.h"

float *bd_net_add_parameter(struct bd_net *net, enum bd_parameter_kind kind, int switch_index, size_t count,
                            float *value, const float *limit, const char *owner, const char *suffix)
{
    net->parameters = bd_xrealloc(net->parameters, net->parameter_count + 1, sizeof *net->parameters);
    struct bd_parameter *p = &net->parameters[net->parameter_count++];
    *p = (struct bd_parameter){.kind = kind,
                               .switch_index = switch_index,
                               .count = count,
                               .value = value,
                               .gradient = bd_xcalloc(count, sizeof(float)),
                               .limit = limit};
    if (switch_index < 0) {
        snprintf(p->name, sizeof p->name, "%s.%s", owner, suffix);
    } else {
        snprintf(p->name, sizeof p->name, "%s.%s.%s", owner, net->graph->switches[switch_index].name, suffix);
    }
    return p->gradient;
}

struct bd_parameter *bd_net_parameters(struct bd_net *net, size_t *count)
{
    *count = net->parameter_count;
    return net->parameters;
}
