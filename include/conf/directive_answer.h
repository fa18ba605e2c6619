/* directive_answer - the directives of what becomes of upstreams' answers: their table. */
#ifndef RINGWAY_CONF_DIRECTIVE_ANSWER_H
#define RINGWAY_CONF_DIRECTIVE_ANSWER_H

#include "conf/row.h"

extern const struct directive_table directive_answer_table;

#endif
