// SPDX-License-Identifier: GPL-2.0-only
/*
 * A client of the dmaengine channels of a function. Loading it runs the tests,
 * which say "ok" or "not ok" in the kernel's log; the module fails to load if
 * one did. With hold=1 it keeps a channel at work until it is unloaded instead,
 * with let_go=1 it has some at rest, of which it lets go while the device's driver
 * is unbound.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/dmaengine.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/random.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#define PIECES		5
#define SPAN		12288	/* from one piece to the next, in memory */
#define PIECE		11776	/* not whole pages, so that an IOMMU does not join them */
#define BYTES		(PIECES * PIECE)
#define ROUNDS		8
#define PERIODS		4
#define CARD_STEP	0x100000
#define LOOKS		100	/* for somebody to see a long one go on */
#define LONG		2000	/* segments, more than a ring takes at once */
#define WAIT_MS		20000
#define SETTLE_MS	300
#define LET_GO_MAX	32

static char *device;
module_param(device, charp, 0400);
MODULE_PARM_DESC(device, "PCI address of the function");

static unsigned int pairs = 3;
module_param(pairs, uint, 0400);
MODULE_PARM_DESC(pairs, "pairs of channels that are used at once, from the second queue on");

static bool hold;
module_param(hold, bool, 0400);
MODULE_PARM_DESC(hold, "keep a channel at work until the module is unloaded");

static bool let_go;
module_param(let_go, bool, 0400);
MODULE_PARM_DESC(let_go, "have channels until the device's driver is unbound");

static struct pci_dev *pdev;

struct job {
	struct dma_chan *chan;
	enum dma_transfer_direction dir;
	u64 card;
	u8 *mem;
	bool mapped;
	struct scatterlist sg[PIECES];
	struct completion done;
	atomic_t calls;
	enum dmaengine_tx_result result;
	bool reached;	/* the device could reach memory when its end was told */
	dma_cookie_t cookie;
};

static struct job held_job;

#define CHECK(cond, fmt, ...) do {						\
	if (!(cond)) {								\
		pr_err("svff_dma_test: line %d: " fmt "\n", __LINE__, ##__VA_ARGS__);	\
		return -EIO;							\
	}									\
} while (0)

static void job_unmap(struct job *job)
{
	if (job->mapped)
		dma_unmap_sg(&pdev->dev, job->sg, PIECES, DMA_BIDIRECTIONAL);
	job->mapped = false;
}

static void called(void *param, const struct dmaengine_result *result)
{
	struct job *job = param;

	job->result = result->result;
	job->reached = pdev->is_busmaster;
	/* The device's driver goes; what is mapped then outlives it. */
	if (job == &held_job && job->result == DMA_TRANS_ABORTED)
		job_unmap(job);
	atomic_inc(&job->calls);
	complete(&job->done);
}

static void job_free(struct job *job)
{
	if (!IS_ERR_OR_NULL(job->chan))
		dma_release_channel(job->chan);
	job_unmap(job);
	kfree(job->mem);
	memset(job, 0, sizeof(*job));
}

static int job_config(struct job *job, u64 card)
{
	struct dma_slave_config config = { .src_addr = card, .dst_addr = card };

	job->card = card;
	return dmaengine_slave_config(job->chan, &config);
}

/* The pieces are in reverse order in memory. */
static u8 *piece(struct job *job, int i)
{
	return job->mem + (PIECES - 1 - i) * SPAN;
}

static int job_init(struct job *job, const char *kind, unsigned int qid, u64 card)
{
	char name[16];
	int i;

	memset(job, 0, sizeof(*job));
	init_completion(&job->done);
	job->dir = kind[0] == 'h' ? DMA_MEM_TO_DEV : DMA_DEV_TO_MEM;
	job->mem = kzalloc(PIECES * SPAN, GFP_KERNEL);
	if (!job->mem)
		return -ENOMEM;
	sg_init_table(job->sg, PIECES);
	for (i = 0; i < PIECES; i++)
		sg_set_buf(&job->sg[i], piece(job, i), PIECE);
	if (dma_map_sg(&pdev->dev, job->sg, PIECES, DMA_BIDIRECTIONAL) != PIECES) {
		kfree(job->mem);
		job->mem = NULL;
		return -ENOMEM;
	}
	job->mapped = true;
	snprintf(name, sizeof(name), "%s%u", kind, qid);
	job->chan = dma_request_chan(&pdev->dev, name);
	CHECK(!IS_ERR(job->chan), "no channel %s (%pe)", name, job->chan);
	return job_config(job, card);
}

