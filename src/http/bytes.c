/* bytes - which bytes may stand where. */
#include "http/bytes.h"

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
