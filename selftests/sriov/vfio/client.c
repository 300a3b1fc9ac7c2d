// SPDX-License-Identifier: GPL-2.0-only
/*
 * vf-client: a VF driven from user space, for shell tests and for people.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "mig.h"
#include "work.h"

#define EXIT_USAGE	2
#define DEFAULT_TABLE	65

static const char usage_text[] =
"usage: vf-client BDF COMMAND [options]\n"
"  info    identity of the VF, no mailbox\n"
"  hello   open a session with the PF, show what it says\n"
"  refused ask for more queues than there are\n"
"  reset   a function level reset\n"
"  stop    set up the queues, stop the VF (svff_vfio) and leave it so\n"
"  mm      move random data to the card and back, compare\n"
"  hold    set up the queues and keep them until standard input ends or the\n"
"          host wants the VF back; prints 'ready', then one line an event\n"
"options:\n"
"  --queues N   queue pairs (1)        --mode poll|direct|aggr (direct)\n"
"  --size N     bytes for a queue      --card ADDR  card address (0)\n"
"  --seed N     of the data            --rounds N   repeat (1)\n"
"  --ring N     ring size table entry (65)\n"
"  --chunk N    bytes of a descriptor  --shift N    host buffer offset\n"
"  --wait MS    longest wait for a completion (10000)\n"
"  --keep       leave the data on the card, do not read back\n"
"  --mute       hold: never answer the PF\n"
"  --no-queues  hold: only HELLO\n"
"  --ext        hold: HELLO with the extension, notices of it are not answered\n";

struct options {
	struct work work;
	unsigned int rounds;
	bool mute;
	bool no_queues;
	bool ext;
};

enum {
	OPT_QUEUES = 256, OPT_MODE, OPT_SIZE, OPT_CARD, OPT_SEED, OPT_ROUNDS,
	OPT_RING, OPT_CHUNK, OPT_SHIFT, OPT_WAIT, OPT_KEEP, OPT_MUTE, OPT_NO_QUEUES,
	OPT_EXT,
};

static const struct option long_options[] = {
	{ "queues", required_argument, NULL, OPT_QUEUES },
	{ "mode", required_argument, NULL, OPT_MODE },
	{ "size", required_argument, NULL, OPT_SIZE },
	{ "card", required_argument, NULL, OPT_CARD },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "rounds", required_argument, NULL, OPT_ROUNDS },
	{ "ring", required_argument, NULL, OPT_RING },
	{ "chunk", required_argument, NULL, OPT_CHUNK },
	{ "shift", required_argument, NULL, OPT_SHIFT },
	{ "wait", required_argument, NULL, OPT_WAIT },
	{ "keep", no_argument, NULL, OPT_KEEP },
	{ "mute", no_argument, NULL, OPT_MUTE },
	{ "no-queues", no_argument, NULL, OPT_NO_QUEUES },
	{ "ext", no_argument, NULL, OPT_EXT },
	{ },
};

static int usage(void)
{
	fputs(usage_text, stderr);
	return EXIT_USAGE;
}

static int parse_one(struct options *o, int opt, const char *arg)
{
	uint64_t n = arg ? strtoull(arg, NULL, 0) : 0;

	switch (opt) {
	case OPT_QUEUES:
		o->work.queues = n;
		return 0;
	case OPT_MODE:
		return mode_parse(arg, &o->work.mode);
	case OPT_SIZE:
		o->work.size = n;
		return 0;
	case OPT_CARD:
		o->work.card = n;
		return 0;
	case OPT_SEED:
		o->work.seed = n;
		return 0;
	case OPT_ROUNDS:
		o->rounds = n;
		return 0;
	case OPT_RING:
		o->work.table_size = n;
		return 0;
	case OPT_CHUNK:
		o->work.chunk = n;
		return 0;
	case OPT_SHIFT:
		o->work.shift = n;
		return 0;
	case OPT_WAIT:
		o->work.wait_ms = n;
		return 0;
	case OPT_KEEP:
		o->work.keep = true;
		return 0;
	case OPT_MUTE:
		o->mute = true;
		return 0;
	case OPT_NO_QUEUES:
		o->no_queues = true;
		return 0;
	case OPT_EXT:
		o->ext = true;
		return 0;
	}
	return -EINVAL;
}

static int fail(const char *bdf, const char *what, const char *why)
{
	fprintf(stderr, "vf-client: %s: %s: %s\n", bdf, what, why);
	return EXIT_FAILURE;
}

/* Opens a VF, and a session with @queues queues unless that is 0. */
static int start(struct vf *vf, const char *bdf, unsigned int queues)
{
	int ret = vf_open(vf, bdf);

	if (ret)
		return fail(bdf, "open", strerror(-ret));
	ret = queues ? vf_session(vf, queues) : 0;
	if (!ret)
		return EXIT_SUCCESS;
	vf_close(vf);
	return fail(bdf, "session", vf_error(ret));
}

