/* directive_rewrite - the directives of rewriting, and of the variables that it makes: their table.
 */
#include "conf/directive_rewrite.h"

#include "conf/setter.h"

#define AT_SETTING(member) ROW_AT(struct level, settings.member)

static const struct directive rows[] = {
    {.name = "uninitialized_variable_warn",
     .syntax = "on | off",
     .preset = "on",
     .contexts = CONTEXT_LEVELS,
     .args_min = 1,
     .args_max = 1,
     .set = set_flag,
     AT_SETTING(uninitialized_variable_warn),
     .help = "logs a variable of \"set\" that is read before it was set"},
};

const struct directive_table directive_rewrite_table = {rows, COUNT_OF(rows)};
