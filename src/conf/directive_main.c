/* directive_main - the directives of the main context and events: their table. */
#include "conf/directive_main.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "conf/setter.h"

#define CONNECTIONS_MAX (1 << 24) /* of a worker: more than any host has memory for */
#define PRIORITY_MAX 1000000      /* setpriority() takes what is beyond 20 for 20 */

static int set_user(struct conf *c, struct scope *s, const struct directive *d,
                    const struct node *n)
{
    struct main_conf *conf = &c->main.conf;
    struct span name = n->words[1], group_name = n->words[n->word_count - 1];
    const struct passwd *user;
    const struct group *group;

    (void)s;
    (void)d;
    user = getpwnam(name.data);
    /* At a reload the process is that user already. */
    if (geteuid() != 0 && (!user || user->pw_uid != geteuid())) {
        conf_warn(c, &n->origin,
                  "the \"user\" directive makes sense only if the master process runs with "
                  "super-user privileges, ignored");
        return 0;
    }
    if (!user)
        return conf_fail(c, n, "getpwnam(\"%.*s\") failed", SPAN_ARG(name));
    conf->uid = user->pw_uid;
    group = getgrnam(group_name.data);
    if (!group)
        return conf_fail(c, n, "getgrnam(\"%.*s\") failed", SPAN_ARG(group_name));
    conf->gid = group->gr_gid;
    conf->user_name = name;
    conf->has_user = true;
    return 0;
}

static int set_worker_processes(struct conf *c, struct scope *s, const struct directive *d,
                                const struct node *n)
{
    cpu_set_t usable;
    uint64_t count;

    (void)s;
    if (span_equals(n->words[1], SPAN("auto"))) {
        count =
            sched_getaffinity(0, sizeof(usable), &usable) == 0 ? (uint64_t)CPU_COUNT(&usable) : 1;
        c->main.conf.worker_count = (unsigned)u64_min(count, WORKERS_MAX);
        return 0;
    }
    if (span_to_u64(n->words[1], &count) < 0)
        return conf_fail(c, n, "\"%s\" directive invalid value", d->name);
    if (count < 1 || count > WORKERS_MAX)
        return conf_fail(c, n, "value must be between 1 and %d", WORKERS_MAX);
    c->main.conf.worker_count = (unsigned)count;
    return 0;
}

/* "0101": the rightmost digit is CPU 0. */
static int parse_cpu_mask(struct conf *c, const struct node *n, struct span mask, cpu_set_t *set)
{
    size_t cpu = 0;

    CPU_ZERO(set);
    for (size_t i = mask.len; i > 0; i--) {
        char digit = mask.data[i - 1];

        if (digit == ' ')
            continue;
        if (digit != '0' && digit != '1')
            return conf_fail(c, n, "invalid character \"%c\" in \"worker_cpu_affinity\"", digit);
        if (cpu == CPU_SETSIZE)
            return conf_fail(c, n, "\"worker_cpu_affinity\" supports up to %d CPUs only",
                             CPU_SETSIZE);
        if (digit == '1')
            CPU_SET(cpu, set);
        cpu++;
    }
    if (CPU_COUNT(set) == 0)
        return conf_fail(c, n, "no CPU is set in \"worker_cpu_affinity\" mask \"%.*s\"",
                         SPAN_ARG(mask));
    return 0;
}

static int set_worker_cpu_affinity(struct conf *c, struct scope *s, const struct directive *d,
                                   const struct node *n)
{
    size_t first = 1;

    (void)s;
    (void)d;
    c->main.affinity_sets = (struct vector){0}; /* of the file, where a flag comes over it */
    c->main.affinity_is_auto = false;
    if (span_equals(n->words[1], SPAN("auto"))) {
        if (n->word_count > 3)
            return conf_fail(c, n,
                             "invalid number of arguments in \"worker_cpu_affinity\" directive");
        c->main.affinity_is_auto = true;
        first = 2;
    }
    for (size_t i = first; i < n->word_count; i++) {
        cpu_set_t *set = vector_add(c, &c->main.affinity_sets, sizeof(*set));
        int rc = set ? parse_cpu_mask(c, n, n->words[i], set) : -ENOMEM;

        if (rc)
            return rc;
    }
    return 0;
}

static int set_pid(struct conf *c, struct scope *s, const struct directive *d, const struct node *n)
{
    (void)s;
    (void)d;
    if (span_is_empty(n->words[1]))
        return setter_fail_value(c, n, n->words[1]);
    c->main.conf.pid_path = conf_path(c, n->words[1]);
    return c->main.conf.pid_path.data ? 0 : -ENOMEM;
}

