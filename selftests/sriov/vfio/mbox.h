/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VF's end of the mailbox: 128-byte messages, one request at a time.
 */
#ifndef SVFF_SELFTESTS_MBOX_H
#define SVFF_SELFTESTS_MBOX_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "regs.h"
#include "vfio.h"

#define MBOX_SEND_MS		2000
#define MBOX_REPLY_MS		5000

/**
 * struct mbox_msg - one message as it lies on the wire, little endian
 * @b: bytes
 * @w: the same as 32-bit words
 */
struct mbox_msg {
	union {
		uint8_t b[MBOX_BYTES];
		uint32_t w[MBOX_WORDS];
	};
};

/**
 * struct mbox - state of a VF's mailbox
 * @dev:       the function
 * @base:      where the mailbox is in its BAR
 * @fn:        own function id, 0 until the first message came
 * @parent:    function id of the PF
 * @mute:      never answer what the PF starts
 * @bye:       the PF said it goes away, or resets
 * @pf_asked:  messages that the PF started
 * @stray:     answers nobody waited for
 * @irqs:      mailbox interrupts seen
 * @look_ms:   look for an answer this often, should the interrupt not come
 * @reply_ms:  longest wait for an answer
 */
struct mbox {
	struct vfio_dev *dev;
	uint32_t base;
	uint16_t fn;
	uint16_t parent;
	bool mute;
	bool bye;
	unsigned int pf_asked;
	unsigned int stray;
	unsigned int irqs;
	int look_ms;
	int reply_ms;
};

int mbox_init(struct mbox *m, struct vfio_dev *dev);
int mbox_wait_taken(struct mbox *m);
void mbox_put(struct mbox *m, const struct mbox_msg *msg, unsigned int first, unsigned int end);
void mbox_commit(struct mbox *m);
int mbox_send(struct mbox *m, const struct mbox_msg *msg);
bool mbox_recv(struct mbox *m, struct mbox_msg *msg);
int mbox_poll(struct mbox *m, struct mbox_msg *msg, int timeout_ms);
int mbox_call(struct mbox *m, const struct mbox_msg *req,
	      struct mbox_msg *rsp);
bool mbox_handle(struct mbox *m, const struct mbox_msg *msg);
void mbox_request(const struct mbox *m, struct mbox_msg *msg, uint8_t op);

static inline uint16_t msg_get16(const struct mbox_msg *m, unsigned int off)
{
	uint16_t v;

	memcpy(&v, m->b + off, sizeof(v));
	return v;
}

static inline uint32_t msg_get32(const struct mbox_msg *m, unsigned int off)
{
	uint32_t v;

	memcpy(&v, m->b + off, sizeof(v));
	return v;
}

static inline uint64_t msg_get64(const struct mbox_msg *m, unsigned int off)
{
	uint64_t v;

	memcpy(&v, m->b + off, sizeof(v));
	return v;
}

static inline void msg_put16(struct mbox_msg *m, unsigned int off, uint16_t v)
{
	memcpy(m->b + off, &v, sizeof(v));
}

static inline void msg_put32(struct mbox_msg *m, unsigned int off, uint32_t v)
{
	memcpy(m->b + off, &v, sizeof(v));
}

static inline void msg_put64(struct mbox_msg *m, unsigned int off, uint64_t v)
{
	memcpy(m->b + off, &v, sizeof(v));
}

static inline int msg_status(const struct mbox_msg *m)
{
	return (int8_t)m->b[M_STATUS];
}

#endif
