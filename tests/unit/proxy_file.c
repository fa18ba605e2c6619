/* Tests of proxy/file: what a request's path opens, and what it does not. */
#include "../record_fixture.h"

#include <fcntl.h>
#include <ftw.h>

#include "proxy/file.h"

static char folder[64];

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    return remove(path);
}

static const char *path_of(const char *name)
{
    static char path[256];

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void put(const char *name, const char *text)
{
    int fd = open(path_of(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static int set_up_folder(void **state)
{
    struct fixture *f;

    (void)set_up(state);
    f = *state;
    strcpy(folder, "/tmp/ringway-file-XXXXXX");
    assert_non_null(mkdtemp(folder));
    f->location.settings.root = compiled(f, folder);
    return 0;
}

static int tear_down_folder(void **state)
{
    assert_int_equal(nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
    return tear_down(state);
}

static unsigned open_uri(struct fixture *f, const char *uri, struct file *file)
{
    f->record.uri = span_of_cstr(uri);
    f->record.detail = SPAN_NONE;
    return file_open(&f->record, file);
}

/* Refused: with that status, that in the detail, and nothing open. */
static void assert_refused(struct fixture *f, const char *uri, unsigned status, const char *detail)
{
    struct file file;

    assert_int_equal(open_uri(f, uri, &file), status);
    assert_int_equal(file.fd, -1);
    if (!f->record.detail.len)
        fail_msg("%s: no detail", uri);
    if (!memmem(f->record.detail.data, f->record.detail.len, detail, strlen(detail)))
        fail_msg("%.*s", SPAN_ARG(f->record.detail));
}

static void assert_opens(struct fixture *f, const char *uri, const char *text)
{
    char got[64];
    struct file file;

    assert_int_equal(open_uri(f, uri, &file), 0);
    assert_int_equal(f->record.detail.len, 0);
    assert_int_equal(file.stat.st_size, strlen(text));
    assert_int_equal(read(file.fd, got, sizeof(got)), strlen(text));
    assert_memory_equal(got, text, strlen(text));
    assert_true(fcntl(file.fd, F_GETFD) & FD_CLOEXEC);
    close(file.fd);
}

static void a_regular_file_is_opened(void **state)
{
    struct fixture *f = *state;

    put("a.txt", "text");
    put("empty", "");
    assert_opens(f, "/a.txt", "text");
    assert_opens(f, "/empty", "");
}

static void links_are_followed(void **state)
{
    struct fixture *f = *state;

    put("a.txt", "text");
    assert_int_equal(symlink("a.txt", path_of("link")), 0);
    assert_int_equal(symlink("loop", path_of("loop")), 0);
    assert_int_equal(symlink("nowhere", path_of("dangling")), 0);
    assert_opens(f, "/link", "text");
    assert_refused(f, "/loop", 403, "(40: Too many levels of symbolic links)");
    assert_refused(f, "/dangling", 404, "(2: No such file or directory)");
}

static void what_is_not_there_is_a_404(void **state)
{
    struct fixture *f = *state;
    char name[300] = "/";

    put("a.txt", "text");
    assert_refused(f, "/none", 404, "/none\" failed (2: No such file or directory)");
    assert_refused(f, "/a.txt/b", 404, "(20: Not a directory)");
    assert_refused(f, "/../a.txt", 404, "(22: Invalid argument)");
    memset(name + 1, 'n', sizeof(name) - 2);
    assert_refused(f, name, 404, "(36: File name too long)");
}

static void a_path_is_escaped_where_it_is_told(void **state)
{
    assert_refused(*state, "/a\nb\"", 404, "/a\\x0Ab\\x22\" failed");
}

static void a_directory_without_its_slash_is_a_301(void **state)
{
    struct fixture *f = *state;
    struct file file;

    assert_int_equal(mkdir(path_of("d"), 0700), 0);
    assert_int_equal(open_uri(f, "/d", &file), 301);
    assert_int_equal(file.fd, -1);
}

static void only_regular_files_are_opened(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(mkfifo(path_of("fifo"), 0600), 0); /* nobody waits for its writer */
    assert_refused(f, "/fifo", 404, "/fifo\" is not a regular file");
}

/* --- index ------------------------------------------------------------------------------------ */

static void set_index(struct fixture *f, struct template *files, const char *const *names,
                      size_t count)
{
    for (size_t i = 0; i < count; i++)
        files[i] = compiled(f, names[i]);
    f->location.settings.index_files = files;
    f->location.settings.index_file_count = count;
}

#define SET_INDEX(f, ...)                                             \
    struct template files[COUNT_OF(((const char *[]){__VA_ARGS__}))]; \
    set_index(f, files, (const char *[]){__VA_ARGS__}, COUNT_OF(files))

static void assert_index(struct fixture *f, const char *uri, const char *found)
{
    struct file file;

    assert_int_equal(open_uri(f, uri, &file), FILE_IS_ELSEWHERE);
    assert_int_equal(file.fd, -1);
    assert_int_equal(f->record.detail.len, 0);
    if (!span_equals(f->record.uri, span_of_cstr(found)))
        fail_msg("%s is %.*s", uri, SPAN_ARG(f->record.uri));
}

static void the_first_index_file_becomes_the_uri(void **state)
{
    struct fixture *f = *state;
    SET_INDEX(f, "index.html", "index.txt");

    assert_int_equal(mkdir(path_of("d"), 0700), 0);
    put("d/index.txt", "second");
    assert_index(f, "/d/", "/d/index.txt");
    put("d/index.html", "first");
    assert_index(f, "/d/", "/d/index.html");
}

static void variables_name_index_files_for_each_request(void **state)
{
    struct fixture *f = *state;
    SET_INDEX(f, "index.$arg_geo.html", "index.0.html");

    put("index.0.html", "any");
    put("index.de.html", "one");
    f->record.args = SPAN("geo=de");
    assert_index(f, "/", "/index.de.html");
    f->record.args = SPAN("geo=fr");
    assert_index(f, "/", "/index.0.html");
    f->record.args = SPAN("geo=/../index.de");
    assert_index(f, "/", "/index.0.html"); /* nothing leads out of the folder */
}

static void an_absolute_index_is_taken_without_a_look(void **state)
{
    struct fixture *f = *state;
    SET_INDEX(f, "/none.html", "index.txt");

    put("index.txt", "last");
    assert_index(f, "/", "/none.html");
    assert_index(f, "/none/", "/none.html");
}

static void an_absolute_index_behind_others_wants_the_folder(void **state)
{
    struct fixture *f = *state;
    SET_INDEX(f, "index.html", "$arg_a", "/none.html");

    put("a.txt", "");
    assert_index(f, "/", "/none.html");
    assert_refused(f, "/none/", 404, "/none/\" failed (2: No such file or directory)");
    assert_refused(f, "/a.txt/", 404, "/a.txt/\" failed (20: Not a directory)");
    f->record.args = SPAN("a=/b");
    assert_index(f, "/", "/b");
}

static void an_index_that_comes_to_nothing_is_passed_over(void **state)
{
    struct fixture *f = *state;
    SET_INDEX(f, "$arg_a", "index.txt");

    put("index.txt", "second");
    assert_index(f, "/", "/index.txt");
}

static void an_index_file_that_is_refused_ends_the_search(void **state)
{
    struct fixture *f = *state;
    SET_INDEX(f, "loop", "index.txt");

    put("index.txt", "second");
    assert_int_equal(symlink("loop", path_of("loop")), 0);
    assert_refused(f, "/", 403, "/loop\" failed (40: ");
}

/* It is redirected to, and to its own index from there. */
static void an_index_may_be_a_directory(void **state)
{
    struct fixture *f = *state;
    struct file file;
    SET_INDEX(f, "d");

    assert_int_equal(mkdir(path_of("d"), 0700), 0);
    assert_index(f, "/", "/d");
    assert_int_equal(open_uri(f, "/d", &file), 301);
}

static void a_directory_is_never_listed(void **state)
{
    struct fixture *f = *state;
    SET_INDEX(f, "index.html");

    put("a.txt", "text");
    f->location.settings.index_file_count = 0;
    assert_refused(f, "/", 403, "directory index of \"");
    f->location.settings.index_file_count = 1;
    assert_refused(f, "/", 403, "directory index of \"");
    assert_true(span_equals(f->record.uri, SPAN("/")));
    assert_refused(f, "/none/", 404, "(2: No such file or directory)");
    assert_refused(f, "/a.txt/", 404, "(20: Not a directory)");
}

static void want_of_memory_is_a_503(void **state)
{
    struct fixture *f = *state;
    struct file file;
    SET_INDEX(f, "index.$host.html");

    put("a.txt", "text");
    f->arena.total_bytes_max = 1;
    assert_int_equal(open_uri(f, "/a.txt", &file), 503);
    assert_int_equal(file.fd, -1);
    assert_int_equal(open_uri(f, "/", &file), 503);
    assert_int_equal(file.fd, -1);
}

static void an_alias_opens_what_it_stands_for(void **state)
{
    struct fixture *f = *state;

    put("a.txt", "text");
    f->location.settings.root = compiled(f, path_of(""));
    f->location.settings.alias_bytes = 2;
    assert_opens(f, "/xa.txt", "text");
    assert_refused(f, "/x../a.txt", 404, "open() \"../a.txt\" failed (22: Invalid argument)");
    f->location.settings.root = compiled(f, path_of("a.txt"));
    f->location.settings.alias_bytes = ALIAS_BYTES_ALL;
    assert_opens(f, "/anything", "text");
    f->record.keeps_uri = true;
    assert_refused(f, "/anything", 500,
                   "\"alias\" cannot be used in location \"/\" where URI was rewritten");
}

static void a_root_of_nothing_is_not_the_file_system(void **state)
{
    struct fixture *f = *state;
    struct file file;

    f->location.settings.root = compiled(f, "$http_x");
    f->record.request = &f->request.head;
    assert_refused(f, "/etc/passwd", 404, "No such file");
    assert_refused(f, "/etc/", 404, "No such file");
    f->location.settings.root = compiled(f, "");
    assert_int_equal(open_uri(f, "/etc/passwd", &file), 0);
    close(file.fd);
}

static void an_index_file_follows_the_alias(void **state)
{
    struct fixture *f = *state;
    struct template name = compiled(f, "i.html");
    struct file file;

    put("i.html", "index");
    f->location.settings.root = compiled(f, path_of(""));
    f->location.settings.alias_bytes = ALIAS_BYTES_ALL;
    f->location.settings.index_files = &name;
    f->location.settings.index_file_count = 1;
    assert_int_equal(open_uri(f, "/x/", &file), FILE_IS_ELSEWHERE);
    assert_true(span_equals(f->record.uri, SPAN("/x/i.html")));
    name = compiled(f, "../none");
    assert_refused(f, "/x/", 403, "is forbidden");
}

static void what_is_not_found_may_be_left_out_of_the_log(void **state)
{
    struct fixture *f = *state;
    struct file file;

    f->location.settings.log_not_found = false;
    assert_int_equal(open_uri(f, "/none", &file), 404);
    assert_int_equal(f->record.detail.len, 0);
    assert_refused(f, "/", 403, "is forbidden");
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, set_up_folder, tear_down_folder)
    const struct CMUnitTest tests[] = {
        CLAIM(a_regular_file_is_opened),
        CLAIM(links_are_followed),
        CLAIM(what_is_not_there_is_a_404),
        CLAIM(a_path_is_escaped_where_it_is_told),
        CLAIM(a_directory_without_its_slash_is_a_301),
        CLAIM(only_regular_files_are_opened),
        CLAIM(the_first_index_file_becomes_the_uri),
        CLAIM(variables_name_index_files_for_each_request),
        CLAIM(an_absolute_index_is_taken_without_a_look),
        CLAIM(an_absolute_index_behind_others_wants_the_folder),
        CLAIM(an_index_that_comes_to_nothing_is_passed_over),
        CLAIM(an_index_file_that_is_refused_ends_the_search),
        CLAIM(an_index_may_be_a_directory),
        CLAIM(a_directory_is_never_listed),
        CLAIM(want_of_memory_is_a_503),
        CLAIM(an_alias_opens_what_it_stands_for),
        CLAIM(an_index_file_follows_the_alias),
        CLAIM(a_root_of_nothing_is_not_the_file_system),
        CLAIM(what_is_not_found_may_be_left_out_of_the_log),
    };

    return cmocka_run_group_tests_name("proxy_file", tests, NULL, NULL);
}
