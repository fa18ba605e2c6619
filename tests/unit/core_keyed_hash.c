/* Tests of core/keyed_hash: vectors of the algorithm's authors, whose key is 00 01 … 0f and whose
 * texts are 00 01 02 …. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/keyed_hash.h"

static void texts_have_their_known_hashes(void **state)
{
    static const struct {
        size_t len;
        const char *hash;
    } rows[] = {
        {0, "a3817f04ba25a8e66df67214c7550293"},  {1, "da87c1d86b99af44347659119b22fc45"},
        {2, "8177228da4a45dc7fca38bdef60affe4"},  {7, "a1f1ebbed8dbc153c0b84aa61ff08239"},
        {8, "3b62a9ba6258f5610f83e264f31497b4"},  {9, "264499060ad9baabc47f8b02bb6d71ed"},
        {15, "5493e99933b0a8117e08ec0f97cfc3d9"}, {16, "6ee2a4ca67b054bbfd3315bf85230577"},
        {63, "5150d1772f50834a503e069a973fbd7c"},
    };
    unsigned char key[KEYED_HASH_KEY_BYTES];
    char text[64];

    (void)state;
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)i;
    memcpy(key, text, sizeof(key));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct keyed_hash hash = keyed_hash(span_of(text, rows[i].len), key);
        char hex[33];

        for (unsigned b = 0; b < 16; b++)
            snprintf(hex + 2 * b, 3, "%02x", (unsigned)(hash.words[b / 8] >> (8 * (b % 8)) & 0xff));
        assert_string_equal(hex, rows[i].hash);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_have_their_known_hashes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
