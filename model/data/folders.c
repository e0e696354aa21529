/* The folder layouts of Tiny ImageNet and ImageNet. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/data/image_files.h"

#define MAX_CLASSES 65535
#define TEXT_LIMIT (64u << 20)

/* Class names, sorted; the place of a name is its label. */
struct classes {
    char **names;
    size_t count;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void release_names(struct classes *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->names[i]);
    }
    free(list->names);
    *list = (struct classes){0};
}

static int label_of(const struct classes *classes, const char *name)
{
    char **found =
        classes->count ? bsearch(&name, classes->names, classes->count, sizeof *classes->names, by_name) : NULL;
    return found ? (int)(found - classes->names) : -1;
}

static bool is_folder(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

static bool is_image_name(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot && (!strcasecmp(dot, ".jpeg") || !strcasecmp(dot, ".jpg") || !strcasecmp(dot, ".png"));
}

/* The sorted names in a folder that are folders, or that look like images; hidden ones never. */
static bd_status read_folder(struct classes *names, const char *path, bool folders, struct bd_error *err)
{
    *names = (struct classes){0};
    DIR *stream = opendir(path);
    if (!stream) {
        return bd_fail(err, BD_BAD_INPUT, "cannot open folder '%s': %s", path, strerror(errno));
    }
    size_t room = 0;
    for (struct dirent *entry; (entry = readdir(stream));) {
        bool wanted = entry->d_name[0] != '.';
        if (wanted && folders) {
            char *inner = bd_asprintf("%s/%s", path, entry->d_name);
            wanted = is_folder(inner);
            free(inner);
        } else if (wanted) {
            wanted = is_image_name(entry->d_name);
        }
        if (wanted) {
            if (names->count == room) {
                room = 2 * room + 64;
                names->names = bd_xrealloc(names->names, room, sizeof *names->names);
            }
            names->names[names->count++] = bd_xstrdup(entry->d_name);
        }
    }
    closedir(stream);
    if (names->count) {
        qsort(names->names, names->count, sizeof *names->names, by_name);
    }
    return BD_OK;
}

/* Adds every image of `<root>/<inside>` under one label. */
static bd_status add_folder(struct bd_listing *listing, const char *root, const char *inside, int label,
                            struct bd_error *err)
{
    struct classes images;
    char *path = bd_asprintf("%s/%s", root, inside);
    bd_status status = read_folder(&images, path, false, err);
    if (!status && images.count == 0) {
        status = bd_fail(err, BD_BAD_INPUT, "folder '%s' holds no images (.JPEG, .jpg or .png)", path);
    }
    for (size_t i = 0; i < images.count && !status; i++) {
        char *name = bd_asprintf("%s/%s", inside, images.names[i]);
        if (listing->files.count == UINT32_MAX) {
            status = bd_fail(err, BD_BAD_INPUT, "'%s' holds more than %u images", root, UINT32_MAX);
        } else {
            bd_listing_add(listing, label, name);
        }
        free(name);
    }
    release_names(&images);
    free(path);
    return status;
}

/* Adds `<root>/<part>/<class><tail>` for every class. */
static bd_status add_classes(struct bd_listing *listing, const char *root, const char *part, const char *tail,
                             const struct classes *classes, struct bd_error *err)
{
    bd_status status = BD_OK;
    for (size_t label = 0; label < classes->count && !status; label++) {
        char *inside = bd_asprintf("%s/%s%s", part, classes->names[label], tail);
        status = add_folder(listing, root, inside, label, err);
        free(inside);
    }
    return status;
}

/* ---- text files ---- */

/* Cuts the next word of a line, ended by a blank or a comma; NULL at the line's end. */
static char *next_word(char **rest)
{
    char *word = *rest + strspn(*rest, " \t,");
    if (!*word) {
        return NULL;
    }
    char *end = word + strcspn(word, " \t,");
    *rest = *end ? end + 1 : end;
    *end = 0;
    return word;
}

static bool is_plain_name(const char *name)
{
    return name && name[0] != '.' && strlen(name) < 256 && !strchr(name, '/');
}

/* Calls `line` for every line that is not empty, with its offset. Lines end as Unix, Windows (CR LF) or old Macs (CR)
 * end them; a byte order mark at the start is passed over. */
static bd_status each_line(const char *path, void *context,
                           bd_status (*line)(void *context, const char *path, size_t offset, char *text,
                                             struct bd_error *err),
                           struct bd_error *err)
{
    uint8_t *data;
    size_t size;
    bd_status status = bd_file_read(path, TEXT_LIMIT, &data, &size, err);
    const uint8_t *zero = status || !size ? NULL : memchr(data, 0, size);
    if (zero) {
        status = bd_fail_byte(err, path, zero - data, "a zero byte in a text file");
    }
    for (size_t at = size >= 3 && !memcmp(data, "\xEF\xBB\xBF", 3) ? 3 : 0; !status && at < size;) {
        char *text = (char *)data + at;
        size_t length = strcspn(text, "\r\n");
        text[length] = 0;
        if (text[strspn(text, " \t")]) {
            status = line(context, path, at, text, err);
        }
        at += length + 1;
    }
    free(data);
    return status;
}

static bd_status class_line(void *context, const char *path, size_t offset, char *text, struct bd_error *err)
{
    struct classes *classes = context;
    char *name = next_word(&text);
    if (!is_plain_name(name) || next_word(&text)) {
        return bd_fail_byte(err, path, offset, "a line must be one class name, such as n01443537");
    }
    if (classes->count == MAX_CLASSES) {
        return bd_fail_byte(err, path, offset, "more than %d classes", MAX_CLASSES);
    }
    classes->names = bd_xrealloc(classes->names, classes->count + 1, sizeof *classes->names);
    classes->names[classes->count++] = bd_xstrdup(name);
    return BD_OK;
}

static bd_status check_classes(struct classes *classes, const char *path, struct bd_error *err)
{
    if (classes->count == 0 || classes->count > MAX_CLASSES) {
        return bd_fail(err, BD_BAD_INPUT, "'%s' names %zu classes, must be 1..%d", path, classes->count, MAX_CLASSES);
    }
    qsort(classes->names, classes->count, sizeof *classes->names, by_name);
    for (size_t i = 1; i < classes->count; i++) {
        if (!strcmp(classes->names[i - 1], classes->names[i])) {
            return bd_fail(err, BD_BAD_INPUT, "%s: class '%s' stands there twice", path, classes->names[i]);
        }
    }
    return BD_OK;
}

/* Lines "image class ..." of images in one folder. */
struct annotations {
    struct bd_listing *listing;
    const struct classes *classes;
    const char *inside; /* their folder, from the root */
};

static bd_status annotation_line(void *context, const char *path, size_t offset, char *text, struct bd_error *err)
{
    struct annotations *a = context;
    if (offset <= 3 && !strncmp(text, "ImageId,", 8)) {
        return BD_OK; /* the heading of a table */
    }
    char *image = next_word(&text), *name = next_word(&text);
    if (!is_plain_name(image) || !name) {
        return bd_fail_byte(err, path, offset, "a line must begin with the names of an image and a class");
    }
    int label = label_of(a->classes, name);
    if (label < 0) {
        return bd_fail_byte(err, path, offset, "'%s' is none of the %zu classes", name, a->classes->count);
    }
    char *inside = bd_asprintf("%s/%s%s", a->inside, image, is_image_name(image) ? "" : ".JPEG");
    bd_listing_add(a->listing, label, inside);
    free(inside);
    return BD_OK;
}

/* Refuses a list that does not name all that its folder holds: one that was cut short, or of another set. `names`: the
 * sorted names of the list, what: "images" or "classes". */
static bd_status compare_with_folder(const char *path, const char *const *names, size_t count, const char *what,
                                     const char *folder, struct bd_error *err)
{
    struct classes there;
    bd_status status = read_folder(&there, folder, !strcmp(what, "classes"), err);
    for (size_t i = 0, listed = 0; i < there.count && !status; i++) {
        while (listed < count && strcmp(names[listed], there.names[i]) < 0) { /* not in the folder: opening it tells */
            listed++;
        }
        if (listed == count || strcmp(names[listed], there.names[i])) {
            status =
                bd_fail(err, BD_BAD_INPUT,
                        "%s: the list names %zu %s, but folder '%s' holds %zu: '%s' is in no line; the list was cut "
                        "short, or is of another set",
                        path, count, what, folder, there.count, there.names[i]);
        }
    }
    release_names(&there);
    return status;
}

static bd_status read_annotations(struct bd_listing *listing, const char *path, const char *inside,
                                  const struct classes *classes, struct bd_error *err)
{
    struct annotations a = {listing, classes, inside};
    struct bd_image_files *files = &listing->files;
    bd_status status = each_line(path, &a, annotation_line, err);
    if (status) {
        return status;
    }
    if (files->count == 0) {
        return bd_fail_byte(err, path, 0, "no image is named");
    }
    const char **sorted = bd_xcalloc(files->count, sizeof *sorted);
    for (uint32_t i = 0; i < files->count; i++) { /* without the folder, which is the same for all */
        sorted[i] = files->text + files->names[i] + strlen(inside) + 1;
    }
    qsort(sorted, files->count, sizeof *sorted, by_name);
    for (uint32_t i = 1; i < files->count && !status; i++) {
        if (!strcmp(sorted[i - 1], sorted[i])) {
            status = bd_fail(err, BD_BAD_INPUT, "%s: '%s/%s' is named twice", path, inside, sorted[i]);
        }
    }
    char *folder = bd_asprintf("%s/%s", files->root, inside);
    status = status ? status : compare_with_folder(path, sorted, files->count, "images", folder, err);
    free(folder);
    free(sorted);
    return status;
}

/* ---- layouts ---- */

bd_status bd_listing_tiny(struct bd_listing *listing, const char *folder, bool test, struct bd_error *err)
{
    struct classes classes = {0};
    char *train = bd_asprintf("%s/train", folder);
    char *wnids = bd_asprintf("%s/wnids.txt", folder), *annotations = bd_asprintf("%s/val/val_annotations.txt", folder);
    *listing = (struct bd_listing){.files.root = bd_xstrdup(folder)};
    bd_status status = each_line(wnids, &classes, class_line, err);
    status = status ? status : check_classes(&classes, wnids, err);
    status = status
                 ? status
                 : compare_with_folder(wnids, (const char *const *)classes.names, classes.count, "classes", train, err);
    if (!status && test) {
        status = read_annotations(listing, annotations, "val/images", &classes, err);
    } else if (!status) {
        status = add_classes(listing, folder, "train", "/images", &classes, err);
    }
    listing->classes = classes.count;
    if (status) {
        bd_listing_release(listing);
    }
    release_names(&classes);
    free(annotations);
    free(wnids);
    free(train);
    return status;
}

/* The test images: a folder for each class, or one folder with a file that says which is which. */
static bd_status list_imagenet_test(struct bd_listing *listing, const char *folder, const struct classes *classes,
                                    struct bd_error *err)
{
    static const char *const maps[] = {"val/val_annotations.txt", "LOC_val_solution.csv"};
    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++) {
        char *path = bd_asprintf("%s/%s", folder, maps[i]);
        struct stat about;
        bool there = stat(path, &about) == 0;
        bd_status status = there ? read_annotations(listing, path, "val", classes, err) : BD_OK;
        free(path);
        if (there) {
            return status;
        }
    }
    char *val = bd_asprintf("%s/val", folder);
    struct classes inner;
    bd_status status = read_folder(&inner, val, true, err);
    if (!status && inner.count == 0) {
        status = bd_fail(err, BD_BAD_INPUT,
                         "'%s' has no folder for a class; where its images stand side by side, '%s/%s' or '%s/%s' must "
                         "say their classes, 'image class' a line",
                         val, folder, maps[0], folder, maps[1]);
    }
    for (size_t i = 0; i < inner.count && !status; i++) {
        if (label_of(classes, inner.names[i]) < 0) {
            status = bd_fail(err, BD_BAD_INPUT, "folder '%s/%s' is none of the %zu classes of '%s/train'", val,
                             inner.names[i], classes->count, folder);
        }
    }
    status = status ? status : add_classes(listing, folder, "val", "", classes, err);
    release_names(&inner);
    free(val);
    return status;
}

bd_status bd_listing_imagenet(struct bd_listing *listing, const char *folder, bool test, struct bd_error *err)
{
    struct classes classes;
    char *train = bd_asprintf("%s/train", folder);
    *listing = (struct bd_listing){.files.root = bd_xstrdup(folder)};
    bd_status status = read_folder(&classes, train, true, err);
    status = status ? status : check_classes(&classes, train, err);
    if (!status) {
        status = test ? list_imagenet_test(listing, folder, &classes, err)
                      : add_classes(listing, folder, "train", "", &classes, err);
    }
    listing->classes = classes.count;
    if (status) {
        bd_listing_release(listing);
    }
    release_names(&classes);
    free(train);
    return status;
}
