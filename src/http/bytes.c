/* bytes - which bytes may stand where, and where text ends. */
#include "http/bytes.h"

#include <endian.h>
#include <string.h>

/* Sums of the BYTE_* bits. 15: letters, digits and '-', allowed everywhere; 13: all but plain;
 * 12: parts of a URI but of no token. What is not listed is in no set. */
const unsigned char byte_classes[256] = {
    [0x20] = 0,  13, 0,  1,  13, 1,  13, 13, 12, 12, 13, 13, 12, 15, 13, 8,  /*  !"#$%&'()*+,-./ */
    [0x30] = 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 8,  12, 0,  12, 0,  0,  /* 0123456789:;<=>? */
    [0x40] = 8,  15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, /* @ABCDEFGHIJKLMNO */
    [0x50] = 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 0,  0,  0,  1,  13, /* PQRSTUVWXYZ[\]^_ */
    [0x60] = 1,  15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, /* `abcdefghijklmno */
    [0x70] = 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 0,  1,  0,  13, 0,  /* pqrstuvwxyz{|}~  */
};

#define BLOCK_BYTES 16

static inline bool is_control(char c)
{
    return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

/* text_end() of one block, all of its bytes at once. */
static inline size_t text_end_in_block(const char *at)
{
    unsigned char x __attribute__((vector_size(BLOCK_BYTES)));
    signed char is_marked __attribute__((vector_size(BLOCK_BYTES)));
    uint64_t marks[2];

    memcpy(&x, at, sizeof(x));
    is_marked = ((x < 0x20) & (x != '\t')) | (x == 0x7f);
    memcpy(marks, &is_marked, sizeof(marks));
    if (marks[0])
        return (size_t)__builtin_ctzll(le64toh(marks[0])) / 8;
    return marks[1] ? 8 + (size_t)__builtin_ctzll(le64toh(marks[1])) / 8 : BLOCK_BYTES;
}

size_t text_end(struct span s)
{
    size_t i = 0;

    if (s.len < BLOCK_BYTES) {
        while (i < s.len && !is_control(s.data[i]))
            i++;
        return i;
    }
    for (; i + BLOCK_BYTES < s.len; i += BLOCK_BYTES) {
        size_t end = text_end_in_block(s.data + i);

        if (end < BLOCK_BYTES)
            return i + end;
    }
    /* The last block, some of it for the second time. */
    i = s.len - BLOCK_BYTES;
    return i + text_end_in_block(s.data + i);
}