static int set_use(struct conf *c, struct scope *s, const struct directive *d, const struct node *n)
{
    static const char *const methods[] = {"select", "poll",      "epoll",
                                          "kqueue", "/dev/poll", "eventport"};

    (void)s;
    (void)d;
    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        if (span_equals(n->words[1], span_of_cstr(methods[i])))
            return 0;
    }
    return conf_fail(c, n, "invalid event type \"%.*s\"", SPAN_ARG(n->words[1]));
}

static int set_worker_connections(struct conf *c, struct scope *s, const struct directive *d,
                                  const struct node *n)
{
    uint64_t *count = setter_value(s, d);

    if (span_to_u64(n->words[1], count) < 0)
        return conf_fail(c, n, "invalid number \"%.*s\"", SPAN_ARG(n->words[1]));
    if (*count < 1 || *count > CONNECTIONS_MAX)
        return conf_fail(c, n, "value must be between 1 and %d", CONNECTIONS_MAX);
    return 0;
}

/* As nginx reads it: a sign may stand before the number. */
static int set_worker_priority(struct conf *c, struct scope *s, const struct directive *d,
                               const struct node *n)
{
    struct span text = n->words[1];
    bool is_negative = span_starts_with(text, SPAN("-"));
    uint64_t value;

    (void)s;
    if (is_negative || span_starts_with(text, SPAN("+")))
        text = span_skip(text, 1);
    if (span_to_u64(text, &value) < 0 || value > PRIORITY_MAX)
        return conf_fail(c, n, "\"%s\" directive invalid number", d->name);
    c->main.conf.priority = is_negative ? -(int)value : (int)value;
    return 0;
}

static int set_worker_rlimit_core(struct conf *c, struct scope *s, const struct directive *d,
                                  const struct node *n)
{
    uint64_t *bytes = arena_zalloc(c->arena, sizeof(*bytes));

    (void)s;
    if (!bytes)
        return conf_fail_no_memory(c);
    if (setter_parse_size(n->words[1], true, bytes) < 0)
        return conf_fail(c, n, "\"%s\" directive invalid value", d->name);
    c->main.conf.rlimit_core = bytes;
    return 0;
}

/* A name alone says that a variable stays, which all of them do. */
static int set_env(struct conf *c, struct scope *s, const struct directive *d, const struct node *n)
{
    size_t name_len = span_index_of(n->words[1], '=');
    struct span *variable;

    (void)s;
    if (name_len == 0)
        return conf_fail(c, n, "\"%s\" wants the name of a variable", d->name);
    if (name_len == n->words[1].len)
        return 0;
    variable = vector_add(c, &c->main.environment, sizeof(*variable));
    if (!variable)
        return -ENOMEM;
    *variable = n->words[1];
    return 0;
}

static const struct setter_bounds from_1 = {1, UINT64_MAX};

