/* tls_cipher - OpenSSL's cipher-string language over the suites that we have.
 *
 * The rules are those of ciphers(1) and of ssl_create_cipher_list() in OpenSSL: a list of all
 * suites in the base order, each active or not, that every word of the string edits in place.
 * The table below is in that base order: what `openssl ciphers ALL` says, less what we lack. */
#include "io/tls_cipher.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { KX_ECDHE = 1, KX_DHE = 2, KX_ANY = KX_ECDHE | KX_DHE };
enum { AU_ECDSA = 1, AU_RSA = 2, AU_ANY = AU_ECDSA | AU_RSA };
enum {
    ENC_AES128 = 1,
    ENC_AES256 = 2,
    ENC_AES128GCM = 4,
    ENC_AES256GCM = 8,
    ENC_CHACHA20 = 16,
    ENC_AESGCM = ENC_AES128GCM | ENC_AES256GCM,
    ENC_AES = ENC_AES128 | ENC_AES256 | ENC_AESGCM,
    ENC_ANY = ENC_AES | ENC_CHACHA20,
};
enum { MAC_AEAD = 1, MAC_SHA1 = 2, MAC_SHA256 = 4, MAC_SHA384 = 8 };

#define SECURITY_LEVEL_MAX 2 /* what all our suites satisfy */
#define WORD_BYTES_MAX 100

static const struct tls_suite suites_tls13[] = {
    {"TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256", 0x1301, true, .bits = 128},
    {"TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384", 0x1302, true, .bits = 256},
    {"TLS_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256", 0x1303, true, .bits = 256},
};

/* kx and au are words, enc has its bits behind it, mac is a word. */
#define SUITE(name, iana, id, kx, au, enc, bits, mac)                              \
    {                                                                              \
        name, "TLS_" iana, id, false, KX_##kx, AU_##au, ENC_##enc, MAC_##mac, bits \
    }

