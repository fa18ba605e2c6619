/* main - runs a fuzzer over inputs that are there: each file of the folders that are named.
 *
 * Without libFuzzer, so that every build with tests has the fuzzers, and tests run their seeds. */
#include "core/base.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INPUT_BYTES_MAX (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

/* libFuzzer's, for mutators of a fuzzer's own; nothing is changed here. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size)
{
    (void)data;
    (void)max_size;
    return size;
}

/* What the system refuses ends the run. */
static void must(bool is_good, const char *what)
{
    if (is_good)
        return;
    perror(what);
    exit(EXIT_FAILURE);
}

/* A copy of its exact size, so that a read beyond its end is seen. */
static void run_file(int folder, const char *name)
{
    static char bytes[INPUT_BYTES_MAX];
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read(fd, bytes, sizeof(bytes));
    uint8_t *input;

    must(len >= 0, name);
    (void)close(fd);
    input = malloc((size_t)len + !len);
    must(input, name);
    memcpy(input, bytes, (size_t)len);
    (void)LLVMFuzzerTestOneInput(input, (size_t)len);
    free(input);
}

static size_t run_folder(const char *path)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    size_t count = 0;

    must(folder, path);
    while ((entry = readdir(folder))) {
        if (entry->d_name[0] == '.')
            continue;
        run_file(dirfd(folder), entry->d_name);
        count++;
    }
    (void)closedir(folder);
    return count;
}

int main(int argc, char **argv)
{
    size_t count = 0;

    if (LLVMFuzzerInitialize)
        (void)LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++)
        count += run_folder(argv[i]);
    printf("%zu inputs\n", count);
    return 0;
}
