/* build_file - certificates, keys and lists: files that a configuration names, read once. */
#ifndef RINGWAY_CONF_BUILD_FILE_H
#define RINGWAY_CONF_BUILD_FILE_H

#include "conf/draft.h"

#define BUILD_FILE_BYTES_MAX (16 * 1024 * 1024)

/* The bytes of a file, in the arena. 0; -EINVAL or -ENOMEM after it logged why; an empty file is
 * an error. */
int conf_read_file(struct conf *c, const struct word *path, const char *directive,
                   struct span *text) MUST_USE;

/* A password in each line; none when the path is empty. */
int conf_read_passwords(struct conf *c, const struct word *path, const char *directive,
                        struct tls_passwords *out) MUST_USE;

/* True when this process may read it; never where the build reads nothing. path ends with a NUL. */
bool conf_file_is_there(const struct conf *c, struct span path);

#endif
