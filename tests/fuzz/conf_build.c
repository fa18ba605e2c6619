/* conf_build - whatever a configuration says, it is taken, or refused with a line that says why.
 *
 * No file is opened and no name is resolved. */
#include "conf/build.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    return tls_library_init();
}

static size_t size_of(int fd)
{
    struct stat st;
    int rc = fstat(fd, &st);

    assert(rc == 0);
    return (size_t)st.st_size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct build_options o = {
        .text = span_of((const char *)data, size),
        .text_name = "fuzz.conf",
        .prefix = "/tmp",
        .reads_nothing = true,
    };
    struct log_target target = {
        .fd = memfd_create("log", MFD_CLOEXEC), .level = LOG_LEVEL_EMERG, .is_startup = true};
    const struct log log = {.targets = &target, .target_count = 1};
    struct snapshot *s;
    int rc = snapshot_build(&o, &log, &s);

    assert(target.fd >= 0);
    assert((rc == 0) == (s != NULL));
    assert((rc == 0) == (size_of(target.fd) == 0));
    snapshot_unref(s);
    close(target.fd);
    return 0;
}
