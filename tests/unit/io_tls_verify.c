/* Tests of io/tls_verify: every way in which a chain can be bad, and the good ones beside them. */
#include "../tls_bench.h"

#include <time.h>

#include "io/tls_verify.h"

#define DAY 86400
#define PATH_0 "basicConstraints=critical,CA:true,pathlen:0\nkeyUsage=keyCertSign,cRLSign\n"

static const struct bench_certificate certificates[] = {
    {"root", NULL, "/CN=root", BENCH_CA},
    {"other", NULL, "/CN=other", BENCH_CA},
    {"twin", NULL, "/CN=root", BENCH_CA, .key = "leaf"}, /* root's name, another key */
    {"int", "root", "/CN=int", BENCH_CA},
    {"int2", "int", "/CN=int2", BENCH_CA},
    {"short-int", "root", "/CN=short-int", BENCH_CA, .more = "-days 5"},
    {"path0", "root", "/CN=path0", PATH_0},
    {"below-path0", "path0", "/CN=below", BENCH_CA},
    {"no-sign", "root", "/CN=no-sign", "basicConstraints=critical,CA:true\nkeyUsage=cRLSign\n",
     .key = "ca"},
    {"no-basic", "root", "/CN=no-basic", "keyUsage=keyCertSign\n", .key = "ca"},
    {"client-int", "root", "/CN=client-int", BENCH_CA "extendedKeyUsage=clientAuth\n"},

    {"good", "root", "/CN=x", BENCH_SAN},
    {"good-int", "int", "/CN=x", BENCH_SAN},
    {"good-int2", "int2", "/CN=x", BENCH_SAN},
    {"short", "root", "/CN=x", BENCH_SAN, .more = "-days 5"},
    {"below-short", "short-int", "/CN=x", BENCH_SAN},
    {"at-path0", "path0", "/CN=x", BENCH_SAN},
    {"under-path0", "below-path0", "/CN=x", BENCH_SAN},
    {"under-no-sign", "no-sign", "/CN=x", BENCH_SAN},
    {"under-no-basic", "no-basic", "/CN=x", BENCH_SAN},
    {"under-client-int", "client-int", "/CN=x", BENCH_SAN},
    {"under-leaf", "good", "/CN=x", BENCH_SAN},
    {"under-other", "other", "/CN=x", BENCH_SAN},
    {"by-twin", "twin", "/CN=x", BENCH_SAN},
    {"alone", NULL, "/CN=alone", BENCH_SAN},

    {"server-only", "root", "/CN=x", BENCH_SAN "extendedKeyUsage=serverAuth\n"},
    {"client-only", "root", "/CN=x", BENCH_SAN "extendedKeyUsage=clientAuth\n"},
    {"any-purpose", "root", "/CN=x", BENCH_SAN "extendedKeyUsage=anyExtendedKeyUsage\n"},
    {"crl-sign-leaf", "root", "/CN=x", BENCH_SAN "keyUsage=cRLSign\n"},
    {"critical", "root", "/CN=x", BENCH_SAN "1.2.3.4=critical,DER:05:00\n"},
    {"uncritical", "root", "/CN=x", BENCH_SAN "1.2.3.4=DER:05:00\n"},
    {"sha1", "root", "/CN=x", BENCH_SAN, .more = "-sha1"},

    {"names", "root", "/CN=cn.example",
     BENCH_LEAF "subjectAltName=DNS:B.Example,DNS:*.w.example,DNS:f*.p.example,DNS:*.com,"
                "DNS:a.*.example,IP:192.0.2.1,IP:2001:db8::1,DNS:192.0.2.9\n"},
    {"cn-only", "root", "/CN=cn.example", BENCH_LEAF},
    /* DNS:"a.example\0.evil.example" */
    {"nul", "root", "/CN=x",
     BENCH_LEAF "subjectAltName=DER:30:19:82:17:61:2e:65:78:61:6d:70:6c:65:00:2e:65:76:69:6c:2e:65:"
                "78:61:6d:70:6c:65\n"},

    {"nc", "root", "/CN=nc",
     BENCH_CA "nameConstraints=critical,permitted;DNS:ok.example,"
              "excluded;DNS:bad.ok.example,permitted;IP:10.0.0.0/255.0.0.0\n"},
    {"nc-mail", "root", "/CN=nc-uri", BENCH_CA "nameConstraints=critical,permitted;URI:.example\n"},
    {"nc-dir", "root", "/CN=nc-dir",
     BENCH_CA "nameConstraints=critical,permitted;dirName:d\n[d]\nO=Org\n"},
    {"nc-good", "nc", "/CN=x", BENCH_LEAF "subjectAltName=DNS:a.ok.example,IP:10.1.2.3\n"},
    {"nc-outside", "nc", "/CN=x", BENCH_LEAF "subjectAltName=DNS:a.example\n"},
    {"nc-suffix", "nc", "/CN=x", BENCH_LEAF "subjectAltName=DNS:notok.example\n"},
    {"nc-excluded", "nc", "/CN=x", BENCH_LEAF "subjectAltName=DNS:x.bad.ok.example\n"},
    {"nc-wildcard", "nc", "/CN=x", BENCH_LEAF "subjectAltName=DNS:*.ok.example\n"},
    {"nc-address", "nc", "/CN=x", BENCH_LEAF "subjectAltName=DNS:a.ok.example,IP:11.1.2.3\n"},
    {"nc-unjudged", "nc-mail", "/CN=x", BENCH_LEAF "subjectAltName=URI:https://a.example/\n"},
    {"nc-dir-good", "nc-dir", "/O=oRG/CN=x", BENCH_SAN},
    {"nc-dir-bad", "nc-dir", "/O=Others/CN=x", BENCH_SAN},

    {"rsa-root", NULL, "/CN=rsa-root", BENCH_CA, .key = "rsa"},
    {"rsa", "rsa-root", "/CN=x", BENCH_SAN, .key = "rsa"},
    {"pss", "rsa-root", "/CN=x", BENCH_SAN,
     .more = "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest"},
    {"rsa512", "rsa-root", "/CN=x", BENCH_SAN, .more = "-sha512"},
    {"weak", "root", "/CN=x", BENCH_SAN, .key = "weak"},
    {"ed-root", NULL, "/CN=ed-root", BENCH_CA, .key = "ed25519"},
    {"ed", "ed-root", "/CN=x", BENCH_SAN},
    {"ed448-root", NULL, "/CN=ed448-root", BENCH_CA, .key = "ed448"},
    {"ed448", "ed448-root", "/CN=x", BENCH_SAN},
    {"p384-root", NULL, "/CN=p384-root", BENCH_CA, .key = "p384", .more = "-sha384"},
    {"p384", "p384-root", "/CN=x", BENCH_SAN, .more = "-sha384"},

    {"revoked", "root", "/CN=x", BENCH_SAN, .more = "-set_serial 0x1001"},
    {"revoked-int", "root", "/CN=revoked-int", BENCH_CA, .more = "-set_serial 0x1002"},
    {"under-revoked", "revoked-int", "/CN=x", BENCH_SAN},
};

