/* stapler - a thread that fetches the OCSP responses of our certificates and keeps them fresh. */
#include "server/stapler.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LIBRARY "libcurl.so.4"
#define FETCH_S 30L    /* for one answer, from its connection on */
#define RETRY_S_MIN 30 /* after a failure; doubled with each one that follows, up to: */
#define RETRY_S_MAX 600
#define REFRESH_S_MIN 60
#define REFRESH_S_MAX 3600

/* libcurl's functions. It is not linked: it brings two dozen other libraries, and most sites staple
 * nothing. */
struct curl_functions {
    CURLcode (*global_init)(long flags);
    CURL *(*easy_init)(void);
    void (*easy_cleanup)(CURL *handle);
    CURLcode (*easy_setopt)(CURL *handle, CURLoption option, ...);
    CURLcode (*easy_perform)(CURL *handle);
    const char *(*easy_strerror)(CURLcode code);
    struct curl_slist *(*slist_append)(struct curl_slist *list, const char *text);
    void (*slist_free_all)(struct curl_slist *list);
};

struct errand {
    struct stapling_conf *conf;
    int64_t next_s;    /* when to ask */
    unsigned failures; /* in a row */
};

struct stapler {
    struct snapshot *snapshot;
    struct curl_functions curl;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    atomic_bool is_ending;
    size_t count;
    struct errand errands[];
};

struct answer {
    char bytes[TLS_STAPLE_BYTES_MAX];
    size_t len;
};

static const struct log *log_of(const struct stapler *s)
{
    return &s->snapshot->main.error_log;
}

static size_t count_errands(const struct snapshot *s)
{
    size_t count = 0;

    for (size_t i = 0; i < s->stapling_count; i++)
        count += s->staplings[i].url.len > 0;
    return count;
}

int64_t stapler_refresh_s(int64_t now_s, int64_t expires_s)
{
    int64_t in_s = (expires_s - now_s) / 2;

    if (in_s > REFRESH_S_MAX)
        in_s = REFRESH_S_MAX;
    return now_s + (in_s < REFRESH_S_MIN ? REFRESH_S_MIN : in_s);
}

/* --- HTTP ------------------------------------------------------------------------------------ */

/* libcurl's callback; less than all ends the transfer. */
static size_t take(char *data, size_t size, size_t count, void *to)
{
    struct answer *a = to;
    size_t len = size * count;

    if (len > sizeof(a->bytes) - a->len)
        return 0;
    memcpy(a->bytes + a->len, data, len);
    a->len += len;
    return len;
}

/* Its question, about once a second, whether to go on. */
static int is_to_end(void *stapler, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct stapler *s = stapler;

    (void)a;
    (void)b;
    (void)c;
    (void)d;
    return atomic_load(&s->is_ending);
}

static bool set_up(struct stapler *s, CURL *h, const struct errand *e, struct answer *to)
{
    const struct curl_functions *c = &s->curl;

    return !c->easy_setopt(h, CURLOPT_URL, e->conf->url.data) &&
           !c->easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http") &&
           !c->easy_setopt(h, CURLOPT_PROXY, "") && !c->easy_setopt(h, CURLOPT_NOSIGNAL, 1L) &&
           !c->easy_setopt(h, CURLOPT_TIMEOUT, FETCH_S) &&
           !c->easy_setopt(h, CURLOPT_FAILONERROR, 1L) &&
           !c->easy_setopt(h, CURLOPT_WRITEFUNCTION, take) &&
           !c->easy_setopt(h, CURLOPT_WRITEDATA, to) &&
           !c->easy_setopt(h, CURLOPT_NOPROGRESS, 0L) &&
           !c->easy_setopt(h, CURLOPT_XFERINFOFUNCTION, is_to_end) &&
           !c->easy_setopt(h, CURLOPT_XFERINFODATA, s);
}

