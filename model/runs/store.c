/* runs.db: what stands where, for people and programs that ask; results themselves are in points/. */
#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "model/core/json.h"
#include "model/core/memory.h"
#include "model/runs/runs_parts.h"

#define BUSY_SECONDS 10

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS points (position INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " identity TEXT NOT NULL, state TEXT NOT NULL, cause TEXT, repeat TEXT NOT NULL, seconds REAL, cpu_s REAL,"
    " peak_mib REAL, attempt INTEGER NOT NULL, started TEXT, ended TEXT, result TEXT);"
    "CREATE TABLE IF NOT EXISTS history (run INTEGER NOT NULL, point TEXT NOT NULL, state TEXT NOT NULL,"
    " seconds REAL NOT NULL, ended TEXT NOT NULL);";

struct bd_runs_store {
    sqlite3 *db;
    char *path;
};

/* ---- errors ---- */

/* The process that holds a lock of the database, from the kernel's list; 0 where it does not tell. */
static long holder_of(const char *path)
{
    struct stat info;
    FILE *list = fopen("/proc/locks", "re");
    char line[256];
    long holder = 0;
    while (list && !holder && stat(path, &info) == 0 && fgets(line, sizeof line, list)) {
        long pid;
        unsigned long long inode;
        if (sscanf(line, "%*d: POSIX %*s %*s %ld %*x:%*x:%llu", &pid, &inode) == 2 && inode == info.st_ino &&
            pid != getpid()) {
            holder = pid;
        }
    }
    if (list) {
        fclose(list);
    }
    return holder;
}

static bd_status failed(const struct bd_runs_store *s, struct bd_error *err)
{
    const int code = sqlite3_errcode(s->db) & 0xff, error = sqlite3_system_errno(s->db);
    const long holder = code == SQLITE_BUSY || code == SQLITE_LOCKED ? holder_of(s->path) : 0;
    if (code == SQLITE_BUSY || code == SQLITE_LOCKED) {
        char who[64] = "another process";
        if (holder > 0) {
            snprintf(who, sizeof who, "process %ld", holder);
        }
        return bd_fail(err, BD_INFRA, "the database '%s' has been locked by %s for %d s", s->path, who, BUSY_SECONDS);
    }
    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) {
        return bd_fail(err, BD_BAD_INPUT,
                       "the database '%s' is damaged: remove it, and it is made again from plan.json and the results "
                       "in points/",
                       s->path);
    }
    if (code == SQLITE_FULL || (code == SQLITE_IOERR && (error == ENOSPC || error == EDQUOT || error == EFBIG))) {
        return bd_fail(err, BD_INFRA, "cannot write '%s': %s", s->path, strerror(error ? error : ENOSPC));
    }
    return bd_fail(err, BD_INFRA, "cannot write the database '%s': %s", s->path, sqlite3_errmsg(s->db));
}

static bd_status execute(struct bd_runs_store *s, const char *sql, struct bd_error *err)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? BD_OK : failed(s, err);
}

/* ---- statements ---- */

/* Binds the arguments that `types` names: t text or NULL, i int64_t, r double. */
static bd_status prepare(struct bd_runs_store *s, sqlite3_stmt **statement, struct bd_error *err, const char *sql,
                         const char *types, va_list values)
{
    if (sqlite3_prepare_v2(s->db, sql, -1, statement, NULL) != SQLITE_OK) {
        return failed(s, err);
    }
    for (int i = 0; types[i]; i++) {
        if (types[i] == 't') {
            sqlite3_bind_text(*statement, i + 1, va_arg(values, const char *), -1, SQLITE_TRANSIENT);
        } else if (types[i] == 'i') {
            sqlite3_bind_int64(*statement, i + 1, va_arg(values, int64_t));
        } else {
            sqlite3_bind_double(*statement, i + 1, va_arg(values, double));
        }
    }
    return BD_OK;
}

static bd_status change(struct bd_runs_store *s, struct bd_error *err, const char *sql, const char *types, ...)
{
    sqlite3_stmt *statement = NULL;
    va_list values;
    va_start(values, types);
    bd_status status = prepare(s, &statement, err, sql, types, values);
    va_end(values);
    if (!status && sqlite3_step(statement) != SQLITE_DONE) {
        status = failed(s, err);
    }
    sqlite3_finalize(statement);
    return status;
}

