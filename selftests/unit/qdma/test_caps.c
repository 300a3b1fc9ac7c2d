// SPDX-License-Identifier: GPL-2.0-only
#include "tests.h"

#include "caps.h"

TEST(test_pfs)
{
	static const struct {
		u32 map;
		bool by_value;
		u8 pfs;
	} cards[] = {
		{ 0x1, false, 1 }, { 0x3f, false, 1 }, { 0x41, false, 2 }, { 0x20820, false, 3 },
		{ 0x41041, false, 4 }, { 0xffffff, false, 4 }, { 0xff000001, false, 1 }, { 0, false, 0 },
		{ 1, true, 1 }, { 2, true, 2 }, { 4, true, 4 }, { 0x42, true, 2 },
	};
	unsigned int i;

	(void)arg;
	for (i = 0; i < sizeof(cards) / sizeof(*cards); i++) {
		u8 pfs = qdma_count_pfs(cards[i].map, cards[i].by_value);

		KTAP_FAIL_ON(pfs != cards[i].pfs, "map 0x%x: %u PFs, not %u", cards[i].map, pfs, cards[i].pfs);
	}
	return KTAP_PASS;
}

TEST(test_queues)
{
	(void)arg;
	KTAP_FAIL_ON(qdma_count_queues(0x800, false, 4096) != 2048, "2048");
	KTAP_FAIL_ON(qdma_count_queues(0xabcd0200, true, 4096) != 512, "512, with other bits");
	KTAP_FAIL_ON(qdma_count_queues(0xfff, false, 4096) != 4095, "4095");
	KTAP_FAIL_ON(qdma_count_queues(0xfff, true, 4096) != 4096, "4096, which the field cannot hold");
	KTAP_FAIL_ON(qdma_count_queues(0, true, 4096) != 0, "none");
	return KTAP_PASS;
}