static const struct tls_suite suites_tls12[] = {
    SUITE("ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", 0xc02c, ECDHE,
          ECDSA, AES256GCM, 256, AEAD),
    SUITE("ECDHE-RSA-AES256-GCM-SHA384", "ECDHE_RSA_WITH_AES_256_GCM_SHA384", 0xc030, ECDHE, RSA,
          AES256GCM, 256, AEAD),
    SUITE("DHE-RSA-AES256-GCM-SHA384", "DHE_RSA_WITH_AES_256_GCM_SHA384", 0x009f, DHE, RSA,
          AES256GCM, 256, AEAD),
    SUITE("ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", 0xcca9,
          ECDHE, ECDSA, CHACHA20, 256, AEAD),
    SUITE("ECDHE-RSA-CHACHA20-POLY1305", "ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", 0xcca8, ECDHE,
          RSA, CHACHA20, 256, AEAD),
    SUITE("DHE-RSA-CHACHA20-POLY1305", "DHE_RSA_WITH_CHACHA20_POLY1305_SHA256", 0xccaa, DHE, RSA,
          CHACHA20, 256, AEAD),
    SUITE("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", 0xc02b, ECDHE,
          ECDSA, AES128GCM, 128, AEAD),
    SUITE("ECDHE-RSA-AES128-GCM-SHA256", "ECDHE_RSA_WITH_AES_128_GCM_SHA256", 0xc02f, ECDHE, RSA,
          AES128GCM, 128, AEAD),
    SUITE("DHE-RSA-AES128-GCM-SHA256", "DHE_RSA_WITH_AES_128_GCM_SHA256", 0x009e, DHE, RSA,
          AES128GCM, 128, AEAD),
    SUITE("ECDHE-ECDSA-AES256-SHA384", "ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", 0xc024, ECDHE, ECDSA,
          AES256, 256, SHA384),
    SUITE("ECDHE-RSA-AES256-SHA384", "ECDHE_RSA_WITH_AES_256_CBC_SHA384", 0xc028, ECDHE, RSA,
          AES256, 256, SHA384),
    SUITE("DHE-RSA-AES256-SHA256", "DHE_RSA_WITH_AES_256_CBC_SHA256", 0x006b, DHE, RSA, AES256, 256,
          SHA256),
    SUITE("ECDHE-ECDSA-AES128-SHA256", "ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", 0xc023, ECDHE, ECDSA,
          AES128, 128, SHA256),
    SUITE("ECDHE-RSA-AES128-SHA256", "ECDHE_RSA_WITH_AES_128_CBC_SHA256", 0xc027, ECDHE, RSA,
          AES128, 128, SHA256),
    SUITE("DHE-RSA-AES128-SHA256", "DHE_RSA_WITH_AES_128_CBC_SHA256", 0x0067, DHE, RSA, AES128, 128,
          SHA256),
    SUITE("ECDHE-ECDSA-AES256-SHA", "ECDHE_ECDSA_WITH_AES_256_CBC_SHA", 0xc00a, ECDHE, ECDSA,
          AES256, 256, SHA1),
    SUITE("ECDHE-RSA-AES256-SHA", "ECDHE_RSA_WITH_AES_256_CBC_SHA", 0xc014, ECDHE, RSA, AES256, 256,
          SHA1),
    SUITE("DHE-RSA-AES256-SHA", "DHE_RSA_WITH_AES_256_CBC_SHA", 0x0039, DHE, RSA, AES256, 256,
          SHA1),
    SUITE("ECDHE-ECDSA-AES128-SHA", "ECDHE_ECDSA_WITH_AES_128_CBC_SHA", 0xc009, ECDHE, ECDSA,
          AES128, 128, SHA1),
    SUITE("ECDHE-RSA-AES128-SHA", "ECDHE_RSA_WITH_AES_128_CBC_SHA", 0xc013, ECDHE, RSA, AES128, 128,
          SHA1),
    SUITE("DHE-RSA-AES128-SHA", "DHE_RSA_WITH_AES_128_CBC_SHA", 0x0033, DHE, RSA, AES128, 128,
          SHA1),
};

#define SUITE12_COUNT COUNT_OF(suites_tls12)
static_assert(COUNT_OF(suites_tls12) + COUNT_OF(suites_tls13) <= TLS_SUITES_MAX,
              "a struct tls_suites holds all of them");

/* What a word (or words joined by '+') selects; a column of 0 does not narrow. */
struct selector {
    unsigned kx, au, enc, mac;
    const char *min_protocol;
    const struct tls_suite *one;
    bool is_nothing; /* known, but we have none of it */
};

struct word {
    const char *text;
    struct selector selects;
};

#define NOTHING            \
    {                      \
        .is_nothing = true \
    }

/* The keywords of ciphers(1). */
static const struct word keywords[] = {
    {"ALL", {0}},
    {"HIGH", {0}},
    {"MEDIUM", NOTHING},
    {"LOW", NOTHING},
    {"EXPORT", NOTHING},
    {"EXPORT40", NOTHING},
    {"EXPORT56", NOTHING},
    {"EXP", NOTHING},
    {"COMPLEMENTOFALL", NOTHING},
    {"COMPLEMENTOFDEFAULT", NOTHING},
    {"FIPS", {.enc = ENC_AES}},
    {"kECDHE", {.kx = KX_ECDHE}},
    {"kEECDH", {.kx = KX_ECDHE}},
    {"ECDHE", {.kx = KX_ECDHE}},
    {"EECDH", {.kx = KX_ECDHE}},
    {"ECDH", {.kx = KX_ECDHE}},
    {"kDHE", {.kx = KX_DHE}},
    {"kEDH", {.kx = KX_DHE}},
    {"DHE", {.kx = KX_DHE}},
    {"EDH", {.kx = KX_DHE}},
    {"DH", {.kx = KX_DHE}},
    {"aECDSA", {.au = AU_ECDSA}},
    {"ECDSA", {.au = AU_ECDSA}},
    {"aRSA", {.au = AU_RSA}},
    {"AES", {.enc = ENC_AES}},
    {"AES128", {.enc = ENC_AES128 | ENC_AES128GCM}},
    {"AES256", {.enc = ENC_AES256 | ENC_AES256GCM}},
    {"AESGCM", {.enc = ENC_AESGCM}},
    {"CHACHA20", {.enc = ENC_CHACHA20}},
    {"SHA", {.mac = MAC_SHA1}},
    {"SHA1", {.mac = MAC_SHA1}},
    {"SHA256", {.mac = MAC_SHA256}},
    {"SHA384", {.mac = MAC_SHA384}},
    {"TLSv1.2", {.min_protocol = "TLSv1.2"}},
    {"TLSv1.0", {.min_protocol = "TLSv1"}},
    {"TLSv1", {.min_protocol = "TLSv1"}},
    {"SSLv3", {.min_protocol = "SSLv3"}},
};

