/* keyed_hash - SipHash-2-4 with 128 bits (Aumasson and Bernstein, "SipHash: a fast short-input
 * PRF"). */
#include "core/keyed_hash.h"

#include <string.h>

#define ROUNDS_PER_WORD 2
#define ROUNDS_AT_END 4

struct state {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static void run_rounds(struct state *s, unsigned count)
{
    for (; count; count--) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = rotate(s->v1, 13) ^ s->v0;
        s->v3 = rotate(s->v3, 16) ^ s->v2;
        s->v0 = rotate(s->v0, 32) + s->v3;
        s->v2 += s->v1;
        s->v3 = rotate(s->v3, 21) ^ s->v0;
        s->v1 = rotate(s->v1, 17) ^ s->v2;
        s->v2 = rotate(s->v2, 32);
    }
}

/* Little-endian, as the algorithm has it; len is at most 8. */
static uint64_t word_at(const char *data, size_t len)
{
    uint64_t word = 0;

    for (size_t i = 0; i < len; i++)
        word |= (uint64_t)(unsigned char)data[i] << (8 * i);
    return word;
}

static void take_in(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    run_rounds(s, ROUNDS_PER_WORD);
    s->v0 ^= word;
}

static uint64_t sum_of(const struct state *s)
{
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

struct keyed_hash keyed_hash(struct span text, const unsigned char key[KEYED_HASH_KEY_BYTES])
{
    uint64_t k0 = word_at((const char *)key, 8), k1 = word_at((const char *)key + 8, 8);
    struct state s = {
        .v0 = k0 ^ UINT64_C(0x736f6d6570736575),
        .v1 = k1 ^ UINT64_C(0x646f72616e646f6d) ^ 0xee,
        .v2 = k0 ^ UINT64_C(0x6c7967656e657261),
        .v3 = k1 ^ UINT64_C(0x7465646279746573),
    };
    struct keyed_hash hash;
    size_t whole = text.len / 8 * 8;

    for (size_t i = 0; i < whole; i += 8)
        take_in(&s, word_at(text.data + i, 8));
    take_in(&s, (uint64_t)text.len << 56 |
                    (text.len > whole ? word_at(text.data + whole, text.len - whole) : 0));
    s.v2 ^= 0xee;
    run_rounds(&s, ROUNDS_AT_END);
    hash.words[0] = sum_of(&s);
    s.v1 ^= 0xdd;
    run_rounds(&s, ROUNDS_AT_END);
    hash.words[1] = sum_of(&s);
    return hash;
}
