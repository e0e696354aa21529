/* Parts of pages: results as one HTML file that needs nothing else, no font and no network; light or dark as the
 * reader's system is, and to be printed. Everything that comes from elsewhere goes through bd_page_escape. */
#ifndef BD_PAGE_PAGE_H
#define BD_PAGE_PAGE_H

#include <jansson.h>
#include <stdio.h>

#include "model/core/error.h"

/* Up to <body>, with the style of all pages and more of it; and the end. */
void bd_page_begin(FILE *out, const char *title, const char *more_style);
void bd_page_end(FILE *out);

/* Text with what XML and HTML read in it escaped, and what they cannot hold as \xNN. */
void bd_page_escape(FILE *out, const char *text);
/* `open` and `close` as they are, `content` escaped. */
void bd_page_element(FILE *out, const char *open, const char *content, const char *close);
/* "1.5 s", "3.0 min", "2.1 h". */
void bd_page_seconds(FILE *out, double seconds);
/* A number in a box, in the colour of a class ("good", "bad", "wait") unless it is 0. */
void bd_page_tile(FILE *out, const char *class, double number, const char *word);

/* Text of an object, "" where it has none; a number, 0 where it has none. */
const char *bd_page_text(const json_t *object, const char *key);
double bd_page_number(const json_t *object, const char *key);

/* A stream in memory that becomes a file as a whole (bd_file_write). */
bd_status bd_page_save(const char *path, void (*write)(FILE *out, const json_t *document), const json_t *document,
                       struct bd_error *err) BD_WARN_UNUSED;

#endif
