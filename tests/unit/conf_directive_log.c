/* Tests of conf/directive_log: access and error logs, and what cannot be one. */
#include "../directive_fixture.h"

#include "conf/setter.h"
#include "conf/directive_log.h"

DIRECTIVE_TABLE_CLAIMS(directive_log_table)

/* Formats of one claim are not known to the next. */
static void what_cannot_be_logged_is_named(void **state)
{
    static const struct block_claim claims[] = {
        {CONTEXT_HTTP, "error_log a x;", "invalid log level \"x\""},
        {CONTEXT_MAIN, "error_log a warn info;", "duplicate log level \"info\""},
        {CONTEXT_MAIN, "error_log '';", "invalid value \"\""},
        {CONTEXT_HTTP, "error_log memory:1m;", "\"memory:1m\": there is no log in memory"},
        {CONTEXT_HTTP, "log_format a b; log_format a c;", "duplicate \"log_format\" name \"a\""},
        {CONTEXT_HTTP, "log_format a escape=x b;", "unknown log format escaping \"x\""},
        {CONTEXT_HTTP, "log_format a escape= b;", "unknown log format escaping \"\""},
        {CONTEXT_HTTP, "log_format a $x;", "unknown \"x\" variable"},
        {CONTEXT_HTTP, "access_log off a;", "invalid parameter \"a\""},
        {CONTEXT_HTTP, "access_log a b;", "unknown log format \"b\""},
        {CONTEXT_HTTP, "access_log '' ;", "invalid value \"\""},
        {CONTEXT_HTTP, "access_log $x;", "unknown \"x\" variable"},
        {CONTEXT_HTTP, "log_format f a; access_log $host f buffer=1k;",
         "buffered logs cannot have variables in name"},
        {CONTEXT_HTTP, "log_format f a; access_log $host f gzip;",
         "buffered logs cannot have variables in name"},
        {CONTEXT_HTTP, "log_format f a; access_log syslog:server=127.0.0.1 f buffer=1k;",
         "logs to syslog cannot be buffered"},
        {CONTEXT_HTTP, "log_format f a; access_log a f buffer=0;", "invalid buffer size \"0\""},
        {CONTEXT_HTTP, "log_format f a; access_log a f buffer=;", "invalid buffer size \"\""},
        {CONTEXT_HTTP, "log_format f a; access_log a f buffer=1g;", "invalid buffer size \"1g\""},
        {CONTEXT_HTTP, "log_format f a; access_log a f buffer=9223372036854775808;",
         "invalid buffer size \"9223372036854775808\""},
        {CONTEXT_HTTP, "log_format f a; access_log a f buffer=1k flush=0;",
         "invalid flush time \"0\""},
        {CONTEXT_HTTP, "log_format f a; access_log a f buffer=1k flush=10000000000001ms;",
         "invalid flush time \"10000000000001ms\""},
        {CONTEXT_HTTP, "log_format f a; access_log a f buffer=1k flush=1M;",
         "invalid flush time \"1M\""},
        {CONTEXT_HTTP, "log_format f a; access_log a f gzip=0;", "invalid compression level \"0\""},
        {CONTEXT_HTTP, "log_format f a; access_log a f gzip=10;",
         "invalid compression level \"10\""},
        {CONTEXT_HTTP, "log_format f a; access_log a f gzip=;", "invalid compression level \"\""},
        {CONTEXT_HTTP,
         "log_format f a; access_log a f buffer=1k; access_log a f buffer=1k flush=1s;",
         "access_log \"a\" already defined with conflicting parameters"},
        {CONTEXT_HTTP, "log_format f a; access_log a f gzip=2; access_log a f gzip=3;",
         "access_log \"a\" already defined with conflicting parameters"},
        {CONTEXT_HTTP, "log_format f a; access_log a f if;", "invalid parameter \"if\""},
        {CONTEXT_HTTP, "log_format f a; access_log a f if=$x;", "unknown \"x\" variable"},
        {CONTEXT_HTTP, "log_format f a; access_log a f x=1;", "invalid parameter \"x=1\""},
        {CONTEXT_HTTP, "log_format f a; access_log a f flush=1s;",
         "no buffer is defined for access_log \"a\""},
    };
    struct draft *d = *state;

    for (size_t i = 0; i < COUNT_OF(claims); i++) {
        d->c.log_formats = (struct vector){0};
        block_refused(d, claims[i].context, claims[i].text, claims[i].line);
    }
}

