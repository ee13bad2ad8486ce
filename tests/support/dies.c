#include "tests/support/dies.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/err.h"

int exit_of(void (*run)(void *arg), void *arg)
{
    int status;
    pid_t child = fork();
    ASSERT(child >= 0);
    if (child == 0) {
        int nowhere = open("/dev/null", O_WRONLY);
        dup2(nowhere, STDERR_FILENO);
        run(arg);
        _exit(0);
    }
    ASSERT(waitpid(child, &status, 0) == child);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}
