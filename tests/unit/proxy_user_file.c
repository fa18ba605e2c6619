/* Tests of proxy/user_file: lines of users, and when a file is read. */
#include "../record_fixture.h"

#include <sys/stat.h>

#include "proxy/user_file.h"

#define DIRECTORY "/tmp/ringway-user-file-XXXXXX"

struct users {
    struct fixture *f;
    char directory[sizeof(DIRECTORY)];
    char path[64];
};

static int set_up_users(void **state)
{
    struct users *u = calloc(1, sizeof(*u));
    void *fixture;

    assert_non_null(u);
    assert_int_equal(set_up(&fixture), 0);
    u->f = fixture;
    memcpy(u->directory, DIRECTORY, sizeof(DIRECTORY));
    assert_non_null(mkdtemp(u->directory));
    snprintf(u->path, sizeof(u->path), "%s/users", u->directory);
    *state = u;
    return 0;
}

static int tear_down_users(void **state)
{
    struct users *u = *state;
    void *fixture = u->f;

    user_files_free(u->f->engine.user_files);
    (void)unlink(u->path);
    (void)rmdir(u->directory);
    free(u);
    return tear_down(&fixture);
}

static void write_users(const struct users *u, const char *text)
{
    FILE *file = fopen(u->path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static enum user_verdict ask_of(struct users *u, const char *path, const char *user,
                                const char *password, int *error)
{
    const struct user_question q = {
        .path = span_of_cstr(path), .user = span_of_cstr(user), .password = span_of_cstr(password)};

    return user_file_ask(&u->f->engine, &q, error);
}

static enum user_verdict ask(struct users *u, const char *user, const char *password)
{
    int error;

    return ask_of(u, u->path, user, password, &error);
}

static void a_second_passes(struct users *u)
{
    uint64_t then = loop_now_ms(u->f->engine.loop) + USER_FILE_CHECK_MS;

    while (loop_now_ms(u->f->engine.loop) < then) {
        usleep(20 * 1000);
        loop_turn(u->f->engine.loop, 0);
    }
}

static void lines_are_users_and_their_passwords(void **state)
{
    static const struct {
        const char *text, *user, *password;
        enum user_verdict verdict;
    } rows[] = {
        {"a:{PLAIN}b\n", "a", "b", USER_IS_RIGHT},
        {"a:{PLAIN}b", "a", "b", USER_IS_RIGHT},
        {"a:{PLAIN}b\r\n", "a", "b", USER_IS_RIGHT},
        {"a:{PLAIN}b:a comment\n", "a", "b", USER_IS_RIGHT},
        {"\n\n# no\nx:{PLAIN}y\na:{PLAIN}b\n", "a", "b", USER_IS_RIGHT},
        {"a:{PLAIN}b\na:{PLAIN}c\n", "a", "c", USER_HAS_OTHER_PASSWORD},
        {"a:{PLAIN}b\n", "a", "", USER_HAS_OTHER_PASSWORD},
        {"a:{PLAIN}\n", "a", "", USER_IS_RIGHT},
        {"a:\n", "a", "", USER_HAS_OTHER_PASSWORD},
        {"a\n", "a", "", USER_IS_UNKNOWN},
        {"", "a", "b", USER_IS_UNKNOWN},
        {"\n", "a", "b", USER_IS_UNKNOWN},
        {"ab:{PLAIN}b\n", "a", "b", USER_IS_UNKNOWN},
        {"a:{PLAIN}b\n", "ab", "b", USER_IS_UNKNOWN},
        {" a:{PLAIN}b\n", "a", "b", USER_IS_UNKNOWN},
        {"#a:{PLAIN}b\n", "#a", "b", USER_IS_UNKNOWN},
        {"a:{PLAIN}b\n", "A", "b", USER_IS_UNKNOWN},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct users *u = *state;
        enum user_verdict verdict;

        write_users(u, rows[i].text);
        verdict = ask(u, rows[i].user, rows[i].password);
        if (verdict != rows[i].verdict)
            fail_msg("row %zu is %d", i, (int)verdict);
        user_files_free(u->f->engine.user_files);
        u->f->engine.user_files = NULL;
    }
}

/* Also what was right before, which is remembered, is not when the file says another thing. */
static void a_file_is_read_again_when_it_has_changed(void **state)
{
    struct users *u = *state;

    write_users(u, "a:{PLAIN}old\n");
    assert_int_equal(ask(u, "a", "old"), USER_IS_RIGHT);
    write_users(u, "a:{PLAIN}new\n");
    assert_int_equal(ask(u, "a", "old"), USER_IS_RIGHT); /* looked at within the second */
    a_second_passes(u);
    assert_int_equal(ask(u, "a", "old"), USER_HAS_OTHER_PASSWORD);
    assert_int_equal(ask(u, "a", "new"), USER_IS_RIGHT);
    a_second_passes(u);
    assert_int_equal(ask(u, "a", "new"), USER_IS_RIGHT);
}

static void what_is_remembered_is_of_one_user_and_password(void **state)
{
    struct users *u = *state;

    write_users(u, "ab:{PLAIN}c\na:{PLAIN}bc\n");
    assert_int_equal(ask(u, "ab", "c"), USER_IS_RIGHT);
    assert_int_equal(ask(u, "ab", "c"), USER_IS_RIGHT);
    assert_int_equal(ask(u, "ab", "C"), USER_HAS_OTHER_PASSWORD);
    assert_int_equal(ask(u, "abc", ""), USER_IS_UNKNOWN);
    assert_int_equal(ask(u, "a", "bc"), USER_IS_RIGHT);
    assert_int_equal(ask(u, "a", "c"), USER_HAS_OTHER_PASSWORD);
}

static void a_turn_hashes_once(void **state)
{
    struct users *u = *state;

    write_users(u, "a:abpWIu4f4hFp2\nb:abpWIu4f4hFp2\nc:{PLAIN}c\n");
    assert_int_equal(ask(u, "a", "wrong"), USER_HAS_OTHER_PASSWORD);
    assert_int_equal(ask(u, "b", "correct"), USER_HAS_TO_WAIT);
    assert_int_equal(ask(u, "a", "wrong"), USER_HAS_TO_WAIT);
    assert_int_equal(ask(u, "c", "c"), USER_IS_RIGHT); /* no hash, or none that takes long */
    assert_int_equal(ask(u, "d", "d"), USER_IS_UNKNOWN);
    usleep(1000);
    loop_turn(u->f->engine.loop, 0);
    assert_int_equal(ask(u, "b", "correct"), USER_IS_RIGHT);
    assert_int_equal(ask(u, "b", "correct"), USER_IS_RIGHT); /* remembered */
    assert_int_equal(ask(u, "a", "correct"), USER_HAS_TO_WAIT);
}

static void what_cannot_be_read_is_an_error(void **state)
{
    const struct user_question with_nul = {.path = SPAN("/tmp\0/x")};
    struct users *u = *state;
    int error;

    assert_int_equal(ask_of(u, u->path, "a", "b", &error), USER_FILE_FAILED);
    assert_int_equal(error, -ENOENT);
    assert_int_equal(ask_of(u, u->directory, "a", "b", &error), USER_FILE_FAILED);
    assert_int_equal(error, -EISDIR);
    assert_int_equal(ask_of(u, "", "a", "b", &error), USER_FILE_FAILED);
    assert_int_equal(error, -ENOENT);
    assert_int_equal(user_file_ask(&u->f->engine, &with_nul, &error), USER_FILE_FAILED);
    assert_int_equal(error, -ENOENT);
    assert_int_equal(mkfifo(u->path, 0600), 0);
    assert_int_equal(ask_of(u, u->path, "a", "b", &error), USER_FILE_FAILED); /* and nobody waits */
    assert_int_equal(error, -EINVAL);
    assert_int_equal(unlink(u->path), 0);
    write_users(u, "a:{PLAIN}b\n");
    assert_int_equal(ask(u, "a", "b"), USER_IS_RIGHT); /* what failed is tried again at once */
}

#define USERS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_users, tear_down_users)

int main(void)
{
    const struct CMUnitTest tests[] = {
        USERS_TEST(lines_are_users_and_their_passwords),
        USERS_TEST(a_file_is_read_again_when_it_has_changed),
        USERS_TEST(what_is_remembered_is_of_one_user_and_password),
        USERS_TEST(a_turn_hashes_once),
        USERS_TEST(what_cannot_be_read_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
