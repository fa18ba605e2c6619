/* snapshot - a configuration as it is in force: read-only, counted, shared by all threads.
 *
 * Built by conf/build, in one arena; freed when the last view of it goes (control has one, each
 * worker one, each running exchange one through its worker). Nothing here changes after it was
 * built but the reference count and the shared words of peers. */
#ifndef RINGWAY_CONF_SNAPSHOT_H
#define RINGWAY_CONF_SNAPSHOT_H

#include <sched.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "conf/field_rules.h"
#include "conf/gate.h"
#include "conf/origin.h"
#include "conf/script.h"
#include "core/address.h"
#include "core/limits.h"
#include "core/log.h"
#include "core/span_table.h"
#include "http/message.h"
#include "http/name_filter.h"
#include "http/parser.h"
#include "io/resolver.h"
#include "io/tls.h"
#include "io/tls_cache.h"
#include "io/tls_ocsp.h"

/* A file that is opened once and written to by many: access and error logs. */
struct log_file {
    struct span path; /* empty: standard error; for a log server: as it was written */
    const struct syslog_target *syslog; /* NULL: a file */
    int fd;                             /* opened by snapshot_open_logs() */
    unsigned index;                     /* in snapshot.log_files */
    bool is_used;                       /* some block writes to it: others are not opened */
    bool is_preset;      /* nobody wrote this path: its directory is made when it is missing */
    unsigned gzip_level; /* 1 to 9; 0: not compressed */
};

/* A target of an error log that gets its descriptor when the log files are opened. */
struct log_use {
    struct log_target *target;
    const struct log_file *file;
};

struct log_format {
    struct span name;
    struct template text;
    enum log_escape { LOG_ESCAPE_DEFAULT, LOG_ESCAPE_JSON, LOG_ESCAPE_NONE } escape;
};

struct access_log {
    const struct log_file *file; /* NULL: "access_log off", unless there is a path */
    const struct template *path; /* with variables, complete: the file is opened when it is known */
    const struct log_format *format;
    size_t buffer_bytes;              /* buffer=; 0: written at the end of each turn */
    uint64_t flush_ms;                /* flush= */
    const struct template *condition; /* if=; NULL: always */
};

/* open_log_file_cache: of files whose path has variables. */
struct log_cache_conf {
    uint64_t files_max;
    uint64_t inactive_ms; /* what is not written to for so long is closed */
    uint64_t valid_ms;    /* how often it is looked whether the path still is this file */
    uint64_t uses_min;    /* within inactive_ms: what is written to less is closed each time */
};

/* A field of a head, or of a trailer. */
struct add_header {
    struct span name;
    enum field_id id;
    struct template value; /* an empty value adds nothing */
    bool looks_back;       /* it may ask for fields of the answer itself: $sent_http_* */
    bool is_always;        /* else only with 200 201 204 206 301 302 303 304 307 308 */
};

/* "expires", for the same statuses. */
struct expires_rule {
    enum expires_kind {
        EXPIRES_OFF,
        EXPIRES_EPOCH,
        EXPIRES_MAX,
        EXPIRES_AFTER_ACCESS,
        EXPIRES_AFTER_CHANGE, /* "modified" */
        EXPIRES_DAILY,        /* "@15h30m" */
    } kind;
    int64_t seconds;       /* may be negative */
    struct template value; /* has variables: parsed for each response; else no text */
};

struct error_page {
    unsigned status;
    struct template uri; /* "/50x.html", "@name", "https://…" */
    unsigned new_status; /* "=200": that status; 0: the error's own */
    bool takes_status;   /* "=": the status of what the uri answers */
};

struct try_files {
    const struct try_file {
        struct template path; /* without the slash behind a directory's */
        bool is_directory;
    } * files;
    size_t count;
    unsigned status;      /* "=404"; 0: last says where to go on */
    struct template last; /* a URI, or "@name" */
};

struct set_header {
    struct span name;
    enum field_id id;      /* of the name */
    struct template value; /* empty: the field is not sent */
};

/* What of a request an upstream gets in another form. */
struct request_changes {
    struct template method; /* when has_method; empty: the request's own */
    struct template body;   /* when has_body: in place of the request's own */
    bool has_method, has_body;
    bool drops_fields; /* proxy_pass_request_headers off: only proxy_set_header's go */
    bool drops_body;   /* proxy_pass_request_body off */
};

/* Texts that count when they are neither empty nor "0". */
struct condition {
    const struct template *texts;
    size_t count;
};