static int queue_desc(struct job *job, struct dma_async_tx_descriptor *tx)
{
	CHECK(tx, "no descriptor");
	tx->callback_result = called;
	tx->callback_param = job;
	job->cookie = dmaengine_submit(tx);
	CHECK(!dma_submit_error(job->cookie), "cookie %d", job->cookie);
	return 0;
}

static int queue_sg(struct job *job)
{
	return queue_desc(job, dmaengine_prep_slave_sg(job->chan, job->sg, PIECES, job->dir,
						       DMA_PREP_INTERRUPT));
}

static int wait_done(struct job *job)
{
	CHECK(wait_for_completion_timeout(&job->done, msecs_to_jiffies(WAIT_MS)), "no callback");
	return 0;
}

static int run_job(struct job *job)
{
	int err = queue_sg(job);

	if (err)
		return err;
	dma_async_issue_pending(job->chan);
	err = wait_done(job);
	CHECK(err || job->result == DMA_TRANS_NOERROR, "result %d", job->result);
	return err;
}

static void for_cpu(struct job *job)
{
	dma_sync_sg_for_cpu(&pdev->dev, job->sg, PIECES, DMA_BIDIRECTIONAL);
}

static void fill(struct job *job)
{
	for_cpu(job);
	get_random_bytes(job->mem, PIECES * SPAN);
	dma_sync_sg_for_device(&pdev->dev, job->sg, PIECES, DMA_BIDIRECTIONAL);
}

static int same(struct job *a, struct job *b)
{
	int i;

	for_cpu(b);
	for (i = 0; i < PIECES; i++)
		CHECK(!memcmp(piece(a, i), piece(b, i), PIECE), "piece %d differs", i);
	return 0;
}

/* Two jobs: one that writes to the card, one that reads it back. */
struct pair {
	struct job h2c;
	struct job c2h;
};

static int pair_init(struct pair *p, unsigned int qid, u64 card)
{
	int err = job_init(&p->h2c, "h2c", qid, card);

	return err ?: job_init(&p->c2h, "c2h", qid, card);
}

static void pair_free(struct pair *p)
{
	job_free(&p->h2c);
	job_free(&p->c2h);
}

static int read_back(struct pair *p)
{
	int err = run_job(&p->c2h);

	return err ?: same(&p->h2c, &p->c2h);
}

/* All channels at once: every one has all its rounds under way. */
static int many_round(struct pair *p)
{
	unsigned int i, r;
	int err;

	for (i = 0; i < pairs; i++)
		fill(&p[i].h2c);
	for (r = 0; r < ROUNDS; r++) {
		for (i = 0; i < pairs; i++) {
			err = queue_sg(&p[i].h2c);
			if (err)
				return err;
		}
	}
	for (i = 0; i < pairs; i++)
		dma_async_issue_pending(p[i].h2c.chan);
	for (r = 0; r < ROUNDS; r++)
		for (i = 0; i < pairs; i++)
			if (wait_done(&p[i].h2c))
				return -EIO;
	for (i = 0; i < pairs; i++)
		if (queue_sg(&p[i].c2h))
			return -EIO;
	for (i = 0; i < pairs; i++)
		dma_async_issue_pending(p[i].c2h.chan);
	for (i = 0; i < pairs; i++)
		if (wait_done(&p[i].c2h) || same(&p[i].h2c, &p[i].c2h))
			return -EIO;
	return 0;
}

static int test_many(struct pair *p)
{
	unsigned int i;
	int err = 0;

	for (i = 1; i < pairs && !err; i++)
		err = pair_init(&p[i], 1 + i, (i + 1) * CARD_STEP);
	for (i = 0; i < 3 && !err; i++)
		err = many_round(p);
	for (i = 1; i < pairs; i++)
		pair_free(&p[i]);
	return err;
}

static int test_claimed(struct pair *p)
{
	struct dma_chan *chan = dma_request_chan(&pdev->dev, "h2c1");

	CHECK(IS_ERR(chan), "a channel is given twice");
	chan = dma_request_chan(&pdev->dev, "h2c4095");
	CHECK(IS_ERR(chan), "a channel of no queue");
	return 0;
}

