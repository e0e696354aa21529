/* The repository that this program was built in: where the scripts stand that build and run simulators. */
#ifndef BD_SESSION_TREE_H
#define BD_SESSION_TREE_H

#include <glob.h>
#include <limits.h>
#include <stdint.h>

#include "model/core/error.h"

/* The folder above this program's that holds sim/build.sh. */
bd_status bd_tree_find(char root[PATH_MAX], struct bd_error *err) BD_WARN_UNUSED;
/* The same; "" where that is the current folder. */
bd_status bd_tree_root(char root[PATH_MAX], struct bd_error *err) BD_WARN_UNUSED;
/* Paths of the RTL's sources in the repository `root` ("": the current folder); globfree releases them. */
void bd_tree_rtl(const char *root, glob_t *found);
/* CRC-32 of what simulated RTL is made of, by which hw/build.sh names its builds and which their register RTL_HASH
 * holds. */
bd_status bd_tree_rtl_hash(const char *root, uint32_t *hash, struct bd_error *err) BD_WARN_UNUSED;

#endif