static void what_is_no_log_server_is_named(void **state)
{
    static const struct block_claim claims[] = {
        {CONTEXT_MAIN, "error_log syslog:;", "unknown syslog parameter \"\""},
        {CONTEXT_HTTP, "error_log syslog:server;", "unknown syslog parameter \"server\""},
        {CONTEXT_HTTP, "error_log syslog:server=127.0.0.1,;", "unknown syslog parameter \"\""},
        {CONTEXT_HTTP, "error_log syslog:server=;", "no host in syslog server \"\""},
        {CONTEXT_HTTP, "error_log syslog:server=127.0.0.1:65536;",
         "invalid port in syslog server \"127.0.0.1:65536\""},
        {CONTEXT_HTTP, "error_log syslog:tag=a;", "no syslog server specified"},
        {CONTEXT_HTTP, "error_log syslog:server=127.0.0.1,server=127.0.0.1;",
         "duplicate syslog \"server\""},
        {CONTEXT_HTTP, "error_log syslog:facility=x;", "unknown syslog facility \"x\""},
        {CONTEXT_HTTP, "error_log syslog:facility=cron,facility=cron;",
         "duplicate syslog \"facility\""},
        {CONTEXT_HTTP, "error_log syslog:severity=warning;", "unknown syslog severity \"warning\""},
        {CONTEXT_HTTP, "error_log syslog:severity=warn,severity=warn;",
         "duplicate syslog \"severity\""},
        {CONTEXT_HTTP, "error_log syslog:tag=a-b;",
         "syslog \"tag\" only allows alphanumeric characters and underscore"},
        {CONTEXT_HTTP, "error_log syslog:tag=a,tag=b;", "duplicate syslog \"tag\""},
        {CONTEXT_HTTP, "error_log syslog:tag=a23456789a23456789a23456789a23456;",
         "syslog tag length exceeds 32"},
    };

    for (size_t i = 0; i < COUNT_OF(claims); i++)
        block_refused(*state, claims[i].context, claims[i].text, claims[i].line);
}

static void a_log_server_has_nginxs_defaults(void **state)
{
    const struct error_log_draft *logs;
    struct block b;

    block_taken(&b, *state, CONTEXT_HTTP,
                "error_log syslog:server=127.0.0.1;"
                "error_log syslog:server=unix:/run/log,facility=cron,severity=warn,nohostname,"
                "tag=a23456789a23456789a23456789a2345 info;"
                "error_log syslog:server=127.0.0.1;");
    logs = b.level.error_logs.items;
    assert_int_equal(b.level.error_logs.count, 3);
    assert_int_equal(logs[0].file->syslog->facility, 23);
    assert_int_equal(logs[0].file->syslog->severity, 6);
    assert_int_equal(address_port(&logs[0].file->syslog->server), 514);
    assert_string_equal(logs[0].file->syslog->tag.data, "ringway");
    assert_int_equal(logs[1].file->syslog->facility, 15);
    assert_int_equal(logs[1].file->syslog->severity, 4);
    assert_int_equal(logs[1].file->syslog->tag.len, 32);
    assert_true(logs[1].file->syslog->omits_host_name);
    assert_int_equal(logs[1].level, LOG_LEVEL_INFO);
    assert_ptr_equal(logs[0].file, logs[2].file);
}

static void a_cache_of_logs_needs_its_size(void **state)
{
    static const struct block_claim claims[] = {
        {CONTEXT_HTTP, "open_log_file_cache inactive=10s;",
         "\"open_log_file_cache\" must have \"max\" parameter"},
        {CONTEXT_HTTP, "open_log_file_cache max=0;",
         "\"open_log_file_cache\" must have \"max\" parameter"},
        {CONTEXT_HTTP, "open_log_file_cache max=a;",
         "invalid \"open_log_file_cache\" parameter \"max=a\""},
        {CONTEXT_HTTP, "open_log_file_cache max=1 x=1;",
         "invalid \"open_log_file_cache\" parameter \"x=1\""},
        {CONTEXT_HTTP, "open_log_file_cache max=1 off;",
         "invalid \"open_log_file_cache\" parameter \"off\""},
    };
    const struct log_cache_conf *cache;
    struct block b;

    for (size_t i = 0; i < COUNT_OF(claims); i++)
        block_refused(*state, claims[i].context, claims[i].text, claims[i].line);
    block_taken(&b, *state, CONTEXT_HTTP, "open_log_file_cache max=7;");
    cache = b.level.settings.log_cache;
    assert_int_equal(cache->files_max, 7);
    assert_int_equal(cache->inactive_ms, 10000);
    assert_int_equal(cache->valid_ms, 60000);
    assert_int_equal(cache->uses_min, 1);
    block_taken(&b, *state, CONTEXT_HTTP, "open_log_file_cache off;");
    assert_null(b.level.settings.log_cache);
}

static void gzip_needs_no_buffer_of_its_own(void **state)
{
    const struct access_log *logs;
    struct block b;

    block_taken(&b, *state, CONTEXT_HTTP,
                "log_format f a; access_log a f gzip; access_log b f gzip=9 buffer=1k;");
    logs = b.level.access_logs.items;
    assert_int_equal(logs[0].buffer_bytes, 65536);
    assert_int_equal(logs[0].file->gzip_level, 1);
    assert_int_equal(logs[1].buffer_bytes, 1024);
    assert_int_equal(logs[1].file->gzip_level, 9);
}