/* Keywords that OpenSSL has or had, for what we never have. */
static const char *const keywords_of_nothing[] = {
    "aNULL",     "eNULL",     "NULL",        "kRSA",        "RSA",         "aDSS",    "DSS",
    "kDHr",      "kDHd",      "kDH",         "aDH",         "kECDHr",      "kECDHe",  "kECDH",
    "aECDH",     "ADH",       "AECDH",       "AESCCM",      "AESCCM8",     "ARIA",    "ARIA128",
    "ARIA256",   "ARIAGCM",   "CAMELLIA",    "CAMELLIA128", "CAMELLIA256", "SEED",    "IDEA",
    "RC2",       "RC4",       "DES",         "3DES",        "MD5",         "GOST94",  "GOST89",
    "GOST12",    "GOST89MAC", "GOST89MAC12", "GOST2012",    "aGOST",       "aGOST01", "aGOST12",
    "kGOST",     "kGOST18",   "GOST",        "PSK",         "kPSK",        "aPSK",    "kRSAPSK",
    "kECDHEPSK", "kDHEPSK",   "SRP",         "kSRP",        "aSRP",        "KRB5",    "kKRB5",
    "aKRB5",     "FZA",       "kFZA",        "aFZA",        "eFZA",        "SSLv2",   "CBC",
};

/* What single names of suites are made of: such a name is known even where we lack the suite. */
static const char *const name_parts[] = {
    "ECDHE",    "ECDH",     "EECDH",   "DHE",    "EDH",         "DH",          "ADH",
    "AECDH",    "ECDSA",    "RSA",     "DSS",    "PSK",         "SRP",         "KRB5",
    "EXP",      "EXP1024",  "TLS",     "TLS13",  "WITH",        "AES128",      "AES256",
    "AES",      "128",      "256",     "40",     "56",          "112",         "168",
    "CBC",      "CBC3",     "GCM",     "CCM",    "CCM8",        "8",           "CHACHA20",
    "POLY1305", "ARIA128",  "ARIA256", "ARIA",   "CAMELLIA128", "CAMELLIA256", "CAMELLIA",
    "SEED",     "IDEA",     "RC2",     "RC4",    "DES",         "3DES",        "EDE",
    "NULL",     "MD5",      "SHA",     "SHA256", "SHA384",      "GOST94",      "GOST2001",
    "GOST2012", "GOST8912", "GOST89",  "LEGACY", "OMAC",        "KUZNYECHIK",  "MAGMA",
    "anon",     "EXPORT",   "MAC",     "IANA",   "CTR",
};

/* The list that the words edit. Killed entries are gone. */
struct editor {
    struct entry {
        const struct tls_suite *suite;
        bool is_active;
    } entries[SUITE12_COUNT];
    size_t count;
    struct tls_suites tls13; /* named by the string */
    bool is_killed13[COUNT_OF(suites_tls13)];
    char *error;
    size_t error_size;
    struct span unknown; /* the first name that nobody knows */
};

