// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: The state of a paused VF as bytes
 *
 * Little endian, without gaps: a head, a record for each live direction of a
 * queue, the request that was not served, if there is one, what there is in the
 * mailbox's outgoing window, if anything, and the messages that the VF has not
 * taken. The head has the format's version, the length of it all, a CRC-32 of it
 * all (taken with the CRC as zero), and what the card is: contexts are those of
 * the IP revision, and refer to the card's tables.
 *
 * Whoever hands the bytes back need not be who got them. The CRC is against
 * accidents; against malice each value is held against the VF that the bytes are
 * loaded into, here, and for the contexts in svff_qdma. Error codes tell the cases
 * apart: ENODATA, too short; EMSGSIZE, bytes behind the end; EPROTONOSUPPORT, another
 * version of the format; EMEDIUMTYPE, another kind of card; EBADMSG, damaged, or what
 * no VF can be in; EOPNOTSUPP, an extension of the mailbox that is not known here;
 * ENOSPC, the VF has fewer queues; ERANGE, or fewer vectors; EXDEV, the VF would have
 * to be the same function with the same queues; EPERM, what a VF cannot have.
 */
#include "image.h"

#include <linux/bitmap.h>
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/crc32.h>
#include <linux/errno.h>
#include <linux/string.h>

#define IMAGE_MAGIC	0x46465653	/* "SVFF" */
#define IMAGE_VERSION	1

#define FLAG_HELLO	BIT(0)
#define FLAG_MAPPED	BIT(1)
#define FLAG_HELD	BIT(2)
#define FLAG_ASKED	BIT(3)
#define FLAG_BEGUN	BIT(4)
#define FLAGS_ALL	(FLAG_HELLO | FLAG_MAPPED | FLAG_HELD | FLAG_ASKED | FLAG_BEGUN)

#define QUEUE_C2H	BIT(0)
#define QUEUE_ST	BIT(1)
#define QUEUE_ALL	(QUEUE_C2H | QUEUE_ST)

#define STATE_WORDS	(sizeof(struct svff_qdma_hwq_state) / sizeof(u32))
#define MBOX_VECTOR_MAX	31

/**
 * struct wire_head - how the bytes begin
 * @magic: IMAGE_MAGIC
 * @version: IMAGE_VERSION
 * @head_len: bytes of this
 * @len: bytes of it all
 * @crc: of it all
 * @ip_type: kind of QDMA, padded with zeros
 * @ip_version: its version, padded with zeros
 * @csr_crc: of the card's tables
 * @func: function
 * @vectors: MSI-X vectors
 * @base: first hardware queue
 * @told: the same as its driver knows it
 * @quota: hardware queues
 * @granted: how many of them it got
 * @ext: extension of the mailbox
 * @seq: sequence number of the last notice
 * @flags: FLAG_*
 * @num_msgs: messages that it has not taken
 * @num_queues: records of queues
 * @rings: interrupt rings that are set up: bit 0 its own, then those from @first_ring on
 * @more_rings: how many were kept for it from there on
 * @first_ring: see @rings
 * @pad: 0
 * @mbox_vector: register of its mailbox
 * @mbox_enable: register of its mailbox
 * @ring: contexts of its interrupt rings
 * @announced: queues announced, by type, bit n % 8 of byte n / 8 is queue n
 */
struct wire_head {
	__le32 magic;
	__le16 version;
	__le16 head_len;
	__le32 len;
	__le32 crc;
	char ip_type[PF_IMAGE_NAME_MAX];
	char ip_version[PF_IMAGE_NAME_MAX];
	__le32 csr_crc;
	__le16 func;
	__le16 vectors;
	__le32 base;
	__le32 told;
	__le16 quota;
	__le16 granted;
	__le32 ext;
	__le16 seq;
	u8 flags;
	u8 num_msgs;
	__le16 num_queues;
	u8 rings;
	u8 more_rings;
	__le16 first_ring;
	u8 pad[2];
	__le32 mbox_vector;
	__le32 mbox_enable;
	__le32 ring[PF_RINGS_MAX][SVFF_QDMA_RING_WORDS];
	u8 announced[PF_QUEUE_TYPES][PF_VF_QUEUES_MAX / 8];
};

static_assert(sizeof(struct wire_head) == 316);

/**
 * struct wire_queue - a direction of a queue
 * @rel: relative to the VF's range
 * @flags: QUEUE_*
 * @pad: 0
 * @state: words of struct svff_qdma_hwq_state, in order
 */
struct wire_queue {
	__le16 rel;
	u8 flags;
	u8 pad;
	__le32 state[STATE_WORDS];
};

