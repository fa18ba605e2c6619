/* draft - what a configuration is while it is being built.
 *
 * Lives for one snapshot_build(). A scope is one block with the values that its directives set;
 * at the end of the block what was not set is inherited, by the table. */
#ifndef RINGWAY_CONF_DRAFT_H
#define RINGWAY_CONF_DRAFT_H

#include "conf/row.h"
#include "conf/snapshot.h"

/* A list that grows, in the arena. */
struct vector {
    void *items;
    size_t count;
    size_t capacity;
};

/* A word with where it stood. */
struct word {
    struct span text;
    struct origin origin;
};

/* How an access log that is written through a buffer was described first. */
struct log_buffer_draft {
    const struct log_file *file;
    size_t bytes;
    uint64_t flush_ms;
    unsigned gzip_level;
};

struct error_log_draft {
    struct log_file *file;
    enum log_level level;
};

struct main_draft {
    struct main_conf conf;
    struct vector error_logs;    /* struct error_log_draft */
    struct vector affinity_sets; /* cpu_set_t */
    struct vector environment;   /* struct span */
    bool affinity_is_auto;
    bool ignored_flag;
    uint64_t ignored_number;
    unsigned ignored_word;
    struct span ignored_text;
};

/* (proxy_)ssl_certificate or its key: a path, or "data:" and PEM. */
struct certificate_draft {
    struct word file;      /* without variables the path is complete */
    struct template value; /* as it was written; no text: not set */
};

/* proxy_ssl_* and ssl_*, by name. Paths are complete. */
struct client_tls_draft {
    struct certificate_draft certificate, certificate_key;
    struct word trusted_certificate, crl, key_log, password_file, ciphers;
    struct vector conf_commands; /* struct conf_command */
    unsigned protocols;
    bool server_name, session_reuse, verify;
    uint64_t verify_depth, session_tickets;
    const struct certificate_cache_conf *certificate_cache; /* NULL: off */
};

struct conf_command {
    struct word name;
    struct span value;
};

struct server_tls_draft {
    struct vector certificates; /* struct certificate_draft */
    struct vector certificate_keys;
    struct word password_file, ciphers, client_certificate, trusted_certificate, crl;
    struct word curves, dhparam, stapling_file, stapling_responder;
    struct vector conf_commands; /* struct conf_command */
    struct vector ticket_keys;   /* struct word */
    unsigned protocols;
    bool prefer_server_ciphers, session_tickets, reject_handshake, stapling, stapling_verify;
    bool early_data;
    const struct certificate_cache_conf *certificate_cache; /* NULL: off */
    uint64_t buffer_size;
    unsigned verify_client;
    uint64_t verify_depth;
    uint64_t session_timeout_ms;
    const struct session_zone *session_zone; /* NULL: none */
};

struct listen_draft {
    struct address address;
    struct span text;
    struct origin origin;
    bool is_default, is_tls, is_proxied, has_options, ipv6only;
    int backlog;
    struct listen_socket socket;
};

struct server_name_draft {
    struct span name; /* as written; lower case where it is not a regex */
    struct regex *regex;
    struct origin origin;
};

struct mime_draft {
    struct span extension, type;
};

struct gate_draft {
    struct vector rules; /* struct access_rule, of allow and deny */
    unsigned satisfies_any;
    struct template realm, user_file; /* no text: not set */
    uint64_t auth_delay_ms;
    struct span auth_request_uri; /* "off": none */
    struct vector auth_variables; /* struct auth_variable */
    struct vector proxies;        /* struct network, of set_real_ip_from */
    struct span real_ip_field;
    bool real_ip_is_recursive;
};

/* How a list goes on from one block to those within. */
enum inherit { INHERIT_UNLESS_SET, INHERIT_NEVER, INHERIT_MERGED };

struct alias_draft {
    struct template path;
    size_t bytes; /* as in struct settings; 0: not set */
};

/* Rules of which the first that fits counts. */
struct rule_list {
    struct vector rules;
    bool is_off; /* said so: then nothing else may stand beside it */
};

