#include "sw/regress/places.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/file.h"
#include "model/core/json.h"
#include "model/core/memory.h"
#include "sw/regress/waivers.h"

enum { PLACES_MOST = 64 << 20, SOURCE_MOST = 4 << 20 };

/* ---- counts of points --------------------------------------------------------------------------------------- */

/* Bits that rose or fell by one count or another, of which one may be of a wider port: the lowest are the same. */
static void join_bits(char *all, size_t size, const char *more, size_t count)
{
    for (size_t b = 1; b <= size && b <= count; b++)
        all[size - b] |= more[count - b] & 1;
}

/* A port's "ROSE FELL", a '0' or '1' each bit, with those that are known of it. NULL: no such text. */
static json_t *merge_edges(const json_t *known, const char *edges)
{
    const char *before = known ? json_string_value(known) : " ";
    const size_t size = strspn(edges, "01"), had = strspn(before, "01"), wide = size > had ? size : had;
    if (!size || edges[size] != ' ' || strspn(edges + size + 1, "01") != size || edges[2 * size + 1])
        return NULL;
    char *all = bd_xcalloc(2 * wide + 2, 1);
    memset(all, '0', 2 * wide + 1);
    all[wide] = ' ';
    for (size_t part = 0; part < 2; part++) {
        join_bits(all + part * (wide + 1), wide, before + part * (had + 1), had);
        join_bits(all + part * (wide + 1), wide, edges + part * (size + 1), size);
    }
    json_t *merged = json_string(all);
    free(all);
    return merged;
}

static json_t *merge_count(const json_t *known, const char *count)
{
    char *end;
    const unsigned long long more = strtoull(count, &end, 10);
    return end == count || *end ? NULL : json_integer(json_integer_value(known) + (json_int_t)more);
}

/* "KIND\tFILE\tLINE\tNAME\tCOUNT", which is cut apart. */
static bool merge_row(json_t *places, char *row)
{
    char *count = strrchr(row, '\t');
    if (!count)
        return false;
    *count++ = '\0';
    const json_t *known = json_object_get(places, row);
    json_t *merged = strncmp(row, "port\t", 5) == 0 ? merge_edges(known, count) : merge_count(known, count);
    return merged && json_object_set_new(places, row, merged) == 0;
}

bd_status bd_places_merge(json_t *places, const char *path, struct bd_error *err)
{
    uint8_t *data;
    size_t size;
    if (bd_file_read(path, PLACES_MOST, &data, &size, err))
        return err->status;
    char *rest = (char *)data;
    bd_status status = BD_OK;
    int line = 1;
    for (char *row; !status && (row = strsep(&rest, "\n")) && (*row || rest); line++)
        if (!merge_row(places, row))
            status = bd_fail(err, BD_BAD_INPUT, "%s:%d:1: a place and its count must stand here", path, line);
    free(data);
    return status;
}

/* ---- sources ------------------------------------------------------------------------------------------------ */

/* Lines of the files that places name: {"file": ["text", ...]}, without the blanks at their ends. */
static bd_status read_source(json_t *sources, const char *root, const char *file, struct bd_error *err)
{
    uint8_t *data;
    size_t size;
    if (json_object_get(sources, file))
        return BD_OK;
    char *path = bd_asprintf("%s%s", root, file);
    const bd_status status = bd_file_read(path, SOURCE_MOST, &data, &size, err);
    free(path);
    if (status)
        return status;
    json_t *lines = json_array();
    char *rest = (char *)data;
    for (char *row; (row = strsep(&rest, "\n"));) {
        row += strspn(row, " \t");
        size_t end = strlen(row);
        while (end && isspace((unsigned char)row[end - 1]))
            row[--end] = '\0';
        json_array_append_new(lines, bd_json_text(row));
    }
    json_object_set_new(sources, file, lines);
    free(data);
    return BD_OK;
}

static const char *source_line(const json_t *sources, const char *file, int line)
{
    const char *text = json_string_value(json_array_get(json_object_get(sources, file), (size_t)line - 1));
    return text ? text : "";
}

static bool has_line(const json_t *sources, const char *file, const char *text)
{
    json_t *line;
    size_t i;
    json_array_foreach(json_object_get(sources, file), i, line)
    {
        if (strcmp(json_string_value(line), text) == 0)
            return true;
    }
    return false;
}

