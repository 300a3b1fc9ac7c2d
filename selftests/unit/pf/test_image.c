// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of driver/pf/image.c: the image of a paused VF as bytes and back.
 */
#include "image.h"

#include <errno.h>
#include <linux/crc32.h>
#include <linux/kernel.h>
#include <stdlib.h>
#include "tests.h"

#define FUNC	3
#define BASE	40
#define QUEUES	3
#define BYTES	(316 + QUEUES * 84 + 4 * 128)

/* Where things are in the bytes: the format is fixed once it is released. */
#define AT_VERSION	4
#define AT_HEAD_LEN	6
#define AT_LEN		8
#define AT_CRC		12
#define AT_TYPE		16
#define AT_CSR		48
#define AT_TOLD		60
#define AT_QUOTA	64
#define AT_GRANTED	66
#define AT_EXT		68
#define AT_FLAGS	74
#define AT_MSGS		75
#define AT_QUEUES	76
#define AT_RINGS	78
#define AT_MORE_RINGS	79
#define AT_FIRST_RING	80
#define AT_PAD		82
#define AT_MBOX_VECTOR	84
#define AT_MBOX_ENABLE	88
#define AT_RING(i)	(92 + (i) * 16)
#define AT_ANNOUNCED	220
#define AT_QUEUE(i)	(316 + (i) * 84)

static const struct svff_qdma_caps caps = { .ip_type = "EQDMA", .ip_version = "5.0" };
static const struct svff_qdma_csr csr = { .ring_size = { 2049, 65 } };
static const struct pf_card card = { .caps = &caps, .csr = &csr };

static struct pf_image_card id(void)
{
	struct pf_image_card id;

	pf_image_card(&card, &id);
	return id;
}

static struct pf_image *image_new(void)
{
	struct pf_image *img = calloc(1, sizeof(*img) + QUEUES * sizeof(img->queue[0]));

	if (!img)
		abort();
	return img;
}

/* Three queue directions, a request not served, a message not sent, two messages not taken. */
static struct pf_image *sample(void)
{
	struct pf_image *img = image_new();
	struct pf_session *s = &img->session;
	u32 *words;
	int i, w;

	*s = (struct pf_session) {
		.func = FUNC, .vectors = 8, .base = BASE, .told = 24, .quota = 8, .granted = 4,
		.ext = SVFF_MBOX_EXT_RINGS, .hello = true, .mapped = true, .dirty = true,
		.rings = 0x5, .named = 0x5, .more_rings = 7, .first_ring = 230,
	};
	s->announced[SVFF_MBOX_Q_H2C][0] = 0x5;
	s->announced[SVFF_MBOX_Q_CMPT][0] = 0x8;
	s->live[SVFF_MBOX_Q_H2C][0] = 0x1;
	s->live[SVFF_MBOX_Q_C2H][0] = 0x9;
	s->live[SVFF_MBOX_Q_CMPT][0] = 0x8;
	img->seq = 77;
	img->mbox.vector = 1;
	img->mbox.enable = 1;
	img->mbox.begun = true;
	img->mbox.out.hdr.op = SVFF_MBOX_OP_QREQ;
	img->mbox.out.words[31] = cpu_to_le32(5);
	img->held = true;
	img->asked = true;
	img->request.hdr.op = SVFF_MBOX_OP_CSR;
	img->num_msgs = 2;
	img->msg[0].hdr.op = SVFF_MBOX_OP_QUOTA;
	img->msg[1].words[31] = cpu_to_le32(9);
	for (i = 0; i < 4; i++) {
		img->ring[0][i] = 0x1111 * (i + 1);
		img->ring[2][i] = 7;
	}
	img->num_queues = QUEUES;
	img->queue[0] = (struct pf_image_queue){ .rel = 0, .dir = SVFF_QDMA_H2C };
	img->queue[1] = (struct pf_image_queue){ .rel = 0, .dir = SVFF_QDMA_C2H };
	img->queue[2] = (struct pf_image_queue){ .rel = 3, .dir = SVFF_QDMA_C2H, .st = true };
	for (i = 0; i < QUEUES; i++) {
		words = (u32 *)&img->queue[i].state;
		for (w = 0; w < 20; w++)
			words[w] = i << 24 | w;
	}
	return img;
}

