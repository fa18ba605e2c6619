/* certificate - certificates with variables: read, shared by content, cached. */
#include "proxy/certificate.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proxy/log_escape.h"

#define DATA SPAN("data:")

/* What was asked for and what it came to: kept by cache until it is old or nobody asks. */
struct entry {
    struct list age_link, key_link;
    struct tls_identity key;
    struct certificate *certificate; /* one reference */
    uint64_t loaded_ms, used_ms;
};

/* One of the two while they are loaded. */
struct part {
    const char *directive;
    struct span value; /* of the directive */
    struct span pem;
    char *bytes; /* read of a file, to be wiped; NULL: pem lies in the value */
    size_t size;
};

static void expire(struct timer *t);

int certificates_init(struct certificates *all, size_t cache_count, struct wheel *wheel)
{
    *all = (struct certificates){.wheel = wheel};
    timer_init(&all->expiry, expire);
    for (size_t i = 0; i < CERTIFICATE_BUCKETS; i++)
        list_init(&all->live[i]);
    if (!cache_count)
        return 0;
    all->caches = calloc(cache_count, sizeof(*all->caches));
    if (!all->caches)
        return -ENOMEM;
    all->cache_count = cache_count;
    for (size_t i = 0; i < cache_count; i++) {
        list_init(&all->caches[i].by_age);
        for (size_t k = 0; k < CERTIFICATE_BUCKETS; k++)
            list_init(&all->caches[i].by_key[k]);
    }
    return 0;
}

/* ---- counting ---- */

struct certificate *certificate_ref(struct certificate *c)
{
    assert(c->ref_count > 0);
    c->ref_count++;
    return c;
}

void certificate_unref(struct certificate *c)
{
    if (!c)
        return;
    assert(c->ref_count > 0);
    if (--c->ref_count)
        return;
    list_remove(&c->link);
    tls_context_free(c->context);
    free(c);
}

/* A digest is its own hash. */
static size_t bucket_of(const struct tls_identity *id)
{
    return id->digest[0] % CERTIFICATE_BUCKETS;
}

/* ---- the cache ---- */

static void drop(struct certificate_cache *cache, struct entry *e)
{
    list_remove(&e->age_link);
    list_remove(&e->key_link);
    cache->count--;
    certificate_unref(e->certificate);
    free(e);
}

static struct entry *oldest(const struct certificate_cache *cache)
{
    return list_entry(cache->by_age.next, struct entry, age_link);
}

static void drop_inactive(struct certificate_cache *cache, uint64_t now_ms)
{
    while (cache->count && now_ms - oldest(cache)->used_ms >= cache->inactive_ms)
        drop(cache, oldest(cache));
}

static void expire_at(struct certificates *all, uint64_t at_ms)
{
    if (!timer_is_set(&all->expiry) || at_ms < all->expiry.deadline_ms)
        timer_set(all->wheel, &all->expiry, at_ms);
}

/* Keys do not stay in memory for want of others that come. */
static void expire(struct timer *t)
{
    struct certificates *all = container_of(t, struct certificates, expiry);

    for (size_t i = 0; i < all->cache_count; i++) {
        struct certificate_cache *cache = &all->caches[i];

        drop_inactive(cache, all->wheel->now_ms);
        if (cache->count)
            expire_at(all, oldest(cache)->used_ms + cache->inactive_ms);
    }
}

/* What is asked for decides, and what the answer depends on beside it. */
static void make_key(const struct certificate_wish *w, struct tls_identity *key)
{
    const struct span parts[] = {
        span_of((const char *)&w->base, sizeof(w->base)),
        span_of((const char *)&w->conf->passwords.list, sizeof(w->conf->passwords.list)),
        w->conf->path_prefix,
        w->certificate,
        w->key,
    };

    tls_identity_make(key, parts, COUNT_OF(parts));
}

static struct entry *find_entry(struct certificate_cache *cache, const struct tls_identity *key)
{
    list_for_each (link, &cache->by_key[bucket_of(key)]) {
        struct entry *e = list_entry(link, struct entry, key_link);

        if (tls_identity_equals(&e->key, key))
            return e;
    }
    return NULL;
}

static struct entry *add_entry(struct certificate_cache *cache, const struct tls_identity *key,
                               uint64_t entries_max)
{
    struct entry *e = calloc(1, sizeof(*e));

    if (!e)
        return NULL;
    if (cache->count >= entries_max)
        drop(cache, oldest(cache));
    e->key = *key;
    list_init(&e->age_link);
    list_init(&e->key_link);
    list_push_back(&cache->by_age, &e->age_link);
    list_push_back(&cache->by_key[bucket_of(key)], &e->key_link);
    cache->count++;
    return e;
}

