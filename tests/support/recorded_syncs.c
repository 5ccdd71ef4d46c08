/* Records what a process syncs, instead of syncing it.
 *
 * Preloaded (LD_PRELOAD) before the C library. Each fsync and fdatasync appends to the file
 * that RECORDED_SYNCS names: 8 bytes of kind ('F': a file, 'D': a folder), the inode, a
 * length, and so many bytes: the file's content, or the folder's entries, one a line.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LONGEST_LINE = 320 };

struct head {
    char kind[8];
    uint64_t inode;
    uint64_t length;
};

static void append(int out, char kind, uint64_t inode, const char *data, size_t length)
{
    size_t size = sizeof(struct head) + length;
    struct head head = {.kind = {kind}, .inode = inode, .length = length};
    char *record = malloc(size);

    memcpy(record, &head, sizeof head);
    memcpy(record + sizeof head, data, length);
    if (write(out, record, size) != (ssize_t)size)
        abort();
    free(record);
}

static void record_folder(int out, const char *path, uint64_t inode)
{
    size_t room = 1 << 20, length = 0;
    char *lines = malloc(room);
    DIR *folder = opendir(path);
    struct dirent *entry;

    while ((entry = readdir(folder)) != NULL && length + LONGEST_LINE < room)
        if (entry->d_name[0] != '.')
            length += snprintf(lines + length, LONGEST_LINE, "%llu %s\n",
                               (unsigned long long)entry->d_ino, entry->d_name);
    closedir(folder);
    append(out, 'D', inode, lines, length);
    free(lines);
}

/* Through the descriptor itself where that can be read: closing another one of a database
 * would drop SQLite's locks. Where it cannot, the file is a draft that SQLite has not seen. */
static void record_file(int out, int fd, const char *path, const struct stat *is)
{
    char *data = malloc(is->st_size + 1);
    ssize_t length = pread(fd, data, is->st_size, 0);

    if (length < 0) {
        int reading = open(path, O_RDONLY | O_CLOEXEC);
        length = pread(reading, data, is->st_size, 0);
        close(reading);
    }
    append(out, 'F', is->st_ino, data, length);
    free(data);
}

/* One at a time, over all processes: an older state must not be recorded after a newer. */
static int record(int fd)
{
    int out = open(getenv("RECORDED_SYNCS"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    char path[64];
    struct stat is;

    if (out < 0 || flock(out, LOCK_EX) != 0 || fstat(fd, &is) != 0)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (S_ISDIR(is.st_mode))
        record_folder(out, path, is.st_ino);
    else
        record_file(out, fd, path, &is);
    close(out);
    return 0;
}

int fsync(int fd)
{
    return record(fd);
}

int fdatasync(int fd)
{
    return record(fd);
}
