/* What was asked and told as JSON, and its replay. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "model/search/search.h"
#include "model/search/search_parts.h"

#define MAX_D BD_GP_MAX_DIMENSIONS

/* 17 digits: every double comes back as it was. Whole numbers are written as such. */
static json_t *number(double value)
{
    const json_int_t whole = value > -9e15 && value < 9e15 ? (json_int_t)value : 0;
    return (double)whole == value ? json_integer(whole) : json_real(value);
}

static json_t *numbers(size_t count, const double *values)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, number(values[i]));
    }
    return list;
}

static char *write_record(const struct bd_search *search, json_t *record)
{
    if (search->has_theta) {
        json_t *theta = json_array();
        for (int k = 0; k < search->config.objectives && !(k && search->config.known); k++) {
            for (size_t i = 0; i < search->d + 2; i++) {
                json_array_append_new(theta, json_real(search->theta[k][i]));
            }
        }
        json_object_set_new(record, "theta", theta);
    }
    char *text = json_dumps(record, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(17));
    json_decref(record);
    return text;
}

char *bd_search_record(const struct bd_search *search)
{
    const struct bd_observation *o = &search->observations[search->count - 1];
    json_t *record = json_object();
    json_object_set_new(record, "index", json_integer((json_int_t)search->count - 1));
    json_object_set_new(record, "point", numbers(search->d, o->point));
    if (search->config.objectives == 1) {
        json_object_set_new(record, "value", json_real(o->value[0]));
    } else {
        json_object_set_new(record, "values", numbers((size_t)search->config.objectives, o->value));
    }
    json_object_set_new(record, "cost", json_real(o->cost));
    return write_record(search, record);
}

char *bd_search_record_ask(const struct bd_search *search)
{
    json_t *record = json_object();
    json_object_set_new(record, "asked", json_integer((json_int_t)search->asked - 1));
    json_object_set_new(record, "point", numbers(search->d, search->pending_points[search->pending - 1]));
    return write_record(search, record);
}

/* A list of `count` numbers. */
static bool read_numbers(const json_t *list, size_t count, double *values)
{
    bool fine = json_array_size(list) == count;
    for (size_t i = 0; fine && i < count; i++) {
        fine = json_is_number(json_array_get(list, i));
        values[i] = json_number_value(json_array_get(list, i));
    }
    return fine;
}

/* The point, and the model's state. `place`: the key of the record's number, which must be `expected`. */
static bd_status read_record(struct bd_search *search, const json_t *record, const char *place, size_t expected,
                             double *point, struct bd_error *err)
{
    const json_t *theta = json_object_get(record, "theta"), *index = json_object_get(record, place);
    const size_t d = search->d, models = search->config.objectives == 1 || search->config.known ? 1 : 2;
    double read[BD_SEARCH_OBJECTIVES * (MAX_D + 2)];
    if (!json_is_integer(index) || json_integer_value(index) != (json_int_t)expected ||
        !read_numbers(json_object_get(record, "point"), d, point)) {
        return bd_fail(err, BD_BAD_INPUT, "record %zu is not of this search", expected);
    }
    for (size_t i = 0; i < d; i++) {
        if (!bd_search_on_axis(&search->axes[i], point[i])) {
            return bd_fail(err, BD_BAD_INPUT, "record %zu has a point that is not on the grid", expected);
        }
    }
    if (theta && !read_numbers(theta, models * (d + 2), read)) {
        return bd_fail(err, BD_BAD_INPUT, "record %zu has a state that is no list of %zu numbers", expected,
                       models * (d + 2));
    }
    for (size_t k = 0; theta && k < models; k++) {
        memcpy(search->theta[k], read + k * (d + 2), (d + 2) * sizeof *read);
        search->has_theta = true;
    }
    return BD_OK;
}

bd_status bd_search_replay(struct bd_search *search, const char *text, struct bd_error *err)
{
    double point[MAX_D], values[BD_SEARCH_OBJECTIVES];
    json_t *record = json_loads(text, 0, NULL);
    bd_status status = read_record(search, record, "index", search->count, point, err);
    if (status == BD_OK && search->config.objectives == 1) {
        const json_t *value = json_object_get(record, "value");
        values[0] = json_number_value(value);
        status = json_is_number(value) ? BD_OK : bd_fail(err, BD_BAD_INPUT, "record %zu has no value", search->count);
    } else if (status == BD_OK &&
               !read_numbers(json_object_get(record, "values"), (size_t)search->config.objectives, values)) {
        status = bd_fail(err, BD_BAD_INPUT, "record %zu has no values", search->count);
    }
    if (status == BD_OK) {
        status = bd_search_tell(search, point, values, err);
    }
    json_decref(record);
    return status;
}

bd_status bd_search_replay_ask(struct bd_search *search, const char *text, struct bd_error *err)
{
    double point[MAX_D];
    json_t *record = json_loads(text, 0, NULL);
    bd_status status = read_record(search, record, "asked", search->asked, point, err);
    if (status == BD_OK) {
        bd_search_await(search, point);
    }
    json_decref(record);
    return status;
}
