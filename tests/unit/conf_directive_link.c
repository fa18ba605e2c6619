/* Tests of conf/directive_link: connections to upstreams: its rows and limits. */
#include "../directive_fixture.h"

#include "conf/directive_link.h"

DIRECTIVE_TABLE_CLAIMS(directive_link_table)

static void what_is_no_address_is_refused(void **state)
{
    static const struct block_claim claims[] = {
        {CONTEXT_LOCATION, "proxy_bind localhost;", "invalid address \"localhost\""},
        {CONTEXT_LOCATION, "proxy_bind 127.0.0.1:0;", "invalid address \"127.0.0.1:0\""},
        {CONTEXT_LOCATION, "proxy_bind 127.0.0.1:65536;", "invalid address \"127.0.0.1:65536\""},
        {CONTEXT_LOCATION, "proxy_bind off transparent;", "invalid address \"off\""},
        {CONTEXT_LOCATION, "proxy_bind 127.0.0.1 opaque;", "invalid parameter \"opaque\""},
    };

    blocks_refused(*state, claims, COUNT_OF(claims));
}

static void an_address_is_kept_and_may_be_transparent(void **state)
{
    struct block b;

    block_taken(&b, *state, CONTEXT_SERVER, "proxy_bind $remote_addr transparent;");
    assert_true(b.level.settings.proxy_bind->is_transparent);
    assert_false(b.level.settings.proxy_bind->address.is_literal);
    block_taken(&b, *state, CONTEXT_SERVER, "proxy_bind [::1]:80;");
    assert_false(b.level.settings.proxy_bind->is_transparent);
    assert_true(b.level.settings.proxy_bind->address.is_literal);
    block_taken(&b, *state, CONTEXT_SERVER, "proxy_bind off;");
    assert_null(b.level.settings.proxy_bind);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIRECTIVE_TABLE_TESTS,
        DRAFT_TEST(what_is_no_address_is_refused),
        DRAFT_TEST(an_address_is_kept_and_may_be_transparent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
