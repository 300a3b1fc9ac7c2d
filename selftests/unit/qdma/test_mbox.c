// SPDX-License-Identifier: GPL-2.0-only
#include "tests.h"

#include "mbox.h"

#define LOOKS	(2 * SVFF_MBOX_MSG_WORDS)

/* A mailbox whose VF is paused from the read with number @begin until the one with number @end. */
struct box {
	u32 word[SVFF_MBOX_MSG_WORDS];
	unsigned int begin, end, reads;
};

static u32 read_box(void *arg, unsigned int i)
{
	struct box *b = arg;
	unsigned int n = b->reads++;

	return n >= b->begin && n < b->end ? QDMA_MBOX_PAUSED : b->word[i];
}

static bool take(struct box *b, bool pausable, bool *right)
{
	union svff_mbox_msg msg;
	bool taken;
	unsigned int i;

	b->reads = 0;
	taken = qdma_mbox_take(read_box, b, &msg, pausable);
	*right = true;
	for (i = 0; i < SVFF_MBOX_MSG_WORDS; i++)
		*right &= le32_to_cpu(msg.words[i]) == b->word[i];
	return taken;
}

static void fill(struct box *b, unsigned int ones)
{
	unsigned int i;

	for (i = 0; i < SVFF_MBOX_MSG_WORDS; i++)
		b->word[i] = i && i >= SVFF_MBOX_MSG_WORDS - ones ? QDMA_MBOX_PAUSED : 0x1000 + i;
}

/* Messages that end in so many words of all ones, a pause from each read to each later one */
TEST(test_mbox_pause)
{
	struct box b;
	unsigned int ones;
	bool taken, right;

	(void)arg;
	for (ones = 0; ones < SVFF_MBOX_MSG_WORDS; ones++) {
		fill(&b, ones);
		b.begin = b.end = 0;
		taken = take(&b, true, &right);
		KTAP_FAIL_ON(!taken || !right, "not taken, %u words of ones", ones);
		for (b.begin = 0; b.begin < LOOKS; b.begin++) {
			for (b.end = b.begin + 1; b.end <= LOOKS; b.end++) {
				taken = take(&b, true, &right);
				KTAP_FAIL_ON(taken && !right, "wrong, paused from %u to %u, %u words of ones",
					     b.begin, b.end, ones);
			}
		}
	}
	return KTAP_PASS;
}

/* Whatever a VF sends must not stay in its PF's mailbox. */
TEST(test_mbox_pf)
{
	struct box b = { .begin = 0, .end = LOOKS };
	bool right;

	(void)arg;
	KTAP_FAIL_ON(!take(&b, false, &right), "all ones are not taken");
	return KTAP_PASS;
}