static_assert(sizeof(struct wire_queue) == 84);

/* The card's tables, of which there is but the CRC. */
struct wire_tables {
	__le16 ring_size[SVFF_QDMA_RING_SIZES];
	__le32 buf_size[SVFF_QDMA_RING_SIZES];
	__le16 timer_cnt[SVFF_QDMA_RING_SIZES];
	__le16 cnt_th[SVFF_QDMA_RING_SIZES];
};

static_assert(sizeof(struct wire_tables) == 10 * SVFF_QDMA_RING_SIZES);

static size_t size_of(u32 queues, u32 msgs, bool held, bool begun)
{
	return sizeof(struct wire_head) + queues * sizeof(struct wire_queue) +
	       (msgs + held + begun) * sizeof(union svff_mbox_msg);
}

/* The rest stays zero. */
static void copy_name(char *name, const char *text)
{
	size_t len = strlen(text);

	memcpy(name, text, len < PF_IMAGE_NAME_MAX ? len : PF_IMAGE_NAME_MAX);
}

/* Little endian as all else, so that hosts of either kind agree. */
static u32 crc_of_tables(const struct svff_qdma_csr *csr)
{
	struct wire_tables wire;
	unsigned int i;

	for (i = 0; i < SVFF_QDMA_RING_SIZES; i++) {
		wire.ring_size[i] = cpu_to_le16(csr->ring_size[i]);
		wire.buf_size[i] = cpu_to_le32(csr->buf_size[i]);
		wire.timer_cnt[i] = cpu_to_le16(csr->timer_cnt[i]);
		wire.cnt_th[i] = cpu_to_le16(csr->cnt_th[i]);
	}
	return crc32_le(~0U, (const u8 *)&wire, sizeof(wire));
}

/**
 * pf_image_card() - what a card is
 * @card: card
 * @id: filled
 *
 * Context: any; pure.
 */
void pf_image_card(const struct pf_card *card, struct pf_image_card *id)
{
	memset(id, 0, sizeof(*id));
	copy_name(id->ip_type, card->caps->ip_type);
	copy_name(id->ip_version, card->caps->ip_version);
	id->csr_crc = crc_of_tables(card->csr);
}

/**
 * pf_image_size() - how many bytes an image becomes
 * @img: image
 *
 * Context: any; pure.
 * Return: the number.
 */
size_t pf_image_size(const struct pf_image *img)
{
	return size_of(img->num_queues, img->num_msgs, img->held, img->mbox.begun);
}

/**
 * pf_image_size_max() - most bytes that the image of a VF can become
 * @queues: of the VF
 *
 * Context: any; pure.
 * Return: the number.
 */
size_t pf_image_size_max(u32 queues)
{
	return size_of(2 * queues, SVFF_QDMA_MBOX_UNTAKEN, true, true);
}

static void encode_bits(const unsigned long *map, u8 *bytes)
{
	unsigned int i;

	for (i = 0; i < PF_VF_QUEUES_MAX; i++)
		if (test_bit(i, map))
			bytes[i / 8] |= BIT(i % 8);
}

static void decode_bits(const u8 *bytes, unsigned long *map)
{
	unsigned int i;

	for (i = 0; i < PF_VF_QUEUES_MAX; i++)
		__assign_bit(i, map, bytes[i / 8] & BIT(i % 8));
}

static void encode_session(const struct pf_session *s, struct wire_head *h)
{
	int t;

	h->func = cpu_to_le16(s->func);
	h->vectors = cpu_to_le16(s->vectors);
	h->base = cpu_to_le32(s->base);
	h->told = cpu_to_le32(s->told);
	h->quota = cpu_to_le16(s->quota);
	h->granted = cpu_to_le16(s->granted);
	h->ext = cpu_to_le32(s->ext);
	h->flags = (s->hello ? FLAG_HELLO : 0) | (s->mapped ? FLAG_MAPPED : 0);
	h->rings = s->rings;
	h->more_rings = s->more_rings;
	h->first_ring = cpu_to_le16(s->first_ring);
	for (t = 0; t < PF_QUEUE_TYPES; t++)
		encode_bits(s->announced[t], h->announced[t]);
}

static void encode_head(const struct pf_image *img, const struct pf_image_card *id,
			struct wire_head *h)
{
	int i, w;

