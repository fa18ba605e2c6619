/* conf_template - what compiles can be written out again, and means the same then. */
#include "conf/template.h"

#define ARENA_BYTES 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct user_variable rows[] = {{.name = SPAN("user")}, {.name = SPAN("zone")}};
static const struct user_variables user = {rows, COUNT_OF(rows)};

/* A variable as it is written in a template. */
static struct span spell(void *source, const struct template_part *part)
{
    struct span text;

    assert(part->variable != VARIABLE_NONE);
    if (part->variable == VARIABLE_CAPTURE)
        text = arena_printf(source, "$%u", part->number);
    else
        text =
            arena_printf(source, "${%s%.*s}", variable_name(part->variable), SPAN_ARG(part->text));
    assert(text.data);
    return text;
}

static struct span spelled(const struct template *t, struct arena *a)
{
    struct span out;
    int status = template_expand(t, spell, a, a, &out);

    assert(status == 0);
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_of((const char *)data, size);
    char error[TEMPLATE_ERROR_BYTES] = "";
    struct template first, second;
    struct span written;
    struct arena a;
    int status;

    arena_init(&a, ARENA_BYTES, 0);
    status = template_compile(text, &user, &a, &first, error);
    assert(status == 0 || (status == -EINVAL && error[0]));
    if (status == 0) {
        assert(first.is_literal == (span_index_of(text, '$') == text.len));
        written = spelled(&first, &a);
        status = template_compile(written, &user, &a, &second, error);
        assert(status == 0);
        assert(second.part_count == first.part_count);
        assert(span_equals(spelled(&second, &a), written));
    }
    arena_deinit(&a);
    return 0;
}