/* Revocation lists: root's names two certificates, int's none, stale is root's and short. */
static const char lists[] =
    "printf '[c]\\ndatabase=db\\ndefault_md=sha256\\n[e]\\n[d]\\n[i]\\n"
    "issuingDistributionPoint=critical,@p\\n[p]\\nonlyuser=TRUE\\n' >crl.cnf\n"
    "t=$(printf '\\t')\n"
    "echo \"R${t}300101000000Z${t}240101000000Z${t}1001${t}unknown${t}/CN=x\" >db\n"
    "echo \"R${t}300101000000Z${t}240101000000Z${t}1002${t}unknown${t}/CN=y\" >>db\n"
    "gen() { openssl ca -gencrl -config crl.cnf -name c -cert $1.pem -keyfile $1.key0 -out $2.crl "
    "$3; }\n"
    "cp ca.key root.key0; cp ca.key int.key0; cp ca.key revoked-int.key0; cp leaf.key twin.key0\n"
    "gen root root '-crldays 30'\n"
    "gen root stale '-crldays 3'\n"
    "gen twin forged '-crldays 30'\n"
    "gen root users '-crldays 30 -crlexts i'\n"
    ": >db\n"
    "gen int int '-crldays 30'\n"
    "gen revoked-int revoked-int '-crldays 30'\n"
    "cat root.crl int.crl >both.crl\n";

