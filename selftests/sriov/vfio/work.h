/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Write random bytes to card memory through some queues, read them back,
 * compare, and see that nothing around them was touched.
 */
#ifndef SVFF_SELFTESTS_WORK_H
#define SVFF_SELFTESTS_WORK_H

#include "mm.h"

/**
 * struct work - what to move
 * @queues:     queue pairs that work at the same time
 * @mode:       how completions are learned
 * @table_size: ring size table entry
 * @size:       bytes for each queue
 * @shift:      the host buffers start this far into a page
 * @card:       card address of the first queue's region
 * @chunk:      bytes of one descriptor at most, 0 for the card's limit
 * @seed:       of the random data
 * @wait_ms:    longest wait for a completion, 0 for the default
 * @keep:       leave the data; do not read back
 */
struct work {
	unsigned int queues;
	enum irq_mode mode;
	unsigned int table_size;
	size_t size;
	size_t shift;
	uint64_t card;
	uint32_t chunk;
	uint64_t seed;
	int wait_ms;
	bool keep;
};

/**
 * struct work_result - what came of it
 * @irqs: interrupts that the queues saw
 * @bad:  offset of the first wrong byte
 * @step: what failed
 * @moving: it failed while data moved: the error is an errno, not a status
 */
struct work_result {
	unsigned int irqs;
	size_t bad;
	const char *step;
	bool moving;
};

struct lane;

int work_open(const struct work *w, struct vf *vf, struct work_result *res, struct lane **lanes);
int work_move(const struct work *w, struct lane *lanes, struct work_result *res);
int work_close(const struct work *w, struct vf *vf, struct lane *lanes, struct work_result *res);
int work_run(struct vf *vf, const struct work *w, struct work_result *res);
void fill_random(uint8_t *p, size_t len, uint64_t seed);
const char *mode_name(enum irq_mode mode);
int mode_parse(const char *name, enum irq_mode *mode);

#endif
