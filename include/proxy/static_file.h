/* static_file - what a file answers: its path, type and validators, and what the conditions of a
 * request make of them (RFC 9110 section 13). Pure: opens and reads nothing. */
#ifndef RINGWAY_PROXY_STATIC_FILE_H
#define RINGWAY_PROXY_STATIC_FILE_H

#include <sys/stat.h>

#include "conf/snapshot.h"

/* root and a normalized path (head.path) joined in the arena; *full ends with a NUL that is not
 * counted. 0; -EINVAL for a path without its slash in front, with a NUL, or with a ".." segment
 * (normalizing removes them; this is the second lock); -ENAMETOOLONG; -ENOMEM. */
int static_path_join(struct span root, struct span path, struct arena *a,
                     struct span *full) MUST_USE;

/* The same for what follows the directory or the file that "alias" names, as they are. A location
 * "/a" with the alias "/srv/b/" leaves "../c" of the path "/a../c": -EINVAL, unlike nginx. */
int static_alias_join(struct span alias, struct span rest, struct arena *a,
                      struct span *full) MUST_USE;

/* The media type by the extension of a path, in any case; default_type where it has none that is
 * known. A name that only begins with a dot has no extension. */
struct span static_media_type(const struct span_table *types, struct span path,
                              struct span default_type);

/* As nginx writes them: "\"64a0f2c8-1f4\"" of the time of change and the size. Returns the length;
 * NUL-terminated. The Last-Modified text is time_format_http() of st_mtime. */
#define STATIC_ETAG_BYTES sizeof("\"0123456789abcdef-0123456789abcdef\"")
size_t static_etag(const struct stat *st, char out[STATIC_ETAG_BYTES]);

/* The if_modified_since directive; nginx's default is exact. */
enum static_since {
    STATIC_SINCE_OFF,    /* always modified */
    STATIC_SINCE_EXACT,  /* not modified when the times are equal */
    STATIC_SINCE_BEFORE, /* not modified when it was not changed later: RFC 9110's own rule */
};

/* Values of the request's fields, data NULL where there is none; several lines joined by ", ". */
struct static_conditions {
    struct span if_match;
    struct span if_none_match;
    struct span if_modified_since;
    struct span if_unmodified_since;
    enum static_since since;
};

enum static_verdict {
    STATIC_SEND,
    STATIC_NOT_MODIFIED,        /* 304 */
    STATIC_PRECONDITION_FAILED, /* 412 */
};

/* For GET and HEAD, in the order of RFC 9110 section 13.2.2. etag: a strong one, in its quotes, or
 * empty with "etag off". Dates that are none are passed over. */
enum static_verdict static_evaluate(const struct static_conditions *c, struct span etag,
                                    int64_t modified_s);

/* True when a Range may be obeyed under that If-Range (data NULL: there is none): the same strong
 * entity tag, or exactly the same date. */
bool static_range_is_wanted(struct span if_range, struct span etag, int64_t modified_s);

#endif
