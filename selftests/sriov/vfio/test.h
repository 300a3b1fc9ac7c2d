/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the suites of vf-test share: one VF under test, one bystander.
 */
#ifndef SVFF_SELFTESTS_TEST_H
#define SVFF_SELFTESTS_TEST_H

#include "../../ktap.h"
#include "work.h"

#define TABLE_64	65	/* ring size table entry with 64 slots */
#define CARD_A		0x0100000ull
#define CARD_B		0x2000000ull

/**
 * struct suite - some cases that belong together
 * @name:  as given on the command line
 * @cases: the cases
 * @count: how many
 * @two:   wants a second VF
 * @closed: opens them itself
 */
struct suite {
	const char *name;
	const struct ktap_case *cases;
	int count;
	bool two;
	bool closed;
};

extern const struct suite suite_mbox, suite_mm, suite_iommu, suite_reset;
extern const struct suite suite_doorbell, suite_flood, suite_ext;
extern const struct suite suite_hostile, suite_muted, suite_migrate;

/* The VF under test and the bystander, open, and their addresses. */
extern struct vf vf_a, vf_b;
extern const char *bdf_a, *bdf_b;
extern uint32_t quota;

int fresh(struct vf *vf);
int mapped(struct vf *vf);
int small_move(struct vf *vf, uint64_t card);

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof(*(a)))

/* Fails the case unless a call gave the status it should. */
#define EXPECT_STATUS(call, want) do {					\
	int status_ = (call);						\
	KTAP_FAIL_ON(status_ != (want), "%s: status %d (%s), not %d",	\
		     #call, status_, vf_error(status_), (want));	\
} while (0)

#endif
