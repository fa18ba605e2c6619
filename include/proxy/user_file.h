/* user_file - files of users and their passwords, as one worker knows them.
 *
 * A file is read when it is first asked for, and again when it has changed, which is looked for
 * once in a second at most. These are system calls that a warm cache answers at once, as for
 * static files; between them nothing of the file system is touched.
 *
 * Hashing a password takes as long as its scheme wants, up to many milliseconds, in the worker's
 * thread as in nginx. So each password that fits is remembered by a keyed digest until its file
 * changes: a user costs a worker one hash, and not one for each request. And a worker hashes once a
 * turn: between two guesses all others have theirs. */
#ifndef RINGWAY_PROXY_USER_FILE_H
#define RINGWAY_PROXY_USER_FILE_H

#include "proxy/engine.h"

#define USER_FILES_MAX 32                      /* per worker; the least recently used goes */
#define USER_FILE_BYTES_MAX (16 * 1024 * 1024) /* a larger one is an error */
#define USER_FILE_CHECK_MS 1000
#define USER_HASHES_PER_TURN 1 /* of slow schemes; others wait */

enum user_verdict {
    USER_IS_RIGHT,
    USER_IS_UNKNOWN,
    USER_HAS_OTHER_PASSWORD,
    USER_HAS_TO_WAIT, /* for the next turn: this one has hashed enough */
    USER_FILE_FAILED, /* *error: negative errno */
};

struct user_question {
    struct span path, user, password;
};

/* Lines are "user:password", perhaps with ':' and a comment behind; '#' begins a comment. The first
 * line of a user counts. */
enum user_verdict user_file_ask(struct engine *e, const struct user_question *q,
                                int *error) MUST_USE;

/* At a worker's end; NULL is allowed. */
void user_files_free(struct user_files *files);

#endif
