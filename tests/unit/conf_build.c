/* Tests of conf/build: main and what levels inherit, logs, counting. */
#include "../conf_folder.h"
#include "../conf_snapshot.h"

#include "core/limits.h"

/* --- main ----------------------------------------------------------------------------------- */

static void a_configuration_without_any_block_is_refused(void **state)
{
    struct conf_text t;

    conf_text_build(&t, "daemon off;");
    assert_int_equal(t.rc, -EINVAL);
    assert_non_null(strstr(t.log, "[emerg] no \"events\" section in configuration"));
    conf_text_deinit(&t);
}

static void a_configuration_without_servers_has_nothing_to_do(void **state)
{
    struct conf_text t;

    conf_text_build(&t, "events {}");
    assert_int_equal(t.rc, 0);
    assert_string_equal(t.log, "[warn] no \"server\" is configured: there is nothing to do\n");
    assert_int_equal(t.snapshot->listen_count, 0);
    conf_text_deinit(&t);
}

static void main_has_nginx_defaults(void **state)
{
    struct conf_text t;
    const struct main_conf *m;

    taken(&t, SERVER(""));
    m = &t.snapshot->main;
    assert_true(m->is_daemon);
    assert_false(m->has_user);
    assert_int_equal(m->worker_count, 1);
    assert_null(m->affinity);
    assert_int_equal(m->rlimit_nofile, 0);
    assert_span(m->pid_path, "/nowhere/logs/ringway.pid");
    assert_int_equal(m->worker_connections, 512);
    assert_true(m->balances_workers);
    assert_int_equal(m->worker_shutdown_timeout_ms, 0);
    assert_int_equal(m->error_log.target_count, 1);
    assert_int_equal(m->error_log.targets[0].level, LOG_LEVEL_ERROR);
    conf_text_deinit(&t);
}

static void main_directives_are_taken(void **state)
{
    static const char text[] =
        "worker_processes 128; worker_rlimit_nofile 65536; worker_shutdown_timeout 1m; pid p;\n"
        "daemon off; error_log stderr warn; error_log e.log info;\n"
        "worker_cpu_affinity 01 10;\n"
        "events { worker_connections 10; worker_balance off; }\n" SERVER("");
    struct conf_text t;
    const struct main_conf *m;

    taken(&t, text);
    m = &t.snapshot->main;
    assert_false(m->is_daemon);
    assert_int_equal(m->worker_count, 128);
    assert_int_equal(m->rlimit_nofile, 65536);
    assert_int_equal(m->worker_shutdown_timeout_ms, 60000);
    assert_span(m->pid_path, "/nowhere/p");
    assert_int_equal(m->worker_connections, 10);
    assert_false(m->balances_workers);
    assert_true(CPU_ISSET(0, &m->affinity[0]) && !CPU_ISSET(1, &m->affinity[0]));
    assert_true(CPU_ISSET(1, &m->affinity[1]));
    assert_true(CPU_EQUAL(&m->affinity[1], &m->affinity[127])); /* the last one is for the rest */
    assert_int_equal(m->error_log.target_count, 2);
    assert_int_equal(m->error_log.targets[1].level, LOG_LEVEL_INFO);
    conf_text_deinit(&t);
}

static void automatic_affinity_gives_each_worker_one_cpu_in_turn(void **state)
{
    struct conf_text t;
    const struct main_conf *m;

    taken(&t, "worker_processes 3; worker_cpu_affinity auto 110;" SERVER(""));
    m = &t.snapshot->main;
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(CPU_COUNT(&m->affinity[i]), 1);
    assert_true(CPU_ISSET(1, &m->affinity[0]));
    assert_true(CPU_ISSET(2, &m->affinity[1]));
    assert_true(CPU_ISSET(1, &m->affinity[2]));
    conf_text_deinit(&t);
}

static void workers_are_as_many_as_cpus_when_that_is_asked_for(void **state)
{
    struct conf_text t;
    cpu_set_t usable;

    assert_int_equal(sched_getaffinity(0, sizeof(usable), &usable), 0);
    taken(&t, "worker_processes auto;" SERVER(""));
    assert_int_equal(t.snapshot->main.worker_count,
                     size_min((size_t)CPU_COUNT(&usable), WORKERS_MAX));
    conf_text_deinit(&t);
}