/* Rows of a query as objects of its columns; *rows a new reference. */
static bd_status query(struct bd_runs_store *s, json_t **rows, struct bd_error *err, const char *sql, const char *types,
                       ...)
{
    sqlite3_stmt *statement = NULL;
    va_list values;
    va_start(values, types);
    bd_status status = prepare(s, &statement, err, sql, types, values);
    va_end(values);
    *rows = json_array();
    int step = SQLITE_DONE;
    while (!status && (step = sqlite3_step(statement)) == SQLITE_ROW) {
        json_t *row = json_object();
        for (int c = 0; c < sqlite3_column_count(statement); c++) {
            const int type = sqlite3_column_type(statement, c);
            json_t *value = type == SQLITE_NULL      ? json_null()
                            : type == SQLITE_INTEGER ? json_integer(sqlite3_column_int64(statement, c))
                            : type == SQLITE_FLOAT   ? json_real(sqlite3_column_double(statement, c))
                                                     : bd_json_text((const char *)sqlite3_column_text(statement, c));
            json_object_set_new(row, sqlite3_column_name(statement, c), value);
        }
        json_array_append_new(*rows, row);
    }
    if (!status && step != SQLITE_DONE) {
        status = failed(s, err);
    }
    sqlite3_finalize(statement);
    if (status) {
        json_decref(*rows);
        *rows = NULL;
    }
    return status;
}

/* ---- the database ---- */

bd_status bd_runs_store_open(struct bd_runs_store **store, const char *dir, bool write, struct bd_error *err)
{
    struct bd_runs_store *s = *store = bd_xcalloc(1, sizeof *s);
    s->path = bd_asprintf("%s/runs.db", dir);
    const int flags = write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
    bd_status status = BD_OK;
    if (!write && access(s->path, F_OK) != 0) {
        status = bd_fail(err, BD_BAD_INPUT, "there is no '%s': '%s' holds no runs", s->path, dir);
    } else if (sqlite3_open_v2(s->path, &s->db, flags, NULL) != SQLITE_OK) {
        status = failed(s, err);
    } else {
        sqlite3_extended_result_codes(s->db, 0);
        sqlite3_busy_timeout(s->db, BUSY_SECONDS * 1000);
        /* Results are synced before the database hears of them: it may be made again. */
        status = write ? execute(s, "PRAGMA synchronous=NORMAL;", err) : BD_OK;
        status = !status && write ? execute(s, schema, err) : status;
    }
    if (status) {
        bd_runs_store_close(s);
        *store = NULL;
    }
    return status;
}

void bd_runs_store_close(struct bd_runs_store *store)
{
    if (store) {
        sqlite3_close(store->db);
        free(store->path);
        free(store);
    }
}

bd_status bd_runs_store_begin(struct bd_runs_store *store, struct bd_error *err)
{
    return execute(store, "BEGIN IMMEDIATE;", err);
}

bd_status bd_runs_store_commit(struct bd_runs_store *store, struct bd_error *err)
{
    return execute(store, "COMMIT;", err);
}

bd_status bd_runs_store_renew(struct bd_runs_store *store, const struct bd_runs_plan *plan, struct bd_error *err)
{
    static const char set[] = "INSERT OR REPLACE INTO meta VALUES (?1, ?2);";
    bd_status status = execute(store, "DELETE FROM points;", err);
    status = status ? status : change(store, err, set, "tt", "kind", plan->kind);
    status = status ? status : change(store, err, set, "tt", "title", plan->title);
    return status ? status
                  : execute(store,
                            "INSERT OR REPLACE INTO meta VALUES ('run',"
                            " 1 + COALESCE((SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'run'), 0));",
                            err);
}

bd_status bd_runs_store_settle(struct bd_runs_store *store, struct bd_error *err)
{
    return execute(store, "UPDATE points SET state = 'queued' WHERE state = 'running';", err);
}

bd_status bd_runs_store_row(struct bd_runs_store *store, const struct bd_runs_entry *entry, int *attempt,
                            json_t **result, struct bd_error *err)
{
    json_t *rows;
    *attempt = 0;
    *result = NULL;
    bd_status status = query(store, &rows, err, "SELECT attempt, identity, result FROM points WHERE name = ?1;", "t",
                             entry->point.name);
    if (!status && json_array_size(rows) == 0) {
        status = change(store, err,
                        "INSERT INTO points (name, identity, state, cause, repeat, attempt)"
                        " VALUES (?1, ?2, 'queued', '', ?3, 0);",
                        "ttt", entry->point.name, entry->identity, entry->point.repeat);
    } else if (!status) {
        const json_t *row = json_array_get(rows, 0);
        const char *text = json_string_value(json_object_get(row, "result")),
                   *identity = json_string_value(json_object_get(row, "identity"));
        *attempt = (int)json_integer_value(json_object_get(row, "attempt"));
        if (text && identity && !strcmp(identity, entry->identity)) {
            *result = json_loads(text, 0, NULL);
        }
    }
    json_decref(rows);
    return status;
}

