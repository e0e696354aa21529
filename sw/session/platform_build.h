/* The device process of a hardware configuration, built where it is missing. */
#ifndef BD_SESSION_PLATFORM_BUILD_H
#define BD_SESSION_PLATFORM_BUILD_H

#include "model/core/error.h"
#include "sw/session/session.h"

/* Runs sim/build.sh of the folder above this program's that holds one, by an argument vector, and gives the path that
 * it prints (malloc'd). A configuration that cannot be opened is BD_BAD_INPUT, everything else BD_INFRA: no such
 * folder, a build that failed (what the tools said went to standard error), one that takes longer than an hour. */
bd_status bd_platform_build(const struct bd_session_options *options, char **path, struct bd_error *err) BD_WARN_UNUSED;

/* The same with another script of that tree ("sim/upset/build.sh"), which gets `arguments` (ended by NULL, at most 8)
 * and the hardware configuration behind them. Of the options hardware_path, notice and context count. */
bd_status bd_tree_build(const struct bd_session_options *options, const char *script, const char *const *arguments,
                        char **path, struct bd_error *err) BD_WARN_UNUSED;

#endif
