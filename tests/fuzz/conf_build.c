/* conf_build - whatever a configuration says, it is taken, or refused with a line that says why.
 * What was taken is whole: nothing in it points to what was there for the build only.
 *
 * No file is opened and no name is resolved. */
#include "conf/build.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    return tls_library_init();
}

static size_t size_of(int fd)
{
    struct stat st;
    int rc = fstat(fd, &st);

    assert(rc == 0);
    return (size_t)st.st_size;
}

/* --- reading all of a snapshot -------------------------------------------------------------- */

static volatile unsigned sink;

static void read_span(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        sink += (unsigned char)s.data[i];
}

static void read_template(const struct template *t)
{
    read_span(t->text);
    for (size_t i = 0; i < t->part_count; i++)
        read_span(t->parts[i].text);
}

static void read_limits(const struct limits_conf *l)
{
    for (size_t i = 0; i < l->request_count; i++)
        read_template(&l->requests[i].zone->key);
    for (size_t i = 0; i < l->connection_count; i++)
        read_template(&l->connections[i].zone->key);
}

static void read_gate(const struct gate_conf *g)
{
    if (g->limits)
        read_limits(g->limits);
    for (size_t i = 0; i < g->rule_count; i++)
        sink += g->rules[i].network.prefix_bits;
    if (g->basic) {
        read_template(&g->basic->realm);
        read_template(&g->basic->user_file);
        read_span(g->basic->path_prefix);
    }
    if (g->real_ip)
        read_span(g->real_ip->field);
    for (size_t i = 0; g->real_ip && i < g->real_ip->trust.count; i++)
        sink += g->real_ip->trust.proxies[i].prefix_bits;
    for (size_t i = 0; g->auth_request && i < g->auth_request->variable_count; i++)
        read_template(&g->auth_request->variables[i].value);
}

static void read_settings(const struct settings *s)
{
    if (s->gate)
        read_gate(s->gate);
    read_template(&s->root);
    read_span(s->default_type);
    for (size_t i = 0; i < s->index_file_count; i++)
        read_template(&s->index_files[i]);
    for (size_t i = 0; i < s->types.slot_count; i++) {
        const struct span_table_slot *slot = &s->types.slots[i];

        if (slot->value) {
            read_span(slot->key);
            read_span(*(const struct span *)slot->value);
        }
    }
    for (size_t i = 0; i < s->error_page_count; i++)
        read_template(&s->error_pages[i].uri);
    for (size_t i = 0; i < s->access_log_count; i++)
        read_template(&s->access_logs[i].format->text);
    for (size_t i = 0; i < s->add_header_count; i++)
        read_template(&s->add_headers[i].value);
    for (size_t i = 0; i < s->proxy_set_header_count; i++)
        read_template(&s->proxy_set_headers[i].value);
    for (size_t i = 0; i < s->proxy_hide_header_count; i++)
        read_span(s->proxy_hide_headers[i]);
    for (size_t i = 0; i < s->error_log.target_count; i++)
        sink += s->error_log.targets[i].level;
    if (s->proxy_ssl_name_is_set)
        read_template(&s->proxy_ssl_name);
}

static void read_location(const struct location_conf *l);

static void read_op(const struct script_op *op)
{
    switch (op->kind) {
    case SCRIPT_SET:
    case SCRIPT_SET_ARGS:
    case SCRIPT_SET_LIMIT_RATE:
        read_template(&op->set.value);
        break;
    case SCRIPT_IF:
        read_template(&op->condition.subject);
        if (op->condition.test == SCRIPT_TEST_EQUALS)
            read_template(&op->condition.value);
        if (op->condition.location)
            read_location(op->condition.location);
        break;
    case SCRIPT_REWRITE:
        read_template(&op->rewrite.uri);
        if (op->rewrite.has_args && !op->rewrite.status)
            read_template(&op->rewrite.args);
        break;
    case SCRIPT_RETURN:
        if (op->answer.has_text)
            read_template(&op->answer.text);
        break;
    case SCRIPT_BREAK:
        break;
    }
}

static void read_pass(const struct proxy_pass *p)
{
    assert(!p->url == !!p->upstream);
    if (p->url) {
        read_template(p->url);
        return;
    }
    read_span(p->host);
    read_span(p->host_name);
    read_span(p->uri);
    read_span(p->upstream->name);
}

static void read_location(const struct location_conf *l)
{
    read_span(l->pattern);
    read_span(l->origin.file);
    read_settings(&l->settings);
    if (l->except)
        read_location(l->except->location);
    for (size_t i = 0; l->script && i < l->script->count; i++)
        read_op(&l->script->ops[i]);
    if (l->proxy_pass.is_set)
        read_pass(&l->proxy_pass);
    for (size_t i = 0; i < l->prefix_count; i++)
        read_location(l->prefixes[i]);
    for (size_t i = 0; i < l->regex_count; i++)
        read_location(l->regexes[i]);
}

static void read_upstream(const struct upstream_conf *u)
{
    read_span(u->origin.file);
    for (size_t i = 0; i < u->peer_count; i++) {
        read_span(u->peers[i].address_text);
        read_span(u->peers[i].host);
        read_span(u->peers[i].server_text);
        sink += u->peers[i].shared->fail_count;
    }
}

static void read_names(const struct span_table *t)
{
    for (size_t i = 0; i < t->slot_count; i++)
        read_span(t->slots[i].key);
}

static void read_listen(const struct listen_conf *l)
{
    read_span(l->text);
    read_span(l->default_server->name);
    read_names(&l->names.exact);
    read_names(&l->names.heads);
    read_names(&l->names.tails);
}

static void read_snapshot(const struct snapshot *s)
{
    for (size_t i = 0; i < s->server_count; i++) {
        read_location(&s->servers[i]->root);
        for (size_t n = 0; n < s->servers[i]->named_count; n++)
            read_location(s->servers[i]->named[n]);
    }
    for (size_t i = 0; i < s->upstream_count; i++)
        read_upstream(s->upstreams[i]);
    for (size_t i = 0; i < s->listen_count; i++)
        read_listen(&s->listens[i]);
    for (size_t i = 0; i < s->log_file_count; i++)
        read_span(s->log_files[i]->path);
    for (size_t i = 0; i < s->tls_profile_count; i++)
        read_span(s->tls_profiles[i]->origin.file);
    for (size_t i = 0; i < s->dump_count; i++)
        read_span(s->dump_texts[i]);
    read_span(s->main.pid_path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct build_options o = {
        .text = span_of((const char *)data, size),
        .text_name = "fuzz.conf",
        .prefix = "/tmp",
        .is_test = true,
        .reads_nothing = true,
    };
    struct log_target target = {
        .fd = memfd_create("log", MFD_CLOEXEC), .level = LOG_LEVEL_EMERG, .is_startup = true};
    const struct log log = {.targets = &target, .target_count = 1};
    struct snapshot *s;
    int rc = snapshot_build(&o, &log, &s);

    assert(target.fd >= 0);
    assert((rc == 0) == (s != NULL));
    assert((rc == 0) == (size_of(target.fd) == 0));
    if (s)
        read_snapshot(s);
    snapshot_unref(s);
    close(target.fd);
    return 0;
}
