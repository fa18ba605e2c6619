/* pass_url - the URL of a proxy_pass, taken apart: when the configuration is built, or, with
 * variables in it, for each request. */
#ifndef RINGWAY_CONF_PASS_URL_H
#define RINGWAY_CONF_PASS_URL_H

#include "conf/host.h"
#include "conf/snapshot.h"

/* "http://host:port/uri", "https://unix:/path:/uri": fills in is_tls, host, host_name, port, uri
 * and has_uri, as views of the URL or in the arena. 0; -ENOMEM; -EINVAL with what is wrong in
 * nginx's words, and out->host what is wrong with it (empty: the prefix). */
int pass_url_parse(struct span url, struct arena *a, struct proxy_pass *out, struct host *host,
                   const char **error) MUST_USE;

#endif
