#include "model/core/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void out_of_memory(size_t count, size_t size)
{
    fprintf(stderr, "bitdial: out of memory: cannot allocate %zu x %zu bytes\n", count, size);
    abort();
}

static size_t product(size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total) || total > PTRDIFF_MAX) {
        out_of_memory(count, size);
    }
    return total ? total : 1;
}

void *bd_xmalloc(size_t size)
{
    void *memory = malloc(product(1, size));
    if (!memory) {
        out_of_memory(1, size);
    }
    return memory;
}

void *bd_xaligned(size_t size)
{
    enum { LINE = 64 };
    void *memory = aligned_alloc(LINE, product(size / LINE + 1, LINE));
    if (!memory) {
        out_of_memory(1, size);
    }
    return memory;
}

void *bd_xcalloc(size_t count, size_t size)
{
    void *memory = calloc(1, product(count, size));
    if (!memory) {
        out_of_memory(count, size);
    }
    return memory;
}

void *bd_xrealloc(void *old, size_t count, size_t size)
{
    void *memory = realloc(old, product(count, size));
    if (!memory) {
        out_of_memory(count, size);
    }
    return memory;
}

char *bd_xstrndup(const char *text, size_t size)
{
    char *copy = bd_xmalloc(size + 1);
    memcpy(copy, text, size);
    copy[size] = '\0';
    return copy;
}

char *bd_xstrdup(const char *text)
{
    return bd_xstrndup(text, strlen(text));
}

char *bd_vasprintf(const char *format, va_list arguments)
{
    char *text;
    if (vasprintf(&text, format, arguments) < 0) {
        out_of_memory(1, strlen(format));
    }
    return text;
}

char *bd_asprintf(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = bd_vasprintf(format, arguments);
    va_end(arguments);
    return text;
}