/* proxy_next_upstream. */
#define NEXT_ERROR 1u
#define NEXT_TIMEOUT 2u
#define NEXT_INVALID_HEADER 4u
#define NEXT_NON_IDEMPOTENT 8u
#define NEXT_HTTP_403 16u
#define NEXT_HTTP_404 32u
#define NEXT_HTTP_429 64u
#define NEXT_HTTP_500 128u
#define NEXT_HTTP_502 256u
#define NEXT_HTTP_503 512u
#define NEXT_HTTP_504 1024u
#define NEXT_OFF 2048u

/* proxy_ignore_headers. From IGNORE_X_ACCEL_EXPIRES on nobody would obey them. */
#define IGNORE_X_ACCEL_REDIRECT 1u
#define IGNORE_X_ACCEL_LIMIT_RATE 2u
#define IGNORE_X_ACCEL_BUFFERING 4u
#define IGNORE_X_ACCEL_EXPIRES 8u
#define IGNORE_X_ACCEL_CHARSET 16u
#define IGNORE_EXPIRES 32u
#define IGNORE_CACHE_CONTROL 64u
#define IGNORE_SET_COOKIE 128u
#define IGNORE_VARY 256u

/* One proxy_ssl_* configuration; equal ones are one, so that sessions and contexts are shared. */
struct tls_profile {
    unsigned index;                      /* in snapshot.tls_profiles */
    struct tls_client_settings settings; /* bytes of the files, in the arena */
    bool sends_sni;                      /* proxy_ssl_server_name */
    bool reuses_sessions;                /* proxy_ssl_session_reuse */
    unsigned tickets_max;                /* proxy_ssl_session_tickets */
    struct tls_identity settings_digest; /* over everything that a session depends on here */
    struct span ca_origin;               /* the file of the CAs, the site's or the system's */
    struct origin origin;                /* where the proxy_pass stands that made it */
};

/* proxy_ssl_certificate_cache: one for all blocks that inherit it. */
struct certificate_cache_conf {
    unsigned index; /* below snapshot.certificate_cache_count */
    uint64_t entries_max;
    uint64_t inactive_ms; /* what is not asked for so long goes */
    uint64_t valid_ms;    /* what is older is read again */
};

/* A certificate with variables: proxy_ssl_certificate, that each request chooses, and
 * ssl_certificate, that each handshake does. */
struct certificate_conf {
    struct template certificate, key; /* paths, or "data:" and PEM; an empty certificate: none */
    struct span path_prefix;          /* of relative paths */
    struct tls_passwords passwords;
    const struct certificate_cache_conf *cache; /* NULL: read anew for each request */
};

/* The OCSP response of one of our certificates (ssl_stapling), and where it comes from. */
struct stapling_conf {
    struct tls_staple *staple;
    struct tls_ocsp *ocsp;   /* NULL: from a file, or there is nobody to ask */
    struct span url;         /* of the responder, with a NUL behind it; empty: nobody is asked */
    struct span certificate; /* for messages: its file */
    struct origin origin;
};

/* ssl_session_cache shared:name:size; the name is empty for "builtin". */
struct session_zone {
    struct span name;
    uint64_t bytes;
    struct tls_store *store; /* NULL until a server uses it */
};

struct tls_server_profile {
    unsigned index; /* in snapshot.tls_server_profiles */
    struct tls_server_settings settings;
    const struct certificate_conf *certificate; /* that handshakes choose; NULL: the settings' */
    struct tls_identity digest;                 /* of all of it */
    struct tls_pair *pairs;                     /* the settings', while they are put together */
    struct origin origin;
};

/* The words of a peer that all workers share. */
struct peer_shared {
    _Atomic uint32_t active_count;  /* connections in use by exchanges: max_conns, least_conn */
    _Atomic uint32_t fail_count;    /* within the current fail_timeout */
    _Atomic uint64_t fail_since_ms; /* of loop time; when the first of them was */
    _Atomic uint64_t down_until_ms; /* 0: up */
    _Atomic uint64_t handshakes_full, handshakes_resumed, handshakes_failed;
    _Atomic uint64_t misses[TLS_MISS_COUNT];
    _Atomic uint64_t requests, failures;
};

struct peer_conf {
    struct address address;
    struct span address_text; /* "127.0.0.1:443": $upstream_addr, log */
    struct span host;         /* of the server line, no port, no brackets; empty for unix sockets */
    struct span server_text;  /* the server line's own text: "a.example:443" */
    unsigned weight, max_conns, max_fails;
    uint64_t fail_timeout_ms;
    bool is_backup, is_down;
    unsigned index; /* among the upstream's peers */
    struct peer_shared *shared;
};

