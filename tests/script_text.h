/* script_text - scripts that tests need without conf/build. */
#ifndef RINGWAY_TESTS_SCRIPT_TEXT_H
#define RINGWAY_TESTS_SCRIPT_TEXT_H

#include "conf/script.h"

/* "return status;", as long as the block that it stands in. */
#define SCRIPT_OF_RETURN(code)                                                              \
    (&(const struct script){.ops = &(const struct script_op){.kind = SCRIPT_RETURN,         \
                                                             .answer = {.status = (code)}}, \
                            .count = 1})

#endif
