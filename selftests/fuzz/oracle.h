/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a VF may bring about, told a second time: not from the code under test but from what a VF
 * was granted, what it was answered, and what the card would hold after each command.
 */
#ifndef SVFF_FUZZ_ORACLE_H
#define SVFF_FUZZ_ORACLE_H

#include "request.h"

/**
 * struct world - the sender's grant, and the card as its commands left it
 * @s: what provisioning gave the sender
 * @card: the card
 * @hello: it was welcomed
 * @granted: queues that it was told it has
 * @fmap_base: first queue of the function map's entry
 * @fmap_count: queues of it
 * @runs: queues whose contexts are valid, relative to the grant, by direction
 * @rings: interrupt rings that are valid, by index
 * @more_rings: it was told of those beside its own
 * @torn: the card failed within a release: its rings may be invalid, and queues run unmapped
 * @seq: messages have sequence numbers
 */
struct world {
	const struct pf_session *s;
	const struct pf_card *card;
	bool hello;
	u32 granted;
	u32 fmap_base;
	u32 fmap_count;
	bool runs[2][PF_VF_QUEUES_MAX];
	bool rings[PF_RING_INDICES];
	bool more_rings;
	bool torn;
	bool seq;
};

void oracle_start(struct world *w, const struct pf_card *card, const struct pf_session *s);
void oracle_check(struct world *w, const struct pf_session *before,
		  const union svff_mbox_msg *msg, const struct pf_verdict *v,
		  int done);
void oracle_release(struct world *w, const struct pf_session *before,
		    const struct pf_verdict *v);

#endif
