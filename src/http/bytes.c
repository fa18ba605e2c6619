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

#define EIGHT(byte) (0x0101010101010101u * (byte))

/* Of eight bytes those below 0x20 and 0x7f are marked in their highest bit: the well-known test
 * for zero bytes. It may mark others too, but only behind a true one, so the first mark is true. */
static inline uint64_t controls_and_tabs(const char *eight)
{
    uint64_t x;
    uint64_t del;

    memcpy(&x, eight, sizeof(x));
    x = le64toh(x);
    del = x ^ EIGHT(0x7f);
    return (((x - EIGHT(0x20)) & ~x) | ((del - EIGHT(1)) & ~del)) & EIGHT(0x80);
}

static inline bool is_control(char c)
{
    return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

size_t text_end(struct span s)
{
    size_t i = 0;

    while (i + 8 <= s.len) {
        uint64_t marks = controls_and_tabs(s.data + i);

        i += marks ? (size_t)__builtin_ctzll(marks) / 8 : 8;
        if (!marks)
            continue;
        if (is_control(s.data[i]))
            return i;
        i++;
    }
    while (i < s.len && !is_control(s.data[i]))
        i++;
    return i;
}
