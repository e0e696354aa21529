/* Text of any bytes as JSON, which knows UTF-8 alone. */
#ifndef BD_CORE_JSON_H
#define BD_CORE_JSON_H

#include <jansson.h>

/* `text` with each byte that is not part of valid UTF-8 written as \xNN in lower case (a path of any bytes keeps a
 * name that tells them apart); malloc'd. */
char *bd_utf8(const char *text);

/* The same as a JSON string; null for NULL. For paths, names and messages: json_string and json_pack's "s" make nothing
 * at all of text that is not UTF-8. */
json_t *bd_json_text(const char *text);

#endif
