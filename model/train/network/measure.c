#include "model/train/network/measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"

static bool is_shared(const struct bd_parameter *p)
{
    return p->kind == BD_PARAMETER_WEIGHT && p->switch_index < 0;
}

void bd_meter_open(struct bd_gradient_meter *meter, const struct bd_parameter *parameters, size_t parameter_count)
{
    *meter = (struct bd_gradient_meter){0};
    for (size_t i = 0; i < parameter_count; i++) {
        meter->count += is_shared(&parameters[i]) ? parameters[i].count : 0;
        meter->layer_count += is_shared(&parameters[i]);
    }
    meter->layers = bd_xcalloc(meter->layer_count, sizeof *meter->layers);
    meter->before = bd_xcalloc(meter->count, sizeof(float));
}

void bd_meter_close(struct bd_gradient_meter *meter)
{
    for (int s = 0; s < BD_MAX_SWITCHES; s++) {
        free(meter->part[s]);
    }
    free(meter->before);
    free(meter->layers);
    *meter = (struct bd_gradient_meter){0};
}

void bd_meter_clear(struct bd_gradient_meter *meter)
{
    meter->taken = 0;
    memset(meter->before, 0, meter->count * sizeof(float));
}

static double product(const float *a, const float *b, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += (double)a[i] * b[i];
    }
    return sum;
}

void bd_meter_take(struct bd_gradient_meter *meter, const struct bd_parameter *parameters, size_t parameter_count,
                   int s)
{
    size_t at = 0;
    if (!meter->part[s]) {
        meter->part[s] = bd_xcalloc(meter->count, sizeof(float));
    }
    for (size_t i = 0; i < parameter_count; i++) {
        const struct bd_parameter *p = &parameters[i];
        for (size_t k = 0; is_shared(p) && k < p->count; k++, at++) {
            meter->part[s][at] = p->gradient[k] - meter->before[at];
            meter->before[at] = p->gradient[k];
        }
    }
    meter->taken |= 1u << s;
}

void bd_meter_balance(struct bd_gradient_meter *meter, const struct bd_parameter *parameters, size_t parameter_count,
                      int s, int to)
{
    size_t at = 0;
    for (size_t i = 0; i < parameter_count && s != to; i++) {
        const struct bd_parameter *p = &parameters[i];
        if (!is_shared(p)) {
            continue;
        }
        const float *part = meter->part[s] + at, *wanted = meter->part[to] + at;
        const double norm = sqrt(product(part, part, p->count));
        const float more = norm > 0 ? sqrt(product(wanted, wanted, p->count)) / norm - 1 : 0;
        for (size_t k = 0; k < p->count; k++) {
            p->gradient[k] += more * part[k];
            meter->before[at + k] = p->gradient[k];
        }
        at += p->count;
    }
}

static double norm_of(const struct bd_gradient_meter *meter, int s, size_t at, size_t count)
{
    const float *part = meter->taken >> s & 1 ? meter->part[s] + at : NULL;
    return part ? sqrt(product(part, part, count)) : 0;
}

void bd_meter_read(struct bd_gradient_meter *meter, const struct bd_parameter *parameters, size_t parameter_count,
                   double norm[BD_MAX_SWITCHES], double cosine[BD_MAX_SWITCHES][BD_MAX_SWITCHES])
{
    for (int s = 0; s < BD_MAX_SWITCHES; s++) {
        norm[s] = norm_of(meter, s, 0, meter->count);
        for (int o = 0; o <= s; o++) {
            double size = norm[s] * norm[o];
            cosine[s][o] = cosine[o][s] = size > 0 ? product(meter->part[s], meter->part[o], meter->count) / size : 0;
        }
    }
    struct bd_gradient_layer *layer = meter->layers;
    for (size_t i = 0, at = 0; i < parameter_count; i++) {
        const struct bd_parameter *p = &parameters[i];
        if (is_shared(p)) {
            layer->name = p->name;
            for (int s = 0; s < BD_MAX_SWITCHES; s++) {
                layer->norm[s] = norm_of(meter, s, at, p->count);
            }
            at += p->count;
            layer++;
        }
    }
}