static u8 *encoded(void)
{
	struct pf_image *img = sample();
	struct pf_image_card card_id = id();
	u8 *bytes = malloc(BYTES);

	if (!bytes || pf_image_size(img) != BYTES)
		abort();
	pf_image_encode(img, &card_id, bytes);
	free(img);
	return bytes;
}

/* As whoever wants to be believed would. */
static void sign(u8 *bytes)
{
	u32 crc;

	memset(bytes + AT_CRC, 0, 4);
	crc = crc32_le(~0U, bytes, BYTES);
	memcpy(bytes + AT_CRC, &crc, 4);
}

static int check_len(const u8 *bytes, size_t len)
{
	struct pf_image_card card_id = id();
	u8 *copy = malloc(len ?: 1);	/* exactly so long, for the sanitizer */
	int ret;

	memcpy(copy, bytes, len);
	ret = pf_image_check(copy, len, &card_id);
	free(copy);
	return ret;
}

TEST(test_image_round)
{
	struct pf_image *img = sample(), *again = image_new();
	u8 *bytes = encoded();
	int ret = check_len(bytes, BYTES);

	KTAP_FAIL_ON(ret != QUEUES, "check: %d", ret);
	pf_image_decode(bytes, again);
	KTAP_FAIL_ON(memcmp(img, again, sizeof(*img) + QUEUES * sizeof(img->queue[0])),
		     "it comes back different");
	KTAP_FAIL_ON(pf_image_size_max(8) < BYTES, "size_max");
	free(bytes);
	free(again);
	free(img);
	return KTAP_PASS;
}

/* A byte here and there as it is on the wire. */
TEST(test_image_golden)
{
	u8 *b = encoded();

	KTAP_FAIL_ON(memcmp(b, "SVFF\1\0\74\1", 8), "magic, version, length of the head");
	KTAP_FAIL_ON(b[AT_LEN] != (BYTES & 0xff) || b[AT_LEN + 1] != BYTES >> 8, "length");
	KTAP_FAIL_ON(memcmp(b + AT_TYPE, "EQDMA\0", 6) || memcmp(b + 32, "5.0\0", 4), "card");
	KTAP_FAIL_ON(memcmp(b + AT_CSR, "\x37\x89\x9c\xbb", 4), "CRC of the tables");
	KTAP_FAIL_ON(b[52] != FUNC || b[54] != 8 || b[56] != BASE || b[AT_TOLD] != 24, "function");
	KTAP_FAIL_ON(b[AT_QUOTA] != 8 || b[AT_GRANTED] != 4 || b[72] != 77, "grant");
	KTAP_FAIL_ON(b[AT_FLAGS] != 0x1f || b[AT_MSGS] != 2 || b[AT_QUEUES] != QUEUES, "counts");
	KTAP_FAIL_ON(b[AT_RING(0) + 4] != 0x22 || b[AT_RING(2)] != 7 || b[AT_FIRST_RING] != 230 || b[AT_ANNOUNCED] != 5 || b[AT_ANNOUNCED + 64] != 8, "ring, announced");
	KTAP_FAIL_ON(b[AT_QUEUE(2)] != 3 || b[AT_QUEUE(2) + 2] != 3, "queue");
	KTAP_FAIL_ON(b[AT_QUEUE(2) + 4 + 19 * 4] != 19 || b[AT_QUEUE(2) + 4 + 19 * 4 + 3] != 2, "its words");
	KTAP_FAIL_ON(b[AT_QUEUE(3)] != SVFF_MBOX_OP_CSR || b[AT_QUEUE(3) + 256] != SVFF_MBOX_OP_QUOTA ||
		     b[BYTES - 4] != 9, "messages");
	KTAP_FAIL_ON(b[AT_QUEUE(3) + 128] != SVFF_MBOX_OP_QREQ || b[AT_QUEUE(3) + 255 - 3] != 5, "message not sent");
	free(b);
	return KTAP_PASS;
}

