/* conf_pass_url - a URL that is taken apart has a host, and its parts are its own bytes. */
#include "conf/pass_url.h"

#define ARENA_BYTES 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_within(struct span part, struct span whole)
{
    return !part.len || (part.data >= whole.data && part.data + part.len <= whole.data + whole.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span url = span_of((const char *)data, size);
    struct proxy_pass pass = {.is_set = true};
    const char *error = NULL;
    struct host host;
    struct arena a;
    int status;

    arena_init(&a, ARENA_BYTES, 0);
    status = pass_url_parse(url, &a, &pass, &host, &error);
    assert(status == 0 || (status == -EINVAL && error));
    if (status == 0) {
        assert(is_within(host.text, url));
        assert(host.is_unix || host.name.len);
        assert(host.is_unix ? pass.port == 0 : pass.port > 0);
        assert(pass.host.len);
        assert(pass.has_uri == (pass.uri.len > 0));
        assert(!pass.has_uri || pass.uri.data[0] == '/');
        assert(host.is_unix || !memchr(host.name.data, ' ', host.name.len));
    }
    arena_deinit(&a);
    return 0;
}