static int test_refused(struct pair *p)
{
	struct job *job = &p->h2c;
	dma_addr_t buf = sg_dma_address(job->sg);

	CHECK(!dmaengine_prep_slave_sg(job->chan, job->sg, PIECES, DMA_DEV_TO_MEM, 0), "direction");
	CHECK(!dmaengine_prep_slave_sg(job->chan, job->sg, 0, job->dir, 0), "no segments");
	CHECK(!dmaengine_prep_dma_cyclic(job->chan, buf, PIECE, 0, job->dir, 0), "no period");
	CHECK(!dmaengine_prep_dma_cyclic(job->chan, buf, PIECE, 4095, job->dir, 0), "odd period");
	CHECK(!dmaengine_prep_dma_cyclic(job->chan, buf, 0, 4096, job->dir, 0), "no buffer");
	return 0;
}

static int test_residue(struct pair *p)
{
	struct job *job = &p->h2c;
	struct dma_tx_state state;
	int err;

	err = queue_sg(job);
	if (err)
		return err;
	CHECK(dmaengine_tx_status(job->chan, job->cookie, &state) == DMA_IN_PROGRESS, "status");
	CHECK(state.residue == BYTES, "residue %u", state.residue);
	dma_async_issue_pending(job->chan);
	err = wait_done(job);
	if (err)
		return err;
	CHECK(dmaengine_tx_status(job->chan, job->cookie, &state) == DMA_COMPLETE, "status");
	CHECK(!state.residue, "residue %u", state.residue);
	return 0;
}

/* Residue while a long one goes on: less and less. Returns how often it was something in between, or errno. */
static int watch_residue(struct job *job)
{
	unsigned long end = jiffies + msecs_to_jiffies(WAIT_MS);
	u32 all = LONG * PIECE, last = all;
	struct dma_tx_state state;
	enum dma_status status;
	int err, seen = 0;

	dma_async_issue_pending(job->chan);
	do {
		status = dmaengine_tx_status(job->chan, job->cookie, &state);
		CHECK(status != DMA_ERROR, "status");
		CHECK(state.residue <= last, "residue %u after %u", state.residue, last);
		seen += state.residue && state.residue < all;
		last = state.residue;
		cond_resched();
	} while (status != DMA_COMPLETE && time_before(jiffies, end));
	err = wait_done(job);
	CHECK(err || job->result == DMA_TRANS_NOERROR, "result %d", job->result);
	return err ?: seen;
}

/* Nobody may have had the time to look while it went on: it is tried some times. */
static int long_residue(struct job *job, struct scatterlist *sg)
{
	int i, err = 0, seen = 0;

	for (i = 0; i < LOOKS && !err && !seen; i++) {
		err = queue_desc(job, dmaengine_prep_slave_sg(job->chan, sg, LONG, job->dir,
							      DMA_PREP_INTERRUPT));
		if (!err)
			seen = watch_residue(job);
	}
	if (err || seen < 0)
		return err ?: seen;
	CHECK(seen, "residue was all or nothing, %d times", i);
	return 0;
}

/* Every segment is the same memory. */
static int test_long(struct pair *p)
{
	struct scatterlist *sg = kvcalloc(LONG, sizeof(*sg), GFP_KERNEL);
	struct job *jobs[] = { &p->h2c, &p->c2h };
	int i, k, err = sg ? 0 : -ENOMEM;

	for (k = 0; !err && k < ARRAY_SIZE(jobs); k++) {
		sg_init_table(sg, LONG);
		for (i = 0; i < LONG; i++) {
			sg_dma_address(&sg[i]) = sg_dma_address(jobs[k]->sg);
			sg_dma_len(&sg[i]) = PIECE;
		}
		err = long_residue(jobs[k], sg);
	}
	kvfree(sg);
	return err;
}

static int test_error(struct pair *p)
{
	struct job *job = &p->h2c;
	int err;

	err = job_config(job, 1ULL << 60) ?: queue_sg(job);
	if (err)
		return err;
	dma_async_issue_pending(job->chan);
	err = wait_done(job);
	if (err)
		return err;
	CHECK(job->result == DMA_TRANS_WRITE_FAILED, "result %d", job->result);
	CHECK(dmaengine_tx_status(job->chan, job->cookie, NULL) == DMA_ERROR, "status");
	err = job_config(job, p->c2h.card);
	fill(job);
	return err ?: run_job(job) ?: read_back(p);
}