/* Sends the request and takes the answer in (RFC 6960 appendix A.1). */
static bool post(struct stapler *s, CURL *h, const struct errand *e, struct answer *to,
                 char reason[TLS_REASON_BYTES])
{
    const struct curl_functions *c = &s->curl;
    char request[TLS_OCSP_REQUEST_BYTES];
    size_t len = tls_ocsp_request(e->conf->ocsp, request);
    struct curl_slist *fields = c->slist_append(NULL, "Content-Type: application/ocsp-request");
    CURLcode code = CURLE_OUT_OF_MEMORY;

    to->len = 0;
    if (fields && set_up(s, h, e, to) && !c->easy_setopt(h, CURLOPT_HTTPHEADER, fields) &&
        !c->easy_setopt(h, CURLOPT_POSTFIELDSIZE, (long)len) &&
        !c->easy_setopt(h, CURLOPT_POSTFIELDS, request))
        code = c->easy_perform(h);
    if (code == CURLE_WRITE_ERROR)
        (void)snprintf(reason, TLS_REASON_BYTES, "the response is longer than %d bytes",
                       TLS_STAPLE_BYTES_MAX);
    else if (code)
        (void)snprintf(reason, TLS_REASON_BYTES, "%s", c->easy_strerror(code));
    c->slist_free_all(fields);
    return !code;
}

/* --- errands --------------------------------------------------------------------------------- */

/* What was there before stays until its time is over. */
static void note_failure(struct stapler *s, struct errand *e, int64_t now_s, const char *reason)
{
    int64_t in_s = (int64_t)RETRY_S_MIN << (e->failures < 5 ? e->failures : 5);

    if (atomic_load(&s->is_ending))
        return;
    e->failures++;
    e->next_s = now_s + (in_s > RETRY_S_MAX ? RETRY_S_MAX : in_s);
    log_write(
        log_of(s), LOG_LEVEL_WARN,
        "\"ssl_stapling\": no OCSP response from \"%.*s\" for certificate \"%.*s\": %s; asked "
        "again in %lld s",
        SPAN_ARG(e->conf->url), SPAN_ARG(e->conf->certificate), reason,
        (long long)(e->next_s - now_s));
}

static void run_errand(struct stapler *s, struct errand *e, struct answer *answer)
{
    char reason[TLS_REASON_BYTES] = "no memory";
    CURL *handle = s->curl.easy_init();
    int64_t now_s, expires_s = 0;
    bool is_good = handle && post(s, handle, e, answer, reason);

    if (handle)
        s->curl.easy_cleanup(handle);
    now_s = time(NULL);
    if (is_good)
        is_good = tls_ocsp_check(e->conf->ocsp, span_of(answer->bytes, answer->len), now_s,
                                 &expires_s, reason);
    if (!is_good ||
        tls_staple_put(e->conf->staple, span_of(answer->bytes, answer->len), expires_s)) {
        note_failure(s, e, now_s, reason);
        return;
    }
    e->failures = 0;
    e->next_s = stapler_refresh_s(now_s, expires_s);
    log_write(log_of(s), LOG_LEVEL_INFO, "OCSP response for certificate \"%.*s\": good for %lld s",
              SPAN_ARG(e->conf->certificate), (long long)(expires_s - now_s));
}

static void wait_until(struct stapler *s, int64_t until_s)
{
    const struct timespec at = {.tv_sec = until_s};

    (void)pthread_mutex_lock(&s->lock);
    if (!atomic_load(&s->is_ending))
        (void)pthread_cond_timedwait(&s->wake, &s->lock, &at);
    (void)pthread_mutex_unlock(&s->lock);
}

static void *run(void *stapler)
{
    struct stapler *s = stapler;
    struct answer *answer = malloc(sizeof(*answer));

    while (answer && !atomic_load(&s->is_ending)) {
        int64_t next_s = INT64_MAX;

        for (size_t i = 0; i < s->count && !atomic_load(&s->is_ending); i++) {
            if (s->errands[i].next_s <= time(NULL))
                run_errand(s, &s->errands[i], answer);
            if (s->errands[i].next_s < next_s)
                next_s = s->errands[i].next_s;
        }
        wait_until(s, next_s);
    }
    free(answer);
    return NULL;
}

/* --- reloads --------------------------------------------------------------------------------- */

/* The same certificate of the same issuer: the question about it would be the same. */
static bool asks_the_same(const struct stapling_conf *a, const struct stapling_conf *b)
{
    char asked_a[TLS_OCSP_REQUEST_BYTES], asked_b[TLS_OCSP_REQUEST_BYTES];
    size_t len = tls_ocsp_request(a->ocsp, asked_a);

    return len == tls_ocsp_request(b->ocsp, asked_b) && memcmp(asked_a, asked_b, len) == 0;
}

