/* Runs fuzzers' inputs through the same entry functions in an ordinary build:
 *   replay TARGET FILE...     each file once; the last line tells the file where one ends the process
 *   replay --list             the targets, without the planted one, which is the last */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/file.h"
#include "tests/fuzz/fuzz.h"

static const struct {
    const char *name;
    void (*run)(const uint8_t *data, size_t size);
} targets[] = {
#define X(target) {#target, fuzz_##target},
    FUZZ_TARGETS(X)
#undef X
        {"planted", fuzz_planted},
};

static int list(void)
{
    for (size_t i = 0; i + 1 < sizeof targets / sizeof *targets; i++) {
        puts(targets[i].name);
    }
    return BD_OK;
}

static int replay(size_t target, char **files)
{
    struct bd_error err;
    for (; *files; files++) {
        uint8_t *data;
        size_t size;
        if (bd_file_read(*files, 1 << 26, &data, &size, &err)) {
            fprintf(stderr, "replay: %s\n", err.message);
            return err.status;
        }
        fprintf(stderr, "replay %s %s\n", targets[target].name, *files);
        uint8_t *exact = malloc(size ? size : 1); /* without the zero byte that follows: reading past the end shows */
        memcpy(exact, data, size);
        free(data);
        targets[target].run(exact, size);
        free(exact);
    }
    return BD_OK;
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "--list")) {
        return list();
    }
    for (size_t i = 0; argc > 2 && i < sizeof targets / sizeof *targets; i++) {
        if (!strcmp(argv[1], targets[i].name)) {
            return replay(i, argv + 2);
        }
    }
    fputs("usage: replay TARGET FILE... | replay --list\n", stderr);
    return BD_BAD_INPUT;
}
