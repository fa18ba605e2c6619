/* page - the built-in pages of errors and redirects, word for word as nginx has them. */
#include "proxy/page.h"

#include "http/message.h"

#define KIND_FIRST 494

/* What is the matter with a 400. */
static const char *const kinds[] = {
    [494 - KIND_FIRST] = "Request Header Or Cookie Too Large",
    [495 - KIND_FIRST] = "The SSL certificate error",
    [496 - KIND_FIRST] = "No required SSL certificate was sent",
    [497 - KIND_FIRST] = "The plain HTTP request was sent to HTTPS port",
};

static bool is_kind_of_400(unsigned status)
{
    return status >= KIND_FIRST && status < KIND_FIRST + COUNT_OF(kinds);
}

unsigned page_status(unsigned status)
{
    return is_kind_of_400(status) ? 400 : status;
}

bool page_ends_connection(unsigned status)
{
    switch (status) {
    case 400:
    case 413:
    case 414:
    case 495:
    case 496:
    case 497:
    case 500:
    case 501:
        return true;
    default:
        return false;
    }
}

/* What the page calls a status; two have another name in the status line. */
static struct span title_of(unsigned status)
{
    if (status == 302)
        return SPAN("Found");
    if (status == 401)
        return SPAN("Authorization Required");
    return status_reason(status);
}

struct span page_make(unsigned status, bool shows_version, struct arena *a)
{
    const char *version = shows_version ? "/" RINGWAY_VERSION : "";
    const char *kind = is_kind_of_400(status) ? kinds[status - KIND_FIRST] : NULL;
    struct span heading = title_of(page_status(status));
    struct span title = kind ? span_of_cstr(kind) : heading;

    if (!heading.len)
        return SPAN("");
    return arena_printf(a,
                        "<html>\r\n"
                        "<head><title>%u %.*s</title></head>\r\n"
                        "<body>\r\n"
                        "<center><h1>%u %.*s</h1></center>\r\n"
                        "%s%s%s"
                        "<hr><center>ringway%s</center>\r\n"
                        "</body>\r\n"
                        "</html>\r\n",
                        page_status(status), SPAN_ARG(title), page_status(status),
                        SPAN_ARG(heading), kind ? "<center>" : "", kind ? kind : "",
                        kind ? "</center>\r\n" : "", version);
}
