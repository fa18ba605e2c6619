/* Tests of conf/build_level: lists of a level made ready, and the limits on heads. */
#include "../draft_fixture.h"

#include "conf/build_level.h"

static void add_span(struct draft *d, struct vector *v, const char *text)
{
    struct span *added = vector_add(&d->c, v, sizeof(*added));

    assert_non_null(added);
    *added = span_of_cstr(text);
}

static struct field field_of(const char *name)
{
    return (struct field){.name = span_of_cstr(name), .id = field_id_of(span_of_cstr(name))};
}

/* As the list and its filter say. */
static bool hides(const struct settings *s, const char *name)
{
    struct field field = field_of(name);
    bool is_found = false;

    for (size_t i = 0; i < s->proxy_hide_header_count; i++)
        is_found |= span_equals_nocase(s->proxy_hide_headers[i], field.name);
    if (is_found || name_filter_knows(field.id))
        assert_int_equal(name_filter_may_have(&s->proxy_hide_header_filter, &field), is_found);
    return is_found;
}

static const struct span *type_of(const struct span_table *t, const char *extension)
{
    return span_table_find(t, span_of_cstr(extension));
}

/* --- header fields -------------------------------------------------------------------------- */

static void host_is_set_unless_the_level_sets_it(void **state)
{
    struct draft *d = *state;
    struct level without = {0}, with = {0};
    struct set_header *h = vector_add(&d->c, &with.set_headers, sizeof(*h));
    struct field host = field_of("Host"), te = field_of("TE");

    assert_non_null(h);
    h->name = SPAN("hOST");
    assert_int_equal(build_level(&d->c, &without, NULL), 0);
    assert_int_equal(without.settings.proxy_set_header_count, 1);
    assert_true(span_equals(without.settings.proxy_set_headers[0].name, SPAN("Host")));
    assert_int_equal(build_level(&d->c, &with, NULL), 0);
    assert_int_equal(with.settings.proxy_set_header_count, 1);
    assert_true(span_equals(with.settings.proxy_set_headers[0].name, SPAN("hOST")));
    assert_int_equal(with.settings.proxy_set_headers[0].id, FIELD_HOST);
    assert_true(name_filter_may_have(&without.settings.proxy_set_header_filter, &host));
    assert_true(name_filter_may_have(&with.settings.proxy_set_header_filter, &host));
    assert_false(name_filter_may_have(&with.settings.proxy_set_header_filter, &te));
}

static void hidden_fields_are_the_usual_and_those_named_once_each(void **state)
{
    struct draft *d = *state;
    struct level level = {0};

    add_span(d, &level.hide_headers, "X-Own");
    add_span(d, &level.hide_headers, "x-own");
    add_span(d, &level.hide_headers, "date");
    add_span(d, &level.hide_headers, "X-Both");
    add_span(d, &level.pass_headers, "SERVER");
    add_span(d, &level.pass_headers, "x-both");
    assert_int_equal(build_level(&d->c, &level, NULL), 0);
    assert_int_equal(level.settings.proxy_hide_header_count,
                     8); /* eight usual, one less, one more */
    assert_true(hides(&level.settings, "X-Own"));
    assert_true(hides(&level.settings, "Date"));
    assert_true(hides(&level.settings, "X-Accel-Redirect"));
    assert_false(hides(&level.settings, "Server"));
    assert_false(hides(&level.settings, "X-Both"));
}