static void touch(struct certificate_cache *cache, struct entry *e, uint64_t now_ms)
{
    e->used_ms = now_ms;
    list_remove(&e->age_link);
    list_push_back(&cache->by_age, &e->age_link);
}

/* ---- reading ---- */

/* The value as it may stand in a message: PEM in it may be a key. */
static struct span shown(const struct part *p, struct arena *a)
{
    if (span_starts_with(p->value, DATA))
        return DATA;
    return log_escape_copy(LOG_ESCAPE_DEFAULT, p->value, a);
}

static int fail(const struct certificate_wish *w, const struct part *p, const char *reason,
                struct span *message)
{
    struct span value = shown(p, w->arena);

    *message = arena_printf(w->arena, "\"%s\" \"%.*s\": %s", p->directive, SPAN_ARG(value), reason);
    return message->data ? -EINVAL : -ENOMEM;
}

static int fail_errno(const struct certificate_wish *w, const struct part *p, const char *call,
                      struct span *message)
{
    char reason[128];
    int code = errno;

    (void)snprintf(reason, sizeof(reason), "%s failed (%d: %s)", call, code, strerror(code));
    return fail(w, p, reason, message);
}

static int read_open(const struct certificate_wish *w, struct part *p, int fd, struct span *message)
{
    struct stat st;
    size_t len = 0;
    ssize_t n = 1;

    if (fstat(fd, &st) < 0)
        return fail_errno(w, p, "fstat()", message);
    if (!S_ISREG(st.st_mode) || st.st_size > CERTIFICATE_BYTES_MAX)
        return fail(w, p, "is not a file of at most 256 KiB", message);
    p->size = (size_t)st.st_size;
    p->bytes = malloc(p->size + 1);
    if (!p->bytes)
        return -ENOMEM;
    while (len < p->size && n != 0) {
        n = read(fd, p->bytes + len, p->size - len);
        if (n < 0 && errno != EINTR)
            return fail_errno(w, p, "read()", message);
        len += n > 0 ? (size_t)n : 0;
    }
    p->pem = span_of(p->bytes, len);
    return 0;
}

static int read_file(const struct certificate_wish *w, struct part *p, struct span *message)
{
    struct span prefix = p->value.data[0] == '/' ? SPAN_NONE : w->conf->path_prefix, path;
    int fd, rc;

    if (memchr(p->value.data, '\0', p->value.len))
        return fail(w, p, "is not the name of a file", message);
    path = arena_printf(w->arena, "%.*s%.*s", SPAN_ARG(prefix), SPAN_ARG(p->value));
    if (!path.data)
        return -ENOMEM;
    p->value = path;
    /* O_NONBLOCK: nobody waits for the writer of a FIFO. */
    fd = open(path.data, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return fail_errno(w, p, "open()", message);
    rc = read_open(w, p, fd, message);
    (void)close(fd);
    return rc;
}

static int read_part(const struct certificate_wish *w, struct part *p, struct span *message)
{
    if (span_starts_with(p->value, DATA)) {
        p->pem = span_skip(p->value, DATA.len);
        return 0;
    }
    if (span_starts_with(p->value, SPAN("engine:")) || span_starts_with(p->value, SPAN("store:")))
        return fail(w, p, "engines and stores are not supported", message);
    if (!p->value.len)
        return fail(w, p, "there is a certificate, and no key", message);
    return read_file(w, p, message);
}

static void wipe(struct part *p)
{
    if (p->bytes)
        explicit_bzero(p->bytes, p->size);
    free(p->bytes);
}

/* ---- loading ---- */

static bool passwords_are_equal(const struct tls_passwords *a, const struct tls_passwords *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        if (!span_equals(a->list[i], b->list[i]))
            return false;
    }
    return true;
}

/* Who has no password that fits must not get what another one opened. */
static struct certificate *find_live(const struct certificates *all,
                                     const struct certificate_wish *w,
                                     const struct tls_identity *digest)
{
    list_for_each (link, &all->live[bucket_of(digest)]) {
        struct certificate *c = list_entry(link, struct certificate, link);

        if (c->base == w->base && tls_identity_equals(&c->digest, digest) &&
            passwords_are_equal(&c->passwords, &w->conf->passwords))
            return c;
    }
    return NULL;
}

static void give_back(void *certificate)
{
    certificate_unref(certificate);
}