static const struct directive rows[] = {
    {
        .name = "include",
        .syntax = "file | mask",
        .contexts = CONTEXT_ANY,
        .args_min = 1,
        .args_max = 1,
        .marks = ROW_REPEATABLE,
        .help = "reads the directives of another file, or of all files that match a mask",
    },
    {
        .name = "events",
        .contexts = CONTEXT_MAIN,
        .opens = CONTEXT_EVENTS,
        .marks = ROW_BLOCK,
        .help = "the block of directives about connections",
        .difference = "may be left out",
    },
    {
        .name = "http",
        .contexts = CONTEXT_MAIN,
        .opens = CONTEXT_HTTP,
        .marks = ROW_BLOCK,
        .help = "the block of everything about HTTP",
        .difference = "where a brace is missing, the message names the block that is still open",
    },
    {
        .name = "user",
        .syntax = "user [group]",
        .contexts = CONTEXT_MAIN,
        .args_min = 1,
        .args_max = 2,
        .set = set_user,
        .help = "who the process becomes when root started it; left out: nobody",
    },
    {
        .name = "worker_processes",
        .syntax = "number | auto",
        .preset = "1",
        .contexts = CONTEXT_MAIN,
        .args_min = 1,
        .args_max = 1,
        .set = set_worker_processes,
        .help = "number of worker threads; auto: one for each CPU that may be used",
        .difference = "workers are threads of one process",
    },
    {
        .name = "worker_cpu_affinity",
        .syntax = "cpumask ... | auto [cpumask]",
        .contexts = CONTEXT_MAIN,
        .args_min = 1,
        .args_max = ARGS_MANY,
        .set = set_worker_cpu_affinity,
        .help = "binds workers to CPUs, one mask for each worker; the last one is for the rest",
    },
    {
        .name = "worker_rlimit_nofile",
        .syntax = "number",
        .contexts = CONTEXT_MAIN,
        .args_min = 1,
        .args_max = 1,
        .set = set_number,
        .detail = &from_1,
        ROW_AT(struct main_draft, conf.rlimit_nofile),
        .help = "raises the limit on open files of the process",
    },
    {
        .name = "worker_rlimit_core",
        .syntax = "size",
        .contexts = CONTEXT_MAIN,
        .args_min = 1,
        .args_max = 1,
        .set = set_worker_rlimit_core,
        .help = "the largest core file of the process, which it then leaves also as another user",
        .difference = "where the system does not allow it, a line of the log says so at start",
    },
    {
        .name = "worker_priority",
        .syntax = "number",
        .preset = "0",
        .contexts = CONTEXT_MAIN,
        .args_min = 1,
        .args_max = 1,
        .set = set_worker_priority,
        .help = "how nice workers are: a negative number means a higher priority, and wants root",
        .difference = "the whole process has it, from its start on; a reload does not change it",
    },
    {
        .name = "env",
        .syntax = "variable[=value]",
        .contexts = CONTEXT_MAIN,
        .args_min = 1,
        .args_max = 1,
        .marks = ROW_REPEATABLE,
        .set = set_env,
        .help = "sets a variable of the environment, as TZ for the time zone of logs",
        .difference = "others stay as they are; set at start, a reload does not change it",
    },
    {
        .name = "worker_shutdown_timeout",
        .syntax = "time",
        .contexts = CONTEXT_MAIN,
        .args_min = 1,
        .args_max = 1,
        .set = set_ms,
        ROW_AT(struct main_draft, conf.worker_shutdown_timeout_ms),
        .help = "how long a graceful stop waits for running requests before it cuts them",
    },
    {
        .name = "pid",
        .syntax = "file",
        .preset = "logs/ringway.pid",
        .nginx_preset = "logs/nginx.pid",
        .contexts = CONTEXT_MAIN,
        .args_min = 1,
        .args_max = 1,
        .set = set_pid,
        ROW_AT(struct main_draft, conf.pid_path),
        .help = "the file that gets the number of the process",
    },
    {
        .name = "daemon",
        .syntax = "on | off",
        .preset = "on",
        .contexts = CONTEXT_MAIN,
        .args_min = 1,
        .args_max = 1,
        .set = set_flag,
        ROW_AT(struct main_draft, conf.is_daemon),
        .help = "whether ringway goes to the background",
    },
    {
        .name = "master_process",
        .syntax = "on | off",
        .preset = "on",
        .contexts = CONTEXT_MAIN,
        .args_min = 1,
        .args_max = 1,
        .marks = ROW_WITHOUT_EFFECT,
        .set = set_flag,
        ROW_AT(struct main_draft, ignored_flag),
        .help = "there is one process, whose threads are the workers",
    },
    {
        .name = "working_directory",
        .syntax = "directory",
        .contexts = CONTEXT_MAIN,
        .args_min = 1,
        .args_max = 1,
        .set = set_span,
        ROW_AT(struct main_draft, conf.working_directory),
        .help = "where the process goes when it has started, and leaves core files",
    },
    {
        .name = "worker_connections",
        .syntax = "number",
        .preset = "512",
        .contexts = CONTEXT_EVENTS,
        .args_min = 1,
        .args_max = 1,
        .set = set_worker_connections,
        ROW_AT(struct main_draft, conf.worker_connections),
        .help = "connections that one worker may have at the same time, upstreams' included",
    },
    {
        .name = "worker_balance",
        .syntax = "on | off",
        .preset = "on",
        .contexts = CONTEXT_EVENTS,
        .args_min = 1,
        .args_max = 1,
        .set = set_flag,
        ROW_AT(struct main_draft, conf.balances_workers),
        .help = "a worker with clearly more connections than another hands new ones on to it",
        .difference = "ringway's own",
    },
    {
        .name = "multi_accept",
        .syntax = "on | off",
        .preset = "off",
        .contexts = CONTEXT_EVENTS,
        .args_min = 1,
        .args_max = 1,
        .marks = ROW_WITHOUT_EFFECT,
        .set = set_flag,
        ROW_AT(struct main_draft, ignored_flag),
        .help = "every worker accepts all that waits, by io_uring's multishot accept",
    },
    {
        .name = "accept_mutex",
        .syntax = "on | off",
        .preset = "off",
        .contexts = CONTEXT_EVENTS,
        .args_min = 1,
        .args_max = 1,
        .marks = ROW_WITHOUT_EFFECT,
        .set = set_flag,
        ROW_AT(struct main_draft, ignored_flag),
        .help = "every worker has listening sockets of its own",
    },
    {
        .name = "use",
        .syntax = "method",
        .contexts = CONTEXT_EVENTS,
        .args_min = 1,
        .args_max = 1,
        .marks = ROW_WITHOUT_EFFECT,
        .set = set_use,
        .help = "the method is io_uring, always",
    },
};

const struct directive_table directive_main_table = {rows, COUNT_OF(rows)};
