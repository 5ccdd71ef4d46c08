/* Makes every sync of a process take longer, as on a slow disk.
 *
 * Preloaded (LD_PRELOAD) before the C library; ACTOR_OAUTH_BENCH_SYNC_DELAY says by how
 * many microseconds.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

static void delay(void)
{
    const char *text = getenv("ACTOR_OAUTH_BENCH_SYNC_DELAY");
    long us = text ? atol(text) : 0;
    struct timespec wait = {us / 1000000, us % 1000000 * 1000};

    if (us > 0)
        nanosleep(&wait, NULL);
}

int fsync(int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");

    delay();
    return real(fd);
}

int fdatasync(int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");

    delay();
    return real(fd);
}
