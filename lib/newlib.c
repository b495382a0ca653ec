/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * What newlib asks of its environment (newlib manual, "System Calls"). The image has no files:
 * every file operation fails.
 */
#include "lib/newlib.h"

#include <errno.h>
#include <reent.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define ARENA_SIZE ((size_t)1 << 20)

static _Alignas(16) uint8_t arena[ARENA_SIZE];
static size_t arena_used;
static size_t arena_peak;
static unsigned heap_users;

int kill(pid_t process, int signal);

void newlib_arena(struct newlib_arena *out)
{
    *out = (struct newlib_arena){.size = ARENA_SIZE, .used = arena_used, .peak = arena_peak};
}

void *sbrk(ptrdiff_t increment)
{
    size_t before = arena_used;

    if (increment < 0 ? (size_t)-increment > before : (size_t)increment > ARENA_SIZE - before) {
        errno = ENOMEM;
        return (void *)-1;
    }
    arena_used = before + (size_t)increment;
    if (arena_used > arena_peak)
        arena_peak = arena_used;
    return arena + before;
}

/* The heap is used by one processor at task level and a task is never switched inside it. A second
 * user can only be an interrupt routine: that is a fault of ours, and stops here. */
void __malloc_lock(struct _reent *reent)
{
    (void)reent;
    if (heap_users++ != 0)
        __builtin_trap();
}

void __malloc_unlock(struct _reent *reent)
{
    (void)reent;
    heap_users--;
}

_Noreturn void _exit(int status)
{
    (void)status;
    __builtin_trap();
}

int kill(pid_t process, int signal)
{
    (void)process;
    (void)signal;
    __builtin_trap();
}

pid_t getpid(void)
{
    return 1;
}

static int no_file(void)
{
    errno = EBADF;
    return -1;
}

int close(int file)
{
    (void)file;
    return no_file();
}

int fstat(int file, struct stat *status)
{
    (void)file;
    (void)status;
    return no_file();
}

int isatty(int file)
{
    (void)file;
    errno = EBADF;
    return 0;
}

off_t lseek(int file, off_t offset, int whence)
{
    (void)file;
    (void)offset;
    (void)whence;
    return no_file();
}

_READ_WRITE_RETURN_TYPE read(int file, void *buffer, size_t length)
{
    (void)file;
    (void)buffer;
    (void)length;
    return no_file();
}

_READ_WRITE_RETURN_TYPE write(int file, const void *buffer, size_t length)
{
    (void)file;
    (void)buffer;
    (void)length;
    return no_file();
}
