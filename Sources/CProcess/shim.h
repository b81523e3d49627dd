// Starting a program that cannot outlive the process which started it: what Swift cannot do between fork and exec. And a few
// things about processes for which Swift has no words.
#ifndef CPROCESS_SHIM_H
#define CPROCESS_SHIM_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/mman.h>
#include <sys/prctl.h>
#endif

// A pipe that no program inherits. Returns 0, or -1 with errno set.
static inline int cprocess_pipe(int descriptors[2]) {
#ifdef __linux__
    // As one step, so that a program which another thread starts meanwhile does not get them either.
    return pipe2(descriptors, O_CLOEXEC);
#else
    if (pipe(descriptors) != 0) return -1;
    for (int i = 0; i < 2; i++) fcntl(descriptors[i], F_SETFD, FD_CLOEXEC);
    return 0;
#endif
}

// Lets what reads or writes at this descriptor fail where it would wait.
static inline void cprocess_never_wait(int descriptor) { fcntl(descriptor, F_SETFL, O_NONBLOCK); }

// What ps shows of this process beside its command line: at most 15 bytes. Linux only.
static inline void cprocess_set_name(const char *name) {
#ifdef __linux__
    // Not prctl, which names the calling thread.
    int own = open("/proc/self/comm", O_WRONLY | O_CLOEXEC);
    if (own < 0) return;
    ssize_t written = write(own, name, strlen(name));
    (void)written;
    close(own);
#else
    (void)name;
#endif
}

// Forgets which pages of code this process has used so far. They stay in the system's cache of files, from which those that are
// used again come back, without a copy. Linux only.
static inline void cprocess_unmap_used_code(void) {
#ifdef __linux__
    FILE *maps = fopen("/proc/self/smaps", "re");
    if (!maps) return;
    char *line = NULL, rights[5] = "", first = 0;
    size_t capacity = 0;
    unsigned long start = 0, end = 0, own;
    while (getline(&line, &capacity, maps) > 0) {
        if (sscanf(line, "Anonymous: %lu kB", &own) == 1) {
            // The code of files, of which this process has no pages of its own, as a debugger's breakpoints make: nothing is lost.
            if (!strcmp(rights, "r-xp") && first == '/' && own == 0) madvise((void *)start, end - start, MADV_DONTNEED);
            first = 0;
        } else if (sscanf(line, "%lx-%lx %4s %*s %*s %*s %c", &start, &end, rights, &first) == 3) {
            first = 0;
        }
    }
    free(line);
    fclose(maps);
#endif
}

// Makes orphaned descendants children of this process, so that it sees and can end them. Linux only.
static inline void cprocess_adopt_orphans(void) {
#ifdef __linux__
    prctl(PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L);
#endif
}

// Weak, and so one for all files that include this header.
__attribute__((weak)) int cprocess_signal_pipe[2] = {-1, -1};

static inline void cprocess_note_signal(int number) {
    int code = errno;
    char byte = (char)number;
    ssize_t written = write(cprocess_signal_pipe[1], &byte, 1);
    (void)written;
    errno = code;
}

// Turns SIGCHLD and SIGTERM into bytes, the signals' numbers, at the descriptor that is returned, or -1 with errno set. What a
// terminal sends to all its processes is left to the parent: one that it stops must still be watched.
static inline int cprocess_watch_signals(void) {
    if (cprocess_pipe(cprocess_signal_pipe) != 0) return -1;
    for (int i = 0; i < 2; i++) cprocess_never_wait(cprocess_signal_pipe[i]);
    struct sigaction action = {0};
    action.sa_handler = cprocess_note_signal;
    action.sa_flags = SA_RESTART;
    sigaction(SIGCHLD, &action, 0);
    sigaction(SIGTERM, &action, 0);
    static const int terminal[] = {SIGINT, SIGQUIT, SIGHUP, SIGTSTP, SIGTTIN, SIGTTOU};
    for (size_t i = 0; i < sizeof terminal / sizeof *terminal; i++) signal(terminal[i], SIG_IGN);
    return cprocess_signal_pipe[0];
}

// Starts a program in a process group of its own, without standard input. On Linux it gets SIGKILL when the calling thread
// ends. Returns its process id, or the negative error number if there is no such program.
static inline pid_t cprocess_start(char *const arguments[]) {
    int report[2];
    if (cprocess_pipe(report) != 0) return -errno;
    pid_t parent = getpid();
    pid_t child = fork();
    if (child < 0) {
        int code = errno;
        close(report[0]);
        close(report[1]);
        return -code;
    }
    if (child == 0) {
        setpgid(0, 0);
#ifdef __linux__
        prctl(PR_SET_PDEATHSIG, (long)SIGKILL, 0L, 0L, 0L);
        // It may have ended before the line above.
        if (getppid() != parent) _exit(127);
#endif
        for (int number = 1; number < NSIG; number++) {
            if (number != SIGKILL && number != SIGSTOP) signal(number, SIG_DFL);
        }
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, 0);
        int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (null >= 0 && dup2(null, 0) == 0) execvp(arguments[0], arguments);
        int code = errno;
        ssize_t written = write(report[1], &code, sizeof code);
        (void)written;
        _exit(127);
    }
    close(report[1]);
    int code = 0;
    ssize_t count;
    do count = read(report[0], &code, sizeof code);
    while (count < 0 && errno == EINTR);
    close(report[0]);
    if (count != sizeof code) return child;
    waitpid(child, 0, 0);
    return -code;
}

// Takes note of one child that has ended: its process id, and as what it ended: the exit code, or 128 and the signal's number, as
// a shell has it. Returns 0 if none has ended, -1 if there is no child.
static inline pid_t cprocess_reap(int *code) {
    int status = 0;
    pid_t child = waitpid(-1, &status, WNOHANG);
    if (child > 0) *code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return child;
}

// The children of this process, those that were adopted too: stores at most so many of their ids, and returns how many, or -1
// if the system does not tell. Linux only.
static inline int cprocess_children(pid_t *children, int most) {
#ifdef __linux__
    DIR *threads = opendir("/proc/self/task");
    if (!threads) return -1;
    int count = 0, lists = 0;
    struct dirent *thread;
    while ((thread = readdir(threads))) {
        // Each thread has a list of its own; orphans are in that of any of them.
        char path[300];
        snprintf(path, sizeof path, "/proc/self/task/%s/children", thread->d_name);
        FILE *list = fopen(path, "re");
        if (!list) continue;
        lists++;
        int child;
        while (count < most && fscanf(list, "%d", &child) == 1) children[count++] = child;
        fclose(list);
    }
    closedir(threads);
    return lists > 0 ? count : -1;
#else
    (void)children;
    (void)most;
    return -1;
#endif
}

#endif
