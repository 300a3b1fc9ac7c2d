// SPDX-License-Identifier: GPL-2.0-only
/*
 * The words expected here were worked out by hand from the product guide's
 * tables, not with the code under test.
 */
#include "tests.h"

#include <errno.h>

#include "ctxt.h"

#define RANDOM_ROUNDS	2000

static const struct qdma_ctxt_layout *eqdma(enum qdma_ctxt_type type)
{
	return &qdma_ctxt_eqdma.type[type];
}

/* Compare all words; the first difference is the reason. */
static enum ktap_result expect(const struct qdma_ctxt_layout *layout, const u64 *values,
			       const u32 *want)
{
	u32 words[QDMA_CTXT_MAX_WORDS];
	int i, err;

	memset(words, 0xa5, sizeof(words));
	err = qdma_ctxt_encode(layout, values, words);
	KTAP_FAIL_ON(err, "encode: %d", err);
	for (i = 0; i < QDMA_CTXT_MAX_WORDS; i++)
		KTAP_FAIL_ON(words[i] != want[i], "word %d is 0x%08x, not 0x%08x", i,
			     words[i], want[i]);
	return KTAP_PASS;
}

TEST(test_sw_golden)
{
	static const u64 values[QDMA_SW_FIELDS] = {
		[QDMA_SW_IRQ_ARM] = 1, [QDMA_SW_FUNC] = 5, [QDMA_SW_QEN] = 1,
		[QDMA_SW_WBI_CHK] = 1, [QDMA_SW_WBI_INTVL_EN] = 1, [QDMA_SW_FETCH_MAX] = 7,
		[QDMA_SW_RING_IX] = 8, [QDMA_SW_DESC_SZ] = 2, [QDMA_SW_WBK_EN] = 1,
		[QDMA_SW_IRQ_EN] = 1, [QDMA_SW_MRKR_DIS] = 1, [QDMA_SW_IS_MM] = 1,
		[QDMA_SW_BASE] = 0x123456789000, [QDMA_SW_VEC] = 5, [QDMA_SW_INT_AGGR] = 1,
	};
	static const u32 want[QDMA_CTXT_MAX_WORDS] = {
		0x000b0000, 0xc03280ed, 0x56789000, 0x00001234, 0x00000805,
	};

	(void)arg;
	return expect(eqdma(QDMA_CTXT_SW), values, want);
}

TEST(test_sw_crossing)
{
	static const u64 values[QDMA_SW_FIELDS] = {
		[QDMA_SW_PASID] = 0x2abcde, [QDMA_SW_PASID_EN] = 1,
		[QDMA_SW_VIRTIO_BASE] = 0x0123456789abcdef,
	};
	static const u32 want[QDMA_CTXT_MAX_WORDS] = {
		0, 0, 0, 0, 0xcde00000, 0x5e6f7eab, 0x1a2b3c4d, 0x00000009,
	};
	u64 back[QDMA_SW_FIELDS];
	enum ktap_result ret = expect(eqdma(QDMA_CTXT_SW), values, want);

	(void)arg;
	if (ret != KTAP_PASS)
		return ret;
	qdma_ctxt_decode(eqdma(QDMA_CTXT_SW), want, back);
	KTAP_FAIL_ON(back[QDMA_SW_PASID] != 0x2abcde, "PASID comes back as 0x%llx",
		     (unsigned long long)back[QDMA_SW_PASID]);
	KTAP_FAIL_ON(back[QDMA_SW_VIRTIO_BASE] != 0x0123456789abcdef,
		     "the three-word field comes back as 0x%llx",
		     (unsigned long long)back[QDMA_SW_VIRTIO_BASE]);
	return KTAP_PASS;
}

TEST(test_cmpt_golden)
{
	static const u64 values[QDMA_CMPT_FIELDS] = {
		[QDMA_CMPT_EN_STAT] = 1, [QDMA_CMPT_EN_INT] = 1, [QDMA_CMPT_TRIG_MODE] = 5,
		[QDMA_CMPT_FUNC] = 0xabc, [QDMA_CMPT_CNT_IX] = 3, [QDMA_CMPT_TIMER_IX] = 9,
		[QDMA_CMPT_COLOR] = 1, [QDMA_CMPT_RING_IX] = 8,
		[QDMA_CMPT_BASE] = 0x123456789ac0, [QDMA_CMPT_DESC_SZ] = 1,
		[QDMA_CMPT_PIDX] = 0xabcd, [QDMA_CMPT_CIDX] = 0x1234, [QDMA_CMPT_VALID] = 1,
		[QDMA_CMPT_OVF_CHK_DIS] = 1, [QDMA_CMPT_VEC] = 3, [QDMA_CMPT_INT_AGGR] = 1,
		[QDMA_CMPT_DIR_C2H] = 1, [QDMA_CMPT_BASE_LOW] = 0xf,
	};
	static const u32 want[QDMA_CTXT_MAX_WORDS] = {
		0x89275797, 0xd159e26b, 0xd4000048, 0x11234abc, 0x00048034, 0x0003c000,
	};

	(void)arg;
	return expect(eqdma(QDMA_CTXT_CMPT), values, want);
}

