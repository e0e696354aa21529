#include "model/search/study.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "model/core/memory.h"
#include "model/search/search_parts.h"

#define FORM "bitdial study 1"

/* ---- opening ---- */

static bool allowed(void *context, const double *point)
{
    const struct bd_study_space *space = context;
    for (size_t c = 0; c < space->constraint_count; c++) {
        const struct bd_study_constraint *constraint = &space->constraints[c];
        double sum = 0.0;
        for (size_t i = 0; i < space->d; i++) {
            sum += constraint->weights[i] * point[i];
        }
        if (!(sum >= constraint->least && sum <= constraint->most)) {
            return false;
        }
    }
    return true;
}

static double sign(const struct bd_study *study, int k)
{
    return study->space.minimize[k] ? -1.0 : 1.0;
}

static bd_status start_search(struct bd_study *study, struct bd_error *err)
{
    struct bd_study_space *space = &study->space;
    const double reference[2] = {sign(study, 0) * space->reference[0], sign(study, 1) * space->reference[1]};
    const struct bd_search_config config = {.method = (enum bd_search_method)space->method,
                                            .seed = (uint64_t)space->seed,
                                            .initial = (int)space->initial,
                                            .allowed = space->constraint_count ? allowed : NULL,
                                            .objectives = space->goals,
                                            .reference = space->has_reference ? reference : NULL,
                                            .context = space};
    return bd_search_init(&study->search, space->d, space->axes, &config, err);
}

static struct bd_study_point *add_point(struct bd_study *study, const double *point, enum bd_study_state state)
{
    if ((study->count & (study->count - 1)) == 0) { /* room is a power of two */
        const size_t room = study->count ? 2 * study->count : 1;
        study->points = bd_xrealloc(study->points, room, sizeof *study->points);
    }
    struct bd_study_point *p = &study->points[study->count++];
    *p = (struct bd_study_point){.state = state};
    memcpy(p->point, point, study->space.d * sizeof *point);
    return p;
}

/* The index of a record's id, which must be of a pending point. */
static bd_status find_pending(const struct bd_study *study, const json_t *id, size_t *at, struct bd_error *err)
{
    if (!json_is_integer(id) || json_integer_value(id) < 1 || json_integer_value(id) > (json_int_t)study->count) {
        return bd_fail(err, BD_BAD_INPUT, "'id' must be that of a point asked for, 1..%zu", study->count);
    }
    *at = (size_t)json_integer_value(id) - 1;
    const enum bd_study_state state = study->points[*at].state;
    return state == BD_STUDY_PENDING ? BD_OK
                                     : bd_fail(err, BD_BAD_INPUT, "point %zu was %s already", *at + 1,
                                               state == BD_STUDY_TOLD ? "told" : "given up as lost");
}

static void note_told(struct bd_study *study, struct bd_study_point *p)
{
    const struct bd_observation *o = &study->search.observations[study->search.count - 1];
    p->state = BD_STUDY_TOLD;
    for (int k = 0; k < study->space.goals; k++) {
        p->told[k] = sign(study, k) * o->value[k];
    }
}

static bd_status replay_told(struct bd_study *study, const char *text, const json_t *record, struct bd_error *err)
{
    const json_t *id = json_object_get(record, "id");
    size_t at = study->count;
    if (id && find_pending(study, id, &at, err)) {
        return err->status;
    }
    const size_t before = study->search.pending;
    if (bd_search_replay(&study->search, text, err)) {
        return err->status;
    }
    const double *point = study->search.observations[study->search.count - 1].point;
    if (!id) {
        add_point(study, point, BD_STUDY_TOLD);
    } else if (before == study->search.pending || !bd_search_same(study->space.d, point, study->points[at].point)) {
        return bd_fail(err, BD_BAD_INPUT, "the record's point is not that of its id");
    }
    note_told(study, &study->points[at]);
    return BD_OK;
}

static bd_status replay(struct bd_study *study, const char *text, struct bd_error *err)
{
    json_t *record = json_loads(text, 0, NULL), *lost = json_object_get(record, "lost");
    bd_status status;
    size_t at;
    if (lost) {
        status = find_pending(study, lost, &at, err);
        if (status == BD_OK) {
            study->points[at].state = BD_STUDY_LOST;
            status = bd_search_forget(&study->search, study->points[at].point, err);
        }
    } else if (json_object_get(record, "asked")) {
        status = bd_search_replay_ask(&study->search, text, err);
        if (status == BD_OK) {
            add_point(study, study->search.pending_points[study->search.pending - 1], BD_STUDY_PENDING);
        }
    } else {
        status = replay_told(study, text, record, err);
    }
    json_decref(record);
    return status;
}

