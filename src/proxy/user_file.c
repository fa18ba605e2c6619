/* user_file - files of users and their passwords, as one worker knows them. */
#include "proxy/user_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/tls_digest.h"
#include "proxy/password.h"

#define REMEMBERED_MAX 256 /* a power of two; a newcomer takes the place that its digest says */
#define SECRET_BYTES 32

struct user_file {
    struct list link; /* the most recently used first */
    char *path;
    char *text; /* NULL: not read */
    size_t len;
    struct stat stat;    /* of what was read */
    uint64_t generation; /* of what was read: no two are alike */
    uint64_t checked_ms;
};

struct user_files {
    struct list files;
    size_t count;
    uint64_t generation;
    uint64_t hash_turn_us; /* the turn that hashed last, and how often */
    unsigned hash_count;
    struct password_scratch *scratch;
    unsigned char secret[SECRET_BYTES];
    unsigned char remembered[REMEMBERED_MAX][SHA256_BYTES]; /* zero: none */
};

/* ---- files ---- */

static void forget_text(struct user_file *f)
{
    if (f->text)
        explicit_bzero(f->text, f->len);
    free(f->text);
    f->text = NULL;
    f->len = 0;
}

static void drop(struct user_files *files, struct user_file *f)
{
    list_remove(&f->link);
    forget_text(f);
    free(f->path);
    free(f);
    files->count--;
}

static struct user_file *add(struct user_files *files, struct span path)
{
    struct user_file *f = calloc(1, sizeof(*f));

    if (!f)
        return NULL;
    f->path = strndup(path.data, path.len);
    if (!f->path) {
        free(f);
        return NULL;
    }
    if (files->count == USER_FILES_MAX)
        drop(files, list_entry(files->files.prev, struct user_file, link));
    list_init(&f->link);
    list_push_front(&files->files, &f->link);
    files->count++;
    return f;
}

static struct user_file *find(struct user_files *files, struct span path)
{
    list_for_each (link, &files->files) {
        struct user_file *f = list_entry(link, struct user_file, link);

        if (!span_equals(span_of_cstr(f->path), path))
            continue;
        list_remove(&f->link);
        list_push_front(&files->files, &f->link);
        return f;
    }
    return add(files, path);
}