struct field_rules_draft {
    struct rule_list redirects, cookie_domains, cookie_paths; /* struct replacement */
    struct rule_list cookie_flags;                            /* struct cookie_flags */
};

struct request_changes_draft {
    struct template method, body; /* no text: not set */
    bool passes_fields, passes_body;
};

/* "proxy_redirect default", until the location is known that it is made of. */
static inline bool replacement_is_default(const struct replacement *r)
{
    return !r->regex && !r->from.text.data;
}

/* limit_req, limit_conn. */
struct limit_draft {
    struct span zone;
    bool has_zone;
    uint64_t burst, delay;
    unsigned most;
    struct origin origin;
};

struct limits_draft {
    struct vector requests, connections; /* struct limit_draft */
    struct limit_policy request_policy, connection_policy;
};

/* A size, where it stood, and whether anybody wrote it. */
struct size_draft {
    uint64_t size;
    uint64_t count; /* of such: proxy_buffers */
    struct origin origin;
    bool is_given;
};

/* How fast and how far ahead an answer goes to its client. */
struct flow_draft {
    struct rate_conf rates;
    bool proxy_buffering;
    struct size_draft proxy_buffer_size, proxy_buffers, proxy_busy_buffers_size;
    struct size_draft proxy_temp_file_write_size, proxy_max_temp_file_size;
};

/* An "if" in a location, which becomes a location of its own. */
struct if_draft {
    size_t op; /* in the level's script */
    const struct node *node;
};

/* Values of http, server and location blocks. */
struct level {
    struct settings settings;
    struct alias_draft alias;
    struct try_files *try_files; /* NULL: none */
    bool is_internal;
    struct vector index_files;                        /* struct template */
    struct vector types;                              /* struct mime_draft */
    struct vector error_pages;                        /* struct error_page */
    struct vector access_logs;                        /* struct access_log */
    struct vector error_logs;                         /* struct error_log_draft */
    struct vector add_headers;                        /* struct add_header */
    struct vector add_trailers;                       /* likewise */
    struct vector set_headers;                        /* struct set_header */
    struct vector hide_headers;                       /* struct span */
    struct vector pass_headers;                       /* struct span */
    unsigned add_header_inherit, add_trailer_inherit; /* enum inherit */
    struct field_rules_draft field_rules;
    struct flow_draft flow;
    struct request_changes_draft request;
    struct vector early_hints;    /* struct template */
    struct vector allow_upstream; /* likewise */
    struct template proxy_ssl_name;
    struct client_tls_draft client_tls;
    struct server_tls_draft server_tls;
    uint64_t max_headers;
    struct vector script; /* struct script_op */
    struct vector ifs;    /* struct if_draft */
    struct word proxy_pass;
    struct gate_draft gate;
    struct limits_draft limits;
    struct vector except_methods; /* struct span */
    struct vector listens;        /* struct listen_draft */
    struct vector server_names;   /* struct server_name_draft */
    bool ignored_flag;
    uint64_t ignored_number;
};

struct peer_draft {
    struct peer_conf conf; /* without an address */
    struct span url;
    struct origin origin;
};

struct upstream_draft {
    struct vector peers; /* struct peer_draft */
    uint64_t keepalive_max, keepalive_requests, keepalive_time_ms, keepalive_timeout_ms;
    enum balance_policy balance;
};

/* An upstream that was built, and how it is found. */
struct upstream_entry {
    struct upstream_conf *conf;
    const struct peer_draft *portless; /* a server line of a group without a port; NULL: none */
};

#define DIRECTIVES_MAX 512

struct scope {
    unsigned context;
    const struct scope *outer; /* what it inherits from; NULL: nothing */
    const struct node *node;
    void *values; /* struct main_draft, struct level or struct upstream_draft */
    uint64_t is_set[DIRECTIVES_MAX / 64]; /* by directive_number(): stood in this block */
};

struct conf_options {
    struct span prefix;      /* relative paths start here; with its '/', or empty */
    struct span conf_prefix; /* relative includes and keys start here */
    bool is_test;            /* directives without effect are named */
    bool reads_nothing;      /* no file and no name is looked up: for fuzzing */
};

