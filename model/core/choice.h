/* A value of "one|other": the form in which tables of keys and options, and the public interface, list what they take.
 */
#ifndef BD_CORE_CHOICE_H
#define BD_CORE_CHOICE_H

/* The place of `value` among them, from 0, or -1. */
int bd_choice(const char *choices, const char *value);

#endif
