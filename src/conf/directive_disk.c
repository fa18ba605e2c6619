/* directive_disk - how nginx opens, reads and sends files; here the loop does it: their table. */
#include "conf/directive_disk.h"

#include "conf/setter.h"

#define LEVEL(member) ROW_AT(struct level, member)
#define IGNORED .contexts = CONTEXT_LEVELS, .marks = ROW_WITHOUT_EFFECT

/* "off", "on", "threads", "threads=pool" */
static int set_aio(struct conf *c, struct scope *s, const struct directive *d, const struct node *n)
{
    struct span word = n->words[1];

    if (span_equals(word, SPAN("on")) || span_equals(word, SPAN("off")) ||
        span_equals(word, SPAN("threads")) || span_starts_with(word, SPAN("threads=")))
        return 0;
    return conf_fail(c, n, "\"aio\" directive invalid value");
}

static int check_size(struct conf *c, const struct node *n, struct span word)
{
    uint64_t bytes;

    if (setter_parse_size(word, true, &bytes) == 0)
        return 0;
    return conf_fail(c, n, "\"%.*s\" directive invalid value", SPAN_ARG(n->words[0]));
}

static int set_directio(struct conf *c, struct scope *s, const struct directive *d,
                        const struct node *n)
{
    return span_equals(n->words[1], SPAN("off")) ? 0 : check_size(c, n, n->words[1]);
}

static int set_output_buffers(struct conf *c, struct scope *s, const struct directive *d,
                              const struct node *n)
{
    uint64_t count;

    if (span_to_u64(n->words[1], &count) < 0 || !count)
        return conf_fail(c, n, "\"output_buffers\" directive invalid value");
    return check_size(c, n, n->words[2]);
}

/* "off", or "max=N [inactive=time]" */
static int set_open_file_cache(struct conf *c, struct scope *s, const struct directive *d,
                               const struct node *n)
{
    bool is_off = false, has_max = false;

    for (size_t i = 1; i < n->word_count; i++) {
        struct span word = n->words[i];
        uint64_t number = 0;
        int rc = 0;

        if (span_equals(word, SPAN("off"))) {
            is_off = true;
        } else if (span_starts_with(word, SPAN("max="))) {
            rc = span_to_u64(span_skip(word, SPAN("max=").len), &number);
            has_max = true;
            if (!number)
                rc = -EINVAL;
        } else if (span_starts_with(word, SPAN("inactive="))) {
            rc = setter_parse_seconds(span_skip(word, SPAN("inactive=").len), &number);
        } else {
            rc = -EINVAL;
        }
        if (rc < 0)
            return conf_fail(c, n, "invalid \"open_file_cache\" parameter \"%.*s\"",
                             SPAN_ARG(word));
    }
    if (is_off || has_max)
        return 0;
    return conf_fail(c, n, "\"open_file_cache\" must have the \"max\" parameter");
}

static const struct setter_bounds from_1 = {1, UINT64_MAX};

static const struct directive rows[] = {
    {.name = "aio",
     .syntax = "on | off | threads[=pool]",
     .preset = "off",
     IGNORED,
     .args_min = 1,
     .args_max = 1,
     .set = set_aio,
     .help = "files are read by io_uring, which blocks nobody"},
    {.name = "aio_write",
     .syntax = "on | off",
     .preset = "off",
     IGNORED,
     .args_min = 1,
     .args_max = 1,
     .set = set_flag,
     LEVEL(ignored_flag),
     .help = "files are written by io_uring, which blocks nobody"},
    {.name = "directio",
     .syntax = "size | off",
     .preset = "off",
     IGNORED,
     .args_min = 1,
     .args_max = 1,
     .set = set_directio,
     .help = "files are read through the kernel's cache"},
    {.name = "directio_alignment",
     .syntax = "size",
     .preset = "512",
     IGNORED,
     .args_min = 1,
     .args_max = 1,
     .set = set_offset,
     LEVEL(ignored_number),
     .help = "files are read through the kernel's cache"},
    {.name = "output_buffers",
     .syntax = "number size",
     .preset = "2 32k",
     IGNORED,
     .args_min = 2,
     .args_max = 2,
     .set = set_output_buffers,
     .help = "a file is read into one chunk of 16k after the other, as there is room"},
    {.name = "postpone_output",
     .syntax = "size",
     .preset = "1460",
     IGNORED,
     .args_min = 1,
     .args_max = 1,
     .set = set_size,
     LEVEL(ignored_number),
     .help = "what one turn has to say goes out in one segment"},
    {.name = "read_ahead",
     .syntax = "size",
     .preset = "0",
     IGNORED,
     .args_min = 1,
     .args_max = 1,
     .set = set_size,
     LEVEL(ignored_number),
     .help = "the kernel reads ahead as it finds right"},
    {.name = "open_file_cache",
     .syntax = "off | max=number [inactive=time]",
     .preset = "off",
     IGNORED,
     .args_min = 1,
     .args_max = 2,
     .set = set_open_file_cache,
     .help = "files are opened for each request: the kernel's cache has them in a microsecond"},
    {.name = "open_file_cache_errors",
     .syntax = "on | off",
     .preset = "off",
     IGNORED,
     .args_min = 1,
     .args_max = 1,
     .set = set_flag,
     LEVEL(ignored_flag),
     .help = "files are opened for each request"},
    {.name = "open_file_cache_min_uses",
     .syntax = "number",
     .preset = "1",
     IGNORED,
     .args_min = 1,
     .args_max = 1,
     .set = set_number,
     LEVEL(ignored_number),
     .detail = &from_1,
     .help = "files are opened for each request"},
    {.name = "open_file_cache_valid",
     .syntax = "time",
     .preset = "60s",
     IGNORED,
     .args_min = 1,
     .args_max = 1,
     .set = set_seconds,
     LEVEL(ignored_number),
     .help = "files are opened for each request"},
};

const struct directive_table directive_disk_table = {rows, COUNT_OF(rows)};
