/* Tests of server/privilege: in children, as root alone has something to give up. */
#include "server/privilege.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pthread.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "child.h"

#define UID 54321
#define GID 54322

static void need_root(void)
{
    if (geteuid() != 0)
        _exit(CHILD_SKIPPED);
}

/* The effective and the permitted capabilities of this thread, as one set. */
static uint64_t capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

    EXPECT(syscall(SYS_capget, &header, data) == 0);
    return data[0].effective | data[0].permitted |
           (uint64_t)(data[1].effective | data[1].permitted) << 32;
}

static void lose_capability(unsigned number)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

    EXPECT(syscall(SYS_capget, &header, data) == 0);
    data[CAP_TO_INDEX(number)].effective &= ~CAP_TO_MASK(number);
    data[CAP_TO_INDEX(number)].permitted &= ~CAP_TO_MASK(number);
    EXPECT(syscall(SYS_capset, &header, data) == 0);
}

static struct snapshot snapshot_with_user(uid_t uid)
{
    return (struct snapshot){
        .main = {.has_user = true, .uid = uid, .gid = GID, .user_name = SPAN("no-such-user")}};
}

static void drop(const struct snapshot *s)
{
    char error[256] = "";

    EXPECT(privilege_drop(s, error, sizeof(error)) == 0);
    EXPECT(!*error);
}

static void expect_user(uid_t uid, gid_t gid)
{
    uid_t u[3];
    gid_t g[3];

    EXPECT(getresuid(&u[0], &u[1], &u[2]) == 0);
    EXPECT(getresgid(&g[0], &g[1], &g[2]) == 0);
    for (size_t i = 0; i < 3; i++) {
        EXPECT(u[i] == uid);
        EXPECT(g[i] == gid);
    }
}

static void become_named_user(void *arg)
{
    struct snapshot s = snapshot_with_user(UID);
    gid_t group = 0;

    need_root();
    EXPECT(setgroups(1, &group) == 0);
    drop(&s);
    expect_user(UID, GID);
    EXPECT(getgroups(1, &group) == 1);
    EXPECT(group == GID);
    EXPECT(setresuid(0, 0, 0) != 0);
}

static void root_becomes_the_user_for_good(void **state)
{
    holds_in_child(become_named_user, NULL);
}

static void become_nobody(void *arg)
{
    struct snapshot s = {0};
    const struct passwd *user = getpwnam("nobody");
    const struct group *group = getgrnam("nogroup");

    need_root();
    if (!user)
        _exit(CHILD_SKIPPED);
    drop(&s);
    expect_user(user->pw_uid, group ? group->gr_gid : user->pw_gid);
}

static void without_a_user_root_becomes_nobody(void **state)
{
    holds_in_child(become_nobody, NULL);
}

static void stay_root(void *arg)
{
    struct snapshot s = snapshot_with_user(0);
    uint64_t before = capabilities();

    need_root();
    drop(&s);
    expect_user(0, getgid());
    EXPECT(capabilities() == before);
}

static void user_root_stays_root(void **state)
{
    holds_in_child(stay_root, NULL);
}

static void stay_who_it_is(void *arg)
{
    struct snapshot s = snapshot_with_user(UID + 7);
    uid_t uid;

    lose_rights();
    uid = getuid();
    drop(&s);
    expect_user(uid, getgid());
}

static void who_is_not_root_stays_who_it_is(void **state)
{
    holds_in_child(stay_who_it_is, NULL);
}

static void keep_three(void *arg)
{
    const uint64_t kept = UINT64_C(1) << CAP_NET_BIND_SERVICE | UINT64_C(1) << CAP_DAC_READ_SEARCH |
                          UINT64_C(1) << CAP_DAC_OVERRIDE;
    struct snapshot s = snapshot_with_user(UID);
    uint64_t had = capabilities();

    need_root();
    drop(&s);
    EXPECT(capabilities() == (kept & had));
}

static void control_keeps_what_a_reload_needs(void **state)
{
    holds_in_child(keep_three, NULL);
}

