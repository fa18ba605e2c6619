/* Tests of conf/build_listen: addresses that are put together, and names behind each. What the
 * whole of a configuration makes of them is in conf_build_server.c. */
#include "../draft_fixture.h"

#include "conf/build_listen.h"

static const struct tls_server_profile tls = {.settings.pair_count = 1};
static const struct tls_server_profile rejecting = {.settings.rejects_handshakes = true};

/* Servers whose listens and names a test gives. */
struct servers {
    struct draft *d;
    struct server_draft drafts[3];
    struct server_conf confs[3];
    size_t count;
};

static struct server_draft *add_server(struct servers *s)
{
    struct server_draft **added = vector_add(&s->d->c, &s->d->c.servers, sizeof(*added));
    struct server_draft *draft = &s->drafts[s->count];

    assert_non_null(added);
    draft->conf = &s->confs[s->count++];
    draft->conf->origin = (struct origin){SPAN("t.conf"), (unsigned)s->count};
    *added = draft;
    return draft;
}

static struct listen_draft *add_listen(struct servers *s, struct server_draft *server,
                                       uint16_t port)
{
    struct listen_draft *l = vector_add(&s->d->c, &server->level.listens, sizeof(*l));

    assert_non_null(l);
    *l = (struct listen_draft){.origin = server->conf->origin, .text = SPAN("x"), .backlog = 511};
    assert_int_equal(address_parse_ip(SPAN("127.0.0.1"), port, &l->address), 0);
    return l;
}

static void add_name(struct servers *s, struct server_draft *server, const char *name)
{
    struct server_name_draft *n = vector_add(&s->d->c, &server->level.server_names, sizeof(*n));

    assert_non_null(n);
    *n = (struct server_name_draft){.name = span_of_cstr(name), .origin = server->conf->origin};
}

static const struct server_conf *find(const struct span_table *t, const char *name)
{
    return span_table_find(t, span_of_cstr(name));
}

/* --- addresses ------------------------------------------------------------------------------ */

static void without_servers_nothing_is_listened_on(void **state)
{
    struct draft *d = *state;

    assert_int_equal(build_listens(&d->c), 0);
    assert_int_equal(d->snapshot.listen_count, 0);
}

static void each_address_is_one_in_the_order_of_the_text(void **state)
{
    struct servers s = {.d = *state};
    struct server_draft *one = add_server(&s), *two = add_server(&s);
    const struct listen_conf *l;

    add_listen(&s, one, 81);
    add_listen(&s, one, 80);
    add_listen(&s, two, 80);
    assert_int_equal(build_listens(&s.d->c), 0);
    assert_int_equal(s.d->snapshot.listen_count, 2);
    l = s.d->snapshot.listens;
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(l[i].index, i);
        assert_int_equal(address_port(&l[i].address), 81 - i);
        assert_ptr_equal(l[i].default_server, &s.confs[0]); /* the first one is */
    }
    draft_assert_said(s.d, "");
}

static void the_default_server_is_the_one_that_says_so(void **state)
{
    struct servers s = {.d = *state};

    add_listen(&s, add_server(&s), 80);
    add_listen(&s, add_server(&s), 80)->is_default = true;
    add_listen(&s, add_server(&s), 80);
    assert_int_equal(build_listens(&s.d->c), 0);
    assert_ptr_equal(s.d->snapshot.listens[0].default_server, &s.confs[1]);
}

static void two_default_servers_are_refused(void **state)
{
    struct servers s = {.d = *state};

    add_listen(&s, add_server(&s), 80)->is_default = true;
    add_listen(&s, add_server(&s), 80)->is_default = true;
    assert_int_equal(build_listens(&s.d->c), -EINVAL);
    draft_assert_said(s.d, "[emerg] a duplicate default server for 127.0.0.1:80 in t.conf:2");
}

