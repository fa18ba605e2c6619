/* Tests of proxy/certificate: what is loaded, what is shared, what is cached and for how long. */
#include "../tls_bench.h"

#include <sys/stat.h>

#include "proxy/certificate.h"

static const struct bench_certificate more[] = {
    {"root", NULL, "/CN=root", BENCH_CA},
    {"good", "root", "/CN=good", BENCH_SAN},
    {"two", "root", "/CN=two", BENCH_SAN, .key = "two"},
};

static const struct span secret = {.data = "secret", .len = 6};

struct shelf {
    struct wheel wheel;
    struct certificates all;
    struct certificate_cache_conf cache;
    struct certificate_conf conf;
    struct arena arena;
    struct tls_context *base;
    struct certificate_wish wish;
    struct certificate *got;
    struct span message;
};

static int set_up(void **state)
{
    struct tls_client_settings settings = bench_client_settings();
    struct shelf *s = calloc(1, sizeof(*s));

    assert_non_null(s);
    wheel_init(&s->wheel, 10000);
    assert_int_equal(certificates_init(&s->all, 2, &s->wheel), 0);
    arena_init(&s->arena, 4096, 0);
    s->base = bench_client(&settings);
    s->cache = (struct certificate_cache_conf){
        .index = 1, .entries_max = 2, .inactive_ms = 1000, .valid_ms = 500};
    s->wish = (struct certificate_wish){
        .conf = &s->conf, .base = s->base, .arena = &s->arena, .now_ms = 10000};
    bench_shell("cp good.pem a.pem; cp leaf.key a.key; cp two.pem b.pem; cp two.key b.key");
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct shelf *s = *state;

    certificates_deinit(&s->all); /* asserts that nobody was forgotten */
    tls_context_free(s->base);
    arena_deinit(&s->arena);
    free(s);
    return 0;
}

/* In the folder of the tests, or "data:…", or a path. */
static struct span value_of(struct shelf *s, const char *name)
{
    bool is_whole = !name[0] || name[0] == '/' || strchr(name, ':') || s->conf.path_prefix.len;

    return arena_printf(&s->arena, "%s", is_whole ? name : bench_path(name));
}

static int take_pair(struct shelf *s, const char *certificate, const char *key)
{
    s->wish.certificate = value_of(s, certificate);
    s->wish.key = value_of(s, key);
    s->got = NULL;
    s->message = SPAN_NONE;
    return certificate_take(&s->all, &s->wish, &s->got, &s->message);
}

static struct certificate *taken(struct shelf *s, const char *certificate, const char *key)
{
    if (take_pair(s, certificate, key))
        fail_msg("%s: %.*s", certificate, SPAN_ARG(s->message));
    assert_non_null(s->got);
    return s->got;
}

/* What is taken and given back at once. */
static struct tls_identity digest_of(struct shelf *s, const char *certificate, const char *key)
{
    struct tls_identity digest = taken(s, certificate, key)->digest;

    certificate_unref(s->got);
    return digest;
}

static void expect_same(const struct tls_identity *a, const struct tls_identity *b, bool is_same)
{
    assert_int_equal(memcmp(a, b, sizeof(*a)) == 0, is_same);
}

static size_t live_count(const struct shelf *s)
{
    size_t count = 0;

    for (size_t i = 0; i < CERTIFICATE_BUCKETS; i++) {
        list_for_each (link, &s->all.live[i])
            count++;
    }
    return count;
}

static const struct certificate_cache *cache_of(const struct shelf *s)
{
    return &s->all.caches[s->cache.index];
}

static void use_cache(struct shelf *s)
{
    s->conf.cache = &s->cache;
}

/* --- loading ---------------------------------------------------------------------------------- */

