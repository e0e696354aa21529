/* What several commands ask of their outputs; the rule itself is model/core/output.h's. */
#include <stdlib.h>

#include "model/core/memory.h"
#include "model/core/output.h"
#include "sw/cli/cli.h"

bd_status bd_cli_trace(const char **trace, const char *const *inputs, struct bd_error *err)
{
    static char *target; /* until the process ends, as the option's own text */
    if (!*trace || bd_output_check(*trace, BD_OUTPUT_TRACE, NULL, inputs, err)) {
        return *trace ? err->status : BD_OK;
    }
    char *found = bd_output_target(*trace);
    if (!found) {
        return bd_fail(err, BD_BAD_INPUT, "cannot write '%s': a trace needs a file", *trace);
    }
    free(target);
    *trace = target = found;
    return BD_OK;
}

bd_status bd_cli_write_array(const char *path, const char *const *inputs, enum bd_npy_type type, int rank,
                             const int64_t *shape, const void *data, struct bd_error *err)
{
    if (bd_output_check(path, BD_OUTPUT_ARRAY, NULL, inputs, err)) {
        return err->status;
    }
    return bd_npy_write(path, type, rank, shape, data, err);
}