static void options_are_of_whoever_gives_them(void **state)
{
    struct servers s = {.d = *state};
    struct listen_draft *l;

    add_listen(&s, add_server(&s), 80);
    l = add_listen(&s, add_server(&s), 80);
    l->has_options = true;
    l->backlog = 7;
    l->ipv6only = true;
    add_listen(&s, add_server(&s), 80);
    assert_int_equal(build_listens(&s.d->c), 0);
    assert_int_equal(s.d->snapshot.listens[0].backlog, 7);
    assert_true(s.d->snapshot.listens[0].ipv6only);
}

static void options_twice_are_refused(void **state)
{
    struct servers s = {.d = *state};

    add_listen(&s, add_server(&s), 80)->has_options = true;
    add_listen(&s, add_server(&s), 80)->has_options = true;
    assert_int_equal(build_listens(&s.d->c), -EINVAL);
    draft_assert_said(s.d, "[emerg] duplicate listen options for 127.0.0.1:80 in t.conf:2");
}

static void an_address_speaks_tls_when_one_says_so(void **state)
{
    struct servers s = {.d = *state};

    s.confs[0].tls = &tls;
    add_listen(&s, add_server(&s), 443)->is_tls = true;
    add_listen(&s, add_server(&s), 443);
    assert_int_equal(build_listens(&s.d->c), 0);
    assert_true(s.d->snapshot.listens[0].is_tls);
    draft_assert_said(s.d, "[warn] protocol options redefined for 127.0.0.1:443 in t.conf:2");
}

static void tls_needs_a_certificate_of_the_default_server(void **state)
{
    struct servers s = {.d = *state};

    s.confs[1].tls = &tls;
    add_listen(&s, add_server(&s), 443)->is_tls = true;
    add_listen(&s, add_server(&s), 443)->is_tls = true;
    assert_int_equal(build_listens(&s.d->c), -EINVAL);
    draft_assert_said(s.d, "[emerg] no \"ssl_certificate\" is defined for the \"listen ... ssl\" "
                           "directive in t.conf:1");
}

/* --- names ---------------------------------------------------------------------------------- */

/* The default one has no certificate that the others could be behind. */
static void beside_a_server_that_rejects_all_others_need_a_certificate(void **state)
{
    struct servers s = {.d = *state};

    s.confs[0].tls = &rejecting;
    s.confs[1].tls = &tls;
    add_listen(&s, add_server(&s), 443)->is_tls = true;
    add_listen(&s, add_server(&s), 443)->is_tls = true;
    assert_int_equal(build_listens(&s.d->c), 0);
    draft_assert_said(s.d, "");
    add_listen(&s, add_server(&s), 443)->is_tls = true;
    assert_int_equal(build_listens(&s.d->c), -EINVAL);
    assert_non_null(strstr(draft_said(s.d), "[emerg] no \"ssl_certificate\" is defined"));
}

static void names_are_kept_by_kind(void **state)
{
    struct servers s = {.d = *state};
    struct server_draft *server = add_server(&s);
    const struct server_names *names;

    add_listen(&s, server, 80);
    add_name(&s, server, "a.b");
    add_name(&s, server, "*.c");
    add_name(&s, server, ".d");
    add_name(&s, server, "e.*");
    assert_int_equal(build_listens(&s.d->c), 0);
    names = &s.d->snapshot.listens[0].names;
    assert_ptr_equal(find(&names->exact, "a.b"), &s.confs[0]);
    assert_ptr_equal(find(&names->heads, ".c"), &s.confs[0]);
    assert_null(find(&names->exact, "c"));
    assert_ptr_equal(find(&names->heads, ".d"), &s.confs[0]);
    assert_ptr_equal(find(&names->exact, "d"), &s.confs[0]);
    assert_ptr_equal(find(&names->tails, "e."), &s.confs[0]);
    assert_null(names->nameless);
    draft_assert_said(s.d, "");
}