TEST(test_image_length)
{
	u8 *bytes = encoded(), *more = calloc(1, BYTES + 8);
	size_t len;

	memcpy(more, bytes, BYTES);
	for (len = 0; len < BYTES; len++)
		KTAP_FAIL_ON(check_len(bytes, len) != -ENODATA, "%zu bytes: %d", len, check_len(bytes, len));
	KTAP_FAIL_ON(check_len(more, BYTES + 1) != -EMSGSIZE, "a byte too many");
	KTAP_FAIL_ON(check_len(more, BYTES + 8) != -EMSGSIZE, "bytes too many");
	free(more);
	free(bytes);
	return KTAP_PASS;
}

/* Whatever bit is flipped, it is noticed. */
TEST(test_image_corrupt)
{
	u8 *bytes = encoded();
	unsigned int i;

	for (i = 0; i < 8 * BYTES; i++) {
		bytes[i / 8] ^= 1 << i % 8;
		KTAP_FAIL_ON(check_len(bytes, BYTES) >= 0, "bit %u", i);
		bytes[i / 8] ^= 1 << i % 8;
	}
	KTAP_FAIL_ON(check_len(bytes, BYTES) < 0, "the original");
	free(bytes);
	return KTAP_PASS;
}

/* Values that are wrong, though the sum is right. */
TEST(test_image_values)
{
	static const struct {
		unsigned int at;
		u8 value;
		int err;
		const char *what;
	} cases[] = {
		{ 0, 'X', -EBADMSG, "magic" },
		{ AT_VERSION, 2, -EPROTONOSUPPORT, "version" },
		{ AT_HEAD_LEN, 56, -EBADMSG, "length of the head" },
		{ AT_TYPE, 'C', -EMEDIUMTYPE, "kind of card" },
		{ AT_TYPE + 16, '4', -EMEDIUMTYPE, "version of the card" },
		{ AT_TYPE + 10, 'x', -EMEDIUMTYPE, "rest of the name" },
		{ AT_CSR, 0, -EMEDIUMTYPE, "tables" },
		{ AT_QUOTA + 1, 2, -EBADMSG, "quota" },
		{ AT_GRANTED, 9, -EBADMSG, "more than the quota" },
		{ AT_GRANTED, 3, -EBADMSG, "less than there is set up" },
		{ AT_EXT + 3, 1, -EOPNOTSUPP, "extension" },
		{ AT_FLAGS, 0x1e, -EBADMSG, "queues without HELLO" },
		{ AT_FLAGS, 0x1d, -EBADMSG, "queues that are not mapped" },
		{ AT_RINGS, 0x1, -EBADMSG, "ring that is not there" },
		{ AT_MORE_RINGS, 1, -EBADMSG, "ring that it may not have" },
		{ AT_MORE_RINGS, 8, -EBADMSG, "too many rings" },
		{ AT_EXT, 1, -EBADMSG, "rings without the extension" },
		{ AT_RING(1), 1, -EBADMSG, "something of another ring" },
		{ AT_FLAGS, 0x1b, -EBADMSG, "request that is there" },
		{ AT_FLAGS, 0xf, -EBADMSG, "message not sent that is there" },
		{ AT_FLAGS, 0x3f, -EBADMSG, "unknown flag" },
		{ AT_MSGS, 3, -EBADMSG, "messages that are not there" },
		{ AT_QUEUES, 2, -EBADMSG, "queues too few" },
		{ AT_QUEUES + 1, 0xff, -EBADMSG, "queues too many" },
		{ AT_PAD, 1, -EBADMSG, "padding" },
		{ AT_MBOX_VECTOR, 32, -EBADMSG, "mailbox vector" },
		{ AT_MBOX_ENABLE, 2, -EBADMSG, "mailbox enable" },
		{ AT_ANNOUNCED, 0x10, -EBADMSG, "announced beyond the grant" },
		{ AT_ANNOUNCED + 95, 0x80, -EBADMSG, "announced far beyond the grant" },
		{ AT_QUEUE(2), 4, -EBADMSG, "queue beyond the grant" },
		{ AT_QUEUE(1), 3, -EBADMSG, "queue twice" },
		{ AT_QUEUE(1) + 2, 0, -EBADMSG, "direction twice" },
		{ AT_QUEUE(1) + 2, 4, -EBADMSG, "unknown flag of a queue" },
		{ AT_QUEUE(1) + 3, 1, -EBADMSG, "padding of a queue" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		u8 *bytes = encoded();
		int ret;

		KTAP_FAIL_ON(bytes[cases[i].at] == cases[i].value, "%s: not changed", cases[i].what);
		bytes[cases[i].at] = cases[i].value;
		sign(bytes);
		ret = check_len(bytes, BYTES);
		KTAP_FAIL_ON(ret != cases[i].err, "%s: %d, not %d", cases[i].what, ret, cases[i].err);
		free(bytes);
	}
	return KTAP_PASS;
}

/* With an interrupt ring only there and so, without it anywhere with room. */
TEST(test_image_fits)
{
	const struct pf_session same = { .func = FUNC, .base = BASE, .quota = 8, .vectors = 8,
					 .first_ring = 230, .more_rings = 7 };
	struct pf_image *img = sample();
	struct pf_session vf = same, next;

	KTAP_FAIL_ON(pf_image_fits(img, &vf), "the same VF");
	vf.base = 41;
	KTAP_FAIL_ON(pf_image_fits(img, &vf) != -EXDEV, "other queues with a ring");
	vf = same;
	vf.func = 4;
	KTAP_FAIL_ON(pf_image_fits(img, &vf) != -EXDEV, "another function with a ring");
	vf = same;
	vf.first_ring = 223;
	KTAP_FAIL_ON(pf_image_fits(img, &vf) != -EXDEV, "other rings");
	vf = same;
	vf.more_rings = 0;
	KTAP_FAIL_ON(pf_image_fits(img, &vf) != -EXDEV, "too few rings");
	img->session.rings = 1;
	img->session.named = 1;
	KTAP_FAIL_ON(pf_image_fits(img, &vf), "just its own ring");
	img->session.named = 2;
	KTAP_FAIL_ON(pf_image_fits(img, &vf) != -EXDEV, "a queue that names a ring which was cleared");
	img->session.named = 0;
	vf.func = 4;
	img->session.rings = 0;
	vf.base = 41;
	KTAP_FAIL_ON(pf_image_fits(img, &vf), "another VF without a ring");
	vf.quota = 4;
	KTAP_FAIL_ON(pf_image_fits(img, &vf), "just enough queues");
	vf.quota = 3;
	KTAP_FAIL_ON(pf_image_fits(img, &vf) != -ENOSPC, "too few queues");
	vf.quota = 4;
	vf.vectors = 7;
	KTAP_FAIL_ON(pf_image_fits(img, &vf) != -ERANGE, "too few vectors");
	vf.vectors = 16;
	pf_image_place(img, &vf, &next);
	KTAP_FAIL_ON(next.func != 4 || next.base != 41 || next.quota != 4 || next.vectors != 16, "place");
	KTAP_FAIL_ON(next.told != 24 || next.granted != 4 || !next.hello || !next.mapped ||
		     next.ext != SVFF_MBOX_EXT_RINGS, "what the VF knows");
	free(img);
	return KTAP_PASS;
}

/* Bytes of any kind: never more is read than there is. */
TEST(test_image_fuzz)
{
	unsigned int i, n;

	srandom(1);
	for (i = 0; i < 200000; i++) {
		u8 *bytes = encoded();
		int ret;

		for (n = random() % 6; n; n--)
			bytes[random() % (random() % 2 ? 316 : BYTES)] = random();
		sign(bytes);
		ret = check_len(bytes, random() % 8 ? BYTES : (size_t)(random() % BYTES));
		if (ret >= 0) {
			struct pf_image *img = calloc(1, sizeof(*img) + ret * sizeof(img->queue[0]));

			pf_image_decode(bytes, img);
			KTAP_FAIL_ON(pf_image_size(img) != BYTES || img->session.granted > img->session.quota ||
				     img->num_msgs > SVFF_QDMA_MBOX_UNTAKEN, "step %u", i);
			free(img);
		}
		free(bytes);
	}
	return KTAP_PASS;
}