/* What all steps of one build share. */
struct conf {
    struct snapshot *snapshot;
    struct arena *arena;  /* the snapshot's */
    struct arena scratch; /* for what nothing in the snapshot points to: nodes, levels, drafts */
    const struct log *log;
    struct conf_options options;
    bool is_in_preset; /* a default is being set: nobody wrote it */
    struct tree tree;
    struct tree tuning; /* of the command line: wins over the tree */
    struct main_draft main;
    struct vector log_files;           /* struct log_file * */
    struct vector log_formats;         /* struct log_format * */
    struct vector log_uses;            /* struct log_use */
    struct vector log_buffers;         /* struct log_buffer_draft */
    struct vector folders;             /* struct span: for temporary files */
    struct vector regexes;             /* struct regex_use */
    struct vector variables;           /* struct user_variable */
    struct vector servers;             /* struct server_draft * */
    struct vector upstreams;           /* struct upstream_entry */
    struct vector limit_zones;         /* struct limit_zone_conf * */
    struct vector unverified;          /* struct unverified: what was warned about */
    struct vector tls_profiles;        /* struct tls_profile * */
    struct vector tls_server_profiles; /* struct tls_server_profile * */
    struct vector staplings;           /* struct stapling_conf */
    struct vector session_zones;       /* struct session_zone * */
    struct vector files;               /* struct file_read: certificates and keys */
    size_t certificate_cache_count;
    struct vector resolvers; /* struct resolver_conf * */
};

struct unverified {
    const struct tls_profile *tls;
    const struct upstream_conf *upstream;
};

struct file_read { /* read once, also when it is named twice */
    struct span path;
    struct span text;
};

struct regex_use { /* one for equal patterns */
    struct span pattern;
    bool ignores_case;
    struct regex *regex;
};

/* A server that was built, for its addresses. */
struct server_draft {
    struct server_conf *conf;
    struct level level;
};

/* Logs an [emerg] with the origin of the node. Returns -EINVAL. */
int conf_fail(const struct conf *c, const struct node *n, const char *format, ...)
    PRINTF_LIKE(3, 4);
int conf_fail_at(const struct conf *c, const struct origin *o, const char *format, ...)
    PRINTF_LIKE(3, 4);
void conf_warn(const struct conf *c, const struct origin *o, const char *format, ...)
    PRINTF_LIKE(3, 4);
int conf_fail_no_memory(const struct conf *c);

/* A new element at the end, cleared; NULL when memory is at its end. The element moves when the
 * list grows. */
void *vector_add(struct conf *c, struct vector *v, size_t element_bytes) MUST_USE;

/* Text with the prefix in front where it is relative; data NULL: no memory. */
struct span conf_path(const struct conf *c, struct span path) MUST_USE;
/* The same for certificates, keys and includes, which start where the configuration file is. */
struct span conf_file_path(const struct conf *c, struct span path) MUST_USE;

/* Makes $name a variable everywhere: for the learn pass, which knows all before the first template
 * is compiled. word: with its '$'. A variable that has a kind takes another one, but "set" changes
 * none. 0; -EINVAL or -ENOMEM after it logged why. */
int conf_learn_variable(struct conf *c, const struct origin *o, struct span word,
                        enum user_variable_kind kind) MUST_USE;

/* A variable by its name (no '$', in any case), to give it a source; NULL: none. Moves when one is
 * learnt. */
struct user_variable *conf_user_variable(const struct conf *c, struct span name);

/* Compiles with all variables known; logs on failure. */
int conf_template(struct conf *c, const struct origin *o, struct span text,
                  struct template *out) MUST_USE;

/* The regex of a pattern, compiled once, its named groups learnt as variables; logs on failure. */
int conf_regex(struct conf *c, const struct origin *o, struct span pattern, bool ignores_case,
               struct regex **out) MUST_USE;

/* The log file of a path (complete; empty: standard error), one for each path. */
int conf_log_file(struct conf *c, struct span path, struct log_file **out) MUST_USE;

/* Some block writes to this file. */
void conf_use_log_file(struct conf *c, const struct log_file *file);

#endif