static void now(char text[32])
{
    struct tm parts;
    const time_t seconds = time(NULL);
    strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &parts));
}

bd_status bd_runs_store_state(struct bd_runs_store *store, const char *name, enum bd_runs_state state, int attempt,
                              struct bd_error *err)
{
    char time[32];
    now(time);
    return change(store, err,
                  "UPDATE points SET state = ?2, attempt = ?3, started = ?4, cause = '', seconds = NULL,"
                  " cpu_s = NULL, peak_mib = NULL, ended = NULL, result = NULL WHERE name = ?1;",
                  "ttit", name, bd_runs_state_names[state], (int64_t)attempt, state == BD_RUNS_RUNNING ? time : NULL);
}

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

bd_status bd_runs_store_result(struct bd_runs_store *store, const char *name, const json_t *result, bool history,
                               struct bd_error *err)
{
    char time[32];
    char *text = json_dumps(result, JSON_COMPACT | JSON_REAL_PRECISION(17));
    const char *state = bd_runs_state_names[bd_runs_result_state(result)];
    now(time);
    bd_status status = execute(store, "SAVEPOINT result;", err); /* alone, or a part of what the caller began */
    status = status ? status
                    : change(store, err,
                             "UPDATE points SET state = ?2, cause = ?3, seconds = ?4, cpu_s = ?5, peak_mib = ?6,"
                             " attempt = ?7, ended = ?8, result = ?9 WHERE name = ?1;",
                             "tttrrritt", name, state, json_string_value(json_object_get(result, "cause")),
                             number(result, "seconds"), number(result, "cpu_s"), number(result, "peak_mib"),
                             (int64_t)json_integer_value(json_object_get(result, "attempt")), time, text);
    if (!status && history) {
        status = change(store, err,
                        "INSERT INTO history SELECT COALESCE((SELECT CAST(value AS INTEGER) FROM meta WHERE"
                        " key = 'run'), 1), ?1, ?2, ?3, ?4;",
                        "ttrt", name, state, number(result, "seconds"), time);
    }
    free(text);
    return status ? status : execute(store, "RELEASE result;", err);
}

/* ---- reading ---- */

static const char *meta(const json_t *rows, const char *key)
{
    const json_t *row;
    size_t i;
    json_array_foreach((json_t *)rows, i, row)
    {
        if (!strcmp(json_string_value(json_object_get(row, "key")), key)) {
            return json_string_value(json_object_get(row, "value"));
        }
    }
    return "";
}

bd_status bd_runs_list(const char *dir, const char *filter, json_t **list, struct bd_error *err)
{
    struct bd_runs_store *s;
    json_t *about = NULL, *rows = NULL, *points = json_array(), *row;
    size_t i;
    bd_status status = bd_runs_store_open(&s, dir, false, err);
    status = status ? status : query(s, &about, err, "SELECT key, value FROM meta;", "");
    status = status ? status
                    : query(s, &rows, err,
                            "SELECT name, state, cause, repeat, seconds, cpu_s, peak_mib, attempt, started, ended"
                            " FROM points ORDER BY position;",
                            "");
    json_array_foreach(rows, i, row)
    {
        const char *name = json_string_value(json_object_get(row, "name"));
        if (name && bd_runs_matches(filter, name)) {
            json_array_append(points, row);
        }
    }
    *list = status ? NULL
                   : json_pack("{s:s, s:s, s:I, s:O}", "kind", meta(about, "kind"), "title", meta(about, "title"),
                               "run", (json_int_t)strtoll(meta(about, "run"), NULL, 10), "points", points);
    json_decref(about);
    json_decref(rows);
    json_decref(points);
    bd_runs_store_close(s);
    return status;
}

bd_status bd_runs_history(const char *dir, const char *point, json_t **history, struct bd_error *err)
{
    struct bd_runs_store *s;
    *history = NULL;
    bd_status status = bd_runs_store_open(&s, dir, false, err);
    status = status ? status
                    : query(s, history, err,
                            "SELECT run, point, state, seconds, ended FROM history WHERE ?1 IS NULL OR point = ?1"
                            " ORDER BY rowid;",
                            "t", point);
    bd_runs_store_close(s);
    return status;
}
