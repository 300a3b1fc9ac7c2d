/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Taking a message out of the mailbox, word by word. A guest's VF may be paused
 * at any of them, and go on at any later one: what is read in between is all
 * ones. Pure; the unit tests compile it too.
 */
#ifndef QDMA_MBOX_H
#define QDMA_MBOX_H

#include <linux/string.h>
#include <linux/types.h>

#include <svff/mbox_abi.h>

#define QDMA_MBOX_PAUSED	0xffffffffU	/* a register of a VF that is paused */

/**
 * qdma_mbox_take - read a message
 * @read: reads a word of it
 * @arg: for @read
 * @msg: filled
 * @pausable: the reader is a VF, which may be paused
 *
 * All ones may be the message's own. A second look tells, unless the message
 * begins with them, which none of a PF does.
 *
 * Context: that of @read.
 * Return: false if there was a pause, and it has to be read again.
 */
static inline bool qdma_mbox_take(u32 (*read)(void *arg, unsigned int i), void *arg,
				  union svff_mbox_msg *msg, bool pausable)
{
	bool doubt = false;
	unsigned int i;

	for (i = 0; i < SVFF_MBOX_MSG_WORDS; i++) {
		u32 word = read(arg, i);

		doubt |= word == QDMA_MBOX_PAUSED;
		msg->words[i] = cpu_to_le32(word);
	}
	if (!doubt || !pausable)
		return true;
	for (i = 0; i < SVFF_MBOX_MSG_WORDS; i++)
		if (msg->words[i] != cpu_to_le32(read(arg, i)))
			return false;
	return msg->words[0] != cpu_to_le32(QDMA_MBOX_PAUSED);
}

#endif /* QDMA_MBOX_H */
