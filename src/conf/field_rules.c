/* field_rules - what becomes of fields of upstreams' answers on their way. */
#include "conf/field_rules.h"

unsigned cookie_flag_of(struct span word)
{
    static const struct {
        const char *word;
        unsigned flag;
    } rows[] = {
        {"secure", COOKIE_SECURE},
        {"nosecure", COOKIE_NOT_SECURE},
        {"httponly", COOKIE_HTTP_ONLY},
        {"nohttponly", COOKIE_NOT_HTTP_ONLY},
        {"samesite=strict", COOKIE_SAME_SITE_STRICT},
        {"samesite=lax", COOKIE_SAME_SITE_LAX},
        {"samesite=none", COOKIE_SAME_SITE_NONE},
        {"nosamesite", COOKIE_NO_SAME_SITE},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (span_equals_nocase(word, span_of_cstr(rows[i].word)))
            return rows[i].flag;
    }
    return 0;
}
