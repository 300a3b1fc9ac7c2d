// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VF that is stopped, saved, loaded and resumed through svff_vfio. What is
 * written to the doorbells in between the tests hold back themselves.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "mig.h"
#include "test.h"

#define CARD		0x4000000ull
#define ROUNDS		100
#define GIVE_UP_MS	1000	/* a stop that fails */
#define TRIES		5	/* one of which takes no longer than it has to on a slow emulated machine */
#define RESETS		3
#define FILES		300	/* of states, that are kept open */
#define FILE_KB		30	/* less than the buffer of one */
#define FAILING		4	/* stops in a row */
#define REST_MS		200	/* that a queue is given to come to rest */
#define NEIGHBOUR_MS	5000	/* for a stop and a resume beside somebody whose stops fail */
#define STRIDE		13	/* from one context command to the next that fails */
#define VFS		"2"

static struct rig rig;
static struct mig_state state;

static const bool yes = true, no;
static const enum irq_mode poll = MODE_POLL, direct = MODE_DIRECT, aggr = MODE_AGGR;

#define OK(call) do {								\
	int ret_ = (call);							\
	KTAP_FAIL_ON(ret_, "line %d: %s: %d (%s)", __LINE__, #call, ret_,	\
		     ret_ < 0 && ret_ > -200 ? strerror(-ret_) : "");		\
} while (0)

#define IS(call, want) do {							\
	int ret_ = (call);							\
	KTAP_FAIL_ON(ret_ != (want), "line %d: %s: %d, not %d", __LINE__, #call, \
		     ret_, (want));						\
} while (0)

#define STATE_IS(want) do {							\
	unsigned int state_;							\
	OK(mig_get(&rig.vf.dev, &state_));					\
	KTAP_FAIL_ON(state_ != VFIO_DEVICE_STATE_##want, "line %d: state %u",	\
		     __LINE__, state_);						\
} while (0)

/* The regions that C2H queues read, as rig_check() expects them. */
static int prepare(struct rig *r)
{
	int ret = rig_start(r, CARD + (1 << 20), 0);

	return ret ? ret : rig_wait(r);
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

/* The VFs are removed and made again, and bound again. */
static int recreate(void)
{
	char pf[PATH_MAX], path[PATH_MAX + 32];
	const char *bdf[] = { bdf_a, bdf_b };
	unsigned int i;
	int ret;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/physfn", bdf_a);
	if (!realpath(path, pf))
		return -errno;
	snprintf(path, sizeof(path), "%s/sriov_numvfs", pf);
	ret = write_file(path, "0");
	if (!ret)
		ret = write_file(path, VFS);
	for (i = 0; !ret && i < 2; i++) {
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver_override", bdf[i]);
		ret = write_file(path, "svff_vfio");
		if (!ret)
			ret = write_file("/sys/bus/pci/drivers/svff_vfio/bind", bdf[i]);
	}
	return ret;
}

/* Save the rig's VF, have all VFs go and come, and load it into the new one, where it is paused. */
static int move_rig(void)
{
	int ret = mig_save(&rig.vf.dev, &state);

	if (ret)
		return ret;
	rig_leave(&rig);
	ret = recreate();
	if (!ret)
		ret = rig_return(&rig, bdf_a);
	return ret ? ret : mig_load(&rig.vf.dev, &state);
}

static int pf_attr(const char *name, char *text, size_t len)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/physfn/svff/%s", bdf_a, name);
	f = fopen(path, "r");
	if (!f)
		return -errno;
	if (!fgets(text, len, f))
		text[0] = '\0';
	fclose(f);
	return 0;
}

static bool vf1_is(const char *want)
{
	char text[32] = "";

	return !pf_attr("vf1/state", text, sizeof(text)) && !strncmp(text, want, strlen(want));
}

