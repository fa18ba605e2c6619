/* Tests of proxy/try_files: which file is found, and what the URI is then. */
#include "../record_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "proxy/try_files.h"

static char folder[64];

static const char *path_of(const char *name)
{
    static char path[256];

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

/* folder/a.txt and folder/d/ */
static int set_up_folder(void **state)
{
    struct fixture *f;
    int fd;

    (void)set_up(state);
    f = *state;
    strcpy(folder, "/tmp/ringway-try-XXXXXX");
    assert_non_null(mkdtemp(folder));
    fd = open(path_of("a.txt"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(mkdir(path_of("d"), 0700), 0);
    f->location.settings.root = compiled(f, folder);
    return 0;
}

static int tear_down_folder(void **state)
{
    assert_int_equal(unlink(path_of("a.txt")), 0);
    assert_int_equal(rmdir(path_of("d")), 0);
    assert_int_equal(rmdir(folder), 0);
    return tear_down(state);
}

/* One file, then "/last$uri". */
static enum try_result try_one(struct fixture *f, const char *uri, const char *file,
                               bool is_directory, struct span *last)
{
    struct try_file files[] = {{compiled(f, file), is_directory}};
    struct try_files t = {.files = files, .count = 1, .last = compiled(f, "$uri.last")};

    f->record.uri = span_of_cstr(uri);
    f->record.adds_uri_to_alias = false;
    return try_files_run(&f->record, &t, last);
}

static void assert_found(struct fixture *f, const char *uri, const char *file, bool is_directory,
                         const char *found)
{
    struct span last;

    assert_int_equal(try_one(f, uri, file, is_directory, &last), TRY_FOUND);
    if (!span_equals(f->record.uri, span_of_cstr(found)))
        fail_msg("%s of %s: %.*s", file, uri, SPAN_ARG(f->record.uri));
}

static void assert_last(struct fixture *f, const char *uri, const char *file, bool is_directory,
                        const char *expected)
{
    struct span last;

    assert_int_equal(try_one(f, uri, file, is_directory, &last), TRY_LAST);
    if (!span_equals(last, span_of_cstr(expected)))
        fail_msg("%s of %s: %.*s", file, uri, SPAN_ARG(last));
    assert_true(span_equals(f->record.uri, span_of_cstr(uri)));
}

static void a_file_is_no_directory(void **state)
{
    struct fixture *f = *state;

    assert_found(f, "/a.txt", "$uri", false, "/a.txt");
    assert_found(f, "/a", "$uri.txt", false, "/a.txt");
    assert_found(f, "/d", "$uri", true, "/d");
    assert_last(f, "/a.txt", "$uri", true, "/a.txt.last");
    assert_last(f, "/d", "$uri", false, "/d.last");
    assert_last(f, "/none", "$uri", false, "/none.last");
}

static void what_leads_up_or_is_no_path_is_not_there(void **state)
{
    struct fixture *f = *state;

    assert_last(f, "/x", "/../..$document_root/a.txt", false, "/x.last");
    assert_last(f, "/x", "/d/../a.txt", false, "/x.last");
    assert_last(f, "/x", "a.txt", false, "/x.last");
    assert_last(f, "/x", "$http_none", false, "/x.last");
}

static void an_alias_stands_in_place_of_the_prefix(void **state)
{
    struct fixture *f = *state;

    f->location.settings.root = compiled(f, path_of(""));
    f->location.settings.alias_bytes = 3;
    assert_found(f, "/x/a.txt", "$uri", false, "/x/a.txt");
    assert_found(f, "/x/none", "a.txt", false, "/x/a.txt");
    assert_found(f, "/x/d", "$uri", true, "/x/d");
    /* As nginx: of the last one, too, where it has variables. */
    assert_last(f, "/x/none", "$uri", false, "none.last");
    assert_last(f, "/x/../a.txt", "$uri", false, "../a.txt.last");
}

static void in_a_regex_location_the_uri_follows_the_alias(void **state)
{
    struct fixture *f = *state;

    f->location.settings.root = compiled(f, folder);
    f->location.settings.alias_bytes = ALIAS_BYTES_ALL;
    assert_found(f, "/x", "/a.txt", false, "/a.txt");
    assert_true(f->record.adds_uri_to_alias);
    assert_found(f, "/x", "/d", true, "/x");
    assert_false(f->record.adds_uri_to_alias);
    assert_last(f, "/x", "$uri", false, "/x.last");
}

static void a_status_needs_no_last_one(void **state)
{
    struct fixture *f = *state;
    struct try_files t = {.status = 404};
    struct span last = SPAN("as it was");

    take_request(f, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(try_files_run(&f->record, &t, &last), TRY_LAST);
    assert_true(span_equals(last, SPAN("as it was")));
}

static void memory_at_its_end_is_no_file(void **state)
{
    struct fixture *f = *state;
    struct span last;

    f->arena.total_bytes_max = 1;
    assert_int_equal(try_one(f, "/a", "$uri.txt", false, &last), TRY_FAILED);
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, set_up_folder, tear_down_folder)
    const struct CMUnitTest tests[] = {
        CLAIM(a_file_is_no_directory),
        CLAIM(what_leads_up_or_is_no_path_is_not_there),
        CLAIM(an_alias_stands_in_place_of_the_prefix),
        CLAIM(in_a_regex_location_the_uri_follows_the_alias),
        CLAIM(a_status_needs_no_last_one),
        CLAIM(memory_at_its_end_is_no_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