static void equal_bytes_are_one_certificate_whatever_the_file(void **state)
{
    struct shelf *s = *state;
    struct certificate *first = taken(s, "good.pem", "leaf.key"), *other;

    assert_ptr_equal(taken(s, "a.pem", "a.key"), first);
    assert_int_equal(first->ref_count, 2);
    other = taken(s, "b.pem", "b.key");
    assert_ptr_not_equal(other, first);
    expect_same(&other->digest, &first->digest, false);
    assert_int_equal(live_count(s), 2);
    certificate_unref(first);
    certificate_unref(first);
    assert_int_equal(live_count(s), 1); /* it went with its last reference */
    certificate_unref(other);
    certificate_unref(NULL);
    assert_int_equal(live_count(s), 0);
}

static void the_key_is_a_part_of_the_content(void **state)
{
    struct shelf *s = *state;
    struct tls_identity plain = digest_of(s, "a.pem", "a.key"), other;

    bench_shell("(cat leaf.key; echo) >a.key");
    other = digest_of(s, "a.pem", "a.key");
    expect_same(&plain, &other, false);
}

static void a_changed_file_is_another_certificate(void **state)
{
    struct shelf *s = *state;
    struct certificate *old = taken(s, "a.pem", "a.key");
    struct tls_identity two = digest_of(s, "b.pem", "b.key");

    bench_shell("cp two.pem a.pem; cp two.key a.key");
    assert_ptr_not_equal(taken(s, "a.pem", "a.key"), old);
    expect_same(&s->got->digest, &two, true);
    certificate_unref(old);
    certificate_unref(s->got);
}

static void values_may_be_the_pem_itself(void **state)
{
    struct shelf *s = *state;
    struct span pem = bench_file("good.pem"), key = bench_file("leaf.key");
    struct tls_identity of_files = digest_of(s, "good.pem", "leaf.key"), of_data;

    s->wish.certificate = arena_printf(&s->arena, "data:%.*s", SPAN_ARG(pem));
    s->wish.key = arena_printf(&s->arena, "data:%.*s", SPAN_ARG(key));
    assert_int_equal(certificate_take(&s->all, &s->wish, &s->got, &s->message), 0);
    of_data = s->got->digest;
    certificate_unref(s->got);
    expect_same(&of_files, &of_data, true);
}

static void relative_paths_have_the_prefix(void **state)
{
    struct shelf *s = *state;
    struct tls_identity plain = digest_of(s, "a.pem", "a.key"), relative;

    s->conf.path_prefix = arena_printf(&s->arena, "%s/", bench_folder);
    relative = digest_of(s, "a.pem", bench_path("a.key"));
    expect_same(&plain, &relative, true);
}

static void encrypted_keys_need_the_passwords_of_their_own_conf(void **state)
{
    const struct span again[] = {secret}, other[] = {SPAN("wrong"), secret};
    struct shelf *s = *state;
    struct certificate *c;

    s->conf.passwords = (struct tls_passwords){&secret, 1};
    c = taken(s, "a.pem", "encrypted.key");
    s->conf.passwords = (struct tls_passwords){again, 1};
    assert_ptr_equal(taken(s, "a.pem", "encrypted.key"), c);
    certificate_unref(c);
    s->conf.passwords = (struct tls_passwords){other, 2};
    assert_ptr_not_equal(taken(s, "a.pem", "encrypted.key"), c);
    certificate_unref(s->got);
    s->conf.passwords = (struct tls_passwords){other, 1};
    assert_int_equal(take_pair(s, "a.pem", "encrypted.key"), -EINVAL);
    s->conf.passwords = (struct tls_passwords){NULL, 0};
    assert_int_equal(take_pair(s, "a.pem", "encrypted.key"), -EINVAL);
    assert_non_null(memmem(s->message.data, s->message.len, "no password fits", 16));
    certificate_unref(c);
}