static int new_server(const struct certificate_wish *w, const struct tls_pair *pair,
                      struct tls_context **out, char error[TLS_ERROR_BYTES])
{
    struct tls_server_settings settings = *w->server;

    settings.pairs = pair;
    settings.pair_count = 1;
    settings.passwords = w->conf->passwords;
    return tls_context_new_server(&settings, w->shared, out, error);
}

static int certificate_new(const struct certificate_wish *w, const struct tls_pair *pair,
                           struct certificate **out, char error[TLS_ERROR_BYTES])
{
    struct certificate *c = calloc(1, sizeof(*c));
    int rc;

    if (!c)
        return -ENOMEM;
    rc = w->server
             ? new_server(w, pair, &c->context, error)
             : tls_context_new_certified(w->base, pair, &w->conf->passwords, &c->context, error);
    if (rc) {
        free(c);
        return rc;
    }
    if (w->server)
        tls_context_on_end(c->context, give_back, c);
    c->base = w->base;
    c->passwords = w->conf->passwords;
    c->ref_count = 1;
    list_init(&c->link);
    *out = c;
    return 0;
}

static int settle(struct certificates *all, const struct certificate_wish *w,
                  const struct part parts[2], struct certificate **out, struct span *message)
{
    struct tls_pair pair = {.certificate_pem = parts[0].pem, .key_pem = parts[1].pem};
    const struct span pems[] = {pair.certificate_pem, pair.key_pem};
    char error[TLS_ERROR_BYTES];
    struct tls_identity digest;
    struct certificate *c;
    int rc;

    tls_identity_make(&digest, pems, COUNT_OF(pems));
    c = find_live(all, w, &digest);
    if (c) {
        *out = certificate_ref(c);
        return 0;
    }
    rc = certificate_new(w, &pair, &c, error);
    if (rc == -EINVAL)
        return fail(w, &parts[tls_error_is_of_key(error)], error, message);
    if (rc)
        return rc;
    c->digest = digest;
    list_push_back(&all->live[bucket_of(&digest)], &c->link);
    *out = c;
    return 0;
}

static int load(struct certificates *all, const struct certificate_wish *w,
                struct certificate **out, struct span *message)
{
    struct part parts[] = {
        {.directive = w->server ? "ssl_certificate" : "proxy_ssl_certificate",
         .value = w->certificate},
        {.directive = w->server ? "ssl_certificate_key" : "proxy_ssl_certificate_key",
         .value = w->key},
    };
    int rc = read_part(w, &parts[0], message);

    if (!rc)
        rc = read_part(w, &parts[1], message);
    if (!rc)
        rc = settle(all, w, parts, out, message);
    wipe(&parts[0]);
    wipe(&parts[1]);
    return rc;
}

/* What failed is not kept: the next request looks again. */
static int take_by_cache(struct certificates *all, const struct certificate_wish *w,
                         struct certificate **out, struct span *message)
{
    const struct certificate_cache_conf *conf = w->conf->cache;
    struct certificate_cache *cache = &all->caches[conf->index];
    struct tls_identity key;
    struct entry *e;
    int rc;

    assert(conf->index < all->cache_count);
    cache->inactive_ms = conf->inactive_ms;
    drop_inactive(cache, w->now_ms);
    make_key(w, &key);
    e = find_entry(cache, &key);
    if (e && w->now_ms - e->loaded_ms < conf->valid_ms) {
        touch(cache, e, w->now_ms);
        *out = certificate_ref(e->certificate);
        return 0;
    }
    rc = load(all, w, out, message);
    if (e)
        drop(cache, e);
    e = rc ? NULL : add_entry(cache, &key, conf->entries_max);
    if (!e)
        return rc;
    e->certificate = certificate_ref(*out);
    e->loaded_ms = w->now_ms;
    e->used_ms = w->now_ms;
    expire_at(all, w->now_ms + conf->inactive_ms);
    return 0;
}

int certificate_take(struct certificates *all, const struct certificate_wish *wish,
                     struct certificate **out, struct span *message)
{
    assert(wish->certificate.len > 0);
    return wish->conf->cache ? take_by_cache(all, wish, out, message)
                             : load(all, wish, out, message);
}

void certificates_deinit(struct certificates *all)
{
    timer_stop(all->wheel, &all->expiry);
    for (size_t i = 0; i < all->cache_count; i++) {
        while (all->caches[i].count)
            drop(&all->caches[i], oldest(&all->caches[i]));
    }
    for (size_t i = 0; i < CERTIFICATE_BUCKETS; i++)
        assert(list_is_empty(&all->live[i]));
    free(all->caches);
}
