/*
 * Count the instructions the emulated machine executes, readable at any time
 *
 * Usage: -plugin insn-count.so,socket=PATH
 * Connects to a listening socket and answers each newline that comes from it
 * with a decimal number and a newline: the instructions of all vCPUs since
 * start. With a socket character device (server=on) behind a virtio-serial
 * port, the count can be read from inside the machine; QEMU makes character
 * devices before it loads plugins.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <glib.h>

#include <qemu-plugin.h>

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

static struct qemu_plugin_scoreboard *counts;
static qemu_plugin_u64 insns;

static void count_block(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(tb,
        QEMU_PLUGIN_INLINE_ADD_U64, insns, qemu_plugin_tb_n_insns(tb));
}

/* One line in, one number out, until the other end goes away. */
static gpointer serve(gpointer opaque)
{
    int fd = GPOINTER_TO_INT(opaque);
    char c;

    while (read(fd, &c, 1) == 1) {
        char line[32];
        int len;

        if (c != '\n') {
            continue;
        }
        len = snprintf(line, sizeof(line), "%" PRIu64 "\n",
                       qemu_plugin_u64_sum(insns));
        if (send(fd, line, len, MSG_NOSIGNAL) != len) {
            break;
        }
    }
    close(fd);
    return NULL;
}

static int connect_to(const char *path)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    int fd;

    if (strlen(path) >= sizeof(addr.sun_path)) {
        fprintf(stderr, "insn-count: socket path is too long: %s\n", path);
        return -1;
    }
    strcpy(addr.sun_path, path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        perror("insn-count: socket");
        return -1;
    }
    if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
        perror("insn-count: cannot connect");
        close(fd);
        return -1;
    }
    return fd;
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id,
                                           const qemu_info_t *info,
                                           int argc, char **argv)
{
    int fd;

    if (argc != 1 || !g_str_has_prefix(argv[0], "socket=")) {
        fprintf(stderr, "insn-count: one argument is needed: socket=PATH\n");
        return -1;
    }
    fd = connect_to(argv[0] + strlen("socket="));
    if (fd < 0) {
        return -1;
    }
    counts = qemu_plugin_scoreboard_new(sizeof(uint64_t));
    insns = qemu_plugin_scoreboard_u64(counts);
    qemu_plugin_register_vcpu_tb_trans_cb(id, count_block);
    g_thread_unref(g_thread_new("insn-count", serve, GINT_TO_POINTER(fd)));
    return 0;
}