static enum ktap_result steps(const void *arg)
{
	(void)arg;
	OK(rig_open(&rig, bdf_a, MODE_DIRECT));
	STATE_IS(RUNNING);
	OK(mig_set(&rig.vf.dev, VFIO_DEVICE_STATE_STOP, NULL));
	STATE_IS(STOP);
	KTAP_FAIL_ON(!vf1_is("paused"), "sysfs does not say that it is paused");
	OK(mig_set(&rig.vf.dev, VFIO_DEVICE_STATE_STOP, NULL));
	OK(mig_set(&rig.vf.dev, VFIO_DEVICE_STATE_RUNNING, NULL));
	KTAP_FAIL_ON(!vf1_is("active"), "sysfs does not say that it is active");
	OK(mig_set(&rig.vf.dev, VFIO_DEVICE_STATE_STOP_COPY, NULL));
	STATE_IS(STOP_COPY);
	OK(mig_set(&rig.vf.dev, VFIO_DEVICE_STATE_RUNNING, NULL));
	IS(mig_set(&rig.vf.dev, 99, NULL), -EINVAL);
	IS(mig_set(&rig.vf.dev, VFIO_DEVICE_STATE_ERROR, NULL), -EINVAL);
	STATE_IS(RUNNING);
	OK(prepare(&rig));
	rig_close(&rig);
	KTAP_FAIL_ON(!vf1_is("ready"), "sysfs does not say that it is ready");
	return KTAP_PASS;
}

/* In the same VF, in the same second: work under way goes on. */
static enum ktap_result stop_and_go(const void *arg)
{
	int i;

	OK(rig_open(&rig, bdf_a, *(const enum irq_mode *)arg));
	OK(prepare(&rig));
	for (i = 1; i <= 5; i++) {
		OK(rig_start(&rig, CARD, i));
		OK(mig_set(&rig.vf.dev, VFIO_DEVICE_STATE_STOP, NULL));
		OK(mig_set(&rig.vf.dev, VFIO_DEVICE_STATE_RUNNING, NULL));
		OK(rig_wait(&rig));
		OK(rig_check(&rig, CARD, i));
	}
	rig_close(&rig);
	return KTAP_PASS;
}

/* The VF is removed while a guest, whose memory stays, has work under way. */
static enum ktap_result away_and_back(const void *arg)
{
	unsigned int i;

	OK(rig_open(&rig, bdf_a, *(const enum irq_mode *)arg));
	OK(prepare(&rig));
	OK(rig_start(&rig, CARD, 7));
	OK(move_rig());
	KTAP_FAIL_ON(!vf1_is("paused"), "loaded, but not paused");
	OK(mig_set(&rig.vf.dev, VFIO_DEVICE_STATE_RUNNING, NULL));
	rig_inject(&rig);
	OK(rig_wait(&rig));
	OK(rig_check(&rig, CARD, 7));
	/* Interrupts of what is new come by themselves. */
	for (i = 0; i < 2 * RIG_QUEUES; i++)
		rig.q[i].irqs = 0;
	OK(rig_start(&rig, CARD, 8));
	OK(rig_wait(&rig));
	OK(rig_check(&rig, CARD, 8));
	for (i = 0; i < 2 * RIG_QUEUES; i++)
		KTAP_FAIL_ON(rig.q[i].mode != MODE_POLL && !rig.q[i].irqs, "no interrupt of queue %u", i);
	rig_close(&rig);
	return KTAP_PASS;
}

/* In another VF: another function with other queues. Its requests name the old ones. */
static enum ktap_result elsewhere(const void *arg)
{
	OK(rig_open(&rig, bdf_a, *(const enum irq_mode *)arg));
	OK(prepare(&rig));
	OK(rig_start(&rig, CARD, 5));
	OK(mig_save(&rig.vf.dev, &state));
	rig_leave(&rig);
	OK(rig_return(&rig, bdf_b));
	OK(mig_load(&rig.vf.dev, &state));
	OK(mig_set(&rig.vf.dev, VFIO_DEVICE_STATE_RUNNING, NULL));
	rig_inject(&rig);
	OK(rig_wait(&rig));
	OK(rig_check(&rig, CARD, 5));
	EXPECT_STATUS(mm_close(&rig.q[1]), 0);
	EXPECT_STATUS(mm_open(&rig.q[1], &rig.vf, 0, true, *(const enum irq_mode *)arg, 65), 0);
	OK(mm_move(&rig.q[1], rig.buf[1].iova, CARD, 4096));
	rig_close(&rig);
	return KTAP_PASS;
}

