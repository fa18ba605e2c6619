/* conf_certificates - two certificates that sign themselves, for tests: one.example and
 * two.example, P-256, good from 2020 to 2120. Their keys protect nothing. */
#ifndef RINGWAY_TESTS_CONF_CERTIFICATES_H
#define RINGWAY_TESTS_CONF_CERTIFICATES_H

/* CN=one.example */
static const char one_pem[] = "-----BEGIN CERTIFICATE-----\n"
                              "MIIBaTCCAQ6gAwIBAgICEAEwCgYIKoZIzj0EAwIwFjEUMBIGA1UEAwwLb25lLmV4\n"
                              "YW1wbGUwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBYxFDASBgNV\n"
                              "BAMMC29uZS5leGFtcGxlMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEhY7h/lvt\n"
                              "4GX0y2fmMGuDyEXJ3Ga6sOENOFQaLrDqaqRwVmwY6jDDuQy9bfXx5xbrYeY2kCJL\n"
                              "IpKuBeuCA3PbXaNKMEgwFgYDVR0RBA8wDYILb25lLmV4YW1wbGUwDwYDVR0TAQH/\n"
                              "BAUwAwEB/zAdBgNVHQ4EFgQUHhTgifIj27HFXa97xbBcOYkm03gwCgYIKoZIzj0E\n"
                              "AwIDSQAwRgIhAKKJlEiLZEEzgSArywUY30CxLP0pxHNJe+h0F2u6fkBqAiEAicWn\n"
                              "PA4WGKGsrvj+PLbS6TAkDn8nTlaqDU0IR9ga/98=\n"
                              "-----END CERTIFICATE-----\n";

/* Its key. */
static const char one_key[] = "-----BEGIN PRIVATE KEY-----\n"
                              "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgEv/tAm6h6i6F+oBq\n"
                              "ecEWbtoh3uyIveuZoZnwsawfO4yhRANCAASFjuH+W+3gZfTLZ+Ywa4PIRcncZrqw\n"
                              "4Q04VBousOpqpHBWbBjqMMO5DL1t9fHnFuth5jaQIksikq4F64IDc9td\n"
                              "-----END PRIVATE KEY-----\n";

/* The same, encrypted: the password is "secret". */
static const char one_encrypted_key[] =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
    "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAiabVrjwKh6gwICCAAw\n"
    "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEEgvq+k+BEU0i7n2GPcLUGsEgZBQ\n"
    "h5xWISWCXEG0/Wpi9p3tIQ+IbRiDBqKvsQhmi2mwnXIZpOAbsic9O5HcMgQttky6\n"
    "km/QZVEGwV2D+ka51q2qxxjf2REpctJFg3senEmYU/RJ/pnMH2N529AhXw2IEaGP\n"
    "ghP3K4cnGt2WFSzjs2V0HlGenGNn+jHm6TdgU+rIM91kHn/juGjDgaUFKfJ0K20=\n"
    "-----END ENCRYPTED PRIVATE KEY-----\n";

/* Its list of revoked certificates, without any. */
static const char one_crl[] = "-----BEGIN X509 CRL-----\n"
                              "MIGcMEQwCgYIKoZIzj0EAwIwFjEUMBIGA1UEAwwLb25lLmV4YW1wbGUXDTI2MTEy\n"
                              "MDIzNDA0MFoYDzIxMDkwMTA5MjM0MDQwWjAKBggqhkjOPQQDAgNIADBFAiEAk6SX\n"
                              "TZNjQVQp5I8wQG0sTQWVktTC67Rb1mt43vnMwrsCIH5VU+gw2mrSf832Xih7QIwx\n"
                              "c2m7boykchBm5ElSi2Rt\n"
                              "-----END X509 CRL-----\n";

/* CN=two.example */
static const char two_pem[] = "-----BEGIN CERTIFICATE-----\n"
                              "MIIBaDCCAQ6gAwIBAgICEAIwCgYIKoZIzj0EAwIwFjEUMBIGA1UEAwwLdHdvLmV4\n"
                              "YW1wbGUwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBYxFDASBgNV\n"
                              "BAMMC3R3by5leGFtcGxlMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEBawgJyf\n"
                              "/OctO60VuN51UqDQzEH1kh0MpOaYebR7fqbBfNOcg0MiFCxZ3IHJ/NKMOYaV32Ef\n"
                              "VvTNlWeqherfMqNKMEgwFgYDVR0RBA8wDYILdHdvLmV4YW1wbGUwDwYDVR0TAQH/\n"
                              "BAUwAwEB/zAdBgNVHQ4EFgQUdBD0ShtZelj7yNxrIjDVqEuerjswCgYIKoZIzj0E\n"
                              "AwIDSAAwRQIgDd4nsHT9RbQlc2V6HGamwX8Ay4NPsZvQQh7H9ip+P+YCIQDpsNQQ\n"
                              "KjJdTV3ceplBUzMaHEmSVkSLK2IXPrX/jT+qZA==\n"
                              "-----END CERTIFICATE-----\n";

/* Its key. */
static const char two_key[] = "-----BEGIN PRIVATE KEY-----\n"
                              "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgJ6sd64X5Qz4S0cE6\n"
                              "dFNtuMIKasodHOzE63JEN1WQrh+hRANCAAQQFrCAnJ/85y07rRW43nVSoNDMQfWS\n"
                              "HQyk5ph5tHt+psF805yDQyIULFncgcn80ow5hpXfYR9W9M2VZ6qF6t8y\n"
                              "-----END PRIVATE KEY-----\n";

#endif
