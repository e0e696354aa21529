/* What `bitdial cosim` prints of a run. */
#ifndef BD_CLI_COSIM_REPORT_H
#define BD_CLI_COSIM_REPORT_H

#include "sw/cosim/cosim.h"

/* `program`: NULL in random mode. `status`: of the run, BD_OK or BD_FAIL, of which `err` has the reason. */
void bd_cli_cosim_json(const struct bd_cosim_options *o, const struct bd_program *program,
                       const struct bd_cosim_totals *t, bd_status status, const struct bd_error *err);
void bd_cli_cosim_text(const struct bd_cosim_options *o, const struct bd_program *program,
                       const struct bd_cosim_totals *t);

#endif