static void what_cannot_be_loaded_is_named(void **state)
{
    static const struct {
        const char *certificate, *key, *message;
    } rows[] = {
        {"none.pem", "a.key",
         "\"proxy_ssl_certificate\" \"#/none.pem\": open() failed (2: No such file or directory)"},
        {"a.pem", "none.key",
         "\"proxy_ssl_certificate_key\" \"#/none.key\": open() failed (2: No such file or "
         "directory)"},
        {"/", "a.key", "\"proxy_ssl_certificate\" \"/\": is not a file of at most 256 KiB"},
        {"a.key", "a.key",
         "\"proxy_ssl_certificate\" \"#/a.key\": cannot load certificate: no PEM certificate "
         "found"},
        {"a.pem", "a.pem",
         "\"proxy_ssl_certificate_key\" \"#/a.pem\": cannot load key: no PEM private key found"},
        {"a.pem", "b.key",
         "\"proxy_ssl_certificate\" \"#/a.pem\": key does not match the certificate"},
        {"a.pem", "encrypted.key",
         "\"proxy_ssl_certificate_key\" \"#/encrypted.key\": key is encrypted and no password "
         "fits"},
        {"a.pem", "", "\"proxy_ssl_certificate_key\" \"\": there is a certificate, and no key"},
        {"engine:x", "a.key",
         "\"proxy_ssl_certificate\" \"engine:x\": engines and stores are not supported"},
        {"a.pem", "store:x",
         "\"proxy_ssl_certificate_key\" \"store:x\": engines and stores are not supported"},
        {"data:", "a.key",
         "\"proxy_ssl_certificate\" \"data:\": cannot load certificate: no PEM certificate found"},
        {"a.pem", "data:-----BEGIN ENCRYPTED PRIVATE KEY-----",
         "\"proxy_ssl_certificate_key\" \"data:\": cannot load key: the PEM block in line 1 is "
         "cut, "
         "it has no END line"},
        {"/a\nb", "a.key",
         "\"proxy_ssl_certificate\" \"/a\\x0Ab\": open() failed (2: No such file or directory)"},
    };
    struct shelf *s = *state;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *folder = strchr(rows[i].message, '#');
        char message[512];

        (void)snprintf(message, sizeof(message), "%s", rows[i].message);
        if (folder)
            (void)snprintf(message, sizeof(message), "%.*s%s%s", (int)(folder - rows[i].message),
                           rows[i].message, bench_folder, folder + 1);
        assert_int_equal(take_pair(s, rows[i].certificate, rows[i].key), -EINVAL);
        if (!span_equals(s->message, span_of_cstr(message)))
            fail_msg("row %zu: %.*s", i, SPAN_ARG(s->message));
        assert_null(s->got);
    }
    assert_int_equal(live_count(s), 0);
}

/* It would name another file to the kernel than to whoever reads the log. */
static void a_name_with_a_nul_is_no_file(void **state)
{
    struct shelf *s = *state;

    s->wish.certificate = arena_printf(&s->arena, "%s%c.pem", bench_path("a.pem"), 0);
    s->wish.key = value_of(s, "a.key");
    assert_int_equal(certificate_take(&s->all, &s->wish, &s->got, &s->message), -EINVAL);
    assert_true(span_ends_with(s->message, SPAN("a.pem\\x00.pem\": is not the name of a file")));
}

/* Neither for the path nor for a message about it. */
static void a_request_whose_memory_is_at_its_end_is_told_so(void **state)
{
    static const char *const values[] = {"/none", "engine:x"};
    struct shelf *s = *state;
    struct arena full;

    arena_init(&full, 16, 16);
    assert_non_null(arena_alloc(&full, 16));
    s->wish.arena = &full;
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        s->wish.certificate = span_of_cstr(values[i]);
        s->wish.key = SPAN("/none");
        assert_int_equal(certificate_take(&s->all, &s->wish, &s->got, &s->message), -ENOMEM);
    }
    arena_deinit(&full);
}

static void files_are_read_up_to_their_limit(void **state)
{
    struct shelf *s = *state;

    bench_shell("truncate -s 262144 a.pem; truncate -s 262144 a.key");
    (void)digest_of(s, "a.pem", "a.key");
    bench_shell("truncate -s 262145 a.key");
    assert_int_equal(take_pair(s, "a.pem", "a.key"), -EINVAL);
    assert_true(span_ends_with(s->message, SPAN("a.key\": is not a file of at most 256 KiB")));
}

/* --- the cache -------------------------------------------------------------------------------- */