	h->magic = cpu_to_le32(IMAGE_MAGIC);
	h->version = cpu_to_le16(IMAGE_VERSION);
	h->head_len = cpu_to_le16(sizeof(*h));
	h->len = cpu_to_le32(pf_image_size(img));
	memcpy(h->ip_type, id->ip_type, sizeof(h->ip_type));
	memcpy(h->ip_version, id->ip_version, sizeof(h->ip_version));
	h->csr_crc = cpu_to_le32(id->csr_crc);
	encode_session(&img->session, h);
	h->seq = cpu_to_le16(img->seq);
	h->flags |= (img->held ? FLAG_HELD : 0) | (img->asked ? FLAG_ASKED : 0) |
		    (img->mbox.begun ? FLAG_BEGUN : 0);
	h->num_msgs = img->num_msgs;
	h->num_queues = cpu_to_le16(img->num_queues);
	h->mbox_vector = cpu_to_le32(img->mbox.vector);
	h->mbox_enable = cpu_to_le32(img->mbox.enable);
	for (i = 0; i < PF_RINGS_MAX; i++)
		for (w = 0; w < SVFF_QDMA_RING_WORDS; w++)
			h->ring[i][w] = cpu_to_le32(img->ring[i][w]);
}

static void encode_queue(const struct pf_image_queue *q, struct wire_queue *w)
{
	const u32 *words = (const u32 *)&q->state;
	unsigned int i;

	w->rel = cpu_to_le16(q->rel);
	w->flags = (q->dir == SVFF_QDMA_C2H ? QUEUE_C2H : 0) | (q->st ? QUEUE_ST : 0);
	for (i = 0; i < STATE_WORDS; i++)
		w->state[i] = cpu_to_le32(words[i]);
}

static u32 crc_of(const struct wire_head *h, size_t len)
{
	struct wire_head head = *h;
	u32 crc;

	head.crc = 0;
	crc = crc32_le(~0U, (const u8 *)&head, sizeof(head));
	return crc32_le(crc, (const u8 *)(h + 1), len - sizeof(head));
}

/**
 * pf_image_encode() - an image as bytes
 * @img: image
 * @id: card that it is of
 * @bytes: filled, pf_image_size() of them
 *
 * Context: any; pure.
 */
void pf_image_encode(const struct pf_image *img, const struct pf_image_card *id, void *bytes)
{
	struct wire_head *h = bytes;
	struct wire_queue *w = (struct wire_queue *)(h + 1);
	union svff_mbox_msg *m = (union svff_mbox_msg *)(w + img->num_queues);
	unsigned int i;

	memset(bytes, 0, pf_image_size(img));
	encode_head(img, id, h);
	for (i = 0; i < img->num_queues; i++)
		encode_queue(&img->queue[i], &w[i]);
	if (img->held)
		memcpy(m++, &img->request, sizeof(*m));
	if (img->mbox.begun)
		memcpy(m++, &img->mbox.out, sizeof(*m));
	memcpy(m, img->msg, img->num_msgs * sizeof(*m));
	h->crc = cpu_to_le32(crc_of(h, pf_image_size(img)));
}

static int check_frame(const struct wire_head *h, size_t len)
{
	size_t size;

	if (len < sizeof(*h))
		return -ENODATA;
	if (le32_to_cpu(h->magic) != IMAGE_MAGIC)
		return -EBADMSG;
	if (le16_to_cpu(h->version) != IMAGE_VERSION)
		return -EPROTONOSUPPORT;
	size = le32_to_cpu(h->len);
	if (size > len)
		return -ENODATA;
	if (size < len)
		return -EMSGSIZE;
	if (le16_to_cpu(h->head_len) != sizeof(*h) ||
	    size != size_of(le16_to_cpu(h->num_queues), h->num_msgs, h->flags & FLAG_HELD,
			    h->flags & FLAG_BEGUN) ||
	    crc_of(h, size) != le32_to_cpu(h->crc))
		return -EBADMSG;
	return 0;
}

static int check_card(const struct wire_head *h, const struct pf_image_card *id)
{
	return memcmp(h->ip_type, id->ip_type, sizeof(h->ip_type)) ||
	       memcmp(h->ip_version, id->ip_version, sizeof(h->ip_version)) ||
	       le32_to_cpu(h->csr_crc) != id->csr_crc ? -EMEDIUMTYPE : 0;
}

/* Nothing is announced that was not granted. */
static bool announced_ok(const struct wire_head *h)
{
	unsigned int i, t;

	for (t = 0; t < PF_QUEUE_TYPES; t++)
		for (i = le16_to_cpu(h->granted); i < PF_VF_QUEUES_MAX; i++)
			if (h->announced[t][i / 8] & BIT(i % 8))
				return false;
	return true;
}