static const char keys[] = "g() { openssl genpkey -algorithm \"$@\"; }\n"
                           "g RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.key\n"
                           "g RSA -pkeyopt rsa_keygen_bits:1024 -out weak.key\n"
                           "g ED25519 -out ed25519.key\n"
                           "g ED448 -out ed448.key\n"
                           "g EC -pkeyopt ec_paramgen_curve:P-384 -out p384.key\n";

/* --- one case -------------------------------------------------------------------------------- */

struct claim {
    const char *chain; /* names with spaces between */
    const char *trusted;
    const char *reason; /* NULL: good */
    const char *name;   /* NULL: a.example; "": none is asked for */
    unsigned depth;     /* 0: 9 */
    int days;           /* from now */
    const char *crl;
    unsigned purpose; /* 0: of a server */
};

/* All PEM of some certificates in one text. */
static struct span gather(const char *names, char *out, const char *suffix)
{
    char copy[256];
    size_t len = 0;

    (void)snprintf(copy, sizeof(copy), "%s", names);
    for (char *name = strtok(copy, " "); name; name = strtok(NULL, " ")) {
        char file[64];
        struct span pem;

        (void)snprintf(file, sizeof(file), "%s.%s", name, suffix);
        pem = bench_file(file);
        memcpy(out + len, pem.data, pem.len);
        len += pem.len;
    }
    return span_of(out, len);
}

static struct tls_trust *trust(const char *names, const char *crl)
{
    static char pem[1 << 17], crl_pem[1 << 16];
    struct tls_trust *t = NULL;
    char error[200];
    const struct tls_trust_pem texts = {
        .ca = gather(names, pem, "pem"),
        .crl = crl ? gather(crl, crl_pem, "crl") : SPAN_NONE,
    };
    int rc = tls_trust_new(&texts, &t, error, sizeof(error));

    if (rc)
        fail_msg("%s: %s", names, error);
    return t;
}

/* A chain as DER: what a trust makes of the same PEM. */
static size_t chain_of(const struct tls_trust *t, struct span chain[16])
{
    for (size_t i = 0; i < t->anchor_count; i++)
        chain[i] = t->anchors[i].certificate.der;
    return t->anchor_count;
}

static void judge(const struct claim *c, char reason[TLS_REASON_BYTES])
{
    struct tls_trust *sent = trust(c->chain, NULL), *trusted = trust(c->trusted, c->crl);
    struct span chain[16], name = span_of_cstr(c->name ? c->name : "a.example");
    struct tls_proof proof = {
        .chain = chain,
        .chain_count = chain_of(sent, chain),
        .purpose = c->purpose ? c->purpose : PURPOSE_SERVER,
        .depth_max = c->depth ? c->depth - 1 : 9,
        .now_s = time(NULL) + c->days * DAY,
        .names = &name,
        .name_count = name.len > 0,
    };
    enum tls_verdict verdict = tls_verify(trusted, &proof, reason);

    assert_true((verdict == VERDICT_GOOD) == (reason[0] == '\0'));
    /* A second time, now that good signatures are remembered. */
    assert_int_equal(tls_verify(trusted, &proof, reason), verdict);
    tls_trust_free(sent);
    tls_trust_free(trusted);
}

static void hold(const struct claim *claims, size_t count)
{
    char reason[TLS_REASON_BYTES];

    for (size_t i = 0; i < count; i++) {
        const char *expected = claims[i].reason ? claims[i].reason : "";

        judge(&claims[i], reason);
        if (strcmp(reason, expected) != 0)
            fail_msg("%s [%s]: \"%s\" instead of \"%s\"", claims[i].chain,
                     claims[i].name ? claims[i].name : "", reason, expected);
    }
}

#define HOLD(...)                              \
    do {                                       \
        struct claim claims[] = {__VA_ARGS__}; \
        hold(claims, COUNT_OF(claims));        \
    } while (0)

/* --- paths ----------------------------------------------------------------------------------- */

#define NO_ISSUER "unable to get local issuer certificate"