PRINTF_LIKE(2, 3)
static int refuse(const struct editor *e, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(e->error, e->error_size, format, args);
    va_end(args);
    return -EINVAL;
}

/* The oldest protocol that has the suite; OpenSSL's min_tls. */
static const char *min_protocol_of(const struct tls_suite *s)
{
    if (s->mac != MAC_SHA1)
        return "TLSv1.2";
    return s->kx == KX_ECDHE ? "TLSv1" : "SSLv3";
}

static bool selects(const struct selector *by, const struct tls_suite *s)
{
    if (by->is_nothing || (by->one && by->one != s))
        return false;
    if ((by->kx && !(by->kx & s->kx)) || (by->au && !(by->au & s->au)))
        return false;
    if ((by->enc && !(by->enc & s->enc)) || (by->mac && !(by->mac & s->mac)))
        return false;
    return !by->min_protocol || strcmp(by->min_protocol, min_protocol_of(s)) == 0;
}

/* Moves those entries that match to one end, all in their order, and sets them to is_active. */
static void move(struct editor *e, const struct selector *by, bool from_active, bool to_end,
                 bool is_active)
{
    struct entry moved[SUITE12_COUNT], kept[SUITE12_COUNT];
    size_t moved_count = 0, kept_count = 0;

    for (size_t i = 0; i < e->count; i++) {
        struct entry *entry = &e->entries[i];

        if (entry->is_active == from_active && selects(by, entry->suite)) {
            moved[moved_count] = *entry;
            moved[moved_count++].is_active = is_active;
        } else {
            kept[kept_count++] = *entry;
        }
    }
    memcpy(e->entries + (to_end ? 0 : moved_count), kept, kept_count * sizeof(*kept));
    memcpy(e->entries + (to_end ? kept_count : 0), moved, moved_count * sizeof(*moved));
}

static void kill(struct editor *e, const struct selector *by)
{
    size_t kept = 0;

    for (size_t i = 0; i < e->count; i++) {
        if (!selects(by, e->entries[i].suite))
            e->entries[kept++] = e->entries[i];
    }
    e->count = kept;
}

/* One rule: the sign before the word says what becomes of the suites. */
static void apply(struct editor *e, char sign, const struct selector *by)
{
    switch (sign) {
    case '!':
        kill(e, by);
        break;
    case '-':
        /* What was dropped last comes first when it is added again, as in OpenSSL. */
        move(e, by, true, false, false);
        break;
    case '+':
        move(e, by, true, true, true);
        break;
    default:
        move(e, by, false, true, true);
    }
}

static void sort_by_strength(struct editor *e)
{
    static const unsigned bits[] = {256, 128};

    for (size_t b = 0; b < COUNT_OF(bits); b++) {
        for (size_t i = 0, left = e->count; left; left--) {
            struct selector one = {.one = e->entries[i].suite};

            if (e->entries[i].is_active && e->entries[i].suite->bits == bits[b])
                move(e, &one, true, true, true);
            else
                i++;
        }
    }
}

static bool is_in_table(struct span text, const char *const *table, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (span_equals(text, span_of_cstr(table[i])))
            return true;
    }
    return false;
}

/* True for "EXP-RC4-MD5" or "TLS_RSA_WITH_AES_128_CBC_SHA". */
static bool is_suite_name_of_others(struct span text)
{
    size_t parts = 0;

    while (text.len) {
        size_t end = size_min(span_index_of(text, '-'), span_index_of(text, '_'));

        if (!is_in_table(span_take(text, end), name_parts, COUNT_OF(name_parts)))
            return false;
        parts++;
        text = span_skip(text, size_min(end + 1, text.len));
    }
    return parts >= 2;
}

static const struct tls_suite *find_suite(const struct tls_suite *table, size_t count,
                                          struct span name)
{
    for (size_t i = 0; i < count; i++) {
        if (span_equals(name, span_of_cstr(table[i].openssl_name)) ||
            span_equals(name, span_of_cstr(table[i].iana_name)))
            return &table[i];
    }
    return NULL;
}

