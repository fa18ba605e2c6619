/* outcome - the table of how an exchange can end. */
#include "core/outcome.h"

static const struct outcome_row rows[OUTCOME_COUNT] = {
#define X(id, status_code, whose, again, token) \
    [OUTCOME_##id] = {.word = (token), .status = (status_code), .fault = (whose), .retry = (again)},
    OUTCOMES(X)
#undef X
};

const struct outcome_row *outcome_row(enum outcome o)
{
    assert(o < OUTCOME_COUNT);
    return &rows[o];
}
