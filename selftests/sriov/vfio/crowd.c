// SPDX-License-Identifier: GPL-2.0-only
/*
 * vf-crowd SIZE ROUNDS BDF=QUEUES...: many VFs at once, each in a process of its own,
 * as guests are. They wait for one another: when all have set up all their queues,
 * all move SIZE bytes through each queue, each to a place of its own on the card,
 * ROUNDS times; when all have compared theirs, all take their queues down. KTAP, a
 * case for each step.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../ktap.h"
#include "work.h"

#define EXIT_USAGE	2
#define TABLE_64	65	/* ring size table entry with 64 slots */
#define CHUNK		4096	/* several descriptors for each transfer */
#define LOOK_US		5000
#define CROWD_LOOK_MS	1000	/* hundreds that look often leave no time for else */
#define CROWD_REPLY_MS	30000	/* each has to wait for its turn */

enum step { SET_UP, MOVE, TAKE_DOWN, STEPS };

/* What a VF's process tells. */
struct member {
	const char *bdf;
	struct work work;
	struct work_result res;
	pid_t pid;
	volatile int done;	/* steps */
	volatile bool ended;
	volatile int ret;
};

static struct member *crowd;	/* shared */
static int members, queues, rounds;
static int go[STEPS][2];	/* pipes: a step begins when the parent closes its end */

static void wait_for(enum step step)
{
	char c;

	while (read(go[step][0], &c, 1) < 0 && errno == EINTR)
		;
}

static int set_up(struct member *m, struct vf *vf, struct lane **lanes)
{
	int ret;

	m->res.step = "open";
	/* The host has not got vectors for all that these VFs could use. */
	ret = vf_open_vectors(vf, m->bdf, 1);
	if (ret)
		return ret;
	vf->mbox.look_ms = CROWD_LOOK_MS;
	vf->mbox.reply_ms = CROWD_REPLY_MS;
	m->res.step = "session";
	ret = vf_session(vf, m->work.queues);
	if (!ret)
		ret = work_open(&m->work, vf, &m->res, lanes);
	if (ret)
		return ret;
	m->res.step = "queues_active";
	return vf_attr(vf, "queues_active") == 2 * (long)m->work.queues ? 0 : -ENOENT;
}

static int member_steps(struct member *m, struct vf *vf, struct lane **lanes)
{
	int i, ret;

	wait_for(SET_UP);
	ret = set_up(m, vf, lanes);
	if (ret)
		return ret;
	m->done = MOVE;
	wait_for(MOVE);
	for (i = 0; !ret && i < rounds; i++, m->work.seed += queues)
		ret = work_move(&m->work, *lanes, &m->res);
	if (ret)
		return ret;
	m->done = TAKE_DOWN;
	wait_for(TAKE_DOWN);
	return 0;
}

static int member_run(struct member *m)
{
	struct lane *lanes = NULL;
	struct vf vf;
	int ret, status;

	ret = member_steps(m, &vf, &lanes);
	if (m->done == SET_UP)
		return ret;
	status = work_close(&m->work, &vf, lanes, &m->res);
	if (!ret && status)
		m->res.step = "tear down";
	vf_bye(&vf);
	vf_close(&vf);
	return ret ? ret : status;
}

static void member_start(struct member *m)
{
	pid_t pid = fork();
	int i;

	if (pid) {
		m->pid = pid;	/* shared, so not for the child to write */
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (i = 0; i < STEPS; i++)
		close(go[i][1]);
	m->ret = member_run(m);
	if (!m->ret)
		m->done = STEPS;
	m->ended = true;
	_exit(0);
}

static enum ktap_result step(const void *arg)
{
	enum step step = *(const enum step *)arg;
	double start = ktap_now();
	int i, irqs = 0;

	close(go[step][1]);
	for (i = 0; i < members; i++) {
		struct member *m = &crowd[i];

		while (m->done <= (int)step && !m->ended && waitpid(m->pid, NULL, WNOHANG) != m->pid)
			usleep(LOOK_US);
		KTAP_FAIL_ON(m->done <= (int)step, "%s: %s: %d, byte %zu", m->bdf,
			     m->res.step ? m->res.step : "start", m->ret, m->res.bad);
		irqs += m->res.irqs;
	}
	printf("# %d VFs, %d queues: %.1f s\n", members, queues, ktap_now() - start);
	KTAP_FAIL_ON(step == TAKE_DOWN && !irqs, "no interrupts");
	return KTAP_PASS;
}

static const struct ktap_case cases[] = {
	{ "all queues are set up", step, &(const enum step){ SET_UP } },
	{ "data moves through all at the same time", step, &(const enum step){ MOVE } },
	{ "all are taken down", step, &(const enum step){ TAKE_DOWN } },
};

/* BDF=QUEUES */
static int member_parse(struct member *m, char *arg, size_t size)
{
	char *eq = strchr(arg, '=');

	if (!eq)
		return -EINVAL;
	*eq = '\0';
	m->bdf = arg;
	m->work = (struct work) {
		.queues = atoi(eq + 1), .mode = MODE_DIRECT, .table_size = TABLE_64,
		.size = size, .chunk = CHUNK, .card = queues * size, .seed = queues + 1,
	};
	queues += m->work.queues;
	return m->work.queues && m->work.queues <= VF_MAX_QUEUES ? 0 : -EINVAL;
}

static int usage(void)
{
	fputs("usage: vf-crowd SIZE ROUNDS BDF=QUEUES...\n", stderr);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	size_t size = argc > 3 ? atoi(argv[1]) : 0;
	int i, ret;

	members = argc - 3;
	if (!size || size % CHUNK || (rounds = atoi(argv[2])) < 1)
		return usage();
	crowd = mmap(NULL, members * sizeof(*crowd), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (crowd == MAP_FAILED)
		return KTAP_FAIL;
	for (i = 0; i < members; i++)
		if (member_parse(&crowd[i], argv[i + 3], size))
			return usage();
	for (i = 0; i < STEPS; i++)
		if (pipe(go[i]))
			return KTAP_FAIL;
	for (i = 0; i < members; i++)
		member_start(&crowd[i]);
	ret = ktap_main(cases, sizeof(cases) / sizeof(*cases), NULL);
	/* Those that wait for a step that failed go with their parent. */
	for (i = 0; !ret && i < members; i++)
		waitpid(crowd[i].pid, NULL, 0);
	return ret;
}
