/* Allocation that cannot fail: out of memory, or a size that overflows, ends the process with a message.
 * What they return is freed with free(). A size of 0 gives a valid pointer. */
#ifndef BD_CORE_MEMORY_H
#define BD_CORE_MEMORY_H

#include <stdarg.h>
#include <stddef.h>

#include "model/core/error.h"

void *bd_xmalloc(size_t size) __attribute__((malloc, returns_nonnull));
/* At a multiple of 64, a cache line and a vector of AVX-512. */
void *bd_xaligned(size_t size) __attribute__((malloc, returns_nonnull));
/* count * size zeroed bytes; the product is checked. */
void *bd_xcalloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
/* Resizes to count * size bytes; the product is checked. */
void *bd_xrealloc(void *old, size_t count, size_t size) __attribute__((returns_nonnull));
char *bd_xstrdup(const char *text) __attribute__((malloc, returns_nonnull, nonnull));
/* `size` bytes of `text` and a zero byte. */
char *bd_xstrndup(const char *text, size_t size) __attribute__((malloc, returns_nonnull));
/* Formatted text of any length. */
char *bd_asprintf(const char *format, ...) BD_PRINTF(1, 2) __attribute__((returns_nonnull));
char *bd_vasprintf(const char *format, va_list arguments) BD_PRINTF(1, 0) __attribute__((returns_nonnull));

#endif
