/* time_text - formatting and parsing of times, without libc's locale. */
#include "core/time_text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define UNIX_S_MAX 253402300799 /* the last second of the year 9999 */

static const char *const week_days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                        "Thursday", "Friday", "Saturday"};

static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static int64_t clamp(int64_t unix_s)
{
    if (unix_s < 0)
        return 0;
    return unix_s < UNIX_S_MAX ? unix_s : UNIX_S_MAX;
}

/* The compiler cannot know that the fields of a struct tm are small. */
static unsigned two_digits(int value)
{
    return (unsigned)value % 100;
}

static unsigned year_of(const struct tm *t)
{
    return (unsigned)(t->tm_year + 1900) % 10000;
}

static void format_local(struct time_cache *c, int64_t unix_s)
{
    time_t seconds = unix_s;
    struct tm t;
    unsigned offset_min;
    char sign;

    /* Fails only for years that do not fit into an int. */
    if (!localtime_r(&seconds, &t))
        memset(&t, 0, sizeof(t));
    sign = t.tm_gmtoff < 0 ? '-' : '+';
    offset_min = (unsigned)(t.tm_gmtoff < 0 ? -t.tm_gmtoff : t.tm_gmtoff) / 60 % 6000;
    (void)snprintf(c->local, sizeof(c->local), "%02u/%s/%04u:%02u:%02u:%02u %c%02u%02u",
                   two_digits(t.tm_mday), months[t.tm_mon], year_of(&t), two_digits(t.tm_hour),
                   two_digits(t.tm_min), two_digits(t.tm_sec), sign, offset_min / 60,
                   offset_min % 60);
    (void)snprintf(c->iso8601, sizeof(c->iso8601), "%04u-%02u-%02uT%02u:%02u:%02u%c%02u:%02u",
                   year_of(&t), two_digits(t.tm_mon + 1), two_digits(t.tm_mday),
                   two_digits(t.tm_hour), two_digits(t.tm_min), two_digits(t.tm_sec), sign,
                   offset_min / 60, offset_min % 60);
}

static void format_all(struct time_cache *c)
{
    int64_t unix_s = clamp(c->unix_ms / 1000);

    format_local(c, unix_s);
    (void)time_format_http(unix_s, c->http);
}

void time_cache_set(struct time_cache *c, int64_t unix_ms)
{
    bool is_new_second = unix_ms / 1000 != c->unix_ms / 1000;

    c->unix_ms = unix_ms;
    /* A host without a clock starts in the second that a zeroed cache is at. */
    if (is_new_second || !*c->http)
        format_all(c);
}

struct span time_cache_local(const struct time_cache *c)
{
    return span_of(c->local, sizeof(c->local) - 1);
}

struct span time_cache_iso8601(const struct time_cache *c)
{
    return span_of(c->iso8601, sizeof(c->iso8601) - 1);
}

struct span time_cache_http(const struct time_cache *c)
{
    return span_of(c->http, sizeof(c->http) - 1);
}

size_t time_format_http(int64_t unix_s, char out[TIME_HTTP_BYTES])
{
    time_t seconds = clamp(unix_s);
    struct tm t;

    if (!gmtime_r(&seconds, &t))
        memset(&t, 0, sizeof(t));
    return (size_t)snprintf(out, TIME_HTTP_BYTES, "%.3s, %02u %s %04u %02u:%02u:%02u GMT",
                            week_days[t.tm_wday], two_digits(t.tm_mday), months[t.tm_mon],
                            year_of(&t), two_digits(t.tm_hour), two_digits(t.tm_min),
                            two_digits(t.tm_sec));
}

static bool take_literal(struct span *s, struct span literal)
{
    if (!span_starts_with(*s, literal))
        return false;
    *s = span_skip(*s, literal.len);
    return true;
}

static bool take_number(struct span *s, size_t digits, int *value)
{
    uint64_t number;

    if (s->len < digits || span_to_u64(span_take(*s, digits), &number) < 0)
        return false;
    *s = span_skip(*s, digits);
    *value = (int)number;
    return true;
}

static bool take_month(struct span *s, int *month)
{
    for (size_t i = 0; i < COUNT_OF(months); i++) {
        if (take_literal(s, span_of_cstr(months[i]))) {
            *month = (int)i;
            return true;
        }
    }
    return false;
}

/* Whether it is the right day is nobody's business: the date says which one it was. */
static bool take_week_day(struct span *s, bool is_short)
{
    for (size_t i = 0; i < COUNT_OF(week_days); i++) {
        if (take_literal(s, span_of(week_days[i], is_short ? 3 : strlen(week_days[i]))))
            return true;
    }
    return false;
}

/* One letter of a form; other bytes stand for themselves. */
static bool take_item(struct span *s, const char *item, struct tm *t)
{
    switch (*item) {
    case 'w': /* Sun */
        return take_week_day(s, true);
    case 'W': /* Sunday */
        return take_week_day(s, false);
    case 'd': /* 06 */
        return take_number(s, 2, &t->tm_mday);
    case 'e': /* 06, or 6 behind a space */
        return take_literal(s, SPAN(" ")) ? take_number(s, 1, &t->tm_mday)
                                          : take_number(s, 2, &t->tm_mday);
    case 'm': /* Nov */
        return take_month(s, &t->tm_mon);
    case 'Y': /* 1994 */
        return take_number(s, 4, &t->tm_year);
    case 'y': /* 94; what is before 70 is of this century, as in nginx */
        if (!take_number(s, 2, &t->tm_year))
            return false;
        t->tm_year += t->tm_year < 70 ? 2000 : 1900;
        return true;
    case 'h':
        return take_number(s, 2, &t->tm_hour);
    case 'n':
        return take_number(s, 2, &t->tm_min);
    case 's':
        return take_number(s, 2, &t->tm_sec);
    default:
        return take_literal(s, span_of(item, 1));
    }
}

static bool has_form(struct span text, const char *form, struct tm *t)
{
    *t = (struct tm){0};
    while (*form && take_item(&text, form, t))
        form++;
    return *form == '\0' && text.len == 0;
}

/* Seconds since 1970 of fields that were digits, or -EINVAL where there is no such day or time. */
static int to_unix(const struct tm *t, int64_t *unix_s)
{
    struct tm day = {.tm_year = t->tm_year - 1900, .tm_mon = t->tm_mon, .tm_mday = t->tm_mday};
    time_t midnight = timegm(&day);

    /* timegm turns the 31st of April into the 1st of May. */
    if (t->tm_mday != day.tm_mday || t->tm_mon != day.tm_mon)
        return -EINVAL;
    /* The 60th second is a leap second. */
    if (t->tm_hour > 23 || t->tm_min > 59 || t->tm_sec > 60)
        return -EINVAL;
    *unix_s = midnight + t->tm_hour * 3600 + t->tm_min * 60 + t->tm_sec;
    return 0;
}

int time_parse_http(struct span text, int64_t *unix_s)
{
    static const char *const forms[] = {
        "w, d m Y h:n:s GMT", /* IMF-fixdate: Sun, 06 Nov 1994 08:49:37 GMT */
        "W, d-m-y h:n:s GMT", /* RFC 850: Sunday, 06-Nov-94 08:49:37 GMT */
        "w m e h:n:s Y",      /* asctime: Sun Nov  6 08:49:37 1994 */
        "w, d m Y h:n:s",     /* the first two without their zone, as nginx reads them */
        "W, d-m-y h:n:s",
    };
    struct tm t;

    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        if (has_form(text, forms[i], &t))
            return to_unix(&t, unix_s);
    }
    return -EINVAL;
}