static void inherited_fields_are_shared_with_the_level_around(void **state)
{
    struct draft *d = *state;
    struct level outer = {0}, inner, other;

    add_span(d, &outer.hide_headers, "X-Own");
    assert_int_equal(build_level(&d->c, &outer, NULL), 0);
    inner = outer;
    memset(&inner.settings, 0, sizeof(inner.settings));
    assert_int_equal(build_level(&d->c, &inner, &outer), 0);
    assert_ptr_equal(inner.settings.proxy_hide_headers, outer.settings.proxy_hide_headers);
    assert_int_equal(inner.settings.proxy_hide_header_count, 9);
    assert_true(hides(&inner.settings, "X-Own"));
    assert_int_equal(inner.settings.proxy_set_header_filter.ids, field_bit(FIELD_HOST));
    assert_ptr_equal(inner.settings.proxy_set_headers, outer.settings.proxy_set_headers);
    assert_ptr_equal(inner.settings.types.slots, outer.settings.types.slots);
    assert_ptr_equal(inner.settings.error_log.targets, outer.settings.error_log.targets);
    other = outer;
    add_span(d, &other.pass_headers, "Date");
    assert_int_equal(build_level(&d->c, &other, &outer), 0);
    assert_false(hides(&other.settings, "Date"));
    assert_true(hides(&outer.settings, "Date"));
}

/* --- types ---------------------------------------------------------------------------------- */

static void every_extension_is_found_and_no_other(void **state)
{
    static char names[65][8];
    struct draft *d = *state;
    struct level level = {0};

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct mime_draft *m = vector_add(&d->c, &level.types, sizeof(*m));

        assert_non_null(m);
        snprintf(names[i], sizeof(names[i]), "x%zu", i);
        *m = (struct mime_draft){span_of_cstr(names[i]), span_of_cstr(names[i])};
        assert_int_equal(build_level(&d->c, &level, NULL), 0);
        assert_true(level.settings.types.slot_count > i + 1);
        assert_int_equal(level.settings.types.slot_count & (level.settings.types.slot_count - 1),
                         0);
        for (size_t n = 0; n <= i; n++)
            assert_non_null(type_of(&level.settings.types, names[n]));
        assert_null(type_of(&level.settings.types, "none"));
    }
}

static void an_empty_extension_is_passed_over(void **state)
{
    struct draft *d = *state;
    struct level level = {0};
    struct mime_draft *m = vector_add(&d->c, &level.types, sizeof(*m));

    *m = (struct mime_draft){SPAN(""), SPAN("text/plain")};
    assert_int_equal(build_level(&d->c, &level, NULL), 0);
    assert_int_equal(level.settings.types.key_count, 0);
}

/* --- logs ----------------------------------------------------------------------------------- */

static void an_error_log_waits_for_its_descriptor(void **state)
{
    struct draft *d = *state;
    struct vector drafts = {0};
    struct error_log_draft *draft = vector_add(&d->c, &drafts, sizeof(*draft));
    const struct log_use *uses;
    struct log log;

    draft->level = LOG_LEVEL_WARN;
    assert_int_equal(conf_log_file(&d->c, SPAN("/a"), &draft->file), 0);
    assert_int_equal(build_error_log(&d->c, &drafts, &log), 0);
    assert_int_equal(log.target_count, 1);
    assert_int_equal(log.targets[0].fd, -1);
    assert_int_equal(log.targets[0].level, LOG_LEVEL_WARN);
    assert_true(draft->file->is_used);
    uses = d->c.log_uses.items;
    assert_int_equal(d->c.log_uses.count, 1);
    assert_ptr_equal(uses[0].target, &log.targets[0]);
    assert_ptr_equal(uses[0].file, draft->file);
}

static void access_logs_are_written_to_below_http(void **state)
{
    struct draft *d = *state;
    struct level http = {0}, server;
    struct access_log *log = vector_add(&d->c, &http.access_logs, sizeof(*log));
    struct log_file *file;

    assert_int_equal(conf_log_file(&d->c, SPAN("/a"), &file), 0);
    log->file = file;
    assert_int_equal(build_level(&d->c, &http, NULL), 0);
    assert_false(log->file->is_used);
    server = http;
    assert_int_equal(build_level(&d->c, &server, &http), 0);
    assert_true(log->file->is_used);
    assert_int_equal(server.settings.access_log_count, 1);
}

