// SPDX-License-Identifier: GPL-2.0-only
/*
 * vf-test SUITE BDF [BDF] [CASE]: KTAP tests of a VF over VFIO.
 */
#include "test.h"

#include <stdio.h>

#define DEFAULT_QUOTA	8
#define SMALL_SIZE	10000
#define EXIT_USAGE	2

struct vf vf_a, vf_b;
const char *bdf_a, *bdf_b;
uint32_t quota;

static const struct suite * const suites[] = {
	&suite_mbox, &suite_mm, &suite_doorbell, &suite_iommu, &suite_reset,
	&suite_flood, &suite_ext, &suite_hostile, &suite_muted,
	&suite_migrate,
};

/**
 * fresh() - bring a VF to the state after its first HELLO
 * @vf: an open VF
 *
 * Return: status.
 */
int fresh(struct vf *vf)
{
	memset(vf->queue, 0, sizeof(vf->queue));
	dma_free(&vf->dev, &vf->agg.mem);
	vf->qmax = 0;
	return vf_hello(vf, NULL);
}

/**
 * mapped() - bring a VF to the state where all its queues can be set up
 * @vf: an open VF
 *
 * Return: status.
 */
int mapped(struct vf *vf)
{
	int status = fresh(vf);

	return status ? status : vf_session(vf, quota);
}

/**
 * small_move() - see that a VF can be used
 * @vf:   an open VF; is brought to the start by this
 * @card: card address
 *
 * Return: 0 or a negative number.
 */
int small_move(struct vf *vf, uint64_t card)
{
	const struct work w = {
		.queues = 1, .mode = MODE_DIRECT, .table_size = TABLE_64,
		.size = SMALL_SIZE, .card = card, .seed = card,
	};
	struct work_result res;
	int ret = mapped(vf);

	return ret ? ret : work_run(vf, &w, &res);
}

static int usage(void)
{
	fputs("usage: vf-test SUITE BDF [BDF] [CASE]\n", stderr);
	return EXIT_USAGE;
}

static int open_vfs(const struct suite *s)
{
	int ret = vf_open(&vf_a, bdf_a);

	if (!ret && s->two)
		ret = vf_open(&vf_b, bdf_b);
	if (ret) {
		printf("Bail out! %s cannot be opened (%d)\n", bdf_a, ret);
		return ret;
	}
	quota = vf_attr(&vf_a, "queues") > 0 ? vf_attr(&vf_a, "queues") :
					       DEFAULT_QUOTA;
	return 0;
}

int main(int argc, char **argv)
{
	const struct suite *s = NULL;
	const char *only;
	unsigned int i;
	int ret;

	for (i = 0; argc > 2 && i < ARRAY_SIZE(suites); i++)
		if (!strcmp(argv[1], suites[i]->name))
			s = suites[i];
	if (!s || argc < (s->two ? 4 : 3))
		return usage();
	bdf_a = argv[2];
	bdf_b = s->two ? argv[3] : NULL;
	only = argv[s->two ? 4 : 3];
	if (!s->closed && open_vfs(s))
		return KTAP_FAIL;
	ret = ktap_main(s->cases, s->count, only);
	if (s->closed)
		return ret;
	vf_close(&vf_a);
	if (s->two)
		vf_close(&vf_b);
	return ret;
}
