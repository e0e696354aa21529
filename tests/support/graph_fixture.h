/* For test_graph.c and test_networks.c: descriptions that must be refused. */
#ifndef TESTS_GRAPH_FIXTURE_H
#define TESTS_GRAPH_FIXTURE_H

#include <criterion/criterion.h>
#include <string.h>

#include "model/graph/graph.h"

struct refusal {
    const char *text, *message; /* a description, and what its refusal says of it, which is named "n" */
};

static void assert_refused(const struct refusal *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct bd_graph graph;
        struct bd_error err = {0};
        cr_assert_eq(bd_graph_parse(&graph, "n", cases[i].text, strlen(cases[i].text), &err), BD_BAD_INPUT, "case %zu",
                     i);
        cr_assert_not_null(strstr(err.message, cases[i].message), "case %zu: '%s'", i, err.message);
    }
}

#endif
