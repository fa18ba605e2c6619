/* message - a request or response head, its fields, and how its body is framed.
 *
 * A head is owned by whoever owns the arena it was parsed into; all its spans point there. It is
 * complete and checked when the parser hands it out: names are tokens, values hold no control
 * byte but a tab, framing is decided, once.
 */
#ifndef RINGWAY_HTTP_MESSAGE_H
#define RINGWAY_HTTP_MESSAGE_H

#include "core/arena.h"
#include "core/span.h"

/* Fields that the proxy itself looks at: X(identifier, name, flags). The rest are FIELD_OTHER. */
#define FIELD_HOP_BY_HOP 1u      /* RFC 9110 section 7.6.1: never forwarded */
#define FIELD_NOT_REMOVABLE 2u   /* cannot be named by Connection */
#define FIELD_NOT_IN_TRAILERS 4u /* framing, routing, authentication: RFC 9110 section 6.5.1 */
#define HTTP_FIELDS(X)                                                                      \
    X(HOST, "Host", FIELD_NOT_REMOVABLE | FIELD_NOT_IN_TRAILERS)                            \
    X(CONNECTION, "Connection", FIELD_HOP_BY_HOP | FIELD_NOT_IN_TRAILERS)                   \
    X(CONTENT_LENGTH, "Content-Length", FIELD_NOT_REMOVABLE | FIELD_NOT_IN_TRAILERS)        \
    X(TRANSFER_ENCODING, "Transfer-Encoding", FIELD_NOT_REMOVABLE | FIELD_NOT_IN_TRAILERS)  \
    X(KEEP_ALIVE, "Keep-Alive", FIELD_HOP_BY_HOP | FIELD_NOT_IN_TRAILERS)                   \
    X(PROXY_CONNECTION, "Proxy-Connection", FIELD_HOP_BY_HOP | FIELD_NOT_IN_TRAILERS)       \
    X(TE, "TE", FIELD_HOP_BY_HOP | FIELD_NOT_IN_TRAILERS)                                   \
    X(TRAILER, "Trailer", FIELD_HOP_BY_HOP | FIELD_NOT_IN_TRAILERS)                         \
    X(UPGRADE, "Upgrade", FIELD_HOP_BY_HOP | FIELD_NOT_IN_TRAILERS)                         \
    X(PROXY_AUTHENTICATE, "Proxy-Authenticate", FIELD_HOP_BY_HOP | FIELD_NOT_IN_TRAILERS)   \
    X(PROXY_AUTHORIZATION, "Proxy-Authorization", FIELD_HOP_BY_HOP | FIELD_NOT_IN_TRAILERS) \
    X(EXPECT, "Expect", FIELD_NOT_IN_TRAILERS)                                              \
    X(AUTHORIZATION, "Authorization", FIELD_NOT_REMOVABLE | FIELD_NOT_IN_TRAILERS)          \
    X(COOKIE, "Cookie", FIELD_NOT_REMOVABLE | FIELD_NOT_IN_TRAILERS)                        \
    X(SET_COOKIE, "Set-Cookie", FIELD_NOT_IN_TRAILERS)                                      \
    X(DATE, "Date", FIELD_NOT_IN_TRAILERS)                                                  \
    X(SERVER, "Server", 0)                                                                  \
    X(CONTENT_TYPE, "Content-Type", FIELD_NOT_IN_TRAILERS)                                  \
    X(CONTENT_ENCODING, "Content-Encoding", FIELD_NOT_IN_TRAILERS)                          \
    X(CONTENT_RANGE, "Content-Range", FIELD_NOT_IN_TRAILERS)                                \
    X(CACHE_CONTROL, "Cache-Control", FIELD_NOT_IN_TRAILERS)                                \
    X(EXPIRES, "Expires", FIELD_NOT_IN_TRAILERS)                                            \
    X(LOCATION, "Location", FIELD_NOT_IN_TRAILERS)                                          \
    X(REFRESH, "Refresh", FIELD_NOT_IN_TRAILERS)                                            \
    X(REFERER, "Referer", 0)                                                                \
    X(USER_AGENT, "User-Agent", 0)                                                          \
    X(X_FORWARDED_FOR, "X-Forwarded-For", FIELD_NOT_IN_TRAILERS)                            \
    X(IF_MODIFIED_SINCE, "If-Modified-Since", FIELD_NOT_IN_TRAILERS)                        \
    X(IF_UNMODIFIED_SINCE, "If-Unmodified-Since", FIELD_NOT_IN_TRAILERS)                    \
    X(IF_NONE_MATCH, "If-None-Match", FIELD_NOT_IN_TRAILERS)                                \
    X(IF_RANGE, "If-Range", FIELD_NOT_IN_TRAILERS)                                          \
    X(RANGE, "Range", FIELD_NOT_IN_TRAILERS)                                                \
    X(LAST_MODIFIED, "Last-Modified", 0)                                                    \
    X(ETAG, "ETag", 0)                                                                      \
    X(ACCEPT_RANGES, "Accept-Ranges", 0)                                                    \
    X(VIA, "Via", 0)                                                                        \
    X(WWW_AUTHENTICATE, "WWW-Authenticate", FIELD_NOT_IN_TRAILERS)                          \
    X(FORWARDED, "Forwarded", FIELD_NOT_IN_TRAILERS)                                        \
    X(X_FORWARDED_HOST, "X-Forwarded-Host", FIELD_NOT_IN_TRAILERS)                          \
    X(X_FORWARDED_PROTO, "X-Forwarded-Proto", FIELD_NOT_IN_TRAILERS)                        \
    X(X_REAL_IP, "X-Real-IP", FIELD_NOT_IN_TRAILERS)                                        \
    /* The family: any name that begins so. */                                              \
    X(X_ACCEL, "X-Accel-", FIELD_NOT_IN_TRAILERS)

