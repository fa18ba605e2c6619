/* password - is this the password of that line? All schemes of user files that nginx knows. */
#include "proxy/password.h"

#include <crypt.h>
#include <stdlib.h>
#include <string.h>

#include "core/base64.h"
#include "io/tls_digest.h"

#define STORED_BYTES_MAX CRYPT_OUTPUT_SIZE
#define APR1 SPAN("$apr1$")
#define APR1_SALT_BYTES_MAX 8
#define APR1_ROUNDS 1000
#define APR1_TEXT_BYTES 22

static_assert(PASSWORD_BYTES_MAX <= CRYPT_MAX_PASSPHRASE_SIZE, "crypt_rn() takes it");

struct password_scratch {
    struct crypt_data data;
};

struct password_scratch *password_scratch_new(void)
{
    return calloc(1, sizeof(struct password_scratch));
}

void password_scratch_free(struct password_scratch *s)
{
    if (s)
        explicit_bzero(s, sizeof(*s));
    free(s);
}

/* In the same time wherever they differ; that the lengths differ is no secret. */
static bool are_equal(struct span a, struct span b)
{
    volatile unsigned char difference = 0;

    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        difference |= (unsigned char)(a.data[i] ^ b.data[i]);
    return difference == 0;
}

static struct span bytes_of(const unsigned char *data, size_t len)
{
    return span_of((const char *)data, len);
}

/* ---- {SHA} and {SSHA}: base64 of the digest, and of the salt behind it ---- */

static bool sha1_fits(struct span password, struct span base64, bool has_salt)
{
    char stored[STORED_BYTES_MAX];
    unsigned char digest[SHA1_BYTES];
    ssize_t len = -EINVAL;
    struct span parts[2];

    if (base64_bytes_max(base64.len) <= sizeof(stored))
        len = base64_decode(base64, stored);
    if (len < SHA1_BYTES || (!has_salt && len != SHA1_BYTES))
        return false;
    parts[0] = password;
    parts[1] = span_of(stored + SHA1_BYTES, (size_t)len - SHA1_BYTES);
    tls_sha1(parts, COUNT_OF(parts), digest);
    return are_equal(bytes_of(digest, sizeof(digest)), span_of(stored, SHA1_BYTES));
}

/* ---- $apr1$: the MD5 scheme of crypt(3) under another name, which that does not know ---- */

/* Three digest bytes as four digits, least significant first. */
static char *apr1_digits(char *out, unsigned value, unsigned count)
{
    static const char digits[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    for (; count; count--) {
        *out++ = digits[value & 63];
        value >>= 6;
    }
    return out;
}

static void apr1_text(const unsigned char d[MD5_BYTES], char out[APR1_TEXT_BYTES])
{
    for (unsigned i = 0; i < 5; i++) {
        unsigned last = i == 4 ? 5 : i + 12;

        out = apr1_digits(out, (unsigned)d[i] << 16 | (unsigned)d[i + 6] << 8 | d[last], 4);
    }
    (void)apr1_digits(out, d[11], 2);
}

static void apr1_first(struct span password, struct span salt, unsigned char d[MD5_BYTES])
{
    /* Password, name, salt, the digest once per 16 bytes of password, and a byte for each of the
     * bits of its length. */
    struct span parts[3 + PASSWORD_BYTES_MAX / MD5_BYTES + 1 + 16] = {password, salt, password};
    size_t count = 3;

    tls_md5(parts, count, d);
    parts[1] = APR1;
    parts[2] = salt;
    for (size_t left = password.len; left; left -= size_min(left, MD5_BYTES))
        parts[count++] = bytes_of(d, size_min(left, MD5_BYTES));
    for (size_t bits = password.len; bits; bits >>= 1)
        parts[count++] = bits & 1 ? SPAN("\0") : span_take(password, 1);
    tls_md5(parts, count, d);
}

static bool apr1_fits(struct span password, struct span stored)
{
    struct span rest = span_skip(stored, APR1.len);
    struct span salt = span_take(rest, span_index_of(rest, '$'));
    unsigned char d[MD5_BYTES];
    char text[APR1_TEXT_BYTES];

    if (salt.len == rest.len)
        return false;
    rest = span_skip(rest, salt.len + 1);
    salt = span_take(salt, size_min(salt.len, APR1_SALT_BYTES_MAX));
    apr1_first(password, salt, d);
    for (unsigned i = 0; i < APR1_ROUNDS; i++) {
        struct span before = bytes_of(d, sizeof(d));
        const struct span parts[] = {i & 1 ? password : before, i % 3 ? salt : SPAN(""),
                                     i % 7 ? password : SPAN(""), i & 1 ? before : password};

        tls_md5(parts, COUNT_OF(parts), d);
    }
    apr1_text(d, text);
    return are_equal(span_of(text, sizeof(text)), rest);
}

/* ---- crypt(3) ---- */

/* NUL-terminated; false where it does not fit or has a NUL. */
static bool copy_text(struct span s, char *out, size_t size)
{
    if (s.len >= size || memchr(s.data, 0, s.len))
        return false;
    memcpy(out, s.data, s.len);
    out[s.len] = '\0';
    return true;
}

/* crypt_rn, not crypt_r: it says NULL of a setting that is none, and a linker that leaves out
 * libraries without use is not misled by the sanitizer's crypt_r. */
static bool crypt_fits(struct span password, struct span stored, struct password_scratch *s)
{
    char phrase[PASSWORD_BYTES_MAX + 1], setting[STORED_BYTES_MAX];
    const char *made = NULL;

    if (copy_text(password, phrase, sizeof(phrase)) && copy_text(stored, setting, sizeof(setting)))
        made = crypt_rn(phrase, setting, &s->data, sizeof(s->data));
    explicit_bzero(phrase, sizeof(phrase));
    return made && are_equal(span_of_cstr(made), stored);
}

bool password_is_slow(struct span stored)
{
    return !span_starts_with(stored, SPAN("{"));
}

bool password_fits(struct span password, struct span stored, struct password_scratch *s)
{
    if (password.len > PASSWORD_BYTES_MAX)
        return false;
    if (span_starts_with(stored, APR1))
        return apr1_fits(password, stored);
    if (span_starts_with(stored, SPAN("{PLAIN}")))
        return are_equal(password, span_skip(stored, SPAN("{PLAIN}").len));
    if (span_starts_with(stored, SPAN("{SHA}")))
        return sha1_fits(password, span_skip(stored, SPAN("{SHA}").len), false);
    if (span_starts_with(stored, SPAN("{SSHA}")))
        return sha1_fits(password, span_skip(stored, SPAN("{SSHA}").len), true);
    return crypt_fits(password, stored, s);
}