static void paths_lead_to_trusted_certificates(void **state)
{
    (void)state;
    HOLD({"good", "root"}, {"good", "other root"}, {"good-int int", "root"},
         {"good-int2 int2 int", "root"}, {"good-int2 int int2", "root"},
         {"good-int other good int", "root"}, {"good-int int root", "root"},
         {"good-int", "int root"}, {"good-int", "int"}, {"alone", "alone"}, {"good", "good"},
         {"good", "twin root"});
}

static void paths_that_lead_nowhere_are_refused(void **state)
{
    (void)state;
    HOLD({"good", "other", NO_ISSUER}, {"good-int", "root", NO_ISSUER},
         {"good-int2 int2", "root", NO_ISSUER}, {"alone", "root", "self-signed certificate"},
         {"good root", "other", "self-signed certificate in certificate chain"},
         {"good-int int", "other", NO_ISSUER},
         {"good", "other", "unable to verify the first certificate", .purpose = PURPOSE_CLIENT},
         {"good-int int", "other", NO_ISSUER, .purpose = PURPOSE_CLIENT},
         {"alone", "root", "self-signed certificate", .purpose = PURPOSE_CLIENT});
}

static void signatures_have_to_be_good(void **state)
{
    (void)state;
    HOLD({"by-twin", "root", "certificate signature failure"},
         {"by-twin twin", "root", "certificate signature failure"}, {"by-twin", "twin"},
         {"sha1", "root", "CA signature digest algorithm too weak"},
         {"weak", "root", "EE certificate key too weak"});
}

static void signatures_of_every_kind_are_known(void **state)
{
    (void)state;
    HOLD({"rsa", "rsa-root"}, {"pss", "rsa-root"}, {"rsa512", "rsa-root"}, {"ed", "ed-root"},
         {"ed448", "ed448-root"}, {"p384", "p384-root"});
}

static void depth_counts_what_is_between_leaf_and_root(void **state)
{
    (void)state;
    HOLD({"good", "root", .depth = 1}, {"good-int int", "root", .depth = 2},
         {"good-int int", "root", "certificate chain too long", .depth = 1},
         {"good-int2 int2 int", "root", .depth = 3},
         {"good-int2 int2 int", "root", "certificate chain too long", .depth = 2},
         {"good-int2 int2", "int root", "certificate chain too long", .depth = 2},
         {"alone", "alone", .depth = 1});
}

static void times_of_the_whole_path_count(void **state)
{
    (void)state;
    HOLD({"good", "root", "certificate has expired", .days = 31},
         {"good", "root", "certificate is not yet valid", .days = -1},
         {"short", "root", "certificate has expired", .days = 6}, {"short", "root", .days = 4},
         {"below-short short-int", "root", "certificate has expired", .days = 6},
         {"below-short short-int", "root", .days = 4},
         {"below-short", "short-int", "certificate has expired", .days = 6});
}

/* --- extensions ------------------------------------------------------------------------------ */

static void only_authorities_issue(void **state)
{
    (void)state;
    HOLD({"under-leaf good", "root", "invalid CA certificate"},
         {"under-no-sign no-sign", "root", "invalid CA certificate"},
         {"under-no-basic no-basic", "root", "invalid CA certificate"},
         {"under-leaf", "good", "invalid CA certificate"});
}

static void path_length_is_kept(void **state)
{
    (void)state;
    HOLD({"at-path0 path0", "root"},
         {"under-path0 below-path0 path0", "root", "path length constraint exceeded"});
}

static void purposes_are_kept(void **state)
{
    (void)state;
    HOLD({"server-only", "root"}, {"any-purpose", "root"},
         {"client-only", "root", "unsupported certificate purpose"},
         {"client-only", "root", .purpose = PURPOSE_CLIENT},
         {"any-purpose", "root", .purpose = PURPOSE_CLIENT},
         {"server-only", "root", "unsupported certificate purpose", .purpose = PURPOSE_CLIENT},
         {"under-client-int client-int", "root", "unsupported certificate purpose"},
         {"crl-sign-leaf", "root", "unsupported certificate purpose"});
}

static void unknown_critical_extension_is_refused(void **state)
{
    (void)state;
    HOLD({"critical", "root", "unhandled critical extension"}, {"uncritical", "root"});
}