enum field_id {
    FIELD_OTHER,
#define X(id, name, flags) FIELD_##id,
    HTTP_FIELDS(X)
#undef X
        FIELD_ID_COUNT
};

/* A set of them is a word. */
static_assert(FIELD_ID_COUNT <= 64, "a bit for each field");

/* A field in a set of them. */
static inline uint64_t field_bit(enum field_id id)
{
    return UINT64_C(1) << id;
}

struct field {
    struct span name;
    struct span value; /* without OWS at its ends */
    enum field_id id;
    /* Hop-by-hop, named by Connection, or refused: not forwarded, and a variable only in the first
     * of these cases. */
    bool is_dropped;
};

enum framing {
    FRAMING_NONE,        /* no body */
    FRAMING_LENGTH,      /* content_length bytes, perhaps 0 */
    FRAMING_CHUNKED,     /* chunked, perhaps with trailers */
    FRAMING_UNTIL_CLOSE, /* response only */
    FRAMING_TUNNEL,      /* after 101: bytes, both ways */
};

enum method {
    METHOD_OTHER, /* a token that we do not know: forwarded */
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_PUT,
    METHOD_DELETE,
    METHOD_OPTIONS,
    METHOD_PATCH,
    METHOD_TRACE,
    METHOD_CONNECT,
};

struct head {
    /* Requests. */
    struct span method_text;
    enum method method;
    struct span request_line; /* as it came, without CR LF: $request */
    struct span target;       /* origin-form as it came, or what an absolute-form one has behind its
                               * authority; or "*": $request_uri */
    struct span raw_path;     /* target up to '?', still escaped */
    struct span query;        /* behind '?': $args; empty without one */
    struct span path;         /* decoded, merged, dot segments resolved: $uri; or "*" */
    struct span authority;    /* host[:port] of an absolute-form target, else Host; or empty */
    struct span host;         /* of authority: lower case, no port, no final dot; brackets kept */
    bool has_query;           /* there was a '?' */
    bool expects_continue;    /* Expect: 100-continue in HTTP/1.1, and there is a body */

    /* Responses. */
    unsigned status; /* 100 to 999 */
    struct span reason;

    /* Both. */
    unsigned version_minor; /* 0, or 1 for HTTP/1.1 and any above */
    struct field *fields;   /* in their order */
    size_t field_count;
    struct field *trailers; /* at the end of a chunked body: those that may be forwarded */
    size_t trailer_count;
    enum framing framing;
    uint64_t content_length; /* for FRAMING_LENGTH; for HEAD and 304 what was announced */
    bool has_content_length;
    bool is_persistent;    /* RFC 9112 section 9.3, as the sender of this head sees it */
    struct span upgrade;   /* value of Upgrade where Connection names it, else empty */
    bool accepts_trailers; /* TE: trailers, named by Connection or not */
    bool has_accel;        /* a field of the family X-Accel- */
    size_t head_bytes;     /* the head's size on the wire */
};

/* The identifier of a field name, in any case; FIELD_OTHER when it is none of ours. */
enum field_id field_id_of(struct span name);

/* The canonical name and the FIELD_* flags of an identifier. */
struct span field_name(enum field_id id);
unsigned field_flags(enum field_id id);

/* The first such field that is not dropped; NULL when there is none. */
const struct field *head_find(const struct head *h, enum field_id id);

/* True when a name is that of a variable, in any case: '_' also matches '-', so that "user_agent"
 * is "User-Agent". */
bool field_name_is_variable(struct span name, struct span variable);

/* The method of a token, whose case counts (RFC 9110 section 9.1). */
enum method method_of(struct span text);

/* RFC 9110 section 9.2.2: GET, HEAD, OPTIONS, PUT, DELETE, TRACE. */
bool method_is_idempotent(enum method m);

/* The reason phrase of a status; "" when it has none. */
struct span status_reason(unsigned status);

/* True for those that lead the client to what Location says: 301, 302, 303, 307 and 308. */
bool status_is_redirect(unsigned status);

/* Decodes %XX, merges slashes (when asked) and resolves "." and ".." as nginx does for $uri.
 * 0 and *path, in the arena or raw itself where nothing changes; -EINVAL for a path without '/' at
 * its begin, a bad escape, an escaped NUL, or ".." above the root; -ENOMEM. */
int path_normalize(struct span raw, bool merge_slashes, struct arena *a,
                   struct span *path) MUST_USE;

/* True for a field value that may be written: no CR, LF, NUL or other control byte but tab. */
bool field_value_is_valid(struct span value);
bool field_name_is_valid(struct span name); /* RFC 9110 section 5.6.2: token */

#endif