/* An answer is looked at again: what the new configuration asks of it may be more. Without memory
 * the next one is waited for. True: there is one now. */
static bool carry_one(const struct stapling_conf *from, const struct stapling_conf *to,
                      struct answer *answer)
{
    char reason[TLS_REASON_BYTES];
    int64_t expires_s;

    answer->len = tls_staple_copy(from->staple, answer->bytes);
    return answer->len &&
           tls_ocsp_check(to->ocsp, span_of(answer->bytes, answer->len), time(NULL), &expires_s,
                          reason) &&
           tls_staple_put(to->staple, span_of(answer->bytes, answer->len), expires_s) == 0;
}

static void carry_to(const struct stapling_conf *to, const struct snapshot *before,
                     struct answer *answer)
{
    for (size_t i = 0; i < before->stapling_count; i++) {
        const struct stapling_conf *from = &before->staplings[i];

        if (from->url.len && asks_the_same(from, to) && carry_one(from, to, answer))
            return;
    }
}

void stapler_carry_over(const struct snapshot *before, const struct snapshot *s)
{
    struct answer *answer = count_errands(s) ? malloc(sizeof(*answer)) : NULL;

    for (size_t i = 0; answer && i < s->stapling_count; i++) {
        if (s->staplings[i].url.len)
            carry_to(&s->staplings[i], before, answer);
    }
    free(answer);
}

/* --- start and end --------------------------------------------------------------------------- */

static bool find(void *library, const char *name, void *function)
{
    void *found = dlsym(library, name);

    memcpy(function, &found, sizeof(found)); /* ISO C has no conversion from a pointer to data */
    return found != NULL;
}

/* It stays for the life of the process: what it brings does not unload well. */
static bool load(struct curl_functions *c)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

    return library && find(library, "curl_global_init", &c->global_init) &&
           find(library, "curl_easy_init", &c->easy_init) &&
           find(library, "curl_easy_cleanup", &c->easy_cleanup) &&
           find(library, "curl_easy_setopt", &c->easy_setopt) &&
           find(library, "curl_easy_perform", &c->easy_perform) &&
           find(library, "curl_easy_strerror", &c->easy_strerror) &&
           find(library, "curl_slist_append", &c->slist_append) &&
           find(library, "curl_slist_free_all", &c->slist_free_all) &&
           !c->global_init(CURL_GLOBAL_NOTHING);
}

static void add_errands(struct stapler *s)
{
    for (size_t i = 0; i < s->snapshot->stapling_count; i++) {
        if (s->snapshot->staplings[i].url.len)
            s->errands[s->count++].conf = &s->snapshot->staplings[i];
    }
}

static void release(struct stapler *s)
{
    (void)pthread_cond_destroy(&s->wake);
    (void)pthread_mutex_destroy(&s->lock);
    snapshot_unref(s->snapshot);
    free(s);
}

void stapler_start(struct snapshot *snapshot, struct stapler **out)
{
    size_t count = count_errands(snapshot);
    struct stapler *s = count ? calloc(1, sizeof(*s) + count * sizeof(s->errands[0])) : NULL;

    *out = NULL;
    if (!s)
        return;
    s->snapshot = snapshot_ref(snapshot);
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_cond_init(&s->wake, NULL);
    add_errands(s);
    if (!load(&s->curl)) {
        log_write(log_of(s), LOG_LEVEL_WARN, "\"ssl_stapling\" ignored, no %s: %s", LIBRARY,
                  dlerror());
        release(s);
        return;
    }
    if (pthread_create(&s->thread, NULL, run, s)) {
        log_write(log_of(s), LOG_LEVEL_WARN, "\"ssl_stapling\" ignored, no thread can be made");
        release(s);
        return;
    }
    *out = s;
}

void stapler_stop(struct stapler *s)
{
    if (!s)
        return;
    (void)pthread_mutex_lock(&s->lock);
    atomic_store(&s->is_ending, true);
    (void)pthread_cond_signal(&s->wake);
    (void)pthread_mutex_unlock(&s->lock);
    (void)pthread_join(s->thread, NULL);
    release(s);
}
