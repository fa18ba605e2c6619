/* directive_body - the directives of request bodies that are taken in first: their table. */
#include "conf/directive_body.h"

#include "conf/setter.h"

#define AT(member) ROW_AT(struct level, member)
#define AT_SETTING(member) ROW_AT(struct level, settings.member)

#define LEVEL_DIGITS_MAX 9 /* of all levels: one of a name's ten is left */

static int add_folder(struct conf *c, struct span path)
{
    struct span *folder = c->is_in_preset ? NULL : vector_add(c, &c->folders, sizeof(*folder));

    if (folder)
        *folder = path;
    return folder || c->is_in_preset ? 0 : -ENOMEM;
}

static int set_temp_path(struct conf *c, struct scope *s, const struct directive *d,
                         const struct node *n)
{
    const struct body_files **value = setter_value(s, d);
    struct body_files *files = arena_zalloc(c->arena, sizeof(*files));
    uint64_t sum = 0;

    if (!files)
        return conf_fail_no_memory(c);
    *value = files;
    files->is_preset = c->is_in_preset;
    files->folder = conf_path(c, n->words[1]);
    if (!files->folder.data)
        return -ENOMEM;
    for (size_t i = 2; i < n->word_count; i++) {
        uint64_t level;

        if (span_to_u64(n->words[i], &level) < 0 || level == 0 || level > LEVEL_DIGITS_MAX - sum)
            return conf_fail(c, n, "\"%s\" directive invalid value", d->name);
        files->levels[i - 2] = (unsigned)level;
        sum += level;
    }
    return add_folder(c, files->folder);
}

static const struct setter_word naming_words[] = {
    {"off", BODY_FILE_UNNAMED}, {"on", BODY_FILE_KEPT}, {"clean", BODY_FILE_CLEAN}, {NULL, 0}};

static const struct directive rows[] = {
    {.name = "proxy_request_buffering",
     .syntax = "on | off",
     .preset = "on",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_flag,
     AT_SETTING(proxy_request_buffering),
     .help = "whether a request's body is taken in first, in memory up to client_body_buffer_size, "
             "beyond that in an unlinked temporary file; off: streamed"},
    {.name = "client_body_temp_path",
     .syntax = "path [level1 [level2 [level3]]]",
     .preset = "/var/tmp",
     .nginx_preset = "client_body_temp",
     .contexts = CONTEXT_LEVELS,
     .args_min = 1,
     .args_max = 4,
     .set = set_temp_path,
     AT_SETTING(body_files),
     .help = "the folder of temporary files; levels are for client_body_in_file_only",
     .difference =
         "files have no names, unless client_body_in_file_only gives them one; it is /tmp "
         "where /var/tmp cannot be written to"},
    {.name = "client_body_in_file_only",
     .syntax = "on | clean | off",
     .preset = "off",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .set = set_word,
     .detail = naming_words,
     AT_SETTING(client_body_in_file_only),
     .help = "whether a body that is taken in goes to a file with a name, which stays (on) or is "
             "removed after the request (clean): $request_body_file"},
    {.name = "client_body_in_single_buffer",
     .syntax = "on | off",
     .preset = "off",
     .contexts = CONTEXT_LEVELS,
     ONE_ARG,
     .marks = ROW_WITHOUT_EFFECT,
     .set = set_flag,
     AT(ignored_flag),
     .help = "$request_body is in one piece, always"},
};

const struct directive_table directive_body_table = {rows, COUNT_OF(rows)};
