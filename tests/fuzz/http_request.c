/* http_request - a client's bytes, in one piece and in many, are the same requests. */
#include "../fuzz_parser.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_parser(data, size, true);
}
