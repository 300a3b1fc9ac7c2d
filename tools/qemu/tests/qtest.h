/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine under test: QEMU without a CPU, driven over its qtest socket
 *
 * There is a q35 machine with a root port and one device behind it. Time
 * stands still but for qt_step(). Any failure of the connection ends the test
 * program: there is nothing to go on with.
 */
#ifndef QTEST_H
#define QTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct qt;

/* With a file in incoming, the machine's state is read from it. */
struct qt *qt_start(const char *qemu, const char *device, const char *incoming);
/* Saves the machine's state into a file; the machine stays stopped. */
bool qt_save(struct qt *qt, const char *file);
/* True if QEMU ended with code 0, i.e. was not killed by an assertion. */
bool qt_stop(struct qt *qt);

void qt_step(struct qt *qt, uint64_t ns);

uint32_t qt_read32(struct qt *qt, uint64_t addr);
void qt_write32(struct qt *qt, uint64_t addr, uint32_t val);
void qt_write_sized(struct qt *qt, uint64_t addr, uint64_t val, int bytes);
uint64_t qt_read_sized(struct qt *qt, uint64_t addr, int bytes);
void qt_read(struct qt *qt, uint64_t addr, void *buf, size_t len);
void qt_write(struct qt *qt, uint64_t addr, const void *buf, size_t len);
void qt_fill(struct qt *qt, uint64_t addr, int byte, size_t len);

/* Config space of a function on the bus of the device under test */
uint64_t qt_cfg_addr(int devfn, int reg);
uint64_t qt_port_addr(int reg);
uint32_t qt_cfg_read32(struct qt *qt, int devfn, int reg);
void qt_cfg_write32(struct qt *qt, int devfn, int reg, uint32_t val);
void qt_cfg_write16(struct qt *qt, int devfn, int reg, uint16_t val);
int qt_find_cap(struct qt *qt, int devfn, int id);
int qt_find_ecap(struct qt *qt, int devfn, int id);

/*
 * One QMP command; *error says whether the answer was an error. The answer is
 * valid until the next call.
 */
const char *qt_qmp(struct qt *qt, bool *error, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* qom-set of a property of the device; the value is JSON. */
bool qt_set(struct qt *qt, const char *property, const char *value);

/* Address space the root port passes on to the device */
#define QT_WINDOW	0x4000000000ull
#define QT_WINDOW_SIZE	0x0100000000ull
#define QT_RAM_SIZE	(64u << 20)

#endif