/* --- settings ------------------------------------------------------------------------------- */

static void settings_have_nginx_defaults(void **state)
{
    struct conf_text t;
    const struct settings *s;

    taken(&t, SERVER(""));
    s = &root_of(&t)->settings;
    assert_int_equal(s->client_header_timeout_ms, 60000);
    assert_int_equal(s->client_body_timeout_ms, 60000);
    assert_int_equal(s->send_timeout_ms, 60000);
    assert_int_equal(s->keepalive_timeout_ms, 75000);
    assert_int_equal(s->keepalive_header_s, 0);
    assert_int_equal(s->keepalive_requests, 1000);
    assert_int_equal(s->keepalive_time_ms, 3600000);
    assert_int_equal(s->keepalive_min_timeout_ms, 0);
    assert_int_equal(s->keepalive_disable, 1);
    assert_int_equal(s->client_max_body_size, 1048576);
    assert_int_equal(s->client_body_buffer_size, 16384);
    assert_int_equal(s->client_header_buffer_size, 1024);
    assert_int_equal(s->large_header_buffer_count, 4);
    assert_int_equal(s->large_header_buffer_size, 8192);
    assert_int_equal(s->lingering_time_ms, 30000);
    assert_int_equal(s->lingering_timeout_ms, 5000);
    assert_int_equal(s->lingering_close, 1);
    assert_false(s->underscores_in_headers);
    assert_true(s->ignore_invalid_headers && s->merge_slashes && s->server_tokens);
    assert_true(s->tcp_nodelay && s->absolute_redirect && s->port_in_redirect);
    assert_false(s->server_name_in_redirect);
    assert_span(s->root.text, "/nowhere/html");
    assert_int_equal(s->index_file_count, 1);
    assert_span(s->index_files[0].text, "index.html");
    assert_span(s->default_type, "text/plain");
    assert_int_equal(s->error_page_count, 0);
    assert_int_equal(s->add_header_count, 0);
    assert_int_equal(s->access_log_count, 1);
    assert_span(s->access_logs[0].file->path, "/nowhere/logs/access.log");
    assert_span(s->access_logs[0].format->name, "combined");
    conf_text_deinit(&t);
}

static void proxy_settings_have_their_defaults(void **state)
{
    static const char *const hidden[] = {"Date", "Server", "X-Pad", "X-Accel-Expires"};
    struct conf_text t;
    const struct settings *s;

    taken(&t, SERVER(""));
    s = &root_of(&t)->settings;
    assert_int_equal(s->proxy_connect_timeout_ms, 60000);
    assert_int_equal(s->proxy_send_timeout_ms, 60000);
    assert_int_equal(s->proxy_read_timeout_ms, 60000);
    assert_int_equal(s->proxy_http_version_minor, 1);
    assert_int_equal(s->proxy_next_upstream, NEXT_ERROR | NEXT_TIMEOUT);
    assert_int_equal(s->proxy_next_upstream_tries, 0);
    assert_int_equal(s->proxy_next_upstream_timeout_ms, 0);
    assert_int_equal(s->proxy_set_header_count, 1);
    assert_span(s->proxy_set_headers[0].name, "Host");
    assert_span(s->proxy_set_headers[0].value.text, "$proxy_host");
    assert_int_equal(s->proxy_hide_header_count, 8);
    for (size_t i = 0; i < COUNT_OF(hidden); i++)
        assert_span(s->proxy_hide_headers[i], hidden[i]);
    conf_text_deinit(&t);
}

static void blocks_inherit_what_they_do_not_set(void **state)
{
    static const char text[] =
        "http { send_timeout 1s; keepalive_timeout 2s 3s; client_max_body_size 4;\n"
        "server { listen 8080; send_timeout 5s; large_client_header_buffers 6 7k;\n"
        "location /a { client_max_body_size 8; location /a/b { keepalive_timeout 9s; } } } }";
    const struct location_conf *a, *b;
    struct conf_text t;

    taken(&t, text);
    a = root_of(&t)->prefixes[0];
    b = a->prefixes[0];
    assert_int_equal(root_of(&t)->settings.send_timeout_ms, 5000);
    assert_int_equal(root_of(&t)->settings.client_max_body_size, 4);
    assert_int_equal(b->settings.send_timeout_ms, 5000);
    assert_int_equal(b->settings.client_max_body_size, 8);
    assert_int_equal(a->settings.keepalive_timeout_ms, 2000);
    assert_int_equal(a->settings.keepalive_header_s, 3);
    assert_int_equal(b->settings.keepalive_timeout_ms, 9000);
    assert_int_equal(b->settings.keepalive_header_s, 0); /* one value with the timeout */
    assert_int_equal(b->settings.large_header_buffer_count, 6);
    assert_int_equal(b->settings.large_header_buffer_size, 7168);
    conf_text_deinit(&t);
}

