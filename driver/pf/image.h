/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is kept of a VF that is paused, in memory and as bytes. Pure: takes
 * values, touches no device, and is compiled by the host's unit tests.
 */
#ifndef SVFF_PF_IMAGE_H
#define SVFF_PF_IMAGE_H

#include <linux/types.h>
#include <svff/qdma.h>
#include "request.h"

#define PF_IMAGE_NAME_MAX	16

/**
 * struct pf_image_queue - a direction of a queue
 * @rel: queue, relative to the VF's range
 * @dir: direction
 * @st: stream
 * @enabled: it was enabled; not in the bytes, where @state tells
 * @state: its contexts
 */
struct pf_image_queue {
	u16 rel;
	enum svff_qdma_dir dir;
	bool st;
	bool enabled;
	struct svff_qdma_hwq_state state;
};

/**
 * struct pf_image - a VF that is paused
 * @session: its session; func, base, quota and vectors as they were
 * @seq: sequence number of the last notice
 * @mbox: of its mailbox; @mbox.out counts only if @mbox.begun
 * @in_buffer: the first of @msg was left in its buffer; not in the bytes
 * @asked: its driver was asked to be idle, and is to be told to go on
 * @since_ns: when it was stopped, or loaded; not in the bytes
 * @held: @request is a request of it that was not served
 * @request: see @held
 * @num_msgs: messages to it that it has not taken
 * @msg: these, oldest first
 * @ring: its interrupt rings, those that the session has
 * @num_queues: entries of @queue
 * @to_load: so many of them have to be loaded before they work again; not in the bytes
 * @half_saved: the one after them has to be saved and loaded; not in the bytes
 * @rings_to_load: its rings have to be loaded; not in the bytes
 * @cleared: so have its rings, its doorbells and its mailbox; not in the bytes
 * @queue: its live queues, in order of number and direction
 */
struct pf_image {
	struct pf_session session;
	u16 seq;
	struct svff_qdma_vf_mbox mbox;
	bool in_buffer;
	bool asked;
	u64 since_ns;
	bool held;
	union svff_mbox_msg request;
	unsigned int num_msgs;
	union svff_mbox_msg msg[SVFF_QDMA_MBOX_UNTAKEN];
	u32 ring[PF_RINGS_MAX][SVFF_QDMA_RING_WORDS];
	unsigned int num_queues;
	unsigned int to_load;
	bool half_saved;
	bool rings_to_load;
	bool cleared;
	struct pf_image_queue queue[];
};

/**
 * struct pf_image_card - what two cards must have in common to understand each other
 * @ip_type: kind of QDMA
 * @ip_version: its version
 * @csr_crc: of the tables that contexts refer to
 */
struct pf_image_card {
	char ip_type[PF_IMAGE_NAME_MAX];
	char ip_version[PF_IMAGE_NAME_MAX];
	u32 csr_crc;
};

void pf_image_card(const struct pf_card *card, struct pf_image_card *id);
size_t pf_image_size(const struct pf_image *img);
size_t pf_image_size_max(u32 queues);
void pf_image_encode(const struct pf_image *img, const struct pf_image_card *id, void *bytes);
int pf_image_check(const void *bytes, size_t len, const struct pf_image_card *id);
void pf_image_decode(const void *bytes, struct pf_image *img);
int pf_image_fits(const struct pf_image *img, const struct pf_session *vf);
struct svff_qdma_hwq pf_image_hwq(const struct pf_session *s, const struct pf_image_queue *q);
void pf_image_place(const struct pf_image *img, const struct pf_session *vf,
		    struct pf_session *next);

#endif /* SVFF_PF_IMAGE_H */