static void keep_two(void *arg)
{
    const uint64_t taken = UINT64_C(1) << CAP_NET_BIND_SERVICE;

    need_root();
    lose_capability(CAP_NET_BIND_SERVICE);
    EXPECT(!(capabilities() & taken));
    keep_three(NULL);
}

static void capability_that_a_container_took_is_no_error(void **state)
{
    holds_in_child(keep_two, NULL);
}

struct worker {
    pthread_barrier_t begun, dropped;
    uint64_t capabilities;
    uid_t uid;
};

static void *work(void *arg)
{
    struct worker *w = arg;

    (void)pthread_barrier_wait(&w->begun);
    (void)pthread_barrier_wait(&w->dropped);
    w->capabilities = capabilities();
    w->uid = geteuid();
    return NULL;
}

static void drop_beside_a_thread(void *arg)
{
    struct snapshot s = snapshot_with_user(UID);
    struct worker w = {.capabilities = 1};
    pthread_t thread;

    need_root();
    EXPECT(pthread_barrier_init(&w.begun, NULL, 2) == 0);
    EXPECT(pthread_barrier_init(&w.dropped, NULL, 2) == 0);
    EXPECT(pthread_create(&thread, NULL, work, &w) == 0);
    (void)pthread_barrier_wait(&w.begun);
    drop(&s);
    (void)pthread_barrier_wait(&w.dropped);
    EXPECT(pthread_join(thread, NULL) == 0);
    EXPECT(w.uid == UID);
    EXPECT(w.capabilities == 0);
}

static void other_threads_keep_no_capability(void **state)
{
    holds_in_child(drop_beside_a_thread, NULL);
}

static uid_t owner_of(int fd)
{
    struct stat st;

    EXPECT(fstat(fd, &st) == 0);
    return st.st_uid;
}

static void give_log_files(void *arg)
{
    struct log_file regular = {.fd = -1}, special = {.fd = -1}, closed = {.fd = -1};
    struct log_file *files[] = {&closed, &special, &regular};
    struct snapshot s = snapshot_with_user(UID);
    FILE *file = tmpfile();
    int ends[2];

    need_root();
    EXPECT(file && pipe2(ends, O_CLOEXEC) == 0);
    regular.fd = fileno(file);
    special.fd = ends[1];
    s.log_files = files;
    s.log_file_count = COUNT_OF(files);
    drop(&s);
    EXPECT(owner_of(regular.fd) == UID);
    EXPECT(owner_of(special.fd) == 0);
}

static void log_files_that_are_files_are_given_to_the_user(void **state)
{
    holds_in_child(give_log_files, NULL);
}

static void expect_failure(unsigned capability, const char *call)
{
    struct snapshot s = snapshot_with_user(UID);
    char error[256] = "", expected[256];

    need_root();
    lose_capability(capability);
    snprintf(expected, sizeof(expected),
             "%s for user \"no-such-user\" failed (1: Operation not permitted)", call);
    EXPECT(privilege_drop(&s, error, sizeof(error)) == -EPERM);
    EXPECT(strcmp(error, expected) == 0);
    EXPECT(geteuid() == 0);
}

static void fail_at_groups(void *arg)
{
    expect_failure(CAP_SETGID, "initgroups()");
}

static void fail_at_user(void *arg)
{
    expect_failure(CAP_SETUID, "setresuid()");
}

static void call_that_fails_is_named(void **state)
{
    holds_in_child(fail_at_groups, NULL);
    holds_in_child(fail_at_user, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(root_becomes_the_user_for_good),
        cmocka_unit_test(without_a_user_root_becomes_nobody),
        cmocka_unit_test(user_root_stays_root),
        cmocka_unit_test(who_is_not_root_stays_who_it_is),
        cmocka_unit_test(control_keeps_what_a_reload_needs),
        cmocka_unit_test(capability_that_a_container_took_is_no_error),
        cmocka_unit_test(other_threads_keep_no_capability),
        cmocka_unit_test(log_files_that_are_files_are_given_to_the_user),
        cmocka_unit_test(call_that_fails_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