/* The description that a journal begins with. */
static bd_status read_head(const struct bd_journal *journal, json_t **described, struct bd_error *err)
{
    json_t *head = json_loads(journal->records[0], 0, NULL);
    const char *form = json_string_value(json_object_get(head, "journal"));
    bd_status status = BD_OK;
    *described = json_incref(json_object_get(head, "study"));
    if (!form || strcmp(form, FORM) != 0 || !json_is_object(*described)) {
        status = bd_fail(err, BD_BAD_INPUT, "journal '%s' is not of a study", journal->path);
    }
    json_decref(head);
    return status;
}

static bd_status begin(struct bd_study *study, struct bd_error *err)
{
    json_t *head = json_pack("{s:s, s:o}", "journal", FORM, "study", bd_study_json(&study->space));
    char *text = json_dumps(head, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(17));
    const bd_status status = bd_journal_append(&study->journal, text, err);
    free(text);
    json_decref(head);
    return status;
}

/* An old journal's description against the file's, or instead of it. */
static bd_status meet(struct bd_study *study, bool from_file, struct bd_error *err)
{
    json_t *described = NULL, *here = from_file ? bd_study_json(&study->space) : NULL;
    bd_status status = read_head(&study->journal, &described, err);
    const size_t flags = JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(17);
    char *was = described ? json_dumps(described, flags) : NULL, *now = here ? json_dumps(here, flags) : NULL;
    if (status == BD_OK && from_file) {
        if (bd_journal_check_head(was, now, "study", err)) {
            status = bd_fail_prefix(err, "journal '%s'", study->journal.path);
        }
    } else if (status == BD_OK) {
        status = bd_study_parse(&study->space, study->journal.path, was, err);
    }
    free(was);
    free(now);
    json_decref(described);
    json_decref(here);
    return status;
}

static bd_status open_study(struct bd_study *study, const char *path, const char *journal, struct bd_error *err)
{
    struct stat info;
    if (path && bd_study_load(&study->space, path, err)) {
        return err->status;
    }
    if (!path && (stat(journal, &info) != 0 || (S_ISREG(info.st_mode) && info.st_size == 0))) {
        return bd_fail(err, BD_BAD_INPUT, "there is no journal '%s': 'bitdial ask' begins one", journal);
    }
    if (path && start_search(study, err)) { /* before a journal is made */
        return bd_fail_prefix(err, "'%s'", path);
    }
    if (bd_journal_open(&study->journal, journal, BD_JOURNAL_RESUME, err)) {
        return err->status;
    }
    if (study->journal.count == 0 && !path) {
        return bd_fail(err, BD_BAD_INPUT, "journal '%s' holds nothing: 'bitdial ask' begins one", journal);
    }
    if (study->journal.count == 0 ? begin(study, err) : meet(study, path != NULL, err)) {
        return err->status;
    }
    if (!path && start_search(study, err)) {
        return bd_fail_prefix(err, "journal '%s'", journal);
    }
    for (size_t i = 1; i < study->journal.count; i++) {
        if (replay(study, study->journal.records[i], err)) {
            bd_fail_prefix(err, "%s:%zu", journal, i + 1);
            return bd_fail_at(err, journal, (int64_t)i + 1, 0, -1);
        }
    }
    return BD_OK;
}

bd_status bd_study_open(struct bd_study *study, const char *path, const char *journal, struct bd_error *err)
{
    *study = (struct bd_study){.journal = {.fd = -1}};
    const bd_status status = open_study(study, path, journal, err);
    if (status != BD_OK) {
        bd_study_close(study);
    }
    return status;
}

void bd_study_close(struct bd_study *study)
{
    bd_search_release(&study->search);
    bd_journal_close(&study->journal);
    bd_study_space_release(&study->space);
    free(study->points);
    *study = (struct bd_study){.journal = {.fd = -1}};
}

/* ---- ask ---- */

bd_status bd_study_ask(struct bd_study *study, size_t *id, struct bd_error *err)
{
    double point[BD_GP_MAX_DIMENSIONS];
    if (bd_search_ask(&study->search, point, err)) {
        return err->status;
    }
    char *record = bd_search_record_ask(&study->search);
    const bd_status status = bd_journal_append(&study->journal, record, err);
    free(record);
    if (status == BD_OK) {
        add_point(study, point, BD_STUDY_PENDING);
        *id = study->count;
    }
    return status;
}