/* Whether the word stands anywhere in the file. */
static bool has_word(const json_t *sources, const char *file, const char *word)
{
    json_t *line;
    size_t i;
    json_array_foreach(json_object_get(sources, file), i, line)
    {
        const char *text = json_string_value(line);
        for (const char *at = text; (at = strstr(at, word)); at++) {
            const char after = at[strlen(word)];
            if ((at == text || !(isalnum((unsigned char)at[-1]) || at[-1] == '_')) &&
                !(isalnum((unsigned char)after) || after == '_'))
                return true;
        }
    }
    return false;
}

/* ---- judging ------------------------------------------------------------------------------------------------ */

enum { PLACES, COVERED, WAIVED, SUMS };

struct judgement {
    struct bd_waivers waivers;
    json_t *sources, *files, *holes;
    json_int_t sums[BD_PLACE_KINDS][SUMS];
};

/* The parts of "kind\tfile\tline\tname", which is cut apart. */
static bool read_place(char *key, struct bd_place *place)
{
    char *rest = key;
    const char *kind = strsep(&rest, "\t"), *file = strsep(&rest, "\t"), *line = strsep(&rest, "\t");
    if (!rest || !*file)
        return false;
    *place = (struct bd_place){.kind = BD_PLACE_KINDS, .file = file, .line = atoi(line), .name = rest};
    for (int k = 0; k < BD_PLACE_KINDS; k++)
        if (strcmp(kind, bd_place_kinds[k]) == 0)
            place->kind = (enum bd_place_kind)k;
    return place->kind != BD_PLACE_KINDS && place->line > 0;
}

static void count_place(struct judgement *j, const struct bd_place *place, bool waived)
{
    json_t *row = json_object_get(j->files, place->file);
    if (!row) {
        row = json_pack("{s:o}", "file", bd_json_text(place->file));
        for (int k = 0; k < BD_PLACE_KINDS; k++)
            json_object_set_new(row, bd_place_kinds[k], json_pack("[iii]", 0, 0, 0));
        json_object_set_new(j->files, place->file, row);
    }
    json_t *of = json_object_get(row, bd_place_kinds[place->kind]);
    const bool add[SUMS] = {true, place->covered, waived};
    for (size_t s = 0; s < SUMS; s++) {
        j->sums[place->kind][s] += add[s];
        json_array_set_new(of, s, json_integer(json_integer_value(json_array_get(of, s)) + add[s]));
    }
}

static void add_hole(struct judgement *j, const struct bd_place *place, const char *what)
{
    json_array_append_new(j->holes, json_pack("{s:s, s:o, s:i, s:o, s:o, s:o}", "kind", bd_place_kinds[place->kind],
                                              "file", bd_json_text(place->file), "line", place->line, "name",
                                              bd_json_text(what), "text", bd_json_text(place->text), "filled_by",
                                              bd_json_text(bd_waivers_filled_by(&j->waivers, place->file))));
}

/* Adds " rise 63:32 5" to `what` for the bits that did not, where there are any. */
static void tell_bits(char **what, const char *edge, const bool *missing, size_t bits)
{
    bool first = true;
    for (size_t high = bits; high-- > 0;) {
        size_t low = high;
        if (!missing[high])
            continue;
        while (low > 0 && missing[low - 1])
            low--;
        char *more = low == high ? bd_asprintf("%s%s %zu", *what, first ? edge : "", high)
                                 : bd_asprintf("%s%s %zu:%zu", *what, first ? edge : "", high, low);
        free(*what);
        *what = more;
        first = false;
        high = low;
    }
}

/* Every bit of a port rises and falls: two places a bit, one hole a port. */
static void judge_port(struct judgement *j, struct bd_place *place, const char *edges)
{
    static const char *const names[] = {" never rises:", " never falls:"};
    const size_t bits = strspn(edges, "01");
    bool *missing = bd_xcalloc(bits, sizeof *missing), any = false;
    char *what = bd_xstrdup(place->name);
    for (size_t e = 0; e < 2; e++) {
        for (size_t b = 0; b < bits; b++) {
            place->bit = b;
            place->covered = edges[e * (bits + 1) + bits - 1 - b] == '1';
            const bool waived = bd_waivers_match(&j->waivers, place) && !place->covered;
            count_place(j, place, waived);
            missing[b] = !place->covered && !waived;
            any = any || missing[b];
        }
        tell_bits(&what, names[e], missing, bits);
    }
    if (any)
        add_hole(j, place, what);
    free(what);
    free(missing);
}

