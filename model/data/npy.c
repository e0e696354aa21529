#include "model/data/npy.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/file.h"
#include "model/core/memory.h"

enum { MAX_RANK = 8, MAX_SIDE = 1 << 16 };
#define FILE_LIMIT ((size_t)4 << 30)

struct array {
    const char *path;
    uint8_t *file;
    size_t size, at; /* bytes of the file; place of the next byte to read */
    char descr[8];   /* "|u1", "<i8", ... */
    bool fortran;
    int rank; /* -1: no shape has been read */
    uint64_t shape[MAX_RANK];
};

static bd_status fail_at(const struct array *a, size_t offset, const char *what, struct bd_error *err)
{
    return bd_fail(err, BD_BAD_INPUT, "%s: offset %zu: %s", a->path, offset, what);
}

/* ---- the header: a Python dictionary of three entries ---- */

static char peek(struct array *a, size_t end)
{
    while (a->at < end && (a->file[a->at] == ' ' || a->file[a->at] == '\n')) {
        a->at++;
    }
    return a->at < end ? (char)a->file[a->at] : '\0';
}

static bool take(struct array *a, size_t end, char wanted)
{
    bool found = peek(a, end) == wanted;
    a->at += found;
    return found;
}

static bool take_text(struct array *a, size_t end, char *text, size_t size)
{
    char quote = peek(a, end);
    size_t length = 0;
    if (quote != '\'' && quote != '"') {
        return false;
    }
    for (a->at++; a->at < end && (char)a->file[a->at] != quote; a->at++) {
        if (length + 1 == size) {
            return false;
        }
        text[length++] = (char)a->file[a->at];
    }
    text[length] = '\0';
    return take(a, end, quote);
}

static bool take_word(struct array *a, size_t end, const char *word)
{
    size_t length = strlen(word);
    bool found = peek(a, end) && end - a->at >= length && memcmp(a->file + a->at, word, length) == 0;
    a->at += found ? length : 0;
    return found;
}

static bool take_shape(struct array *a, size_t end)
{
    if (!take(a, end, '(')) {
        return false;
    }
    for (a->rank = 0; !take(a, end, ')');) {
        uint64_t value = 0;
        if (a->rank == MAX_RANK || !isdigit((unsigned char)peek(a, end))) {
            return false;
        }
        while (a->at < end && isdigit(a->file[a->at])) {
            value = 10 * value + (uint64_t)(a->file[a->at++] - '0');
            if (value > UINT32_MAX) {
                return false;
            }
        }
        a->shape[a->rank++] = value;
        if (!take(a, end, ',') && peek(a, end) != ')') {
            return false;
        }
    }
    return true;
}

static bool take_header(struct array *a, size_t end)
{
    bool has_order = false;
    if (!take(a, end, '{')) {
        return false;
    }
    while (!take(a, end, '}')) {
        char key[16];
        if (!take_text(a, end, key, sizeof key) || !take(a, end, ':')) {
            return false;
        }
        bool taken = false;
        if (!strcmp(key, "descr") && !a->descr[0]) {
            taken = take_text(a, end, a->descr, sizeof a->descr);
        } else if (!strcmp(key, "fortran_order") && !has_order) {
            a->fortran = take_word(a, end, "True");
            taken = has_order = a->fortran || take_word(a, end, "False");
        } else if (!strcmp(key, "shape") && a->rank < 0) {
            taken = take_shape(a, end);
        }
        if (!taken || (!take(a, end, ',') && peek(a, end) != '}')) {
            return false;
        }
    }
    return a->descr[0] && has_order && a->rank >= 0 && peek(a, end) == '\0';
}

/* 1, 2, 4 or 8; 0 for all else. */
static uint64_t element_bytes(const struct array *a)
{
    return strlen(a->descr) == 3 && strchr("1248", a->descr[2]) ? (uint64_t)(a->descr[2] - '0') : 0;
}

/* Whether the data behind the header is what the header says, to the byte. */
static bool size_agrees(const struct array *a)
{
    uint64_t bytes = element_bytes(a), have = a->size - a->at;
    for (int i = 0; i < a->rank; i++) {
        if (a->shape[i] != 0 && bytes > have / a->shape[i]) {
            return false;
        }
        bytes *= a->shape[i];
    }
    return bytes == have;
}