/* What one word selects. False when nobody knows the word. */
static bool look_up(struct span word, struct selector *out)
{
    *out = (struct selector){.one = find_suite(suites_tls12, SUITE12_COUNT, word)};
    if (out->one)
        return true;
    for (size_t i = 0; i < COUNT_OF(keywords); i++) {
        if (span_equals(word, span_of_cstr(keywords[i].text))) {
            *out = keywords[i].selects;
            return true;
        }
    }
    out->is_nothing = true;
    return is_in_table(word, keywords_of_nothing, COUNT_OF(keywords_of_nothing)) ||
           is_suite_name_of_others(word);
}

/* A column that both narrow to different values leaves nothing. */
static unsigned both(unsigned a, unsigned b, bool *is_nothing)
{
    if (a && b && !(a & b))
        *is_nothing = true;
    return a && b ? a & b : a | b;
}

static void narrow(struct selector *by, const struct selector *with)
{
    bool *nothing = &by->is_nothing;

    *nothing |= with->is_nothing;
    by->kx = both(by->kx, with->kx, nothing);
    by->au = both(by->au, with->au, nothing);
    by->enc = both(by->enc, with->enc, nothing);
    by->mac = both(by->mac, with->mac, nothing);
    if (by->one && with->one && by->one != with->one)
        *nothing = true;
    if (by->min_protocol && with->min_protocol && strcmp(by->min_protocol, with->min_protocol) != 0)
        *nothing = true;
    by->one = by->one ? by->one : with->one;
    by->min_protocol = by->min_protocol ? by->min_protocol : with->min_protocol;
}

/* "ECDHE+AESGCM": what all of its parts select. */
static int parse_conjunction(struct editor *e, struct span text, struct selector *out)
{
    *out = (struct selector){0};
    if (text.len && text.data[text.len - 1] == '+')
        return refuse(e, "nothing follows the \"+\" of \"%.*s\"",
                      (int)size_min(text.len, WORD_BYTES_MAX), text.data);
    do {
        size_t end = span_index_of(text, '+');
        struct span word = span_take(text, end);
        struct selector part;

        if (!word.len)
            return refuse(e, "a name is missing");
        if (!look_up(word, &part) && !e->unknown.len)
            e->unknown = word;
        narrow(out, &part);
        text = span_skip(text, size_min(end + 1, text.len));
    } while (text.len);
    return 0;
}

/* "@STRENGTH" or "@SECLEVEL=n". */
static int apply_command(struct editor *e, struct span word)
{
    uint64_t level;

    if (span_equals(word, SPAN("@STRENGTH"))) {
        sort_by_strength(e);
        return 0;
    }
    if (!span_starts_with(word, SPAN("@SECLEVEL=")) ||
        span_to_u64(span_skip(word, SPAN("@SECLEVEL=").len), &level))
        return refuse(e, "unknown cipher command \"%.*s\"", (int)size_min(word.len, WORD_BYTES_MAX),
                      word.data);
    if (level > SECURITY_LEVEL_MAX)
        return refuse(e, "security level %u is not supported, %d is the highest",
                      (unsigned)u64_min(level, 99), SECURITY_LEVEL_MAX);
    return 0;
}

/* A name of TLS 1.3 is not part of the list: it narrows those suites to the named ones. */
static void apply_tls13(struct editor *e, char sign, const struct tls_suite *suite)
{
    struct tls_suites *named = &e->tls13;

    if (sign == '!' || sign == '-') {
        e->is_killed13[suite - suites_tls13] = true;
        return;
    }
    for (size_t i = 0; i < named->count; i++) {
        if (named->rows[i] == suite)
            return;
    }
    named->rows[named->count++] = suite;
}

