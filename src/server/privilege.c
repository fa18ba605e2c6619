/* privilege - from root to the user that the configuration names. */
#include "server/privilege.h"

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DEFAULT_USER "nobody"
#define DEFAULT_GROUP "nogroup"

/* What reading the configuration again needs: ports below 1024; keys that only root may read; new
 * log files and the pid file in folders of root's. */
static const unsigned kept_capabilities[] = {
    CAP_NET_BIND_SERVICE,
    CAP_DAC_READ_SEARCH,
    CAP_DAC_OVERRIDE,
};

struct user {
    uid_t uid;
    gid_t gid;
    char name[64];
};

/* 1: found; 0: the process stays who it is; -ENOENT: there is nobody to become. */
static int find_user(const struct main_conf *conf, struct user *out)
{
    const struct passwd *user;
    const struct group *group;

    if (geteuid() != 0)
        return 0;
    if (conf->has_user) {
        *out = (struct user){.uid = conf->uid, .gid = conf->gid};
        snprintf(out->name, sizeof(out->name), "%.*s", SPAN_ARG(conf->user_name));
        return conf->uid != 0;
    }
    user = getpwnam(DEFAULT_USER);
    if (!user)
        return -ENOENT;
    *out = (struct user){.uid = user->pw_uid, .gid = user->pw_gid};
    snprintf(out->name, sizeof(out->name), "%s", DEFAULT_USER);
    group = getgrnam(DEFAULT_GROUP);
    if (group)
        out->gid = group->gr_gid;
    return 1;
}

static void give_logs(const struct snapshot *s, const struct user *user)
{
    for (size_t i = 0; i < s->log_file_count; i++) {
        const struct log_file *file = s->log_files[i];
        struct stat st;

        if (fstat(file->fd, &st) || !S_ISREG(st.st_mode) || st.st_uid == user->uid)
            continue;
        /* A file system without owners, or a container without the right: CAP_DAC_OVERRIDE or
         * nothing opens it again, and then the line that says so is written. */
        if (fchown(file->fd, user->uid, (gid_t)-1))
            return;
    }
}

/* Those that everybody may write to stay as they are. */
static void give_folders(const struct snapshot *s, const struct user *user)
{
    for (size_t i = 0; i < s->folder_count; i++) {
        struct stat st;

        if (stat(s->folders[i].data, &st) || st.st_uid == user->uid || st.st_mode & S_IWOTH)
            continue;
        /* Without the right to it: the line comes when a file cannot be opened there. */
        if (chown(s->folders[i].data, user->uid, (gid_t)-1))
            return;
    }
}

/* glibc has no wrapper; the header of libcap is not needed for one call. */
static int keep_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
    struct __user_cap_data_struct had[_LINUX_CAPABILITY_U32S_3] = {0};

    if (syscall(SYS_capget, &header, had))
        return -errno;
    for (size_t i = 0; i < COUNT_OF(kept_capabilities); i++)
        data[CAP_TO_INDEX(kept_capabilities[i])].permitted |= CAP_TO_MASK(kept_capabilities[i]);
    for (size_t i = 0; i < COUNT_OF(data); i++) {
        data[i].permitted &= had[i].permitted; /* a container may have taken some */
        data[i].effective = data[i].permitted;
    }
    return syscall(SYS_capset, &header, data) ? -errno : 0;
}

static int explain(const char *call, const struct user *user, char *error, size_t error_size)
{
    int code = errno;

    snprintf(error, error_size, "%s for user \"%s\" failed (%d: %s)", call, user->name, code,
             strerror(code));
    return -code;
}

static int become(const struct user *user, char *error, size_t error_size)
{
    int rc;

    /* Of this thread alone: the others' capabilities go with user 0. */
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
        return explain("prctl(PR_SET_KEEPCAPS)", user, error, error_size);
    if (initgroups(user->name, user->gid))
        return explain("initgroups()", user, error, error_size);
    if (setresgid(user->gid, user->gid, user->gid))
        return explain("setresgid()", user, error, error_size);
    if (setresuid(user->uid, user->uid, user->uid))
        return explain("setresuid()", user, error, error_size);
    rc = keep_capabilities();
    if (rc) {
        errno = -rc;
        return explain("capset()", user, error, error_size);
    }
    return 0;
}

int privilege_drop(const struct snapshot *s, char *error, size_t error_size)
{
    struct user user;
    int found = find_user(&s->main, &user);

    if (found < 0)
        snprintf(error, error_size,
                 "started by root, and this host has no user \"" DEFAULT_USER
                 "\" to become: name one with the \"user\" directive");
    if (found <= 0)
        return found;
    give_logs(s, &user);
    give_folders(s, &user);
    return become(&user, error, error_size);
}