static enum ktap_result elsewhere_refused(const void *arg)
{
	(void)arg;
	OK(rig_open(&rig, bdf_a, MODE_AGGR));
	OK(mig_save(&rig.vf.dev, &state));
	rig_leave(&rig);
	OK(rig_return(&rig, bdf_b));
	IS(mig_load(&rig.vf.dev, &state), -EXDEV);
	rig_leave(&rig);
	OK(rig_return(&rig, bdf_a));
	OK(mig_load(&rig.vf.dev, &state));
	OK(mig_set(&rig.vf.dev, VFIO_DEVICE_STATE_RUNNING, NULL));
	rig_inject(&rig);
	OK(prepare(&rig));
	rig_close(&rig);
	return KTAP_PASS;
}

/* Each is refused with its own errno, and the VF can be used after a reset. */
static enum ktap_result bad_states(const void *arg)
{
	static struct mig_state bad;
	unsigned int i;

	(void)arg;
	OK(rig_open(&rig, bdf_a, MODE_DIRECT));
	OK(mig_save(&rig.vf.dev, &state));
	OK(mig_write(&rig.vf.dev, state.bytes, state.len - 1));
	IS(mig_set(&rig.vf.dev, VFIO_DEVICE_STATE_STOP, NULL), -ENODATA);
	STATE_IS(RESUMING);
	IS(mig_set(&rig.vf.dev, VFIO_DEVICE_STATE_RUNNING, NULL), -ENODATA);
	for (i = 0; i < 4; i++) {
		OK(vfio_reset(&rig.vf.dev));
		STATE_IS(RUNNING);
		bad = state;
		bad.len += i == 0;
		bad.bytes[0] ^= i == 1;
		bad.bytes[4] ^= i == 2;
		bad.bytes[state.len / 2] ^= i == 3;
		OK(mig_write(&rig.vf.dev, bad.bytes, bad.len));
		IS(mig_set(&rig.vf.dev, VFIO_DEVICE_STATE_STOP, NULL),
		   i == 0 ? -EMSGSIZE : i == 2 ? -EPROTONOSUPPORT : -EBADMSG);
	}
	OK(vfio_reset(&rig.vf.dev));
	IS(mig_write(&rig.vf.dev, bad.bytes, MIG_MAX), -EMSGSIZE);
	OK(vfio_reset(&rig.vf.dev));
	OK(mig_load(&rig.vf.dev, &state));
	OK(mig_set(&rig.vf.dev, VFIO_DEVICE_STATE_RUNNING, NULL));
	/* The reset cleared what config space and eventfds had; the state itself is good. */
	OK(vfio_bus_master(&rig.vf.dev, true));
	rig_leave(&rig);
	OK(rig_open(&rig, bdf_a, MODE_DIRECT));
	OK(prepare(&rig));
	rig_close(&rig);
	return KTAP_PASS;
}

/* A reset, from whatever state, leads to one that runs and knows nothing. */
static enum ktap_result resets(const void *arg)
{
	static const unsigned int from[] = {
		VFIO_DEVICE_STATE_STOP, VFIO_DEVICE_STATE_STOP_COPY, VFIO_DEVICE_STATE_RESUMING,
	};
	unsigned int i;
	int data;

	(void)arg;
	for (i = 0; i < ARRAY_SIZE(from); i++) {
		OK(rig_open(&rig, bdf_a, MODE_DIRECT));
		OK(mig_set(&rig.vf.dev, from[i], &data));
		OK(vfio_reset(&rig.vf.dev));
		STATE_IS(RUNNING);
		KTAP_FAIL_ON(!vf1_is("ready"), "from %u: not ready", from[i]);
		if (data >= 0) {
			KTAP_FAIL_ON(read(data, state.bytes, 1) >= 0 || write(data, "", 1) >= 0,
				     "from %u: its file still works", from[i]);
			close(data);
		}
		rig_leave(&rig);
	}
	return KTAP_PASS;
}

struct reset_thread {
	pthread_t thread;
	volatile bool over;
	int ret;
};

static void *reset_rig(void *arg)
{
	struct reset_thread *t = arg;

	t->ret = vfio_reset(&rig.vf.dev);
	t->over = true;
	return NULL;
}

/* A reset, and steps until it is over: counts those that are refused. Return: 0, or errno of another failure. */
static int step_through_reset(unsigned int *refused)
{
	struct reset_thread t = { .over = false };
	int ret = -pthread_create(&t.thread, NULL, reset_rig, &t);

	if (ret)
		return ret;
	for (; !t.over && (!ret || ret == -EBUSY); *refused += ret == -EBUSY) {
		ret = mig_set(&rig.vf.dev, VFIO_DEVICE_STATE_STOP, NULL);
		if (!ret)
			ret = mig_set(&rig.vf.dev, VFIO_DEVICE_STATE_RUNNING, NULL);
	}
	pthread_join(t.thread, NULL);
	return t.ret ?: ret == -EBUSY ? 0 : ret;
}

