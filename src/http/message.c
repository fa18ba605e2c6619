/* message - the tables of fields, methods and statuses, and paths in their plain form. */
#include "http/message.h"

#include <string.h>

#include "http/bytes.h"

struct field_row {
    struct span name;
    unsigned flags;
};

static const struct field_row field_rows[FIELD_ID_COUNT] = {
#define X(id, text, bits) [FIELD_##id] = {.name = {text, sizeof(text) - 1}, .flags = (bits)},
    HTTP_FIELDS(X)
#undef X
};

/* The identifiers by the length of their name, ended by FIELD_OTHER. */
static const unsigned char fields_by_length[][8] = {
    [2] = {FIELD_TE},
    [3] = {FIELD_VIA},
    [4] = {FIELD_HOST, FIELD_DATE, FIELD_ETAG},
    [5] = {FIELD_RANGE},
    [6] = {FIELD_COOKIE, FIELD_EXPECT, FIELD_SERVER},
    [7] = {FIELD_REFERER, FIELD_UPGRADE, FIELD_TRAILER, FIELD_REFRESH, FIELD_EXPIRES},
    [8] = {FIELD_LOCATION, FIELD_IF_RANGE},
    [9] = {FIELD_X_REAL_IP, FIELD_FORWARDED},
    [10] = {FIELD_CONNECTION, FIELD_USER_AGENT, FIELD_KEEP_ALIVE, FIELD_SET_COOKIE},
    [12] = {FIELD_CONTENT_TYPE},
    [13] = {FIELD_AUTHORIZATION, FIELD_CACHE_CONTROL, FIELD_IF_NONE_MATCH, FIELD_LAST_MODIFIED,
            FIELD_CONTENT_RANGE, FIELD_ACCEPT_RANGES},
    [14] = {FIELD_CONTENT_LENGTH},
    [15] = {FIELD_X_FORWARDED_FOR},
    [16] = {FIELD_CONTENT_ENCODING, FIELD_PROXY_CONNECTION, FIELD_WWW_AUTHENTICATE,
            FIELD_X_FORWARDED_HOST},
    [17] = {FIELD_TRANSFER_ENCODING, FIELD_IF_MODIFIED_SINCE, FIELD_X_FORWARDED_PROTO},
    [18] = {FIELD_PROXY_AUTHENTICATE},
    [19] = {FIELD_PROXY_AUTHORIZATION, FIELD_IF_UNMODIFIED_SINCE},
};

/* span_starts_with_nocase() for a prefix of letters and '-', in line: this runs for each field.
 * The bit of lower case counts where the prefix has a letter, and only there. */
static inline bool begins_with(struct span name, struct span prefix)
{
    char difference = 0;

    for (size_t i = 0; i < prefix.len; i++) {
        char ignored = prefix.data[i] >= 'A' ? 0x20 : 0;

        difference |= (name.data[i] ^ prefix.data[i]) & ~ignored;
    }
    return !difference;
}

enum field_id field_id_of(struct span name)
{
    struct span family = field_rows[FIELD_X_ACCEL].name;
    const unsigned char *id;
    char last;

    if (name.len >= family.len && (name.data[0] | 0x20) == 'x' && begins_with(name, family))
        return FIELD_X_ACCEL;
    if (!name.len || name.len >= COUNT_OF(fields_by_length))
        return FIELD_OTHER;
    /* The last letter tells most names of one length apart. */
    last = name.data[name.len - 1] | 0x20;
    for (id = fields_by_length[name.len]; *id != FIELD_OTHER; id++) {
        struct span known = field_rows[*id].name;

        if ((known.data[known.len - 1] | 0x20) != last)
            continue;
        /* Most senders write names as we do. */
        if (memcmp(name.data, known.data, known.len) == 0 || begins_with(name, known))
            return (enum field_id) * id;
    }
    return FIELD_OTHER;
}