/* Rings that are set up are among those that it may have; of others there is nothing. */
static bool rings_ok(const struct wire_head *h)
{
	unsigned int may = le32_to_cpu(h->ext) & SVFF_MBOX_EXT_RINGS ? h->more_rings : 0;
	int i, w;

	if (h->more_rings >= PF_RINGS_MAX || h->rings >> (may + 1) ||
	    (h->rings && !(h->flags & FLAG_HELLO)))
		return false;
	for (i = 0; i < PF_RINGS_MAX; i++)
		for (w = 0; w < SVFF_QDMA_RING_WORDS; w++)
			if (h->ring[i][w] && !(h->rings & BIT(i)))
				return false;
	return true;
}

static int check_session(const struct wire_head *h)
{
	u32 granted = le16_to_cpu(h->granted), quota = le16_to_cpu(h->quota);

	if ((h->flags & ~FLAGS_ALL) || h->pad[0] || h->pad[1] ||
	    h->num_msgs > SVFF_QDMA_MBOX_UNTAKEN)
		return -EBADMSG;
	if (quota > PF_VF_QUEUES_MAX || granted > quota ||
	    le16_to_cpu(h->vectors) > PF_VF_VECTORS_MAX)
		return -EBADMSG;
	if (!(h->flags & FLAG_HELLO) &&
	    (granted || h->ext || h->num_queues || (h->flags & (FLAG_MAPPED | FLAG_ASKED))))
		return -EBADMSG;
	if (h->flags & FLAG_MAPPED ? !granted : h->num_queues != 0)
		return -EBADMSG;
	if (!announced_ok(h) || !rings_ok(h))
		return -EBADMSG;
	if (le32_to_cpu(h->mbox_vector) > MBOX_VECTOR_MAX || le32_to_cpu(h->mbox_enable) > 1)
		return -EBADMSG;
	return le32_to_cpu(h->ext) & ~SVFF_MBOX_EXT_ALL ? -EOPNOTSUPP : 0;
}

/* In strict order, so that none is there twice. */
static int check_queues(const struct wire_head *h)
{
	const struct wire_queue *w = (const struct wire_queue *)(h + 1);
	int last = -1, place;
	unsigned int i;

	for (i = 0; i < le16_to_cpu(h->num_queues); i++) {
		place = 2 * le16_to_cpu(w[i].rel) + (w[i].flags & QUEUE_C2H);
		if (w[i].pad || (w[i].flags & ~QUEUE_ALL) || place <= last ||
		    le16_to_cpu(w[i].rel) >= le16_to_cpu(h->granted))
			return -EBADMSG;
		last = place;
	}
	return 0;
}

/**
 * pf_image_check() - are these bytes an image, and of such a card?
 * @bytes: from anybody
 * @len: how many
 * @id: the card
 *
 * All is checked but the contexts.
 *
 * Context: any; pure.
 * Return: number of queues, or what is wrong, see above.
 */
int pf_image_check(const void *bytes, size_t len, const struct pf_image_card *id)
{
	const struct wire_head *h = bytes;
	int err = check_frame(h, len);

	if (!err)
		err = check_card(h, id);
	if (!err)
		err = check_session(h);
	if (!err)
		err = check_queues(h);
	return err ?: le16_to_cpu(h->num_queues);
}

static void decode_session(const struct wire_head *h, struct pf_session *s)
{
	int t;

	s->func = le16_to_cpu(h->func);
	s->vectors = le16_to_cpu(h->vectors);
	s->base = le32_to_cpu(h->base);
	s->told = le32_to_cpu(h->told);
	s->quota = le16_to_cpu(h->quota);
	s->granted = le16_to_cpu(h->granted);
	s->ext = le32_to_cpu(h->ext);
	s->hello = h->flags & FLAG_HELLO;
	s->mapped = h->flags & FLAG_MAPPED;
	s->rings = h->rings;
	s->named = h->rings;
	s->more_rings = h->more_rings;
	s->first_ring = le16_to_cpu(h->first_ring);
	s->dirty = h->num_queues;
	for (t = 0; t < PF_QUEUE_TYPES; t++)
		decode_bits(h->announced[t], s->announced[t]);
}

static void decode_queue(const struct wire_queue *w, struct pf_session *s,
			 struct pf_image_queue *q)
{
	u32 *words = (u32 *)&q->state;
	unsigned int i;