static int pause(struct job *job)
{
	int before = atomic_read(&job->calls), err;
	struct dma_tx_state state;

	CHECK(!dmaengine_pause(job->chan), "pause");
	err = queue_sg(job);
	if (err)
		return err;
	dma_async_issue_pending(job->chan);
	msleep(SETTLE_MS);
	CHECK(atomic_read(&job->calls) == before, "goes on in a pause");
	CHECK(dmaengine_tx_status(job->chan, job->cookie, &state) == DMA_PAUSED, "status");
	CHECK(state.residue == BYTES, "residue %u", state.residue);
	CHECK(!dmaengine_resume(job->chan), "resume");
	return wait_done(job);
}

static int test_pause(struct pair *p)
{
	fill(&p->h2c);
	return pause(&p->h2c) ?: read_back(p);
}

static int test_pause_read(struct pair *p)
{
	fill(&p->h2c);
	return run_job(&p->h2c) ?: pause(&p->c2h) ?: same(&p->h2c, &p->c2h);
}

/* One piece of memory in periods; what is on the card is that piece. */
static int start_cyclic(struct job *job)
{
	int err = queue_desc(job, dmaengine_prep_dma_cyclic(job->chan, sg_dma_address(job->sg),
							    PIECE, PIECE / PERIODS, job->dir,
							    DMA_PREP_INTERRUPT));

	if (!err)
		dma_async_issue_pending(job->chan);
	return err;
}

static int wait_periods(struct job *job, int n)
{
	while (n--)
		if (wait_done(job))
			return -EIO;
	return 0;
}

static int check_quiet(struct job *job)
{
	int calls = atomic_read(&job->calls);

	msleep(SETTLE_MS);
	CHECK(atomic_read(&job->calls) == calls, "goes on");
	reinit_completion(&job->done);
	return 0;
}

static int cyclic(struct job *job)
{
	struct dma_tx_state state;
	int err, i;

	err = start_cyclic(job);
	for (i = 0; i < 5 * PERIODS && !err; i++) {
		err = wait_done(job);
		CHECK(err || dmaengine_tx_status(job->chan, job->cookie, &state) ==
		      DMA_IN_PROGRESS, "status");
		CHECK(err || (state.residue && state.residue <= PIECE), "residue %u",
		      state.residue);
	}
	if (err)
		return err;
	CHECK(!dmaengine_pause(job->chan), "pause");
	msleep(SETTLE_MS);
	err = check_quiet(job);
	if (err)
		return err;
	CHECK(dmaengine_tx_status(job->chan, job->cookie, &state) == DMA_PAUSED, "status");
	CHECK(state.residue && !(state.residue % (PIECE / PERIODS)), "residue %u", state.residue);
	CHECK(!dmaengine_resume(job->chan), "resume");
	err = wait_periods(job, 3 * PERIODS);
	dmaengine_terminate_sync(job->chan);
	return err ?: check_quiet(job);
}

static int same_first(struct pair *p)
{
	for_cpu(&p->c2h);
	CHECK(!memcmp(piece(&p->h2c, 0), piece(&p->c2h, 0), PIECE), "data differ");
	return 0;
}

static int test_cyclic(struct pair *p)
{
	fill(&p->h2c);
	return cyclic(&p->h2c) ?: run_job(&p->c2h) ?: same_first(p);
}

static int test_cyclic_read(struct pair *p)
{
	fill(&p->h2c);
	return run_job(&p->h2c) ?: cyclic(&p->c2h) ?: same_first(p);
}

/* Of so many some may have ended, each once, and none does afterwards. */
static int terminate(struct job *job)
{
	int before = atomic_read(&job->calls), i, err = 0;

	for (i = 0; i < 4 * ROUNDS && !err; i++)
		err = queue_sg(job);
	if (err)
		return err;
	dma_async_issue_pending(job->chan);
	dmaengine_terminate_sync(job->chan);
	err = check_quiet(job);
	CHECK(err || atomic_read(&job->calls) - before <= 4 * ROUNDS, "%d calls for %d",
	      atomic_read(&job->calls) - before, 4 * ROUNDS);
	return err;
}

static int write_and_read(struct pair *p)
{
	fill(&p->h2c);
	return run_job(&p->h2c) ?: read_back(p);
}

static int test_terminate(struct pair *p)
{
	return terminate(&p->h2c) ?: write_and_read(p);
}

static int test_terminate_read(struct pair *p)
{
	return terminate(&p->c2h) ?: write_and_read(p);
}