TEST(test_intr_golden)
{
	static const u64 values[QDMA_INTR_FIELDS] = {
		[QDMA_INTR_VALID] = 1, [QDMA_INTR_VEC] = 2, [QDMA_INTR_COLOR] = 1,
		[QDMA_INTR_BASE] = 0x1234567000, [QDMA_INTR_PAGE_SIZE] = 1,
		[QDMA_INTR_PIDX] = 0xabc, [QDMA_INTR_FUNC] = 7,
	};
	static const u32 want[QDMA_CTXT_MAX_WORDS] = {
		0xa2b3c005, 0x00000091, 0x0002af08, 0x001c0000,
	};

	(void)arg;
	return expect(eqdma(QDMA_CTXT_INTR), values, want);
}

TEST(test_pfch_golden)
{
	static const u64 values[QDMA_PFCH_FIELDS] = {
		[QDMA_PFCH_BUF_IX] = 3, [QDMA_PFCH_EN] = 1, [QDMA_PFCH_SW_CRDT] = 0xabcd,
		[QDMA_PFCH_VALID] = 1,
	};
	static const u32 want[QDMA_CTXT_MAX_WORDS] = { 0xa8000006, 0x00003579 };

	(void)arg;
	return expect(eqdma(QDMA_CTXT_PFCH), values, want);
}

TEST(test_hw_golden)
{
	static const u64 hw[QDMA_HW_FIELDS] = {
		[QDMA_HW_CIDX] = 0x22, [QDMA_HW_CRD_USE] = 0x11, [QDMA_HW_DSC_PND] = 1,
		[QDMA_HW_IDL_STP_B] = 1, [QDMA_HW_EVT_PND] = 1, [QDMA_HW_FETCH_PND] = 5,
	};
	static const u64 credit[QDMA_CREDIT_FIELDS] = { 0xbeef };
	static const u32 want_hw[QDMA_CTXT_MAX_WORDS] = { 0x00110022, 0x00002f00 };
	static const u32 want_credit[QDMA_CTXT_MAX_WORDS] = { 0x0000beef };
	enum ktap_result ret = expect(eqdma(QDMA_CTXT_HW), hw, want_hw);

	(void)arg;
	return ret == KTAP_PASS ? expect(eqdma(QDMA_CTXT_CREDIT), credit, want_credit) : ret;
}

TEST(test_fmap_golden)
{
	static const u64 values[QDMA_FMAP_FIELDS] = { 0x7f8, 0x800 };
	static const u64 large[QDMA_FMAP_FIELDS] = { 0xff8, 0x1000 };
	static const u32 want[QDMA_CTXT_MAX_WORDS] = { 0x7f8, 0x800 };
	static const u32 want_large[QDMA_CTXT_MAX_WORDS] = { 0xff8, 0x1000 };
	u32 words[QDMA_CTXT_MAX_WORDS];
	enum ktap_result ret = expect(eqdma(QDMA_CTXT_FMAP), values, want);

	(void)arg;
	if (ret != KTAP_PASS)
		return ret;
	KTAP_FAIL_ON(qdma_ctxt_encode(eqdma(QDMA_CTXT_FMAP), large, words) != -ERANGE,
		     "EQDMA takes queues that it does not have");
	return expect(&qdma_ctxt_cpm5.type[QDMA_CTXT_FMAP], large, want_large);
}

/* 8-bit functions, a 4 KiB aligned completion ring, three words of interrupt. */
TEST(test_qdma3_golden)
{
	static const u64 sw[QDMA_SW_FIELDS] = {
		[QDMA_SW_FUNC] = 0xff, [QDMA_SW_FETCH_MAX] = 7, [QDMA_SW_VEC] = 0x7ff,
		[QDMA_SW_INT_AGGR] = 1,
	};
	static const u64 cmpt[QDMA_CMPT_FIELDS] = {
		[QDMA_CMPT_FUNC] = 0xff, [QDMA_CMPT_BASE] = 0xfffffffffffff000,
	};
	static const u32 want_sw[QDMA_CTXT_MAX_WORDS] = { 0x01fe0000, 0x000000e0, 0, 0, 0xfff };
	static const u32 want_cmpt[QDMA_CTXT_MAX_WORDS] = { 0x00001fe0, 0xffffffc0, 0x03ffffff };
	const struct qdma_ctxt_set *set = &qdma_ctxt_qdma3;
	enum ktap_result ret = expect(&set->type[QDMA_CTXT_SW], sw, want_sw);

	(void)arg;
	if (ret == KTAP_PASS)
		ret = expect(&set->type[QDMA_CTXT_CMPT], cmpt, want_cmpt);
	if (ret != KTAP_PASS)
		return ret;
	KTAP_FAIL_ON(qdma_ctxt_has(&set->type[QDMA_CTXT_INTR], QDMA_INTR_FUNC),
		     "its interrupt context has no function");
	KTAP_FAIL_ON(!qdma_ctxt_has(eqdma(QDMA_CTXT_INTR), QDMA_INTR_FUNC),
		     "EQDMA's has one");
	return KTAP_PASS;
}