static bd_status read_array(struct array *a, const char *path, struct bd_error *err)
{
    *a = (struct array){.path = path, .rank = -1};
    bd_status status = bd_file_read(path, FILE_LIMIT, &a->file, &a->size, err);
    if (status != BD_OK) {
        return status;
    }
    const uint8_t *f = a->file;
    if (a->size < 10 || memcmp(f, "\x93NUMPY", 6) != 0 || f[6] < 1 || f[6] > 3) {
        return fail_at(a, 0, "this is no .npy file of format 1, 2 or 3", err);
    }
    uint64_t length = f[8] + 256u * f[9];
    a->at = 10;
    if (f[6] > 1 && a->size < 12) {
        return fail_at(a, 8, "the header is longer than the file", err);
    }
    if (f[6] > 1) {
        length += ((uint64_t)f[10] << 16) + ((uint64_t)f[11] << 24);
        a->at = 12;
    }
    size_t end = a->at + length;
    if (length > a->size - a->at) {
        return fail_at(a, 8, "the header is longer than the file", err);
    }
    if (!take_header(a, end)) {
        return fail_at(a, a->at, "the header is no dictionary of descr, fortran_order and shape", err);
    }
    a->at = end;
    if (a->fortran) {
        return fail_at(a, 10, "the array is in Fortran order, C order is expected (numpy.ascontiguousarray)", err);
    }
    if (!element_bytes(a)) {
        return fail_at(a, 10, "the elements are no plain numbers", err);
    }
    return size_agrees(a) ? BD_OK : fail_at(a, end, "the data is not of the size that the header tells", err);
}

/* ---- images and labels ---- */

static bd_status check_images(const struct array *a, struct bd_error *err)
{
    if (strcmp(a->descr, "|u1") != 0 || (a->rank != 3 && a->rank != 4)) {
        return bd_fail(err, BD_BAD_INPUT,
                       "%s: offset 10: images are an array (N, H, W, C) or (N, H, W) of bytes ('|u1', numpy.uint8), "
                       "this one has %d dimensions of '%s'",
                       a->path, a->rank, a->descr);
    }
    for (int i = 0; i < a->rank; i++) {
        if (a->shape[i] < 1 || (i > 0 && a->shape[i] > MAX_SIDE)) {
            return fail_at(a, 10, "a dimension is 0 or too large for images", err);
        }
    }
    return BD_OK;
}

bd_status bd_npy_images(const char *path, struct bd_dataset *set, struct bd_error *err)
{
    struct array a;
    bd_status status = read_array(&a, path, err);
    status = status ? status : check_images(&a, err);
    if (status == BD_OK) {
        set->count = (uint32_t)a.shape[0];
        set->height = (uint32_t)a.shape[1];
        set->width = (uint32_t)a.shape[2];
        set->channels = a.rank == 4 ? (uint32_t)a.shape[3] : 1;
        set->images = bd_xmalloc(a.size - a.at);
        memcpy(set->images, a.file + a.at, a.size - a.at);
    }
    free(a.file);
    return status;
}

static bd_status convert_labels(const struct array *a, struct bd_dataset *set, struct bd_error *err)
{
    const uint64_t bytes = element_bytes(a);
    if (a->rank != 1 || (a->descr[0] != '|' && a->descr[0] != '<') || (a->descr[1] != 'u' && a->descr[1] != 'i')) {
        return fail_at(a, 10, "labels are one dimension of little-endian integers", err);
    }
    if (a->shape[0] != set->count) {
        return bd_fail(err, BD_BAD_INPUT, "%s: offset 10: %lu labels, but %u images", a->path,
                       (unsigned long)a->shape[0], set->count);
    }
    set->labels = bd_xcalloc(set->count, sizeof *set->labels);
    for (uint32_t i = 0; i < set->count; i++) {
        uint64_t value = 0;
        for (uint64_t b = 0; b < bytes; b++) { /* a negative one is too large */
            value |= (uint64_t)a->file[a->at + i * bytes + b] << (8 * b);
        }
        if (value >= set->classes) {
            return bd_fail(err, BD_BAD_INPUT, "%s: offset %zu: label %u is not below %u, the number of classes",
                           a->path, a->at + (size_t)(i * bytes), i, set->classes);
        }
        set->labels[i] = (uint16_t)value;
    }
    return BD_OK;
}

bd_status bd_npy_labels(const char *path, struct bd_dataset *set, struct bd_error *err)
{
    struct array a;
    bd_status status = read_array(&a, path, err);
    status = status ? status : convert_labels(&a, set, err);
    free(a.file);
    return status;
}