/* Steps go on until a reset begins, none is made during it, and all are possible again. It may be over before the next. */
static enum ktap_result steps_in_reset(const void *arg)
{
	unsigned int i, k, refused;

	(void)arg;
	OK(rig_open(&rig, bdf_a, MODE_DIRECT));
	for (i = 0; i < RESETS; i++) {
		for (k = refused = 0; k < TRIES && !refused; k++) {
			OK(step_through_reset(&refused));
			OK(mig_set(&rig.vf.dev, VFIO_DEVICE_STATE_STOP, NULL));
			OK(mig_set(&rig.vf.dev, VFIO_DEVICE_STATE_RUNNING, NULL));
		}
		KTAP_FAIL_ON(!refused, "reset %u: no step was refused", i);
	}
	rig_leave(&rig);
	return KTAP_PASS;
}

/* Return: KiB of the kernel's memory that buffers are taken from, or -1. */
static long kernel_kb(void)
{
	long kb, sum = 0, found = 0;
	FILE *f = fopen("/proc/meminfo", "r");
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "SUnreclaim: %ld", &kb) == 1 || sscanf(line, "VmallocUsed: %ld", &kb) == 1) {
			sum += kb;
			found++;
		}
	if (f)
		fclose(f);
	return found == 2 ? sum : -1;
}

/* Files of states that were loaded, and that nobody closes. */
static enum ktap_result old_files(const void *arg)
{
	long before, after;
	int data[FILES];
	unsigned int i;

	(void)arg;
	OK(rig_open(&rig, bdf_a, MODE_POLL));
	OK(mig_save(&rig.vf.dev, &state));
	before = kernel_kb();
	KTAP_FAIL_ON(before < 0, "no meminfo");
	for (i = 0; i < FILES; i++) {
		OK(mig_set(&rig.vf.dev, VFIO_DEVICE_STATE_RESUMING, &data[i]));
		KTAP_FAIL_ON(write(data[i], state.bytes, state.len) != (ssize_t)state.len, "not written");
		OK(mig_set(&rig.vf.dev, VFIO_DEVICE_STATE_STOP, NULL));
	}
	after = kernel_kb();
	KTAP_FAIL_ON(write(data[0], "", 1) >= 0, "its file still works");
	for (i = 0; i < FILES; i++)
		close(data[i]);
	KTAP_FAIL_ON(after - before > FILES * FILE_KB / 2, "%d files that are over have %ld KiB", FILES, after - before);
	OK(mig_set(&rig.vf.dev, VFIO_DEVICE_STATE_RUNNING, NULL));
	rig_close(&rig);
	return KTAP_PASS;
}

/* An answer that was not taken, a request that was not: each comes once. */
static enum ktap_result messages(const void *arg)
{
	struct mbox_msg req, rsp;
	int i;

	(void)arg;
	for (i = 0; i < 2; i++) {
		OK(rig_open(&rig, bdf_a, MODE_DIRECT));
		mbox_request(&rig.vf.mbox, &req, OP_CSR);
		OK(mbox_send(&rig.vf.mbox, &req));
		if (i)
			usleep(100000);		/* the answer is there now */
		OK(move_rig());
		OK(mig_set(&rig.vf.dev, VFIO_DEVICE_STATE_RUNNING, NULL));
		KTAP_FAIL_ON(!vfio_irq_wait(&rig.vf.dev, VF_VEC_MBOX, 2000), "round %d: no interrupt", i);
		KTAP_FAIL_ON(!mbox_recv(&rig.vf.mbox, &rsp), "round %d: no answer", i);
		KTAP_FAIL_ON(rsp.b[M_OP] != (OP_CSR | 0x80) || msg_status(&rsp), "round %d: answer 0x%02x",
			     i, rsp.b[M_OP]);
		usleep(100000);
		KTAP_FAIL_ON(mbox_recv(&rig.vf.mbox, &rsp), "round %d: a second answer", i);
		rig_close(&rig);
	}
	return KTAP_PASS;
}