TEST(test_layout_sane)
{
	const struct qdma_ctxt_set *set = arg;
	unsigned int t, i, b;

	for (t = 0; t < QDMA_CTXT_TYPES; t++) {
		const struct qdma_ctxt_layout *layout = &set->type[t];
		bool used[QDMA_CTXT_MAX_WORDS * 32] = { false };

		KTAP_FAIL_ON(layout->words > QDMA_CTXT_MAX_WORDS, "type %u has too many words", t);
		for (i = 0; i < layout->nfields; i++) {
			const struct qdma_field *f = &layout->field[i];

			KTAP_FAIL_ON(!f->name != !f->width, "type %u field %u: no width", t, i);
			KTAP_FAIL_ON(f->pos + f->width > layout->words * 32u,
				     "type %u: %s is outside", t, f->name);
			for (b = 0; b < f->width; b++) {
				KTAP_FAIL_ON(used[f->pos + b], "type %u: %s overlaps", t, f->name);
				used[f->pos + b] = true;
			}
		}
	}
	return KTAP_PASS;
}

static u64 field_max(const struct qdma_field *f)
{
	u64 ones = f->width == 64 ? ~0ULL : (1ULL << f->width) - 1;

	return ones << f->shift;
}

/* The maximum sets exactly the field's bits; one more, or a lost bit, does not fit. */
static enum ktap_result check_limits(const struct qdma_ctxt_layout *layout, unsigned int i)
{
	const struct qdma_field *f = &layout->field[i];
	u64 values[QDMA_CTXT_MAX_FIELDS] = { 0 }, back[QDMA_CTXT_MAX_FIELDS];
	u32 words[QDMA_CTXT_MAX_WORDS];
	const char *name = f->name ? f->name : "absent field";
	unsigned int b, ones = 0;

	values[i] = field_max(f);
	KTAP_FAIL_ON(qdma_ctxt_encode(layout, values, words), "%s: maximum refused", name);
	for (b = 0; b < QDMA_CTXT_MAX_WORDS * 32; b++) {
		bool set = words[b / 32] >> b % 32 & 1;

		ones += set;
		KTAP_FAIL_ON(set && (b < f->pos || b >= (unsigned int)f->pos + f->width),
			     "%s: sets bit %u", name, b);
	}
	KTAP_FAIL_ON(ones != f->width, "%s: sets %u bits", name, ones);
	qdma_ctxt_decode(layout, words, back);
	KTAP_FAIL_ON(back[i] != values[i], "%s: maximum comes back differently", name);
	if (f->width + f->shift < 64) {
		values[i] = field_max(f) + (1ULL << f->shift);
		KTAP_FAIL_ON(qdma_ctxt_encode(layout, values, words) != -ERANGE,
			     "%s: takes more than its maximum", name);
	}
	if (f->shift) {
		values[i] = 1;
		KTAP_FAIL_ON(qdma_ctxt_encode(layout, values, words) != -ERANGE,
			     "%s: loses a low bit", name);
	}
	return KTAP_PASS;
}

TEST(test_field_limits)
{
	const struct qdma_ctxt_set *set = arg;
	unsigned int t, i;

	for (t = 0; t < QDMA_CTXT_TYPES; t++) {
		for (i = 0; i < set->type[t].nfields; i++) {
			enum ktap_result ret = check_limits(&set->type[t], i);

			if (ret != KTAP_PASS)
				return ret;
		}
	}
	return KTAP_PASS;
}

static u64 random64(void)
{
	return (u64)random() << 42 ^ (u64)random() << 21 ^ random();
}

static enum ktap_result round_trip(const struct qdma_ctxt_layout *layout)
{
	u64 values[QDMA_CTXT_MAX_FIELDS], back[QDMA_CTXT_MAX_FIELDS];
	u32 words[QDMA_CTXT_MAX_WORDS];
	unsigned int i;

	for (i = 0; i < layout->nfields; i++)
		values[i] = random64() & field_max(&layout->field[i]);
	KTAP_FAIL_ON(qdma_ctxt_encode(layout, values, words), "encode fails");
	qdma_ctxt_decode(layout, words, back);
	for (i = 0; i < layout->nfields; i++)
		KTAP_FAIL_ON(values[i] != back[i], "field %u: 0x%llx comes back as 0x%llx", i,
			     (unsigned long long)values[i], (unsigned long long)back[i]);
	return KTAP_PASS;
}

TEST(test_round_trip)
{
	const struct qdma_ctxt_set *set = arg;
	unsigned int t, n;

	srandom(1);
	for (t = 0; t < QDMA_CTXT_TYPES; t++) {
		for (n = 0; n < RANDOM_ROUNDS; n++) {
			enum ktap_result ret = round_trip(&set->type[t]);

			if (ret != KTAP_PASS)
				return ret;
		}
	}
	return KTAP_PASS;
}