/* ---- tell ---- */

/* A message, understood. */
struct told {
    bool lost, foreign; /* foreign: not asked for */
    size_t at;          /* of one that was */
    double point[BD_GP_MAX_DIMENSIONS], values[BD_SEARCH_OBJECTIVES];
};

static bd_status read_point(const struct bd_study *study, const json_t *message, double *point, struct bd_error *err)
{
    const json_t *names = json_object_get(message, "point");
    if (json_object_size(names) != study->space.d) {
        return bd_fail(err, BD_BAD_INPUT, "'point' must have a number for each of the %zu axes", study->space.d);
    }
    for (size_t i = 0; i < study->space.d; i++) {
        const json_t *value = json_object_get(names, study->space.names[i]);
        if (!json_is_number(value)) {
            return bd_fail(err, BD_BAD_INPUT, "'point' has no number for '%s'", study->space.names[i]);
        }
        point[i] = json_number_value(value);
        if (!bd_search_on_axis(&study->space.axes[i], point[i])) {
            return bd_fail(err, BD_BAD_INPUT, "'%s' cannot be %g", study->space.names[i], point[i]);
        }
    }
    return BD_OK;
}

/* Of a point that was not asked for. */
static bd_status read_foreign(const struct bd_study *study, const json_t *message, double *point, struct bd_error *err)
{
    if (read_point(study, message, point, err)) {
        return err->status;
    }
    for (size_t i = 0; i < study->count; i++) {
        if (study->points[i].state == BD_STUDY_PENDING &&
            bd_search_same(study->space.d, study->points[i].point, point)) {
            return bd_fail(err, BD_BAD_INPUT, "the point was asked for: tell it by its id, %zu", i + 1);
        }
    }
    return BD_OK;
}

static bd_status read_values(const struct bd_study *study, const json_t *message, double *values, struct bd_error *err)
{
    const json_t *value = json_object_get(message, "value"), *list = json_object_get(message, "values");
    const int goals = study->space.goals;
    if (goals == 1 && value && !list) {
        list = value;
    } else if (value || json_array_size(list) != (size_t)goals) {
        return goals == 1 ? bd_fail(err, BD_BAD_INPUT, "'value' must be a number")
                          : bd_fail(err, BD_BAD_INPUT, "'values' must be a list of %d numbers", goals);
    }
    for (int k = 0; k < goals; k++) {
        const json_t *item = json_is_array(list) ? json_array_get(list, (size_t)k) : list;
        if (!json_is_number(item) || !isfinite(json_number_value(item))) {
            return bd_fail(err, BD_BAD_INPUT,
                           "'%s' must be %s: what cannot be measured is told as {\"id\", \"lost\": true}",
                           value ? "value" : "values", value ? "a finite number" : "finite numbers");
        }
        values[k] = sign(study, k) * json_number_value(item);
    }
    return BD_OK;
}

static bd_status understand(const struct bd_study *study, const json_t *message, struct told *told,
                            struct bd_error *err)
{
    static const char *const known[] = {"id", "point", "value", "values", "lost"};
    const json_t *lost = json_object_get(message, "lost"), *id = json_object_get(message, "id");
    const char *key;
    json_t *unused;
    *told = (struct told){.lost = json_is_true(lost), .foreign = !id};
    if (!json_is_object(message)) {
        return bd_fail(err, BD_BAD_INPUT, "a message is a JSON object, as {\"id\": 1, \"value\": 0.5}");
    }
    json_object_foreach((json_t *)message, key, unused)
    {
        size_t k = 0;
        while (k < sizeof known / sizeof *known && strcmp(known[k], key) != 0) {
            k++;
        }
        if (k == sizeof known / sizeof *known) {
            return bd_fail(err, BD_BAD_INPUT,
                           "a message has 'id' or 'point', and 'value', 'values' or 'lost', not '%s'", key);
        }
    }
    if (told->foreign && !json_object_get(message, "point")) {
        return bd_fail(err, BD_BAD_INPUT, "a message needs the 'id' of a point, or a 'point' of its own");
    }
    if (lost &&
        (told->foreign || !told->lost || json_object_get(message, "value") || json_object_get(message, "values"))) {
        return bd_fail(err, BD_BAD_INPUT, "'lost' is true, beside an 'id' alone");
    }
    if (told->foreign ? read_foreign(study, message, told->point, err) : find_pending(study, id, &told->at, err)) {
        return err->status;
    }
    if (!told->foreign) {
        memcpy(told->point, study->points[told->at].point, sizeof told->point);
    }
    return told->lost ? BD_OK : read_values(study, message, told->values, err);
}