struct span field_name(enum field_id id)
{
    assert(id < FIELD_ID_COUNT);
    return field_rows[id].name;
}

unsigned field_flags(enum field_id id)
{
    assert(id < FIELD_ID_COUNT);
    return field_rows[id].flags;
}

const struct field *head_find(const struct head *h, enum field_id id)
{
    for (size_t i = 0; i < h->field_count; i++) {
        if (h->fields[i].id == id && !h->fields[i].is_dropped)
            return &h->fields[i];
    }
    return NULL;
}

bool field_name_is_variable(struct span name, struct span variable)
{
    if (name.len != variable.len)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = ascii_lower(name.data[i]);
        char v = ascii_lower(variable.data[i]);

        if (c != v && !(c == '-' && v == '_'))
            return false;
    }
    return true;
}

static const struct method_row {
    struct span text;
    enum method method;
    bool is_idempotent;
} method_rows[] = {
    {{"GET", 3}, METHOD_GET, true},          {{"POST", 4}, METHOD_POST, false},
    {{"HEAD", 4}, METHOD_HEAD, true},        {{"PUT", 3}, METHOD_PUT, true},
    {{"DELETE", 6}, METHOD_DELETE, true},    {{"OPTIONS", 7}, METHOD_OPTIONS, true},
    {{"PATCH", 5}, METHOD_PATCH, false},     {{"TRACE", 5}, METHOD_TRACE, true},
    {{"CONNECT", 7}, METHOD_CONNECT, false},
};

enum method method_of(struct span text)
{
    for (size_t i = 0; i < COUNT_OF(method_rows); i++) {
        if (span_equals(text, method_rows[i].text))
            return method_rows[i].method;
    }
    return METHOD_OTHER;
}

bool method_is_idempotent(enum method m)
{
    for (size_t i = 0; i < COUNT_OF(method_rows); i++) {
        if (method_rows[i].method == m)
            return method_rows[i].is_idempotent;
    }
    return false;
}

/* nginx's names, which its users know from pages and logs; where it has none, those of IANA's
 * registry of HTTP status codes. */
static const char *const reasons[] = {
    [100] = "Continue",
    [101] = "Switching Protocols",
    [102] = "Processing",
    [103] = "Early Hints",
    [200] = "OK",
    [201] = "Created",
    [202] = "Accepted",
    [203] = "Non-Authoritative Information",
    [204] = "No Content",
    [205] = "Reset Content",
    [206] = "Partial Content",
    [207] = "Multi-Status",
    [208] = "Already Reported",
    [226] = "IM Used",
    [300] = "Multiple Choices",
    [301] = "Moved Permanently",
    [302] = "Moved Temporarily",
    [303] = "See Other",
    [304] = "Not Modified",
    [305] = "Use Proxy",
    [307] = "Temporary Redirect",
    [308] = "Permanent Redirect",
    [400] = "Bad Request",
    [401] = "Unauthorized",
    [402] = "Payment Required",
    [403] = "Forbidden",
    [404] = "Not Found",
    [405] = "Not Allowed",
    [406] = "Not Acceptable",
    [407] = "Proxy Authentication Required",
    [408] = "Request Time-out",
    [409] = "Conflict",
    [410] = "Gone",
    [411] = "Length Required",
    [412] = "Precondition Failed",
    [413] = "Request Entity Too Large",
    [414] = "Request-URI Too Large",
    [415] = "Unsupported Media Type",
    [416] = "Requested Range Not Satisfiable",
    [417] = "Expectation Failed",
    [421] = "Misdirected Request",
    [422] = "Unprocessable Content",
    [423] = "Locked",
    [424] = "Failed Dependency",
    [425] = "Too Early",
    [426] = "Upgrade Required",
    [428] = "Precondition Required",
    [429] = "Too Many Requests",
    [431] = "Request Header Fields Too Large",
    [451] = "Unavailable For Legal Reasons",
    [500] = "Internal Server Error",
    [501] = "Not Implemented",
    [502] = "Bad Gateway",
    [503] = "Service Temporarily Unavailable",
    [504] = "Gateway Time-out",
    [505] = "HTTP Version Not Supported",
    [506] = "Variant Also Negotiates",
    [507] = "Insufficient Storage",
    [508] = "Loop Detected",
    [511] = "Network Authentication Required",
};