static void many_names_are_all_found(void **state)
{
    struct servers s = {.d = *state};
    struct server_draft *server = add_server(&s);
    const struct server_names *names;
    static char texts[65][8];

    add_listen(&s, server, 80);
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        snprintf(texts[i], sizeof(texts[i]), ".n%zu", i);
        add_name(&s, server, texts[i]);
    }
    assert_int_equal(build_listens(&s.d->c), 0);
    names = &s.d->snapshot.listens[0].names;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        assert_ptr_equal(find(&names->heads, texts[i]), &s.confs[0]);
        assert_ptr_equal(find(&names->exact, texts[i] + 1), &s.confs[0]);
    }
    assert_null(find(&names->exact, "none"));
}

static void a_name_that_is_taken_stays_with_the_first(void **state)
{
    static const struct {
        const char *first, *second;
    } rows[] = {{"a", "a"}, {"*.a", "*.a"}, {"*.a", ".a"}, {"a", ".a"}, {"a.*", "a.*"}, {"", ""}};
    struct draft *d = *state;
    char line[128];

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct servers s = {.d = d};
        struct server_draft *one, *two;

        d->c.servers = (struct vector){0};
        one = add_server(&s);
        two = add_server(&s);
        add_listen(&s, one, 80);
        add_listen(&s, two, 80);
        add_name(&s, one, rows[i].first);
        add_name(&s, two, rows[i].second);
        assert_int_equal(build_listens(&d->c), 0);
        snprintf(line, sizeof(line),
                 "[warn] conflicting server name \"%s\" on 127.0.0.1:80, ignored in t.conf:2",
                 rows[i].second);
        draft_assert_said(d, line);
    }
}

static void the_server_without_a_name_is_known(void **state)
{
    struct servers s = {.d = *state};
    struct server_draft *one = add_server(&s), *two = add_server(&s);

    add_listen(&s, one, 80);
    add_listen(&s, two, 80);
    add_name(&s, one, "a");
    add_name(&s, two, "");
    assert_int_equal(build_listens(&s.d->c), 0);
    assert_ptr_equal(s.d->snapshot.listens[0].names.nameless, &s.confs[1]);
}

/* With a little more memory each time, so that every allocation is once the one that fails. */
static void memory_at_its_end_is_said_wherever_it_ends(void **state)
{
    struct servers s = {.d = *state};
    struct server_draft *server = add_server(&s);
    struct arena *arena = s.d->c.arena;
    int rc = -ENOMEM;

    add_listen(&s, server, 80);
    add_name(&s, server, "a");
    arena->block_bytes = 16;
    for (size_t bytes = 16; rc; bytes += 16) {
        assert_true(bytes < 65536);
        arena->total_bytes_max = arena->total_bytes + bytes;
        while (bytes == 16 && arena_alloc(arena, 16)) /* fills the first block */
            continue;
        rc = build_listens(&s.d->c);
        if (rc) {
            assert_int_equal(rc, -ENOMEM);
            draft_assert_said(s.d, "[emerg] no memory left to build the configuration");
        }
    }
    assert_int_equal(s.d->snapshot.listen_count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DRAFT_TEST(without_servers_nothing_is_listened_on),
        DRAFT_TEST(each_address_is_one_in_the_order_of_the_text),
        DRAFT_TEST(the_default_server_is_the_one_that_says_so),
        DRAFT_TEST(two_default_servers_are_refused),
        DRAFT_TEST(options_are_of_whoever_gives_them),
        DRAFT_TEST(options_twice_are_refused),
        DRAFT_TEST(an_address_speaks_tls_when_one_says_so),
        DRAFT_TEST(tls_needs_a_certificate_of_the_default_server),
        DRAFT_TEST(beside_a_server_that_rejects_all_others_need_a_certificate),
        DRAFT_TEST(names_are_kept_by_kind),
        DRAFT_TEST(many_names_are_all_found),
        DRAFT_TEST(a_name_that_is_taken_stays_with_the_first),
        DRAFT_TEST(the_server_without_a_name_is_known),
        DRAFT_TEST(memory_at_its_end_is_said_wherever_it_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