/* A request that was written up to some word before the pause; the rest, and the command, come after it. */
static enum ktap_result half_message(const void *arg)
{
	struct mbox_msg req, rsp;
	unsigned int words;

	(void)arg;
	for (words = 1; words <= MBOX_WORDS; words += MBOX_WORDS - 1) {
		OK(rig_open(&rig, bdf_a, MODE_DIRECT));
		mbox_request(&rig.vf.mbox, &req, OP_CSR);
		OK(mbox_wait_taken(&rig.vf.mbox));
		mbox_put(&rig.vf.mbox, &req, 0, words);
		OK(move_rig());
		OK(mig_set(&rig.vf.dev, VFIO_DEVICE_STATE_RUNNING, NULL));
		mbox_put(&rig.vf.mbox, &req, words, MBOX_WORDS);
		mbox_commit(&rig.vf.mbox);
		OK(mbox_poll(&rig.vf.mbox, &rsp, 2000));
		KTAP_FAIL_ON(rsp.b[M_OP] != (OP_CSR | 0x80) || msg_status(&rsp), "%u words: answer 0x%02x", words,
			     rsp.b[M_OP]);
		rig_close(&rig);
	}
	return KTAP_PASS;
}

static bool can_inject(void)
{
	return !system("command -v lab-qmp >/dev/null");
}

static bool inject(const char *what, int value)
{
	char cmd[96];

	snprintf(cmd, sizeof(cmd), "lab-qmp set inject-%s %d >/dev/null 2>&1", what, value);
	return !system(cmd);
}

/* The card takes context commands, now and later; what it was busy with it does now. Return: was it busy? */
static bool unbusy(void)
{
	if (!system("lab-qmp get inject-ctxt-busy | grep -q true && lab-qmp set inject-ctxt-busy false >/dev/null"))
		return true;
	inject("ctxt-busy-in", 0);
	return false;
}

/* Return: the least time in ms that a stop took to fail, or errno if one did not, in this way. */
static int stop_fails_ms(int err)
{
	int i, ret, ms, least = INT_MAX;

	for (i = 0; i < TRIES && least > GIVE_UP_MS; i++) {
		int64_t start = now_ms();

		ret = mig_set(&rig.vf.dev, VFIO_DEVICE_STATE_STOP, NULL);
		if (ret != err)
			return ret < 0 ? ret : -EBADE;
		ms = now_ms() - start;
		least = ms < least ? ms : least;
	}
	return least;
}

/* A queue that does not come to rest. */
static enum ktap_result not_at_rest(const void *arg)
{
	char base[32];
	int ms;

	(void)arg;
	OK(pf_attr("vf1/queue_base", base, sizeof(base)));
	KTAP_SKIP_ON(!can_inject(), "the card cannot be told to misbehave");
	KTAP_FAIL_ON(!inject("never-idle", atoi(base)), "no injection");
	OK(rig_open(&rig, bdf_a, MODE_DIRECT));
	OK(prepare(&rig));
	OK(rig_start(&rig, CARD, 3));
	ms = stop_fails_ms(-ETIMEDOUT);
	KTAP_FAIL_ON(ms < 0, "%s", strerror(-ms));
	KTAP_FAIL_ON(ms > GIVE_UP_MS, "given up on after %d ms at best", ms);
	STATE_IS(RUNNING);
	OK(rig_wait(&rig));
	OK(rig_check(&rig, CARD, 3));
	KTAP_FAIL_ON(!inject("never-idle", -1), "injection stays");
	OK(mig_set(&rig.vf.dev, VFIO_DEVICE_STATE_STOP, NULL));
	OK(mig_set(&rig.vf.dev, VFIO_DEVICE_STATE_RUNNING, NULL));
	rig_close(&rig);
	return KTAP_PASS;
}

struct neighbour_steps {
	pthread_t thread;
	struct rig rig;
	volatile bool enough;
	int ret, rounds, worst_ms;
};

static void *step_on(void *arg)
{
	struct neighbour_steps *n = arg;

	while (!n->ret && !n->enough) {
		int64_t start = now_ms();
		int ms;

		n->ret = mig_set(&n->rig.vf.dev, VFIO_DEVICE_STATE_STOP, NULL);
		if (!n->ret)
			n->ret = mig_set(&n->rig.vf.dev, VFIO_DEVICE_STATE_RUNNING, NULL);
		ms = now_ms() - start;
		n->worst_ms = ms > n->worst_ms ? ms : n->worst_ms;
		n->rounds += !n->ret;
	}
	return NULL;
}