enum balance_policy { BALANCE_ROUND_ROBIN, BALANCE_LEAST_CONN };

struct upstream_conf {
    unsigned index;   /* in snapshot.upstreams */
    struct span name; /* of the group; for a single name: host[:port] as in proxy_pass */
    bool is_implicit; /* made by a proxy_pass to a single name */
    struct span host; /* of an implicit one: the name, or "unix:/path" */
    uint16_t port;    /* of an implicit one */
    struct peer_conf *peers;
    size_t peer_count;
    enum balance_policy balance;
    unsigned keepalive_max; /* idle connections per worker; 0: none are kept */
    uint64_t keepalive_requests, keepalive_time_ms, keepalive_timeout_ms;
    struct origin origin;
};

struct proxy_pass {
    bool is_set;
    /* With variables: what follows is each request's own, but for tls and certificate, which are
     * for those that turn out to be https. NULL: there are none. */
    const struct template *url;
    bool is_tls; /* https:// */
    const struct upstream_conf *upstream;
    struct span host;      /* $proxy_host: "name" or "name:port" as written */
    struct span host_name; /* without the port or brackets: for SNI and name checks */
    uint16_t port;         /* $proxy_port */
    bool has_uri;          /* a URI part replaces the location's prefix */
    struct span uri;
    const struct tls_profile *tls; /* when is_tls */
    /* When is_tls; NULL: the profile's pair is shown, or none. Else the profile has no pair. */
    const struct certificate_conf *certificate;
};

/* limit_rate, limit_rate_after, proxy_limit_rate: sizes; without a text: not set. */
struct rate_conf {
    struct template limit_rate, limit_rate_after, proxy_limit_rate;
};

/* proxy_bind. */
struct bind_conf {
    struct template address; /* "192.0.2.1" or with a port */
    bool is_transparent;
};

/* client_body_temp_path. */
struct body_files {
    struct span folder; /* with a NUL behind */
    bool is_preset;     /* nobody wrote it: another one does as well */
    unsigned levels[3]; /* digits of each level of folders for files with names; 0: no more */
};

/* client_body_in_file_only: a file that only memory was too small for has no name. */
enum body_file_naming { BODY_FILE_UNNAMED, BODY_FILE_KEPT, BODY_FILE_CLEAN };

/* "resolver": who is asked for names that only requests name. */
struct resolver_conf {
    unsigned index; /* in snapshot.resolvers */
    struct resolver_settings settings;
};

#define ALIAS_BYTES_ALL SIZE_MAX /* of a regex location: root is the path of the file */

/* What may be set at http, server and location level, inherited as in nginx. */
struct settings {
    uint64_t client_header_timeout_ms, client_body_timeout_ms, send_timeout_ms;
    uint64_t keepalive_timeout_ms; /* 0: no keep-alive */
    uint64_t keepalive_header_s;   /* second argument; 0: no Keep-Alive field */
    uint64_t keepalive_requests, keepalive_time_ms, keepalive_min_timeout_ms;
    unsigned keepalive_disable;    /* bits: 1 msie6, 2 safari */
    uint64_t client_max_body_size; /* bytes; 0: no limit */
    uint64_t client_body_buffer_size, client_header_buffer_size;
    const struct body_files *body_files;
    const struct bind_conf *proxy_bind; /* NULL: off */
    bool proxy_socket_keepalive, proxy_ignore_client_abort, reset_timedout_connection;
    bool proxy_force_ranges;
    const struct rate_conf *rates;               /* NULL: nothing is limited */
    const struct parser_limits *response_limits; /* proxy_buffer_size; of heads of upstreams */
    size_t response_waiting_max;       /* of an answer, for its client; 0: send_high_water */
    bool proxy_buffering;              /* else no more than a head's buffer waits */
    unsigned client_body_in_file_only; /* enum body_file_naming */
    bool proxy_request_buffering;
    uint64_t large_header_buffer_count, large_header_buffer_size;
    uint64_t lingering_time_ms, lingering_timeout_ms;
    unsigned lingering_close; /* 0 off, 1 on, 2 always */
    bool underscores_in_headers, ignore_invalid_headers, merge_slashes;
    bool server_tokens, tcp_nodelay, absolute_redirect, port_in_redirect, server_name_in_redirect;
    struct template root;
    size_t alias_bytes; /* of a URI that root stands in place of, by "alias"; 0: it is no alias */
    bool log_not_found, recursive_error_pages, etag;
    unsigned if_modified_since; /* enum static_since */
    uint64_t max_ranges;
    const struct template *index_files;
    size_t index_file_count;
    struct span default_type;
    struct span_table types; /* of struct span, by extension in lower case, without the dot */
    const struct error_page *error_pages;
    size_t error_page_count;
    const struct access_log *access_logs;
    size_t access_log_count;
    const struct log_cache_conf *log_cache; /* NULL: off */
    struct log error_log;
    bool log_subrequest;
    const struct gate_conf *gate; /* NULL: everybody may come, as often as they like */
    const struct add_header *add_headers;
    size_t add_header_count;
    const struct add_header *add_trailers;
    size_t add_trailer_count;
    const struct expires_rule *expires; /* NULL: off, or never said */

