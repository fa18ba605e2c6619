/* log_pack - access logs, compressed: each write is a gzip member of its own. */
#include "proxy/log_pack.h"

#define ZLIB_CONST
#include <zlib.h>

#define WINDOW_BITS_GZIP (15 + 16) /* 16: with gzip's head and trailer */
#define MEMORY_LEVEL 8
#define GZIP_HEAD_BYTES 18 /* head and trailer */

size_t log_pack_bytes_max(size_t len)
{
    return compressBound(len) + GZIP_HEAD_BYTES;
}

size_t log_pack(unsigned level, struct span text, char *out)
{
    z_stream z = {0};
    size_t len = 0;

    if (deflateInit2(&z, (int)level, Z_DEFLATED, WINDOW_BITS_GZIP, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return 0;
    z.next_in = (const Bytef *)text.data;
    z.avail_in = (uInt)text.len;
    z.next_out = (Bytef *)out;
    z.avail_out = (uInt)log_pack_bytes_max(text.len);
    if (deflate(&z, Z_FINISH) == Z_STREAM_END)
        len = z.total_out;
    (void)deflateEnd(&z);
    return len;
}