/* Return: the time in ms that so many stops took, or errno if one did not fail for want of time. */
static int stops_fail_ms(int count)
{
	int64_t start = now_ms();
	int i, ret;

	for (i = 0; i < count; i++) {
		ret = mig_set(&rig.vf.dev, VFIO_DEVICE_STATE_STOP, NULL);
		if (ret != -ETIMEDOUT)
			return ret < 0 ? ret : -EBADE;
	}
	return now_ms() - start;
}

/* Whoever stops such a VF over and over leaves half of the time to others. */
static enum ktap_result no_monopoly(const void *arg)
{
	static struct neighbour_steps n;
	int alone, beside;
	char base[32];

	(void)arg;
	OK(pf_attr("vf1/queue_base", base, sizeof(base)));
	KTAP_SKIP_ON(!can_inject(), "the card cannot be told to misbehave");
	n = (struct neighbour_steps){ .ret = 0 };
	OK(rig_open(&n.rig, bdf_b, MODE_DIRECT));
	OK(rig_open(&rig, bdf_a, MODE_DIRECT));
	KTAP_FAIL_ON(!inject("never-idle", atoi(base)), "no injection");
	OK(rig_start(&rig, CARD, 3));
	alone = stops_fail_ms(FAILING);
	OK(pthread_create(&n.thread, NULL, step_on, &n));
	beside = stops_fail_ms(FAILING);
	n.enough = true;
	pthread_join(n.thread, NULL);
	KTAP_FAIL_ON(!inject("never-idle", -1), "injection stays");
	KTAP_FAIL_ON(alone < 0 || beside < 0, "stops: %d, %d", alone, beside);
	KTAP_FAIL_ON(alone < (2 * FAILING - 1) * REST_MS, "%d stops that fail take only %d ms", FAILING, alone);
	OK(n.ret);
	KTAP_FAIL_ON(n.rounds < FAILING - 1, "the neighbour was stopped %d times only", n.rounds);
	KTAP_FAIL_ON(n.worst_ms > NEIGHBOUR_MS, "the neighbour waited for %d ms", n.worst_ms);
	/* One that succeeds delays none. */
	OK(mig_set(&rig.vf.dev, VFIO_DEVICE_STATE_STOP, NULL));
	OK(mig_set(&rig.vf.dev, VFIO_DEVICE_STATE_RUNNING, NULL));
	OK(rig_wait(&rig));
	rig_close(&rig);
	rig_close(&n.rig);
	return KTAP_PASS;
}

/* Return: 0, or the errno of a step that failed and left the state as it was. */
static int try_step(unsigned int from, unsigned int to, unsigned int nth)
{
	unsigned int is;
	int ret, err;

	if (!inject("ctxt-busy-in", nth))
		return -ENOTSUP;
	ret = mig_set(&rig.vf.dev, to, NULL);
	err = mig_get(&rig.vf.dev, &is);
	if (!err && is != (ret ? from : to))
		err = -EBADE;
	return err ? err : ret;
}

/*
 * The card stops taking context commands at one of those that a step needs, the first, then a later one, until
 * none of them is hit. Work that is under way all the time is done once, and right.
 */
static enum ktap_result busy_at(const void *arg)
{
	static const unsigned int run = VFIO_DEVICE_STATE_RUNNING, stop = VFIO_DEVICE_STATE_STOP;
	const char *text = getenv("CTXT_STRIDE");
	unsigned int nth, stride = text ? atoi(text) : STRIDE;
	bool stopping = *(const bool *)arg, busy = true;
	int ret;

