/* origin - where something was written: file and line, for messages. */
#include "conf/origin.h"

#include <stdarg.h>
#include <stdio.h>

const char *origin_format(const struct origin *o, char out[ORIGIN_TEXT_BYTES])
{
    size_t len = size_min(o->file.len, ORIGIN_TEXT_BYTES - 16);

    if (o->line)
        snprintf(out, ORIGIN_TEXT_BYTES, "%.*s:%u", (int)len, o->file.data, o->line);
    else
        snprintf(out, ORIGIN_TEXT_BYTES, "%.*s", (int)len, o->file.data);
    return out;
}

void origin_log(const struct log *log, enum log_level level, const struct origin *o,
                const char *format, ...)
{
    char text[LOG_LINE_BYTES_MAX];
    char where[ORIGIN_TEXT_BYTES];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (o && o->file.len)
        log_write(log, level, "%s in %s", text, origin_format(o, where));
    else
        log_write(log, level, "%s", text);
}
