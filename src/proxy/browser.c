/* browser - old browsers that do not get along with connections that are kept. */
#include "proxy/browser.h"

#include <string.h>

/* What stands behind the first occurrence of a word; data NULL where there is none. */
static struct span behind(struct span text, struct span word)
{
    const char *found = text.len ? memmem(text.data, text.len, word.data, word.len) : NULL;

    if (!found)
        return SPAN_NONE;
    return span_skip(text, (size_t)(found - text.data) + word.len);
}

static bool has(struct span text, struct span word)
{
    return behind(text, word).data != NULL;
}

/* The version is one digit, a point, and something more. */
static bool is_msie6(struct span agent)
{
    struct span version = behind(agent, SPAN("MSIE "));

    if (version.len < 3 || version.data[1] != '.' || has(agent, SPAN("Opera")))
        return false;
    if (version.data[0] == '6')
        return !has(version, SPAN("SV1"));
    return version.data[0] == '4' || version.data[0] == '5';
}

static bool is_safari(struct span agent)
{
    return has(agent, SPAN("Safari/")) && has(agent, SPAN("Mac OS X")) &&
           !has(agent, SPAN("MSIE ")) && !has(agent, SPAN("Opera")) &&
           !has(agent, SPAN("Gecko/")) && !has(agent, SPAN("Chrome/"));
}

bool browser_needs_close(const struct head *request, unsigned disabled)
{
    const struct field *agent;

    if (request->method != METHOD_POST)
        disabled &= ~BROWSER_MSIE6;
    if (!disabled)
        return false;
    agent = head_find(request, FIELD_USER_AGENT);
    if (!agent)
        return false;
    return ((disabled & BROWSER_MSIE6) && is_msie6(agent->value)) ||
           ((disabled & BROWSER_SAFARI) && is_safari(agent->value));
}