    uint64_t proxy_connect_timeout_ms, proxy_send_timeout_ms, proxy_read_timeout_ms;
    unsigned proxy_http_version_minor;                                  /* 0 or 1 */
    unsigned proxy_next_upstream;                                       /* NEXT_* */
    uint64_t proxy_next_upstream_tries, proxy_next_upstream_timeout_ms; /* 0: no limit */
    const struct set_header *proxy_set_headers; /* complete: with Host and Connection defaults */
    size_t proxy_set_header_count;
    struct name_filter proxy_set_header_filter;
    const struct span *proxy_hide_headers; /* complete: with Date, Server, X-Pad, X-Accel-… */
    size_t proxy_hide_header_count;
    struct name_filter proxy_hide_header_filter;
    const struct field_rules *field_rules; /* NULL: fields of answers pass as they are */
    struct template proxy_ssl_name;        /* when proxy_ssl_name_is_set */
    bool proxy_ssl_name_is_set;
    const struct request_changes *request_changes; /* NULL: requests pass as they came */
    const struct condition *early_hints;           /* NULL: 103 is not passed on */
    const struct condition *allow_upstream;        /* NULL: each upstream is allowed */
    bool proxy_intercept_errors, proxy_pass_trailers, chunked_transfer_encoding;
    unsigned proxy_ignore_headers; /* IGNORE_* */
    bool rewrite_log, uninitialized_variable_warn;
    const struct resolver_conf *resolver; /* NULL: names cannot be resolved */
    uint64_t resolver_timeout_ms;         /* 0: as long as the resolver tries */
};

enum location_kind {
    LOCATION_PREFIX,
    LOCATION_PREFIX_FINAL, /* ^~ */
    LOCATION_EXACT,        /* = */
    LOCATION_REGEX,        /* ~ and ~* */
    LOCATION_NAMED,        /* @name */
};

/* What holds for all other methods than these. */
struct limit_except {
    const struct span *methods; /* in upper case */
    size_t method_count;
    struct location_conf *location;
};

struct location_conf {
    enum location_kind kind;
    struct span pattern;
    struct regex *regex;
    struct settings settings;
    const struct try_files *try_files;        /* NULL: none */
    bool is_internal;                         /* only internal redirects come here */
    const struct location_conf *regex_around; /* the regex that it is nested in; NULL: none */
    const struct script *script;              /* NULL: none */
    struct proxy_pass proxy_pass;
    const struct limit_except *except;  /* NULL: all methods are alike */
    struct parser_limits parser_limits; /* of the server level: used before a location is known */
    /* Nested locations: prefixes and exact ones sorted longest first (of equal length the exact
     * one first), then regexes in file order. */
    struct location_conf **prefixes;
    size_t prefix_count;
    struct location_conf **regexes;
    size_t regex_count;
    struct origin origin;
};

struct server_conf {
    unsigned index;
    struct span name;             /* the first server_name: $server_name; may be empty */
    struct location_conf root;    /* the server's own level: its settings, script, and locations */
    struct location_conf **named; /* @name */
    size_t named_count;
    const struct tls_server_profile *tls; /* NULL without a certificate */
    struct origin origin;
};

struct server_regex_name {
    struct regex *regex;
    const struct server_conf *server;
};

/* The server names of one listening address. */
struct server_names {
    /* Of const struct server_conf, by "a.b", "*.b" as ".b", "a.*" as "a.", in lower case. */
    struct span_table exact, heads, tails;
    const struct server_regex_name *regexes;
    size_t regex_count;
    /* For requests without Host: the server with the name "", or without any; NULL: the default. */
    const struct server_conf *nameless;
};

/* What its connections inherit of a listening socket. */
struct listen_socket {
    enum { KEEPALIVE_AS_IS, KEEPALIVE_ON, KEEPALIVE_OFF } keepalive; /* so_keepalive */
    int keepalive_idle_s, keepalive_interval_s, keepalive_count;     /* 0: the system's */
    int receive_bytes, send_bytes; /* 0: the system's; of rcvbuf, sndbuf */
    int fastopen;                  /* its queue; 0: none */
    bool is_deferred;
};