static void off_among_access_logs_counts_alone(void **state)
{
    struct draft *d = *state;
    struct level http = {0}, server;
    struct access_log *logs;
    struct log_file *file;

    assert_int_equal(conf_log_file(&d->c, SPAN("/a"), &file), 0);
    assert_int_equal(build_level(&d->c, &http, NULL), 0);
    server = http;
    assert_non_null(vector_add(&d->c, &server.access_logs, sizeof(*logs)));
    assert_non_null(vector_add(&d->c, &server.access_logs, sizeof(*logs)));
    logs = server.access_logs.items;
    logs[0].file = file;
    assert_int_equal(build_level(&d->c, &server, &http), 0);
    assert_int_equal(server.settings.access_log_count, 0);
    assert_false(file->is_used);
}

/* --- limits --------------------------------------------------------------------------------- */

static struct parser_limits limits(uint64_t first, uint64_t count, uint64_t size)
{
    struct level level = {.max_headers = 5};

    level.settings.client_header_buffer_size = first;
    level.settings.large_header_buffer_count = count;
    level.settings.large_header_buffer_size = size;
    return build_parser_limits(&level);
}

static void assert_limits(struct parser_limits l, size_t first, size_t head, size_t line)
{
    assert_int_equal(l.head_bytes_first, first);
    assert_int_equal(l.head_bytes_max, head);
    assert_int_equal(l.line_bytes_max, line - strlen("\r\n"));
    assert_int_equal(l.field_count_max, 5);
}

static void a_head_lies_in_the_first_buffer_or_in_the_large_ones(void **state)
{
    const size_t most = WRITTEN_HEAD_BYTES_MAX;

    assert_limits(limits(1024, 4, 8192), 1024, 4 * 8192, 8192);
    assert_limits(limits(65536, 4, 8192), 65536, 65536, 65536);
    assert_limits(limits(1, 1, 1), 1, 1, 1);
    assert_limits(limits(1, 1, most), 1, most, most);
    assert_limits(limits(1, 1, most + 1), 1, most, most);
    assert_limits(limits(most + 1, 1, 1), most, most, most);
    assert_limits(limits(1, most, 1), 1, most, 1);
    assert_limits(limits(1, most + 1, 1), 1, most, 1);
    assert_limits(limits(INT64_MAX, UINT64_MAX, INT64_MAX), most, most, most);
}

static void numbers_of_fields_fit_their_type(void **state)
{
    struct level level = {.max_headers = UINT64_MAX};

    level.settings.large_header_buffer_count = level.settings.large_header_buffer_size = 1;
    level.settings.merge_slashes = true;
    assert_int_equal(build_parser_limits(&level).field_count_max, UINT32_MAX);
    assert_true(build_parser_limits(&level).slashes_are_merged);
    assert_false(build_parser_limits(&level).underscores_in_names);
    assert_false(build_parser_limits(&level).invalid_names_are_ignored);
}

static void memory_at_its_end_is_said(void **state)
{
    struct draft *d = *state;
    struct level level = {0};

    d->c.arena->total_bytes_max = 1;
    assert_int_equal(build_level(&d->c, &level, NULL), -ENOMEM);
    draft_assert_said(d, "[emerg] no memory left to build the configuration");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DRAFT_TEST(host_is_set_unless_the_level_sets_it),
        DRAFT_TEST(hidden_fields_are_the_usual_and_those_named_once_each),
        DRAFT_TEST(inherited_fields_are_shared_with_the_level_around),
        DRAFT_TEST(every_extension_is_found_and_no_other),
        DRAFT_TEST(an_empty_extension_is_passed_over),
        DRAFT_TEST(an_error_log_waits_for_its_descriptor),
        DRAFT_TEST(access_logs_are_written_to_below_http),
        DRAFT_TEST(off_among_access_logs_counts_alone),
        DRAFT_TEST(a_head_lies_in_the_first_buffer_or_in_the_large_ones),
        DRAFT_TEST(numbers_of_fields_fit_their_type),
        DRAFT_TEST(memory_at_its_end_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