static void lists_are_inherited_only_where_none_is_set(void **state)
{
    static const char text[] =
        "http { add_header A 1; add_header B 2 always; proxy_set_header C 3; error_page 404 /e;\n"
        "server { listen 8080;\n"
        "location /a { add_header D 4; proxy_set_header host x; proxy_set_header E ''; }\n"
        "location /b { error_page 500 502 =200 /f; } } }";
    const struct settings *a, *b;
    struct conf_text t;

    taken(&t, text);
    a = &root_of(&t)->prefixes[0]->settings;
    b = &root_of(&t)->prefixes[1]->settings;
    assert_int_equal(a->add_header_count, 1);
    assert_span(a->add_headers[0].name, "D");
    assert_int_equal(b->add_header_count, 2);
    assert_true(b->add_headers[1].is_always && !b->add_headers[0].is_always);
    assert_int_equal(a->proxy_set_header_count, 2); /* host is there, in any case */
    assert_int_equal(b->proxy_set_header_count, 2);
    assert_span(b->proxy_set_headers[1].name, "Host");
    assert_int_equal(a->error_page_count, 1);
    assert_int_equal(b->error_page_count, 2);
    assert_int_equal(b->error_pages[1].status, 502);
    assert_int_equal(b->error_pages[1].new_status, 200);
    assert_span(b->error_pages[1].uri.text, "/f");
    conf_text_deinit(&t);
}

static void error_pages_say_which_status_is_answered(void **state)
{
    struct conf_text t;
    const struct error_page *pages;

    taken(&t, SERVER("error_page 404 /a; error_page 500 = /b; error_page 502 =200 @c;"));
    pages = root_of(&t)->settings.error_pages;
    assert_int_equal(pages[0].new_status, 0);
    assert_false(pages[0].takes_status);
    assert_int_equal(pages[1].new_status, 0);
    assert_true(pages[1].takes_status);
    assert_int_equal(pages[2].new_status, 200);
    assert_span(pages[2].uri.text, "@c");
    conf_text_deinit(&t);
}

static void log_formats_are_joined_and_have_an_escape(void **state)
{
    struct conf_text t;
    const struct log_format *format;

    taken(&t, "http { log_format a escape=json '{\"s\":' '$status}'; access_log l a;\n"
              "server { listen 8080; } }");
    format = root_of(&t)->settings.access_logs[0].format;
    assert_span(format->name, "a");
    assert_span(format->text.text, "{\"s\":$status}");
    assert_int_equal(format->escape, LOG_ESCAPE_JSON);
    conf_text_deinit(&t);
}

static void roots_have_no_slash_at_their_end(void **state)
{
    struct conf_text t;

    taken(&t, SERVER("root /a/; location /b { root c; } location /d { root $host/e; }"));
    assert_span(root_of(&t)->settings.root.text, "/a");
    assert_span(root_of(&t)->prefixes[0]->settings.root.text, "/nowhere/c");
    assert_span(root_of(&t)->prefixes[1]->settings.root.text, "$host/e");
    conf_text_deinit(&t);
}

static void hidden_headers_are_nginx_own_and_ours_without_the_passed(void **state)
{
    struct conf_text t;
    const struct settings *s;

    taken(&t, SERVER("proxy_hide_header X-A; proxy_hide_header x-a; proxy_pass_header server;\n"
                     "proxy_hide_header X-B; proxy_pass_header x-b;"));
    s = &root_of(&t)->settings;
    assert_int_equal(s->proxy_hide_header_count, 8);
    assert_span(s->proxy_hide_headers[0], "Date");
    assert_span(s->proxy_hide_headers[1], "X-Pad");
    assert_span(s->proxy_hide_headers[7], "X-A");
    conf_text_deinit(&t);
}