struct listen_conf {
    unsigned index;
    struct address address;
    struct span text; /* as written, for messages */
    bool is_tls;
    bool is_proxied; /* proxy_protocol */
    struct listen_socket socket;
    int backlog;
    bool ipv6only;
    const struct server_conf *default_server;
    struct server_names names;
    struct origin origin;
};

/* How each worker is made. A reload does not change what runs. */
struct tuning_conf {
    uint64_t ring_entries;
    uint64_t receive_buffer_count, receive_buffer_bytes; /* of the large ones */
    uint64_t send_high_water;
    uint64_t send_zerocopy_bytes; /* from how much on; 0: off */
    uint64_t busy_poll_us;        /* 0: none */
};

struct main_conf {
    bool is_daemon;
    bool has_user;
    uid_t uid;
    gid_t gid;
    struct span user_name;
    unsigned worker_count;
    cpu_set_t *affinity;      /* one per worker, or NULL */
    uint64_t rlimit_nofile;   /* 0: as it is */
    struct span *environment; /* "NAME=value", NUL-terminated */
    size_t environment_count;
    int priority;                /* a nice value; 0: as it is */
    const uint64_t *rlimit_core; /* bytes; NULL: as it is */
    struct span pid_path;
    struct span working_directory; /* empty: it stays where it is */
    uint64_t worker_connections;
    struct tuning_conf tuning;
    bool balances_workers;               /* connections go to the worker with the fewest */
    uint64_t worker_shutdown_timeout_ms; /* 0: none */
    struct log error_log;
};

struct snapshot {
    struct arena arena;
    _Atomic unsigned ref_count;
    uint64_t generation; /* 1, 2, …: for the log */
    struct main_conf main;
    struct listen_conf *listens;
    size_t listen_count;
    struct server_conf **servers;
    size_t server_count;
    struct upstream_conf **upstreams;
    size_t upstream_count;
    const struct upstream_conf *upstream_defaults; /* of those that requests name; NULL: none do */
    const struct resolver_conf **resolvers;
    size_t resolver_count;
    struct tls_profile **tls_profiles;
    size_t tls_profile_count;
    size_t certificate_cache_count;
    struct tls_server_profile **tls_server_profiles;
    size_t tls_server_profile_count;
    struct session_zone **session_zones;
    size_t session_zone_count;
    struct stapling_conf *staplings;
    size_t stapling_count;
    struct tls_server_shared *tls_server_shared; /* NULL without TLS listeners */
    struct limit_zone_conf **limit_zones;
    size_t limit_zone_count;
    struct log_file **log_files;
    size_t log_file_count;
    struct log_use *log_uses;
    size_t log_use_count;
    struct user_variables user_variables;
    const struct span *folders; /* for temporary files: they are made where they are missing */
    size_t folder_count;
    struct regex **regexes; /* all of them, to be freed */
    size_t regex_count;
    const struct span *dump_names; /* -T: files as they were read */
    const struct span *dump_texts;
    size_t dump_count;
    struct span understood; /* -T: see conf/understood */
};

/* One reference more, for the caller. Returns s. */
struct snapshot *snapshot_ref(struct snapshot *s);
/* Frees it with the last one, from any thread; NULL is allowed. */
void snapshot_unref(struct snapshot *s);

/* Makes the folders for temporary files that are missing. 0, or negative errno with a message. */
int snapshot_make_folders(const struct snapshot *s, char *error, size_t error_size) MUST_USE;

/* Gives each limit_zone_conf its zone: the one of `before` (NULL: none) with the same name, use,
 * size and key, which goes on counting, else a new one; and the servers the sessions of `before`,
 * so that clients resume them: its ticket keys, and its caches of the same name and size. To be
 * called before workers see it. 0, or -ENOMEM with a message. */
int snapshot_take_zones(struct snapshot *s, const struct snapshot *before, char *error,
                        size_t error_size) MUST_USE;

/* Opens the log files (append, create 0644). 0, or negative errno with a message. */
int snapshot_open_logs(struct snapshot *s, char *error, size_t error_size) MUST_USE;

/* Opens them again by their paths, each under the descriptor that it has, so that running threads
 * go on writing. 0, or negative errno with a message: that file stays as it was. */
int snapshot_reopen_logs(struct snapshot *s, char *error, size_t error_size) MUST_USE;

#endif