static void name_constraints_are_kept(void **state)
{
    (void)state;
    HOLD({"nc-good nc", "root", .name = "a.ok.example"},
         {"nc-outside nc", "root", "permitted subtree violation", .name = ""},
         {"nc-suffix nc", "root", "permitted subtree violation", .name = ""},
         {"nc-excluded nc", "root", "excluded subtree violation", .name = ""},
         {"nc-wildcard nc", "root", "excluded subtree violation", .name = ""},
         {"nc-address nc", "root", "permitted subtree violation", .name = ""},
         {"nc-unjudged nc-mail", "root", "unsupported name constraint type", .name = ""},
         {"nc-dir-good nc-dir", "root"},
         {"nc-dir-bad nc-dir", "root", "permitted subtree violation"});
}

/* --- names ----------------------------------------------------------------------------------- */

static void names_match_as_a_whole(void **state)
{
    static const char *const good[] = {"b.example", "B.EXAMPLE",   "b.example.",   "x.w.example",
                                       "192.0.2.1", "2001:db8::1", "[2001:db8::1]"};
    static const char *const bad[] = {
        "example",    "xb.example",  "b.example.x",   "a.b.example", "w.example",   "x.y.w.example",
        ".w.example", "*.w.example", "foo.p.example", "x.com",       "a.b.example", "a.*.example",
        "cn.example", "192.0.2.2",   "192.0.2.9",     "2001:db8::2", "..",          ".",
    };
    char reason[TLS_REASON_BYTES], expected[TLS_REASON_BYTES];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++)
        HOLD({"names", "root", .name = good[i]});
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        (void)snprintf(expected, sizeof(expected), "no subject alternative name matches \"%s\"",
                       bad[i]);
        judge(&(struct claim){"names", "root", .name = bad[i]}, reason);
        assert_string_equal(reason, expected);
    }
}

static void common_name_and_nul_never_match(void **state)
{
    (void)state;
    HOLD({"cn-only", "root", "no subject alternative name matches \"cn.example\"",
          .name = "cn.example"},
         {"nul", "root", "no subject alternative name matches \"a.example\""},
         {"nul", "root", .name = ""});
}

static void one_of_two_names_is_enough(void **state)
{
    struct tls_trust *t = trust("root", NULL), *sent = trust("good", NULL);
    const struct span names[] = {SPAN("b.example"), SPAN("a.example"), SPAN("c.example")};
    char reason[TLS_REASON_BYTES];
    struct span chain[16];
    struct tls_proof proof = {.chain = chain,
                              .chain_count = chain_of(sent, chain),
                              .purpose = PURPOSE_SERVER,
                              .depth_max = 1,
                              .now_s = time(NULL),
                              .names = names,
                              .name_count = 2};

    (void)state;
    assert_int_equal(tls_verify(t, &proof, reason), VERDICT_GOOD);
    proof.names = (const struct span[]){names[0], names[2]};
    assert_int_equal(tls_verify(t, &proof, reason), VERDICT_BAD);
    assert_string_equal(reason,
                        "no subject alternative name matches \"b.example\" or \"c.example\"");
    tls_trust_free(t);
    tls_trust_free(sent);
}

/* --- revocation ------------------------------------------------------------------------------ */

#define NO_CRL "unable to get certificate CRL"

static void revoked_certificates_are_refused(void **state)
{
    (void)state;
    HOLD({"good", "root", .crl = "root"}, {"good", "root", .crl = "int root"},
         {"revoked", "root", "certificate revoked", .crl = "root"}, {"revoked", "root"},
         {"under-revoked revoked-int", "root", "certificate revoked", .crl = "root revoked-int"},
         {"under-revoked", "revoked-int root", "certificate revoked", .crl = "root revoked-int"},
         {"revoked", "root", "certificate revoked", .crl = "stale", .days = 5});
}

static void every_certificate_needs_a_list(void **state)
{
    (void)state;
    HOLD({"good-int int", "root", .crl = "root int"}, {"good-int int", "root", .crl = "both"},
         {"good-int int", "root", NO_CRL, .crl = "root"},
         {"good-int int", "root", NO_CRL, .crl = "int"},
         {"good", "root", "CRL has expired", .crl = "stale", .days = 5},
         {"good", "root", .crl = "stale root", .days = 5},
         {"good", "root", "CRL signature failure", .crl = "forged"},
         {"good", "root", .crl = "users"}, {"good-int int", "root", NO_CRL, .crl = "users int"});
}