static void judge_line(struct judgement *j, struct bd_place *place, json_int_t count)
{
    place->covered = count > 0;
    const bool waived = bd_waivers_match(&j->waivers, place) && !place->covered;
    count_place(j, place, waived);
    if (!place->covered && !waived)
        add_hole(j, place, place->name);
}

static bd_status judge_places(struct judgement *j, const char *root, const json_t *places, struct bd_error *err)
{
    const char *key;
    json_t *count;
    bd_status status = BD_OK;
    json_object_foreach((json_t *)places, key, count)
    {
        char *copy = bd_xstrdup(key);
        struct bd_place place;
        if (!read_place(copy, &place))
            status = bd_fail(err, BD_BAD_INPUT, "'%s' is no place of the RTL", key);
        status = status ? status : read_source(j->sources, root, place.file, err);
        if (!status) {
            place.text = source_line(j->sources, place.file, place.line);
            if (json_is_string(count))
                judge_port(j, &place, json_string_value(count));
            else
                judge_line(j, &place, json_integer_value(count));
        }
        free(copy);
        if (status)
            break;
    }
    return status;
}

/* What is wrong with a waiver that waives nothing; NULL: nothing, its place is not in the models that ran. */
static const char *why_stale(struct judgement *j, const struct bd_waiver *w, const char *root)
{
    struct bd_error missing;
    if (w->uncovered || w->lifted)
        return NULL;
    if (w->matched)
        return "was covered";
    if (w->file[strlen(w->file) - 1] == '/') /* it may be in a file that no model has */
        return NULL;
    if (read_source(j->sources, root, w->file, &missing))
        return "is in no file of this name";
    const bool there = w->line ? has_line(j->sources, w->file, w->line) : has_word(j->sources, w->file, w->port);
    return there ? NULL : "is there no more";
}

static json_t *find_stale(struct judgement *j, const char *root)
{
    json_t *stale = json_array();
    for (size_t i = 0; i < j->waivers.count; i++) {
        const struct bd_waiver *w = &j->waivers.waivers[i];
        const char *why = why_stale(j, w, root);
        char *text = why ? bd_asprintf("%s:%d:%d: the waiver of '%s' in %s is stale: it %s", j->waivers.yaml.path,
                                       w->node->line, w->node->column, w->line ? w->line : w->node->text, w->file, why)
                         : NULL;
        if (text)
            json_array_append_new(stale, bd_json_text(text));
        free(text);
    }
    return stale;
}

/* Rounded down: 100 is all. Where nothing was counted, nothing is covered. */
static double percent(const json_int_t *sums)
{
    const json_int_t of = sums[PLACES] - sums[WAIVED];
    if (!sums[PLACES])
        return 0;
    return of ? (double)(sums[COVERED] * 1000 / of) / 10 : 100;
}

static json_t *make_result(struct judgement *j, const char *root)
{
    json_t *kinds = json_array(), *files = json_array(), *row;
    const char *file;
    for (int k = 0; k < BD_PLACE_KINDS; k++)
        json_array_append_new(kinds, json_pack("{s:s, s:I, s:I, s:I, s:f, s:f}", "kind", bd_place_kinds[k], "places",
                                               j->sums[k][PLACES], "covered", j->sums[k][COVERED], "waived",
                                               j->sums[k][WAIVED], "percent", percent(j->sums[k]), "goal",
                                               j->waivers.goals[k]));
    json_object_foreach(j->files, file, row)
    {
        json_array_append(files, row);
    }
    return json_pack("{s:o, s:o, s:O, s:o}", "kinds", kinds, "files", files, "holes", j->holes, "stale",
                     find_stale(j, root));
}

bd_status bd_places_judge(const char *waivers, const char *root, const json_t *hardware, const json_t *places,
                          json_t **found, struct bd_error *err)
{
    const char *name;
    json_t *any;
    struct judgement j = {0};
    if (bd_waivers_load(&j.waivers, waivers, err))
        return err->status;
    json_object_foreach((json_t *)hardware, name, any)
    {
        bd_waivers_lift(&j.waivers, name);
    }
    j.sources = json_object();
    j.files = json_object();
    j.holes = json_array();
    const bd_status status = judge_places(&j, root, places, err);
    if (!status)
        *found = make_result(&j, root);
    json_decref(j.sources);
    json_decref(j.files);
    json_decref(j.holes);
    bd_waivers_release(&j.waivers);
    return status;
}