static int apply_word(struct editor *e, struct span word)
{
    char sign = strchr("!-+", word.data[0]) ? word.data[0] : 0;
    const struct tls_suite *tls13;
    struct selector by;
    int rc;

    if (word.data[0] == '@')
        return apply_command(e, word);
    if (sign)
        word = span_skip(word, 1);
    tls13 = find_suite(suites_tls13, COUNT_OF(suites_tls13), word);
    if (tls13) {
        apply_tls13(e, sign, tls13);
        return 0;
    }
    /* DEFAULT is ALL:!COMPLEMENTOFDEFAULT:!eNULL, which for our suites is ALL. */
    if (!sign && span_equals(word, SPAN("DEFAULT")))
        word = SPAN("ALL");
    rc = parse_conjunction(e, word, &by);
    if (rc)
        return rc;
    apply(e, sign, &by);
    return 0;
}

static bool is_separator(char c)
{
    return c == ':' || c == ',' || c == ' ' || c == ';';
}

/* "HIGH@STRENGTH": a command begins a word as well. */
static bool ends_word(struct span text, size_t at)
{
    return at == text.len || is_separator(text.data[at]) || (at && text.data[at] == '@');
}

static int apply_words(struct editor *e, struct span text)
{
    while (text.len) {
        size_t end = 0;
        int rc;

        while (!ends_word(text, end))
            end++;
        rc = end ? apply_word(e, span_take(text, end)) : 0;
        if (rc)
            return rc;
        if (end < text.len && is_separator(text.data[end]))
            end++;
        text = span_skip(text, end);
    }
    return 0;
}

static void put_out_tls13(const struct editor *e, struct tls_suites *out)
{
    size_t count = e->tls13.count ? e->tls13.count : COUNT_OF(suites_tls13);

    for (size_t i = 0; i < count; i++) {
        const struct tls_suite *s = e->tls13.count ? e->tls13.rows[i] : &suites_tls13[i];

        if (!e->is_killed13[s - suites_tls13])
            out->rows[out->count++] = s;
    }
}

int tls_suites_select(struct span text, struct tls_suites *out, char *error, size_t error_size)
{
    struct editor e = {.count = SUITE12_COUNT, .error = error, .error_size = error_size};
    size_t active = 0;
    int rc;

    for (size_t i = 0; i < SUITE12_COUNT; i++)
        e.entries[i].suite = &suites_tls12[i];
    rc = apply_words(&e, text);
    if (rc)
        return rc;
    *out = (struct tls_suites){.unknown = e.unknown};
    put_out_tls13(&e, out);
    for (size_t i = 0; i < e.count; i++) {
        if (e.entries[i].is_active) {
            out->rows[out->count++] = e.entries[i].suite;
            active++;
        }
    }
    if (!out->count || (!active && !e.tls13.count))
        return refuse(&e, "no cipher match in \"%.*s\"", (int)size_min(text.len, WORD_BYTES_MAX),
                      text.data);
    return 0;
}

size_t tls_suites_text(const struct tls_suites *s, char *out, size_t size)
{
    size_t len = 0;

    assert(size > 0);
    out[0] = '\0';
    for (size_t i = 0; i < s->count; i++) {
        int n = snprintf(out + len, size - len, "%s%s", i ? ":" : "", s->rows[i]->openssl_name);

        assert(n > 0 && (size_t)n < size - len);
        len += (size_t)n;
    }
    return len;
}

bool tls_suites_have_dhe(const struct tls_suites *s)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->rows[i]->kx == KX_DHE)
            return true;
    }
    return false;
}

const struct tls_suite *tls_suite_by_id(uint16_t id)
{
    for (size_t i = 0; i < COUNT_OF(suites_tls13); i++) {
        if (suites_tls13[i].id == id)
            return &suites_tls13[i];
    }
    for (size_t i = 0; i < SUITE12_COUNT; i++) {
        if (suites_tls12[i].id == id)
            return &suites_tls12[i];
    }
    return NULL;
}