/* --- input that is no certificate ------------------------------------------------------------ */

static void garbage_is_refused(void **state)
{
    struct tls_trust *t = trust("root", NULL), *sent = trust("good", NULL);
    struct span der = sent->anchors[0].certificate.der, cut;
    char reason[TLS_REASON_BYTES], broken[4096];
    struct tls_proof proof = {.chain = &cut,
                              .chain_count = 1,
                              .purpose = PURPOSE_SERVER,
                              .depth_max = 9,
                              .now_s = time(NULL)};

    (void)state;
    for (size_t len = 0; len < der.len; len++) {
        cut = span_take(der, len);
        assert_int_not_equal(tls_verify(t, &proof, reason), VERDICT_GOOD);
    }
    /* Any byte that is not as it was signed. */
    for (size_t i = 0; i < der.len; i++) {
        memcpy(broken, der.data, der.len);
        broken[i] ^= 1;
        cut = span_of(broken, der.len);
        assert_int_not_equal(tls_verify(t, &proof, reason), VERDICT_GOOD);
    }
    proof.chain_count = 0;
    assert_int_not_equal(tls_verify(t, &proof, reason), VERDICT_GOOD);
    tls_trust_free(t);
    tls_trust_free(sent);
}

static void trust_says_what_it_cannot_read(void **state)
{
    struct span bad_crl = SPAN("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n");
    struct span no_pem = SPAN("nothing here"), root = bench_file("root.pem");
    struct tls_trust *t = NULL;
    char error[200];

    (void)state;
    assert_int_equal(tls_trust_new(&(struct tls_trust_pem){no_pem, SPAN_NONE, SPAN_NONE}, &t, error,
                                   sizeof(error)),
                     -EINVAL);
    assert_string_equal(error, "cannot load CA certificates: no PEM certificate found");
    assert_int_equal(tls_trust_new(&(struct tls_trust_pem){root, no_pem, SPAN_NONE}, &t, error,
                                   sizeof(error)),
                     -EINVAL);
    assert_int_equal(tls_trust_new(&(struct tls_trust_pem){root, SPAN_NONE, no_pem}, &t, error,
                                   sizeof(error)),
                     -EINVAL);
    assert_string_equal(error, "cannot load CRL: no PEM CRL found");
    assert_int_equal(tls_trust_new(&(struct tls_trust_pem){root, SPAN_NONE, bad_crl}, &t, error,
                                   sizeof(error)),
                     -EINVAL);
    assert_string_equal(error, "cannot load CRL: a list in it cannot be read");
}

static int set_up(void **state)
{
    if (bench_init(state))
        return -1;
    bench_shell(keys);
    bench_make(certificates, COUNT_OF(certificates));
    bench_shell(lists);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_lead_to_trusted_certificates),
        cmocka_unit_test(paths_that_lead_nowhere_are_refused),
        cmocka_unit_test(signatures_have_to_be_good),
        cmocka_unit_test(signatures_of_every_kind_are_known),
        cmocka_unit_test(depth_counts_what_is_between_leaf_and_root),
        cmocka_unit_test(times_of_the_whole_path_count),
        cmocka_unit_test(only_authorities_issue),
        cmocka_unit_test(path_length_is_kept),
        cmocka_unit_test(purposes_are_kept),
        cmocka_unit_test(unknown_critical_extension_is_refused),
        cmocka_unit_test(name_constraints_are_kept),
        cmocka_unit_test(names_match_as_a_whole),
        cmocka_unit_test(common_name_and_nul_never_match),
        cmocka_unit_test(one_of_two_names_is_enough),
        cmocka_unit_test(revoked_certificates_are_refused),
        cmocka_unit_test(every_certificate_needs_a_list),
        cmocka_unit_test(garbage_is_refused),
        cmocka_unit_test(trust_says_what_it_cannot_read),
    };

    return cmocka_run_group_tests(tests, set_up, bench_deinit);
}
