/* The picture of a pruning: the width that each layer keeps, and the measured networks by clocks and accuracy. */
#ifndef BD_CLI_PRUNE_PICTURE_H
#define BD_CLI_PRUNE_PICTURE_H

#include "model/prune/pipeline.h"

/* `channels`: of each prune group, what was chosen. Two panels of SVG; without observations the first alone. */
bd_status bd_cli_draw_prune(struct bd_prune_run *run, const int *channels, const char *path, struct bd_error *err)
    BD_WARN_UNUSED;

#endif