struct span status_reason(unsigned status)
{
    if (status >= COUNT_OF(reasons) || !reasons[status])
        return SPAN("");
    return span_of_cstr(reasons[status]);
}

bool status_is_redirect(unsigned status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool field_value_is_valid(struct span value)
{
    return text_end(value) == value.len;
}

bool field_name_is_valid(struct span name)
{
    unsigned common = BYTE_TOKEN;

    for (size_t i = 0; i < name.len; i++)
        common &= byte_classes[(unsigned char)name.data[i]];
    return name.len && common;
}

/* A path that is being normalized: bytes so far, of which the last segment is not judged yet. */
struct plain_path {
    char *data;
    size_t len;
    size_t segment; /* where the last segment begins, behind its '/' */
};

static bool is_plain_path(struct span raw, bool merge_slashes)
{
    bool behind_slash = false;

    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.data[i];

        if (c == '%' || (behind_slash && (c == '.' || (merge_slashes && c == '/'))))
            return false;
        behind_slash = c == '/';
    }
    return true;
}

/* 1 when the last segment was "." or ".." and is gone with what it names, 0 when it stays. */
static int resolve_segment(struct plain_path *p)
{
    struct span last = span_of(p->data + p->segment, p->len - p->segment);

    if (span_equals(last, SPAN("."))) {
        p->len = p->segment;
        return 1;
    }
    if (!span_equals(last, SPAN("..")))
        return 0;
    if (p->segment <= 1)
        return -EINVAL;
    p->len = p->segment - 1;
    while (p->data[p->len - 1] != '/')
        p->len--;
    p->segment = p->len;
    return 1;
}

static int add_slash(struct plain_path *p, bool merge_slashes)
{
    int resolved = resolve_segment(p);

    if (resolved < 0)
        return resolved;
    if (resolved || (merge_slashes && p->len && p->len == p->segment))
        return 0;
    p->data[p->len++] = '/';
    p->segment = p->len;
    return 0;
}

/* The byte at *i, decoded; moves *i to its last digit. -EINVAL for a bad escape and for NUL. */
static int decode_byte(struct span raw, size_t *i)
{
    int high;
    int low;

    if (raw.data[*i] != '%')
        return (unsigned char)raw.data[*i];
    if (raw.len - *i < 3)
        return -EINVAL;
    high = byte_hex_value(raw.data[*i + 1]);
    low = byte_hex_value(raw.data[*i + 2]);
    *i += 2;
    if (high < 0 || low < 0 || high + low == 0)
        return -EINVAL;
    return high * 16 + low;
}

static RARE int normalize(struct span raw, bool merge_slashes, struct arena *a, struct span *path)
{
    struct plain_path p = {0};
    int result = 0;

    p.data = arena_alloc(a, raw.len);
    if (!p.data)
        return -ENOMEM;
    for (size_t i = 0; i < raw.len && result >= 0; i++) {
        result = decode_byte(raw, &i);
        if (result == '/')
            result = add_slash(&p, merge_slashes);
        else if (result > 0)
            p.data[p.len++] = (char)result;
    }
    if (result >= 0)
        result = resolve_segment(&p);
    *path = span_of(p.data, p.len);
    return result < 0 ? result : 0;
}

int path_normalize(struct span raw, bool merge_slashes, struct arena *a, struct span *path)
{
    if (!raw.len || raw.data[0] != '/')
        return -EINVAL;
    *path = raw;
    return is_plain_path(raw, merge_slashes) ? 0 : normalize(raw, merge_slashes, a, path);
}