	KTAP_SKIP_ON(!can_inject(), "the card cannot be told to misbehave");
	KTAP_FAIL_ON(!inject("ctxt-busy-in", 0), "no injection");
	OK(rig_open(&rig, bdf_a, MODE_DIRECT));
	OK(prepare(&rig));
	for (nth = 1; busy; nth += stride) {
		OK(rig_start(&rig, CARD, nth));
		if (!stopping)
			OK(mig_set(&rig.vf.dev, stop, NULL));
		ret = stopping ? try_step(run, stop, nth) : try_step(stop, run, nth);
		busy = unbusy();
		KTAP_FAIL_ON(ret && (!busy || (ret != -ETIMEDOUT && ret != -EBUSY)), "command %u: %d (%s)", nth, ret,
			     strerror(-ret));
		if (stopping == !ret)
			OK(mig_set(&rig.vf.dev, run, NULL));
		/* Queues may stand still yet, and lose doorbells. After a stop that succeeds they do not. */
		OK(mig_set(&rig.vf.dev, stop, NULL));
		OK(mig_set(&rig.vf.dev, run, NULL));
		OK(rig_wait(&rig));
		OK(rig_check(&rig, CARD, nth));
	}
	KTAP_FAIL_ON(nth <= 1 + stride, "the step needs no context command");
	rig_close(&rig);
	return KTAP_PASS;
}

static volatile bool enough;
static int neighbour_ret;

static void *neighbour(void *arg)
{
	uint64_t seed;

	for (seed = 1; !enough && !neighbour_ret; seed++) {
		neighbour_ret = rig_start(arg, 2 * CARD, seed);
		if (!neighbour_ret)
			neighbour_ret = rig_wait(arg);
	}
	return NULL;
}

/* Many rounds of all of it, beside a VF at work. */
static enum ktap_result many(const void *arg)
{
	static struct rig other;
	pthread_t thread;
	int i;

	(void)arg;
	OK(rig_open(&other, bdf_b, MODE_DIRECT));
	OK(rig_open(&rig, bdf_a, MODE_DIRECT));
	OK(prepare(&rig));
	enough = false;
	neighbour_ret = 0;
	OK(pthread_create(&thread, NULL, neighbour, &other));
	for (i = 1; i <= ROUNDS; i++) {
		OK(rig_start(&rig, CARD, i));
		OK(mig_save(&rig.vf.dev, &state));
		OK(mig_load(&rig.vf.dev, &state));
		OK(mig_set(&rig.vf.dev, VFIO_DEVICE_STATE_RUNNING, NULL));
		OK(rig_wait(&rig));
		if (i % 10 == 0)
			OK(rig_check(&rig, CARD, i));
	}
	enough = true;
	pthread_join(thread, NULL);
	KTAP_FAIL_ON(neighbour_ret, "the other VF: %d", neighbour_ret);
	rig_close(&rig);
	rig_close(&other);
	return KTAP_PASS;
}

static enum ktap_result probe(const void *arg)
{
	(void)arg;
	OK(rig_open(&rig, bdf_a, MODE_POLL));
	KTAP_FAIL_ON(mig_set(&rig.vf.dev, VFIO_DEVICE_STATE_RUNNING, NULL), "no migration");
	rig_close(&rig);
	return KTAP_PASS;
}

static const struct ktap_case cases[] = {
	{ "the VF has migration", probe, NULL },
	{ "states and steps", steps, NULL },
	{ "work under way goes on, poll", stop_and_go, &poll },
	{ "work under way goes on, direct", stop_and_go, &direct },
	{ "work under way goes on, aggr", stop_and_go, &aggr },
	{ "VFs are made anew meanwhile, poll", away_and_back, &poll },
	{ "VFs are made anew meanwhile, direct", away_and_back, &direct },
	{ "VFs are made anew meanwhile, aggr", away_and_back, &aggr },
	{ "it goes on in another VF, poll", elsewhere, &poll },
	{ "it goes on in another VF, direct", elsewhere, &direct },
	{ "with an interrupt ring it does not", elsewhere_refused, NULL },
	{ "states that are not taken", bad_states, NULL },
	{ "resets", resets, NULL },
	{ "no step during a reset", steps_in_reset, NULL },
	{ "files of states that were loaded hold no memory", old_files, NULL },
	{ "messages under way", messages, NULL },
	{ "a message that is half written", half_message, NULL },
	{ "a queue that does not come to rest", not_at_rest, NULL },
	{ "it does not keep others from being stopped", no_monopoly, NULL },
	{ "a context command of a stop does not end", busy_at, &yes },
	{ "a context command of a resume does not end", busy_at, &no },
	{ "many rounds beside a VF at work", many, NULL },
};

const struct suite suite_migrate = {
	.name = "migrate", .cases = cases, .count = ARRAY_SIZE(cases), .two = true, .closed = true,
};