/* What bd_search_record says, with the id. */
static char *record_of(struct bd_study *study, const struct told *told)
{
    if (told->lost) {
        return bd_asprintf("{\"lost\":%zu}", told->at + 1);
    }
    char *text = bd_search_record(&study->search);
    if (told->foreign) {
        return text;
    }
    json_t *record = json_loads(text, 0, NULL);
    free(text);
    json_object_set_new(record, "id", json_integer((json_int_t)told->at + 1));
    text = json_dumps(record, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(17));
    json_decref(record);
    return text;
}

static bd_status apply(struct bd_study *study, const struct told *told, struct bd_error *err)
{
    bd_status status = told->lost ? bd_search_forget(&study->search, told->point, err)
                                  : bd_search_tell(&study->search, told->point, told->values, err);
    if (status != BD_OK) {
        return status;
    }
    char *record = record_of(study, told);
    status = bd_journal_append(&study->journal, record, err);
    free(record);
    if (status == BD_OK && told->lost) {
        study->points[told->at].state = BD_STUDY_LOST;
    } else if (status == BD_OK) {
        note_told(study, told->foreign ? add_point(study, told->point, BD_STUDY_TOLD) : &study->points[told->at]);
    }
    return status;
}

bd_status bd_study_tell(struct bd_study *study, const json_t *messages, size_t *bad, struct bd_error *err)
{
    const size_t count = json_array_size(messages);
    struct told *told = bd_xcalloc(count + 1, sizeof *told);
    bool *twice = bd_xcalloc(study->count + 1, sizeof *twice);
    bd_status status = BD_OK;
    for (size_t i = 0; i < count && status == BD_OK; i++) {
        *bad = i;
        status = understand(study, json_array_get(messages, i), &told[i], err);
        if (status == BD_OK && !told[i].foreign && twice[told[i].at]) {
            status = bd_fail(err, BD_BAD_INPUT, "point %zu is told twice", told[i].at + 1);
        }
        if (status == BD_OK && !told[i].foreign) {
            twice[told[i].at] = true;
        }
    }
    for (size_t i = 0; i < count && status == BD_OK; i++) {
        *bad = i;
        status = apply(study, &told[i], err);
    }
    free(told);
    free(twice);
    return status;
}

/* ---- results ---- */

static json_t *number(double value)
{
    return fabs(value) < 9e15 && value == floor(value) ? json_integer((json_int_t)value) : json_real(value);
}

json_t *bd_study_point_json(const struct bd_study *study, const double *point)
{
    json_t *o = json_object();
    for (size_t i = 0; i < study->space.d; i++) {
        json_object_set_new(o, study->space.names[i], number(point[i]));
    }
    return o;
}

json_t *bd_study_id_json(const struct bd_study *study, size_t id)
{
    const struct bd_study_point *p = &study->points[id - 1];
    json_t *o = json_pack("{s:I, s:o}", "id", (json_int_t)id, "point", bd_study_point_json(study, p->point));
    if (p->state == BD_STUDY_TOLD && study->space.goals == 1) {
        json_object_set_new(o, "value", number(p->told[0]));
    } else if (p->state == BD_STUDY_TOLD) {
        json_object_set_new(o, "values", json_pack("[o, o]", number(p->told[0]), number(p->told[1])));
    }
    return o;
}

size_t bd_study_best(const struct bd_study *study)
{
    size_t best = 0;
    for (size_t id = 1; id <= study->count; id++) {
        const struct bd_study_point *p = &study->points[id - 1];
        if (p->state == BD_STUDY_TOLD &&
            (!best || sign(study, 0) * p->told[0] > sign(study, 0) * study->points[best - 1].told[0])) {
            best = id;
        }
    }
    return best;
}

size_t bd_study_front(const struct bd_study *study, size_t *ids)
{
    double *values = bd_xcalloc(2 * study->count + 1, sizeof *values);
    size_t *told = bd_xcalloc(study->count + 1, sizeof *told), count = 0;
    for (size_t i = 0; i < study->count; i++) {
        if (study->points[i].state == BD_STUDY_TOLD) {
            values[2 * count] = sign(study, 0) * study->points[i].told[0];
            values[2 * count + 1] = sign(study, 1) * study->points[i].told[1];
            told[count++] = i + 1;
        }
    }
    const size_t size = bd_front_of(count, values, ids);
    for (size_t i = 0; i < size; i++) {
        ids[i] = told[ids[i]];
    }
    free(values);
    free(told);
    return size;
}