static void what_is_valid_is_not_read_again(void **state)
{
    struct shelf *s = *state;
    struct tls_identity old, later;

    use_cache(s);
    old = digest_of(s, "a.pem", "a.key");
    bench_shell("cp two.pem a.pem; cp two.key a.key");
    s->wish.now_ms += s->cache.valid_ms - 1;
    later = digest_of(s, "a.pem", "a.key");
    expect_same(&old, &later, true);
    s->wish.now_ms += 1;
    later = digest_of(s, "a.pem", "a.key");
    expect_same(&old, &later, false);
    assert_int_equal(cache_of(s)->count, 1);
    assert_int_equal(live_count(s), 1);
}

static void what_is_the_same_when_read_again_stays_the_same_certificate(void **state)
{
    struct shelf *s = *state;
    struct certificate *first;

    use_cache(s);
    first = taken(s, "a.pem", "a.key");
    s->wish.now_ms += s->cache.valid_ms;
    assert_ptr_equal(taken(s, "a.pem", "a.key"), first);
    assert_int_equal(first->ref_count, 3);
    certificate_unref(first);
    certificate_unref(first);
}

static void what_nobody_asks_for_goes(void **state)
{
    struct shelf *s = *state;

    use_cache(s);
    (void)digest_of(s, "a.pem", "a.key");
    s->wish.now_ms += s->cache.inactive_ms - 1;
    (void)digest_of(s, "b.pem", "b.key");
    assert_int_equal(live_count(s), 2);
    s->wish.now_ms += 1;
    (void)digest_of(s, "b.pem", "b.key");
    assert_int_equal(cache_of(s)->count, 1);
    assert_int_equal(live_count(s), 1); /* b, which was asked for just now */
}

static void what_nobody_asks_for_goes_by_itself(void **state)
{
    struct shelf *s = *state;

    use_cache(s);
    (void)digest_of(s, "a.pem", "a.key");
    s->wish.now_ms += 400;
    (void)digest_of(s, "b.pem", "b.key");
    s->wish.now_ms += 400;
    (void)digest_of(s, "b.pem", "b.key");
    wheel_advance(&s->wheel, 10000 + s->cache.inactive_ms - 1);
    assert_int_equal(live_count(s), 2);
    wheel_advance(&s->wheel, 10000 + s->cache.inactive_ms);
    assert_int_equal(cache_of(s)->count, 1);
    assert_int_equal(live_count(s), 1);
    wheel_advance(&s->wheel, 10800 + s->cache.inactive_ms - 1);
    assert_int_equal(live_count(s), 1);
    wheel_advance(&s->wheel, 10800 + s->cache.inactive_ms);
    assert_int_equal(cache_of(s)->count, 0);
    assert_int_equal(live_count(s), 0);
    assert_false(timer_is_set(&s->all.expiry));
}

/* Those of a cache that is kept longer do not hold them up. */
static void each_cache_has_its_own_time(void **state)
{
    struct shelf *s = *state;
    struct certificate_cache_conf other = s->cache;

    other.index = 0;
    other.inactive_ms = 5000;
    s->conf.cache = &other;
    (void)digest_of(s, "a.pem", "a.key");
    use_cache(s);
    (void)digest_of(s, "b.pem", "b.key");
    wheel_advance(&s->wheel, 10000 + s->cache.inactive_ms);
    assert_int_equal(cache_of(s)->count, 0);
    assert_int_equal(s->all.caches[0].count, 1);
    wheel_advance(&s->wheel, 10000 + other.inactive_ms);
    assert_int_equal(live_count(s), 0);
}

static void beyond_the_bound_the_longest_unused_goes(void **state)
{
    struct shelf *s = *state;
    struct tls_identity a, b;

    use_cache(s);
    a = digest_of(s, "a.pem", "a.key");
    b = digest_of(s, "b.pem", "b.key");
    (void)digest_of(s, "a.pem", "a.key");
    (void)digest_of(s, "good.pem", "leaf.key"); /* a third name: b goes */
    assert_int_equal(cache_of(s)->count, 2);
    bench_shell("cp two.pem a.pem; cp two.key a.key; cp good.pem b.pem; cp leaf.key b.key");
    s->got = taken(s, "a.pem", "a.key");
    expect_same(&s->got->digest, &a, true);
    certificate_unref(s->got);
    s->got = taken(s, "b.pem", "b.key");
    expect_same(&s->got->digest, &b, false);
    certificate_unref(s->got);
}