static void types_are_found_by_extension(void **state)
{
    struct conf_text t;
    const struct span *type;

    taken(&t, SERVER("types { text/html HTML htm; } types { image/png png; }"));
    type = span_table_find(&root_of(&t)->settings.types, SPAN("htmL"));
    assert_non_null(type);
    assert_span(*type, "text/html");
    conf_text_deinit(&t);
    assert_taken(SERVER("types { a b;\nc b; }"),
                 "[warn] duplicate extension \"b\", content type: "
                 "\"c\", previous content type: \"a\" in t.conf:5\n");
}

static void parser_limits_are_the_servers(void **state)
{
    struct conf_text t;
    const struct parser_limits *l;

    taken(&t, SERVER("client_header_buffer_size 2k; large_client_header_buffers 4 16k;\n"
                     "max_headers 7; merge_slashes off; location / { }"));
    l = &root_of(&t)->prefixes[0]->parser_limits;
    assert_int_equal(l->head_bytes_first, 2048);
    assert_int_equal(l->line_bytes_max, 16384 - strlen("\r\n"));
    assert_int_equal(l->head_bytes_max, 65536);
    assert_int_equal(l->field_count_max, 7);
    assert_false(l->slashes_are_merged);
    assert_true(l->invalid_names_are_ignored);
    conf_text_deinit(&t);
}

static void heads_are_bounded_by_what_can_be_written(void **state)
{
    struct conf_text t;

    assert_taken(SERVER("large_client_header_buffers 5 32k;"), ""); /* 160k: the limit */
    conf_text_build(&t, SERVER("large_client_header_buffers 6 32k;"));
    assert_string_equal(t.log, "[warn] \"large_client_header_buffers\" allows heads of more than "
                               "163840 bytes: that is the limit in t.conf:4\n");
    assert_int_equal(root_of(&t)->parser_limits.head_bytes_max, WRITTEN_HEAD_BYTES_MAX);
    conf_text_deinit(&t);
}

static const struct return_rule *return_of(const struct location_conf *l)
{
    assert_non_null(l->script);
    assert_int_equal(l->script->ops[0].kind, SCRIPT_RETURN);
    return &l->script->ops[0].answer;
}

static void a_script_is_of_its_block_alone(void **state)
{
    struct conf_text t;
    const struct location_conf *l;

    taken(&t, SERVER("return 204; return 500; location /a { return 200 \"$host\"; }\n"
                     "location /b { return https://$host/; } location /c {} location /d { return "
                     "444; }"));
    l = root_of(&t);
    assert_int_equal(l->script->count, 2);
    assert_int_equal(return_of(l)->status, 204);
    assert_false(return_of(l)->has_text);
    assert_int_equal(return_of(l->prefixes[0])->status, 200);
    assert_true(return_of(l->prefixes[0])->has_text);
    assert_int_equal(return_of(l->prefixes[1])->status, 302);
    assert_null(l->prefixes[2]->script); /* it is not inherited */
    assert_int_equal(return_of(l->prefixes[3])->status, 444);
    conf_text_deinit(&t);
}

/* --- logs ----------------------------------------------------------------------------------- */

static void logs_are_opened_once_for_each_path_that_is_written_to(void **state)
{
    const struct conf_folder *f = *state;
    struct conf_text t;
    char error[256], path[128];

    folder_put(f, "main.conf",
               "error_log e.log warn;\nhttp { server { listen 8080; error_log e.log info;\n"
               "access_log a.log; access_log b.log combined buffer=8k flush=1s if=$status; }\n"
               "server { listen 8081; access_log off; location /a { access_log a.log; } } }");
    folder_read(f, &t);
    assert_string_equal(t.log, "");
    assert_int_equal(t.snapshot->log_file_count, 3); /* not the default: no block writes to it */
    assert_int_equal(snapshot_open_logs(t.snapshot, error, sizeof(error)), 0);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(t.snapshot->log_files[i]->index, i);
        assert_true(t.snapshot->log_files[i]->fd > 2);
    }
    assert_int_equal(t.snapshot->main.error_log.targets[0].fd,
                     root_of(&t)->settings.error_log.targets[0].fd);
    assert_int_equal(root_of(&t)->settings.access_logs[1].buffer_bytes, 8192);
    assert_int_equal(root_of(&t)->settings.access_logs[1].flush_ms, 1000);
    assert_non_null(root_of(&t)->settings.access_logs[1].condition);
    assert_int_equal(t.snapshot->servers[1]->root.settings.access_log_count, 0);
    snprintf(path, sizeof(path), "%s/a.log", f->path);
    assert_int_equal(rename(path, strcat(strcpy(error, path), ".1")), 0);
    assert_int_equal(snapshot_reopen_logs(t.snapshot, error, sizeof(error)), 0);
    assert_int_equal(access(path, F_OK), 0);
    conf_text_deinit(&t);
}

