/* background - how the process goes to the background, and says whether it got there. */
#include "server/background.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void background_init(struct background *b)
{
    *b = (struct background){.word_fd = -1};
}

/* The process that was called: waits for the word of the other one and ends. */
_Noreturn static void wait_for_word(int fd, pid_t child)
{
    char word;
    ssize_t n;
    int status;

    do {
        n = read(fd, &word, 1);
    } while (n < 0 && errno == EINTR);
    if (n == 1)
        _exit(0);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFSIGNALED(status))
        dprintf(STDERR_FILENO,
                "ringway: [emerg] the process was ended by a signal (%s) while it "
                "started\n",
                strsignal(WTERMSIG(status)));
    _exit(1);
}

int background_start(struct background *b)
{
    int ends[2];
    pid_t child;

    if (pipe2(ends, O_CLOEXEC))
        return -errno;
    child = fork();
    if (child < 0) {
        int error = errno;

        (void)close(ends[0]);
        (void)close(ends[1]);
        return -error;
    }
    (void)close(ends[child ? 1 : 0]);
    if (child)
        wait_for_word(ends[0], child);
    (void)setsid();
    b->word_fd = ends[1];
    b->is_detached = true;
    return 0;
}

void background_redirect(const struct background *b, int error_fd)
{
    if (b->is_detached && error_fd >= 0)
        (void)dup2(error_fd, STDERR_FILENO);
}

void background_tell(struct background *b, int error_fd)
{
    int null_fd;
    ssize_t n;

    if (b->word_fd < 0)
        return;
    null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null_fd >= 0) {
        (void)dup2(null_fd, STDIN_FILENO);
        (void)dup2(null_fd, STDOUT_FILENO);
        (void)close(null_fd);
    }
    /* Before the word: who waits for the caller's end also waits for the terminal to be free. */
    background_redirect(b, error_fd);
    do {
        n = write(b->word_fd, "", 1);
    } while (n < 0 && errno == EINTR);
    (void)close(b->word_fd);
    b->word_fd = -1;
}
