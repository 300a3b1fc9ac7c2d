// SPDX-License-Identifier: GPL-2.0-only
#include "tests.h"

#include "desc.h"

#define SLOTS	7

TEST(test_span)
{
	static const u64 lengths[] = {
		1, 4095, 4096, 32767, 32768, 32769, 1 << 20, (1ULL << 33) + 5,
	};
	unsigned int i;

	(void)arg;
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct qdma_span span = { .host = 0xfff, .card = 0x10000001, .left = lengths[i] };
		u32 max = lengths[i] >> 33 ? 1 << 27 : 32768;
		u64 host = span.host, card = span.card, n = 0;

		for (; span.left; n++) {
			u32 len = qdma_span_take(&span, max);

			host += len;
			card += len;
			KTAP_FAIL_ON(!len || len > max, "piece of %u", len);
			KTAP_FAIL_ON(span.host != host || span.card != card, "gap after piece %llu",
				     (unsigned long long)n);
		}
		KTAP_FAIL_ON(host != 0xfff + lengths[i], "length %llu is cut to %llu",
			     (unsigned long long)lengths[i], (unsigned long long)(host - 0xfff));
		KTAP_FAIL_ON(n != qdma_span_descs(lengths[i], max), "%llu pieces",
			     (unsigned long long)n);
	}
	return KTAP_PASS;
}

/* All states of a small ring: walk from tail until the index is met, or head is. */
static int walk(u32 cidx, u32 tail, u32 head)
{
	int n;

	for (n = 0; tail != cidx; n++) {
		if (tail == head)
			return -1;
		tail = (tail + 1) % SLOTS;
	}
	return n;
}

TEST(test_ring_done)
{
	u32 tail, head, cidx;

	(void)arg;
	for (tail = 0; tail < SLOTS; tail++) {
		for (head = 0; head < SLOTS; head++) {
			for (cidx = 0; cidx < SLOTS; cidx++)
				KTAP_FAIL_ON(qdma_ring_done(cidx, tail, head, SLOTS) !=
					     walk(cidx, tail, head),
					     "cidx %u tail %u head %u: %d", cidx, tail, head,
					     qdma_ring_done(cidx, tail, head, SLOTS));
			KTAP_FAIL_ON(qdma_ring_done(SLOTS, tail, head, SLOTS) != -1, "status slot");
			KTAP_FAIL_ON(qdma_ring_done(0xffff, tail, head, SLOTS) != -1, "all ones");
		}
	}
	return KTAP_PASS;
}

TEST(test_formats)
{
	(void)arg;
	KTAP_FAIL_ON(sizeof(struct qdma_mm_desc) != 32, "descriptor has 32 bytes");
	KTAP_FAIL_ON(sizeof(struct qdma_h2c_desc) != 16, "stream descriptor has 16 bytes");
	KTAP_FAIL_ON(offsetof(struct qdma_h2c_desc, len) != 4, "its length at byte 4");
	KTAP_FAIL_ON(offsetof(struct qdma_h2c_desc, flags) != 6, "its flags at byte 6");
	KTAP_FAIL_ON(offsetof(struct qdma_h2c_desc, src) != 8, "its source at byte 8");
	KTAP_FAIL_ON(sizeof(struct qdma_status) != 8, "status entry has 8 bytes");
	KTAP_FAIL_ON(offsetof(struct qdma_mm_desc, len_flags) != 8, "length at byte 8");
	KTAP_FAIL_ON(offsetof(struct qdma_mm_desc, dst) != 16, "destination at byte 16");
	KTAP_FAIL_ON(offsetof(struct qdma_status, cidx) != 2, "consumer index at byte 2");
	KTAP_FAIL_ON(QDMA_MM_DESC_LEN != 0x0fffffff, "length has 28 bits");
	KTAP_FAIL_ON(QDMA_INTR_ENTRY_QID != 0x7fffff8000000000ULL, "queue in bits 62:39");
	return KTAP_PASS;
}

TEST(test_h2c_pieces)
{
	static const u64 lengths[] = { 0, 1, 4096, 65535, 65536, 65537, 131072, 1 << 20 };
	unsigned int i;

	(void)arg;
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct qdma_span span = { .host = 0x1000, .left = lengths[i] };
		unsigned int n = 0;

		do {
			u64 host = span.host;
			u32 len = qdma_span_take(&span, qdma_h2c_desc_max(span.left));

			KTAP_FAIL_ON(len > 0xffff, "%u bytes do not fit the field", len);
			KTAP_FAIL_ON(host % 4096, "piece %u starts at 0x%llx", n,
				     (unsigned long long)host);
			n++;
		} while (span.left);
		KTAP_FAIL_ON(lengths[i] <= 0xffff && n != 1, "%llu bytes in %u pieces",
			     (unsigned long long)lengths[i], n);
	}
	return KTAP_PASS;
}

static u64 completion(u32 len)
{
	return (u64)len << 4 | 0x8;
}

TEST(test_rx_bufs)
{
	static const struct {
		u64 entry;
		u32 buf;
		u32 len;
		u32 bufs;
	} rows[] = {
		{ 0, 4096, 0, 0 },			/* immediate data */
		{ 0x12340, 4096, 0, 0 },		/* a length without a packet */
		{ 0x8, 4096, 0, 1 },			/* no bytes */
		{ 0xfffffffffff00018, 4096, 1, 1 },	/* user's data above */
		{ 0x10008, 4096, 4096, 1 },
		{ 0x10018, 4096, 4097, 2 },
		{ 0xffff8, 4096, 65535, 16 },
		{ 0xffff8, 256, 65535, 256 },
		{ 0xffff8, 16384, 65535, 4 },
		{ 0x233b8, 9018, 9019, 2 },
	};
	unsigned int i;

	(void)arg;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		KTAP_FAIL_ON(qdma_rx_len(rows[i].entry) != rows[i].len, "row %u: %u bytes", i,
			     qdma_rx_len(rows[i].entry));
		KTAP_FAIL_ON(qdma_rx_bufs(rows[i].entry, rows[i].buf) != rows[i].bufs,
			     "row %u: %u buffers", i, qdma_rx_bufs(rows[i].entry, rows[i].buf));
	}
	return KTAP_PASS;
}

/* What the card says is believed only as far as it can be. */
TEST(test_rx_valid)
{
	(void)arg;
	KTAP_FAIL_ON(!qdma_rx_valid(completion(8192), 4096, 2), "two buffers of two");
	KTAP_FAIL_ON(qdma_rx_valid(completion(8193), 4096, 2), "three buffers of two");
	KTAP_FAIL_ON(qdma_rx_valid(completion(0), 4096, 0), "one buffer of none");
	KTAP_FAIL_ON(!qdma_rx_valid(0, 4096, 0), "immediate data needs none");
	KTAP_FAIL_ON(qdma_rx_valid(completion(1) | 0x1, 4096, 9), "format 1");
	KTAP_FAIL_ON(qdma_rx_valid(completion(1) | 0x4, 4096, 9), "error");
	KTAP_FAIL_ON(!qdma_rx_valid(completion(1) | 0x2, 4096, 9), "colour");
	return KTAP_PASS;
}
