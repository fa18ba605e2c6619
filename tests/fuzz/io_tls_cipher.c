/* io_tls_cipher - a string selects suites, each once, or is refused with a line that says why; and
 * what it selects, written out, selects the same. */
#include "io/tls_cipher.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_same(const struct tls_suites *a, const struct tls_suites *b)
{
    return a->count == b->count && memcmp(a->rows, b->rows, a->count * sizeof(a->rows[0])) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tls_suites first, second;
    char error[256] = "", text[4096];
    int rc = tls_suites_select(span_of((const char *)data, size), &first, error, sizeof(error));

    if (rc) {
        assert(error[0]);
        return 0;
    }
    assert(first.count > 0);
    assert(first.count <= TLS_SUITES_MAX);
    (void)tls_suites_text(&first, text, sizeof(text));
    rc = tls_suites_select(span_of_cstr(text), &second, error, sizeof(error));
    /* Without any of TLS 1.3 it cannot be written: none named means all of them. */
    if (!first.rows[0]->is_tls13)
        return 0;
    assert(rc == 0);
    assert(is_same(&first, &second));
    return 0;
}
