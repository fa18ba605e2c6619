/* expires - the parameter of "expires". */
#include "conf/expires.h"

#include "conf/setter.h"

#define MS_PER_SECOND 1000
#define SECONDS_PER_DAY 86400

static bool take_word(struct span text, struct expires_rule *out)
{
    static const struct {
        const char *word;
        enum expires_kind kind;
    } words[] = {{"epoch", EXPIRES_EPOCH}, {"max", EXPIRES_MAX}, {"off", EXPIRES_OFF}};

    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (!span_equals(text, span_of_cstr(words[i].word)))
            continue;
        *out = (struct expires_rule){.kind = words[i].kind};
        return true;
    }
    return false;
}

int expires_parse(struct span text, bool is_modified, struct expires_rule *out, const char **reason)
{
    char sign = text.len ? text.data[0] : 0;
    uint64_t ms;

    if (!is_modified && take_word(text, out))
        return 0;
    *out = (struct expires_rule){.kind = EXPIRES_AFTER_ACCESS};
    if (sign == '@')
        out->kind = EXPIRES_DAILY;
    else if (is_modified)
        out->kind = EXPIRES_AFTER_CHANGE;
    *reason = "daily time cannot be used with \"modified\" parameter";
    if (sign == '@' && is_modified)
        return -EINVAL;
    *reason = "invalid value";
    if (sign == '@' || sign == '+' || sign == '-')
        text = span_skip(text, 1);
    if (setter_parse_seconds(text, &ms) < 0)
        return -EINVAL;
    out->seconds = (int64_t)(ms / MS_PER_SECOND);
    *reason = "daily time value must be less than 24 hours";
    if (sign == '@' && out->seconds > SECONDS_PER_DAY)
        return -EINVAL;
    if (sign == '-')
        out->seconds = -out->seconds;
    return 0;
}