static const struct {
	const char *name;
	int (*run)(struct pair *p);
} tests[] = {
	{ "many channels at once", test_many },
	{ "a channel has one owner", test_claimed },
	{ "what is refused", test_refused },
	{ "residue", test_residue },
	{ "residue of long ones under way", test_long },
	{ "an address that the card does not have", test_error },
	{ "pause and resume, to the card", test_pause },
	{ "pause and resume, from the card", test_pause_read },
	{ "cyclic, paused, terminated, to the card", test_cyclic },
	{ "cyclic, paused, terminated, from the card", test_cyclic_read },
	{ "terminate in the middle, to the card", test_terminate },
	{ "terminate in the middle, from the card", test_terminate_read },
	{ "many channels, once more", test_many },
};

static int run_tests(struct pair *p)
{
	int i, err, failed = 0;

	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		err = tests[i].run(p);
		failed += !!err;
		pr_info("svff_dma_test: %s %d %s\n", err ? "not ok" : "ok", i + 1, tests[i].name);
	}
	return failed ? -EIO : 0;
}

static int run_all(void)
{
	struct pair *p = kcalloc(pairs, sizeof(*p), GFP_KERNEL);
	int err;

	if (!p)
		return -ENOMEM;
	err = pair_init(&p[0], 1, CARD_STEP) ?: run_tests(p);
	pair_free(&p[0]);
	kfree(p);
	return err;
}

/* Channels at rest: one after the other is let go of, and after the first the driver is told to go. */
static struct dma_chan *rest_chan[LET_GO_MAX];
static unsigned int rest_chans, rest_gone;
static DECLARE_COMPLETION(rest_begun);

/* In the order in which the driver ends those that are left. */
static void rest_release(struct work_struct *work)
{
	while (rest_gone < rest_chans) {
		dma_release_channel(rest_chan[rest_gone++]);
		complete(&rest_begun);
	}
}
static DECLARE_WORK(rest_work, rest_release);

static int rest_notify(struct notifier_block *nb, unsigned long action, void *data)
{
	if (action == BUS_NOTIFY_UNBIND_DRIVER && data == &pdev->dev && rest_chans) {
		schedule_work(&rest_work);
		wait_for_completion(&rest_begun);
	}
	return NOTIFY_OK;
}

static struct notifier_block rest_nb = { .notifier_call = rest_notify };

/* As many as there are; the data device keeps the queues of one pair. */
static int rest_init(void)
{
	int err = bus_register_notifier(&pci_bus_type, &rest_nb);
	struct dma_chan *chan;
	char name[16];

	while (!err && rest_chans < LET_GO_MAX) {
		snprintf(name, sizeof(name), "%s%u", rest_chans % 2 ? "c2h" : "h2c", rest_chans / 2);
		chan = dma_request_chan(&pdev->dev, name);
		if (IS_ERR(chan))
			break;
		rest_chan[rest_chans++] = chan;
	}
	pr_info("svff_dma_test: %u channels at rest\n", rest_chans);
	return err;
}

static void rest_exit(void)
{
	bus_unregister_notifier(&pci_bus_type, &rest_nb);
	flush_work(&rest_work);
	pr_info("svff_dma_test: %u channels were not let go of\n", rest_chans - rest_gone);
	rest_release(NULL);
}

static int run(void)
{
	if (let_go)
		return rest_init();
	if (hold)
		return job_init(&held_job, "h2c", 1, CARD_STEP) ?: start_cyclic(&held_job);
	return run_all();
}

static int __init dma_test_init(void)
{
	struct device *dev = device ? bus_find_device_by_name(&pci_bus_type, NULL, device) : NULL;
	int err;

	if (!dev)
		return -ENODEV;
	pdev = to_pci_dev(dev);
	err = run();
	if (err || !(hold || let_go))
		put_device(dev);
	return err;
}
module_init(dma_test_init);

static void held_exit(void)
{
	pr_info("svff_dma_test: held channel ended with %d after %d periods, the bus %s\n", held_job.result,
		atomic_read(&held_job.calls), held_job.reached ? "on" : "off");
	dmaengine_terminate_sync(held_job.chan);
	job_free(&held_job);
}

static void __exit dma_test_exit(void)
{
	if (let_go)
		rest_exit();
	else if (hold)
		held_exit();
	else
		return;
	pci_dev_put(pdev);
}
module_exit(dma_test_exit);

MODULE_DESCRIPTION("SVFF: test of dmaengine channels");
MODULE_LICENSE("GPL");