static int do_info(const char *bdf, const struct options *o)
{
	struct vf vf;

	(void)o;
	if (start(&vf, bdf, 0))
		return EXIT_FAILURE;
	printf("bar0 %zu\nid-at-3x-offset 0x%08x\nversion 0x%08x\nuser-bar 0x%08x\n",
	       vf.dev.bar0_size, bar_read(&vf.dev, VF_ID_OLD),
	       bar_read(&vf.dev, vf.mbox.base + MBOX_VERSION),
	       bar_read(&vf.dev, vf.mbox.base + MBOX_USER_BAR));
	vf_close(&vf);
	return EXIT_SUCCESS;
}

static int do_hello(const char *bdf, const struct options *o)
{
	struct hello h;
	struct vf vf;
	int ret;

	(void)o;
	if (start(&vf, bdf, 0))
		return EXIT_FAILURE;
	ret = vf_hello(&vf, &h);
	if (!ret)
		printf("function %u\nparent %u\npfs %u\nqueues %u\ncaps 0x%02x\nmm-channels %u\n",
		       vf.mbox.fn, vf.mbox.parent, h.num_pfs, h.num_qs, h.caps,
		       h.mm_chn);
	vf_bye(&vf);
	vf_close(&vf);
	return ret ? fail(bdf, "HELLO", vf_error(ret)) : EXIT_SUCCESS;
}

static int do_refused(const char *bdf, const struct options *o)
{
	struct vf vf;
	unsigned int i;
	int ret;

	if (start(&vf, bdf, 0))
		return EXIT_FAILURE;
	ret = vf_hello(&vf, NULL);
	for (i = 0; !ret && i < o->rounds; i++)
		if (vf_qreq(&vf, -1, UINT16_MAX) != ST_NUM_QUEUES)
			ret = ST_PARAM;
	vf_bye(&vf);
	vf_close(&vf);
	return ret ? fail(bdf, "QREQ", vf_error(ret)) : EXIT_SUCCESS;
}

static int do_reset(const char *bdf, const struct options *o)
{
	struct vf vf;
	int ret;

	(void)o;
	if (start(&vf, bdf, 0))
		return EXIT_FAILURE;
	ret = vfio_reset(&vf.dev);
	vf_close(&vf);
	return ret ? fail(bdf, "reset", strerror(-ret)) : EXIT_SUCCESS;
}

static int do_mm(const char *bdf, const struct options *o)
{
	struct work_result res;
	struct work w = o->work;
	struct vf vf;
	unsigned int i;
	int ret = 0;

	if (start(&vf, bdf, w.queues))
		return EXIT_FAILURE;
	for (i = 0; !ret && i < o->rounds; i++, w.seed++) {
		ret = work_run(&vf, &w, &res);
		if (!ret)
			printf("bytes %zu\nirqs %u\n", w.size * w.queues,
			       res.irqs);
	}
	if (ret)
		fprintf(stderr, "vf-client: %s: %s: %s, byte %zu\n", bdf, res.step,
			res.moving ? strerror(-ret) : vf_error(ret), res.bad);
	vf_qreq(&vf, -1, 0);
	vf_bye(&vf);
	vf_close(&vf);
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int make_queues(struct vf *vf, struct mm_queue *q, unsigned int n)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < 2 * n; i++)
		ret = mm_open(&q[i], vf, i / 2, i % 2, MODE_POLL,
			      DEFAULT_TABLE);
	return ret;
}