static void an_error_log_has_the_level_error_unless_it_says_one(void **state)
{
    const struct error_log_draft *logs;
    struct draft *d = *state;
    struct block b;

    d->c.options.prefix = SPAN("/srv/");
    block_taken(&b, d, CONTEXT_SERVER, "error_log a; error_log stderr debug; error_log /a warn;");
    logs = b.level.error_logs.items;
    assert_int_equal(b.level.error_logs.count, 3);
    assert_string_equal(logs[0].file->path.data, "/srv/a");
    assert_int_equal(logs[0].level, LOG_LEVEL_ERROR);
    assert_int_equal(logs[1].file->path.len, 0);
    assert_int_equal(logs[1].level, LOG_LEVEL_DEBUG);
    assert_string_equal(logs[2].file->path.data, "/a");
    assert_int_equal(logs[2].level, LOG_LEVEL_WARN);
    block_taken(&b, d, CONTEXT_MAIN, "error_log a;");
    assert_int_equal(d->c.main.error_logs.count, 1);
}

static void a_format_is_its_words_one_behind_the_other(void **state)
{
    struct draft *d = *state;
    struct log_format *const *formats;
    struct block b;

    block_taken(&b, d, CONTEXT_HTTP,
                "log_format a x 'y ' $host; log_format b escape=json z; "
                "log_format c escape=none z; log_format d escape=default z;");
    formats = d->c.log_formats.items;
    assert_int_equal(d->c.log_formats.count, 4);
    assert_true(span_equals(formats[0]->text.text, SPAN("xy $host")));
    assert_int_equal(formats[0]->escape, LOG_ESCAPE_DEFAULT);
    assert_int_equal(formats[1]->escape, LOG_ESCAPE_JSON);
    assert_int_equal(formats[2]->escape, LOG_ESCAPE_NONE);
    assert_int_equal(formats[3]->escape, LOG_ESCAPE_DEFAULT);
}

static void an_access_log_takes_its_parameters_up_to_the_last(void **state)
{
    const struct access_log *logs;
    struct block b;

    block_taken(&b, *state, CONTEXT_HTTP,
                "log_format f a; access_log a f buffer=9223372036854775807 "
                "flush=10000000000000ms if=$host; access_log b f; access_log off;");
    logs = b.level.access_logs.items;
    assert_int_equal(b.level.access_logs.count, 3);
    assert_string_equal(logs[0].file->path.data, "a");
    assert_int_equal(logs[0].buffer_bytes, INT64_MAX);
    assert_int_equal(logs[0].flush_ms, TIME_MS_MAX);
    assert_non_null(logs[0].condition);
    assert_int_equal(logs[1].buffer_bytes, 0);
    assert_int_equal(logs[1].flush_ms, 0);
    assert_null(logs[1].condition);
    assert_ptr_equal(logs[0].format, logs[1].format);
    assert_null(logs[2].file); /* off */
}

/* With a little more memory each time, until it suffices. */
static void memory_at_its_end_is_said_once(void **state)
{
    static const char *const texts[] = {
        "log_format f $host;",
        "access_log a f if=$host;",
        "error_log a;",
    };
    struct draft *d = *state;
    struct log_format f = {.name = SPAN("f")};
    struct log_format **added;

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        size_t bytes = 0;
        struct block b;

        for (int rc = -ENOMEM; rc; bytes += 16) {
            d->c.arena->total_bytes_max = 0;
            d->c.log_formats = d->c.log_files = (struct vector){0};
            if (i) {
                added = vector_add(&d->c, &d->c.log_formats, sizeof(*added));
                assert_non_null(added);
                *added = &f;
            }
            block_parse(&b, d, CONTEXT_HTTP, texts[i]);
            draft_leave_bytes(d, bytes);
            rc = scope_read(&d->c, &b.scope);
            if (rc != -ENOMEM && rc != 0)
                fail_msg("\"%s\" with %zu bytes is %d", texts[i], bytes, rc);
            draft_assert_said(d, rc ? "[emerg] no memory left to build the configuration" : "");
        }
        assert_true(bytes > 16); /* it did fail */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIRECTIVE_TABLE_TESTS,
        DRAFT_TEST(what_cannot_be_logged_is_named),
        DRAFT_TEST(what_is_no_log_server_is_named),
        DRAFT_TEST(a_log_server_has_nginxs_defaults),
        DRAFT_TEST(a_cache_of_logs_needs_its_size),
        DRAFT_TEST(gzip_needs_no_buffer_of_its_own),
        DRAFT_TEST(an_error_log_has_the_level_error_unless_it_says_one),
        DRAFT_TEST(a_format_is_its_words_one_behind_the_other),
        DRAFT_TEST(an_access_log_takes_its_parameters_up_to_the_last),
        DRAFT_TEST(memory_at_its_end_is_said_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