static bool is_unchanged(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* As long as it is when it is read: it may grow or shrink meanwhile. */
static int read_text(struct user_file *f, int fd)
{
    size_t size = (size_t)f->stat.st_size;

    f->text = malloc(size + 1);
    if (!f->text)
        return -ENOMEM;
    while (f->len < size) {
        ssize_t got = read(fd, f->text + f->len, size - f->len);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        f->len += (size_t)got;
    }
    return 0;
}

static int read_file(struct user_files *files, struct user_file *f, int fd)
{
    int rc;

    if (fstat(fd, &f->stat) < 0)
        return -errno;
    if (!S_ISREG(f->stat.st_mode))
        return S_ISDIR(f->stat.st_mode) ? -EISDIR : -EINVAL;
    if (f->stat.st_size > USER_FILE_BYTES_MAX)
        return -EFBIG;
    f->generation = ++files->generation;
    rc = read_text(f, fd);
    if (rc)
        forget_text(f);
    return rc;
}

/* Reads it where it was not yet, or has changed. 0, or negative errno. */
static int refresh(struct user_files *files, struct user_file *f, uint64_t now_ms)
{
    struct stat now;
    int fd, rc;

    if (f->text && now_ms - f->checked_ms < USER_FILE_CHECK_MS)
        return 0;
    f->checked_ms = now_ms;
    if (f->text && stat(f->path, &now) == 0 && is_unchanged(&now, &f->stat))
        return 0;
    forget_text(f);
    /* O_NONBLOCK: nobody waits for the writer of a FIFO. */
    fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    rc = read_file(files, f, fd);
    close(fd);
    return rc;
}

/* ---- users ---- */

/* The next line that is no comment. */
static bool next_line(struct span *text, struct span *line)
{
    do {
        if (!text->len)
            return false;
        *line = span_take(*text, span_index_of(*text, '\n'));
        *text = span_skip(*text, size_min(line->len + 1, text->len));
    } while (!line->len || line->data[0] == '#');
    *line = span_take(*line, span_index_of(*line, '\r'));
    return true;
}

/* The password as it is stored; data NULL where there is no such user. */
static struct span stored_of(const struct user_file *f, struct span user)
{
    struct span text = span_of(f->text, f->len), line, stored;

    while (next_line(&text, &line)) {
        if (line.len <= user.len || line.data[user.len] != ':' || !span_starts_with(line, user))
            continue;
        stored = span_skip(line, user.len + 1);
        return span_take(stored, span_index_of(stored, ':'));
    }
    return SPAN_NONE;
}

/* ---- what was right before ---- */

static void digest_of(const struct user_files *files, const struct user_file *f,
                      const struct user_question *q, unsigned char out[SHA256_BYTES])
{
    const uint64_t numbers[] = {f->generation, q->user.len};
    const struct span parts[] = {
        span_of((const char *)files->secret, sizeof(files->secret)),
        span_of((const char *)numbers, sizeof(numbers)),
        q->user,
        q->password,
    };

    tls_sha256(parts, COUNT_OF(parts), out);
}

static unsigned char *place_of(struct user_files *files, const unsigned char digest[SHA256_BYTES])
{
    return files->remembered[digest[0] & (REMEMBERED_MAX - 1)];
}

/* True: this turn may do one hash more, which is counted. */
static bool may_hash(struct user_files *files, uint64_t turn_us)
{
    if (files->hash_turn_us != turn_us)
        files->hash_count = 0;
    files->hash_turn_us = turn_us;
    return files->hash_count++ < USER_HASHES_PER_TURN;
}

static enum user_verdict ask_file(struct user_files *files, const struct user_file *f,
                                  const struct user_question *q, uint64_t turn_us)
{
    unsigned char digest[SHA256_BYTES];
    struct span stored;

    digest_of(files, f, q, digest);
    if (memcmp(place_of(files, digest), digest, sizeof(digest)) == 0)
        return USER_IS_RIGHT;
    stored = stored_of(f, q->user);
    if (!stored.data)
        return USER_IS_UNKNOWN;
    if (password_is_slow(stored) && !may_hash(files, turn_us))
        return USER_HAS_TO_WAIT;
    if (!password_fits(q->password, stored, files->scratch))
        return USER_HAS_OTHER_PASSWORD;
    memcpy(place_of(files, digest), digest, sizeof(digest));
    return USER_IS_RIGHT;
}

/* ---- all of a worker ---- */

static struct user_files *files_new(void)
{
    struct user_files *files = calloc(1, sizeof(*files));

    if (!files)
        return NULL;
    list_init(&files->files);
    files->scratch = password_scratch_new();
    if (files->scratch &&
        getrandom(files->secret, sizeof(files->secret), 0) == sizeof(files->secret))
        return files;
    user_files_free(files);
    return NULL;
}

void user_files_free(struct user_files *files)
{
    if (!files)
        return;
    list_for_each_safe (link, &files->files)
        drop(files, list_entry(link, struct user_file, link));
    password_scratch_free(files->scratch);
    explicit_bzero(files, sizeof(*files));
    free(files);
}

enum user_verdict user_file_ask(struct engine *e, const struct user_question *q, int *error)
{
    struct user_file *f;

    *error = -ENOENT;
    if (memchr(q->path.data, 0, q->path.len))
        return USER_FILE_FAILED;
    *error = -ENOMEM;
    if (!e->user_files)
        e->user_files = files_new();
    if (!e->user_files)
        return USER_FILE_FAILED;
    f = find(e->user_files, q->path);
    if (!f)
        return USER_FILE_FAILED;
    *error = refresh(e->user_files, f, loop_now_ms(e->loop));
    return *error ? USER_FILE_FAILED : ask_file(e->user_files, f, q, loop_turn_us(e->loop));
}