static void a_log_that_cannot_be_opened_is_named(void **state)
{
    struct conf_text t;
    char error[256];

    taken(&t, "error_log stderr;\n" SERVER("access_log /nowhere/else/a.log;"));
    assert_int_equal(snapshot_open_logs(t.snapshot, error, sizeof(error)), -ENOENT);
    assert_string_equal(error,
                        "open() \"/nowhere/else/a.log\" failed (2: No such file or directory)");
    conf_text_deinit(&t);
}

static void the_directory_of_default_logs_is_made(void **state)
{
    const struct conf_folder *f = *state;
    struct conf_text t;
    char error[256], path[128];

    folder_put(f, "main.conf", SERVER(""));
    folder_read(f, &t);
    assert_int_equal(snapshot_open_logs(t.snapshot, error, sizeof(error)), 0);
    snprintf(path, sizeof(path), "%s/logs/access.log", f->path);
    assert_int_equal(access(path, F_OK), 0);
    conf_text_deinit(&t);
}

static void access_log_off_turns_all_of_its_level_off(void **state)
{
    struct conf_text t;

    taken(&t, SERVER("access_log a.log; location / { access_log off; }"));
    assert_int_equal(root_of(&t)->settings.access_log_count, 1);
    assert_int_equal(root_of(&t)->prefixes[0]->settings.access_log_count, 0);
    conf_text_deinit(&t);
}

/* --- the snapshot --------------------------------------------------------------------------- */

static void snapshots_are_counted(void **state)
{
    struct conf_text t;

    taken(&t, SERVER("server_name ~a;"));
    assert_int_equal(t.snapshot->generation, 0);
    assert_ptr_equal(snapshot_ref(t.snapshot), t.snapshot);
    snapshot_unref(t.snapshot);
    assert_span(root_of(&t)->settings.default_type, "text/plain");
    snapshot_unref(NULL);
    conf_text_deinit(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_configuration_without_any_block_is_refused),
        cmocka_unit_test(a_configuration_without_servers_has_nothing_to_do),
        cmocka_unit_test(main_has_nginx_defaults),
        cmocka_unit_test(main_directives_are_taken),
        cmocka_unit_test(automatic_affinity_gives_each_worker_one_cpu_in_turn),
        cmocka_unit_test(workers_are_as_many_as_cpus_when_that_is_asked_for),
        cmocka_unit_test(settings_have_nginx_defaults),
        cmocka_unit_test(proxy_settings_have_their_defaults),
        cmocka_unit_test(blocks_inherit_what_they_do_not_set),
        cmocka_unit_test(lists_are_inherited_only_where_none_is_set),
        cmocka_unit_test(error_pages_say_which_status_is_answered),
        cmocka_unit_test(log_formats_are_joined_and_have_an_escape),
        cmocka_unit_test(roots_have_no_slash_at_their_end),
        cmocka_unit_test(hidden_headers_are_nginx_own_and_ours_without_the_passed),
        cmocka_unit_test(types_are_found_by_extension),
        cmocka_unit_test(parser_limits_are_the_servers),
        cmocka_unit_test(heads_are_bounded_by_what_can_be_written),
        cmocka_unit_test(a_script_is_of_its_block_alone),
        FOLDER_TEST(logs_are_opened_once_for_each_path_that_is_written_to),
        cmocka_unit_test(a_log_that_cannot_be_opened_is_named),
        FOLDER_TEST(the_directory_of_default_logs_is_made),
        cmocka_unit_test(access_log_off_turns_all_of_its_level_off),
        cmocka_unit_test(snapshots_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