static void failures_are_not_kept(void **state)
{
    struct shelf *s = *state;

    use_cache(s);
    assert_int_equal(take_pair(s, "a.pem", "b.key"), -EINVAL);
    assert_int_equal(cache_of(s)->count, 0);
    bench_shell("cp leaf.key b.key");
    (void)digest_of(s, "a.pem", "b.key");
    assert_int_equal(cache_of(s)->count, 1);
    bench_shell("rm b.key");
    (void)digest_of(s, "a.pem", "b.key"); /* still valid */
    s->wish.now_ms += s->cache.valid_ms;
    assert_int_equal(take_pair(s, "a.pem", "b.key"), -EINVAL);
    assert_int_equal(cache_of(s)->count, 0);
    assert_int_equal(live_count(s), 0);
}

static void everything_that_the_answer_depends_on_is_asked_for(void **state)
{
    struct shelf *s = *state;
    struct tls_client_settings settings = bench_client_settings();
    struct tls_context *base = bench_client(&settings);
    struct certificate *first, *second;

    s->cache.entries_max = 10;
    use_cache(s);
    first = taken(s, "a.pem", "a.key");
    s->wish.base = base;
    second = taken(s, "a.pem", "a.key");
    assert_ptr_not_equal(first, second);
    assert_ptr_equal(second->base, base);
    assert_int_equal(take_pair(s, "a.pem", "b.key"), -EINVAL);
    s->conf.passwords = (struct tls_passwords){&secret, 1};
    assert_ptr_not_equal(taken(s, "a.pem", "a.key"), second);
    certificate_unref(s->got);
    s->conf.path_prefix = SPAN("/nowhere/");
    assert_int_equal(take_pair(s, "a.pem", "a.key"), -EINVAL);
    assert_int_equal(cache_of(s)->count, 3);
    assert_int_equal(s->all.caches[0].count, 0); /* another directive's */
    certificate_unref(first);
    certificate_unref(second);
    certificates_deinit(&s->all);
    assert_int_equal(certificates_init(&s->all, 2, &s->wheel), 0);
    tls_context_free(base);
}

static int set_up_all(void **state)
{
    if (bench_init(state))
        return -1;
    bench_shell("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out two.key\n"
                "openssl pkcs8 -topk8 -in leaf.key -out encrypted.key -passout pass:secret\n");
    bench_make(more, COUNT_OF(more));
    return 0;
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(equal_bytes_are_one_certificate_whatever_the_file),
        CLAIM(the_key_is_a_part_of_the_content),
        CLAIM(a_changed_file_is_another_certificate),
        CLAIM(values_may_be_the_pem_itself),
        CLAIM(relative_paths_have_the_prefix),
        CLAIM(encrypted_keys_need_the_passwords_of_their_own_conf),
        CLAIM(what_cannot_be_loaded_is_named),
        CLAIM(a_name_with_a_nul_is_no_file),
        CLAIM(a_request_whose_memory_is_at_its_end_is_told_so),
        CLAIM(files_are_read_up_to_their_limit),
        CLAIM(what_is_valid_is_not_read_again),
        CLAIM(what_is_the_same_when_read_again_stays_the_same_certificate),
        CLAIM(what_nobody_asks_for_goes),
        CLAIM(what_nobody_asks_for_goes_by_itself),
        CLAIM(each_cache_has_its_own_time),
        CLAIM(beyond_the_bound_the_longest_unused_goes),
        CLAIM(failures_are_not_kept),
        CLAIM(everything_that_the_answer_depends_on_is_asked_for),
    };

    return cmocka_run_group_tests_name("proxy_certificate", tests, set_up_all, bench_deinit);
}