	q->rel = le16_to_cpu(w->rel);
	q->dir = w->flags & QUEUE_C2H ? SVFF_QDMA_C2H : SVFF_QDMA_H2C;
	q->st = w->flags & QUEUE_ST;
	for (i = 0; i < STATE_WORDS; i++)
		words[i] = le32_to_cpu(w->state[i]);
	__assign_bit(q->rel, s->live[q->dir == SVFF_QDMA_C2H ? SVFF_MBOX_Q_C2H : SVFF_MBOX_Q_H2C],
		     true);
	if (q->st && q->dir == SVFF_QDMA_C2H)
		__assign_bit(q->rel, s->live[SVFF_MBOX_Q_CMPT], true);
}

/**
 * pf_image_decode() - bytes as an image
 * @bytes: pf_image_check() has seen them
 * @img: zeroed, with room for as many queues as it said; filled
 *
 * Context: any; pure.
 */
void pf_image_decode(const void *bytes, struct pf_image *img)
{
	const struct wire_head *h = bytes;
	const struct wire_queue *q = (const struct wire_queue *)(h + 1);
	const union svff_mbox_msg *m;
	unsigned int i, w;

	decode_session(h, &img->session);
	img->seq = le16_to_cpu(h->seq);
	img->mbox.vector = le32_to_cpu(h->mbox_vector);
	img->mbox.enable = le32_to_cpu(h->mbox_enable);
	for (i = 0; i < PF_RINGS_MAX; i++)
		for (w = 0; w < SVFF_QDMA_RING_WORDS; w++)
			img->ring[i][w] = le32_to_cpu(h->ring[i][w]);
	img->num_queues = le16_to_cpu(h->num_queues);
	for (i = 0; i < img->num_queues; i++)
		decode_queue(&q[i], &img->session, &img->queue[i]);
	m = (const union svff_mbox_msg *)(q + img->num_queues);
	img->held = h->flags & FLAG_HELD;
	img->asked = h->flags & FLAG_ASKED;
	img->mbox.begun = h->flags & FLAG_BEGUN;
	if (img->held)
		img->request = *m++;
	if (img->mbox.begun)
		img->mbox.out = *m++;
	img->num_msgs = h->num_msgs;
	memcpy(img->msg, m, img->num_msgs * sizeof(*m));
}

/* The VF's driver, and its queues, know its rings by their indices. */
static bool same_rings(const struct pf_session *s, u8 rings, const struct pf_session *vf)
{
	unsigned int i;

	for (i = 0; i < PF_RINGS_MAX; i++)
		if ((rings & BIT(i)) &&
		    (i > vf->more_rings || pf_session_ring(s, i) != pf_session_ring(vf, i)))
			return false;
	return true;
}

/**
 * pf_image_fits() - can a VF go on as this one was?
 * @img: image
 * @vf: what provisioning gave the VF
 *
 * The entries of an interrupt ring name hardware queues, and the VF's driver
 * names the ring by its number when it has read it. So with a ring both must be
 * what they were; without one the VF may be another, elsewhere. A ring that was cleared
 * counts while a queue may name it: its number may be another VF's by now.
 *
 * Context: any; pure.
 * Return: 0, -ENOSPC, -ERANGE or -EXDEV, see above.
 */
int pf_image_fits(const struct pf_image *img, const struct pf_session *vf)
{
	const struct pf_session *s = &img->session;
	u8 rings = s->rings | s->named;

	if (s->granted > vf->quota)
		return -ENOSPC;
	if (s->vectors > vf->vectors)
		return -ERANGE;
	if (rings && (!same_rings(s, rings, vf) || (s->granted && s->base != vf->base)))
		return -EXDEV;
	return 0;
}

/**
 * pf_image_place() - the session with which a VF goes on
 * @img: image
 * @vf: what provisioning gave the VF
 * @next: filled
 *
 * Context: any; pure.
 */
void pf_image_place(const struct pf_image *img, const struct pf_session *vf,
		    struct pf_session *next)
{
	*next = img->session;
	next->func = vf->func;
	next->base = vf->base;
	next->quota = vf->quota;
	next->first_ring = vf->first_ring;
	next->more_rings = vf->more_rings;
	next->vectors = vf->vectors;
	next->dirty = img->num_queues;
}

/**
 * pf_image_hwq() - a queue of an image as the hardware knows it
 * @s: session that says where
 * @q: queue
 *
 * Context: any; pure.
 * Return: the queue, enough of it to save and load it.
 */
struct svff_qdma_hwq pf_image_hwq(const struct pf_session *s, const struct pf_image_queue *q)
{
	struct svff_qdma_hwq hwq = {
		.qid = s->base + q->rel,
		.func = s->func,
		.dir = q->dir,
		.st = q->st,
		.cmpt = q->st && q->dir == SVFF_QDMA_C2H,
	};

	return hwq;
}