static void say(const char *text)
{
	puts(text);
	fflush(stdout);
}

/* Returns when the VF is to be given back. */
static void serve(struct vf *vf)
{
	struct pollfd p[] = {
		{ .fd = vf->dev.event[VF_VEC_MBOX], .events = POLLIN },
		{ .fd = vf->dev.req_event, .events = POLLIN },
		{ .fd = STDIN_FILENO, .events = POLLIN },
	};
	struct mbox_msg msg;

	for (;;) {
		if (poll(p, 3, -1) < 0)
			return;
		vfio_irq_wait(&vf->dev, VF_VEC_MBOX, 0);
		while (mbox_recv(&vf->mbox, &msg)) {
			if (msg.b[M_OP] == OP_EXT_PAUSE)
				say("pf-pause");
			else if (msg.b[M_OP] == OP_EXT_RESUME)
				say("pf-resume");
			else if (mbox_handle(&vf->mbox, &msg))
				say(msg.b[M_OP] == OP_PF_BYE ? "pf-bye" :
				    "pf-reset");
			if (vf->mbox.bye && !vf->mbox.mute)
				return;
		}
		if (p[1].revents) {
			say("wanted-back");
			return;
		}
		if (p[2].revents)
			return;
	}
}

static int hold(struct vf *vf, struct mm_queue *q, const struct options *o)
{
	struct mbox_msg rsp;
	int status = o->ext ? vf_hello_ext(vf, 1, EXT_ALL, &rsp) :
		     o->no_queues ? vf_hello(vf, NULL) :
				    make_queues(vf, q, o->work.queues);

	if (status)
		return fail(vf->dev.bdf, "set up", vf_error(status));
	vf->mbox.mute = o->mute;
	say("ready");
	serve(vf);
	if (!o->mute)
		vf_bye(vf);
	return EXIT_SUCCESS;
}

static int do_hold(const char *bdf, const struct options *o)
{
	struct mm_queue *q = calloc(2 * o->work.queues, sizeof(*q));
	struct vf vf;
	int ret = EXIT_FAILURE;

	if (q && !start(&vf, bdf, o->no_queues || o->ext ? 0 : o->work.queues)) {
		ret = hold(&vf, q, o);
		vf_close(&vf);
		say("closed");
	}
	free(q);
	return ret;
}

static int do_stop(const char *bdf, const struct options *o)
{
	struct mm_queue *q = calloc(2 * o->work.queues, sizeof(*q));
	struct vf vf;
	int ret = -ENOMEM;

	if (!q || start(&vf, bdf, o->work.queues)) {
		free(q);
		return EXIT_FAILURE;
	}
	ret = make_queues(&vf, q, o->work.queues);
	if (!ret)
		ret = mig_set(&vf.dev, VFIO_DEVICE_STATE_STOP, NULL);
	vf_close(&vf);
	free(q);
	return ret ? fail(bdf, "stop", vf_error(ret)) : EXIT_SUCCESS;
}

static const struct {
	const char *name;
	int (*fn)(const char *bdf, const struct options *o);
} commands[] = {
	{ "info", do_info }, { "hello", do_hello }, { "refused", do_refused },
	{ "reset", do_reset }, { "stop", do_stop }, { "mm", do_mm }, { "hold", do_hold },
};

int main(int argc, char **argv)
{
	struct options o = {
		.work = { .queues = 1, .mode = MODE_DIRECT, .size = 65536,
			  .table_size = DEFAULT_TABLE, .seed = 1 },
		.rounds = 1,
	};
	unsigned int i;
	int opt;

	setlinebuf(stdout);
	while ((opt = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		if (parse_one(&o, opt, optarg))
			return usage();
	if (argc - optind != 2 || !o.work.queues ||
	    o.work.queues > VF_MAX_QUEUES)
		return usage();
	for (i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (!strcmp(argv[optind + 1], commands[i].name))
			return commands[i].fn(argv[optind], &o);
	return usage();
}
