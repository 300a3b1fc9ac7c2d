// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: The VF driver
 *
 * A VF is ready when its interrupts and mailbox are on, and online when the PF
 * has answered its HELLO and given it queues. The PF may end a session (it is
 * about to be reset, or goes away) and may begin one anew. Its notices are
 * answered at once, in the mailbox's context, and acted upon by a work item,
 * because acting means asking the PF, whose answers come by the same mailbox.
 *
 * A reset of the card takes a VF's PCI configuration with it, and nobody says
 * when. From the PF's warning on the mailbox is polled and the configuration
 * restored again and again, until the PF says that it is over.
 */
#include "vf.h"

#include <linux/dma-mapping.h>
#include <linux/kobject.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

#define VF_WAKE_MS	100
#define VF_IDLE_MS_MAX	5000	/* that a pause may wait for transfers */

static char *irq_mode = "direct";
module_param(irq_mode, charp, 0444);
MODULE_PARM_DESC(irq_mode, "how queues report: poll, direct (default), aggr");

unsigned int vf_queues_wanted;
module_param_named(queues, vf_queues_wanted, uint, 0444);
MODULE_PARM_DESC(queues, "queues to ask the PF for; 0 (default): as many as it grants");

static const char *const irq_modes[] = {
	[SVFF_QDMA_IRQ_POLL]	= "poll",
	[SVFF_QDMA_IRQ_DIRECT]	= "direct",
	[SVFF_QDMA_IRQ_AGGR]	= "aggr",
};

static void answer_notice(struct svff_vf *vf, const union svff_mbox_msg *notice,
			  enum svff_mbox_status status)
{
	union svff_mbox_msg msg = {
		.hdr = {
			.op = notice->hdr.op | SVFF_MBOX_RSP,
			.status = -(s8)status,
			.src = notice->hdr.dst,
			.dst = notice->hdr.src,
		},
	};
	int err = svff_qdma_mbox_send(vf->qd, 0, &msg);

	if (err)
		dev_dbg(&vf->pdev->dev, "notice 0x%02x not answered (%pe)\n",
			notice->hdr.op, ERR_PTR(err));
}

/*
 * Queues are asked for once in a session, so the number counts from the next
 * one on; whoever would like it sooner can be told to bind the driver anew.
 */
static void handle_quota(struct svff_vf *vf, const union svff_mbox_msg *msg)
{
	u32 queues = le32_to_cpu(msg->quota.queues);
	char text[sizeof("SVFF_QUOTA=4294967295")];
	char *env[2] = { text };	/* ends with NULL */

	answer_notice(vf, msg, SVFF_MBOX_OK);
	dev_info(&vf->pdev->dev,
		 "the host allows %u queues now; bind the driver anew to use them\n",
		 queues);
	snprintf(text, sizeof(text), "SVFF_QUOTA=%u", queues);
	kobject_uevent_env(&vf->pdev->dev.kobj, KOBJ_CHANGE, env);
}

static void heed_notice(struct svff_vf *vf, u8 op)
{
	lockdep_assert_held(&vf->notice_lock);
	vf->notice = op;
	if (!vf->leaving)
		queue_work(system_unbound_wq, &vf->notice_work);
}

static void handle_notice(struct svff_vf *vf, const union svff_mbox_msg *msg)
{
	answer_notice(vf, msg, SVFF_MBOX_OK);
	spin_lock(&vf->notice_lock);
	heed_notice(vf, msg->hdr.op);
	spin_unlock(&vf->notice_lock);
}

/**
 * vf_session_doubted() - the PF seems not to know the VF any more
 * @vf: VF
 *
 * It is asked again, and if so a new session begins, as after a reset.
 *
 * Context: process.
 */
void vf_session_doubted(struct svff_vf *vf)
{
	spin_lock(&vf->notice_lock);
	if (!vf->notice)
		heed_notice(vf, SVFF_MBOX_OP_RESET_DONE);
	spin_unlock(&vf->notice_lock);
}

static void handle_pause(struct svff_vf *vf, const union svff_mbox_msg *msg)
{
	spin_lock(&vf->notice_lock);
	vf->pause = *msg;
	if (!vf->leaving)
		queue_work(system_unbound_wq, &vf->pause_work);
	spin_unlock(&vf->notice_lock);
}

static void vf_mbox_recv(struct svff_qdma *qd, u16 src, const union svff_mbox_msg *msg)
{
	struct svff_vf *vf = svff_qdma_priv(qd);

	if (vf_mbox_reply(vf, msg))
		return;
	switch (msg->hdr.op) {
	case SVFF_MBOX_OP_RESET_PREPARE:
	case SVFF_MBOX_OP_RESET_DONE:
	case SVFF_MBOX_OP_PF_BYE:
		handle_notice(vf, msg);
		return;
	case SVFF_MBOX_OP_QUOTA:
		handle_quota(vf, msg);
		return;
	case SVFF_MBOX_OP_PAUSE:
	case SVFF_MBOX_OP_RESUME:
		handle_pause(vf, msg);
		return;
	default:
		dev_dbg(&vf->pdev->dev, "message 0x%02x dropped\n", msg->hdr.op);
	}
}

static const struct svff_qdma_ops vf_qdma_ops = {
	.owner		= THIS_MODULE,
	.mbox_recv	= vf_mbox_recv,
	.csr_read	= vf_csr_read,
	.hwq_start	= vf_hwq_start,
	.hwq_stop	= vf_hwq_stop,
	.irq_ring_start	= vf_irq_ring_start,
	.irq_ring_stop	= vf_irq_ring_stop,
};

static int enable_mbox(struct svff_vf *vf)
{
	int err = svff_qdma_mbox_enable(vf->qd);

	lockdep_assert_held(&vf->session_lock);
	if (err)
		dev_err(&vf->pdev->dev, "cannot enable the mailbox (%pe)\n", ERR_PTR(err));
	else
		vf->ready = true;
	return err;
}

static int make_ready(struct svff_vf *vf)
{
	int err = svff_qdma_irq_enable(vf->qd, vf->irq_mode);

	if (err) {
		dev_err(&vf->pdev->dev, "cannot enable interrupts in mode %s (%pe)\n",
			irq_modes[vf->irq_mode], ERR_PTR(err));
		return err;
	}
	err = enable_mbox(vf);
	if (err)
		svff_qdma_irq_disable(vf->qd);
	return err;
}

/* Interrupts may be off already, see handle_reset_prepare(). */
static void make_unready(struct svff_vf *vf)
{
	lockdep_assert_held(&vf->session_lock);
	if (!vf->ready)
		return;
	svff_qdma_mbox_disable(vf->qd);
	svff_qdma_irq_disable(vf->qd);
	vf->ready = false;
}

static int go_online(struct svff_vf *vf)
{
	u32 quota;
	int err;

	lockdep_assert_held(&vf->session_lock);
	vf_mbox_begin(vf);
	err = vf_hello(vf, &quota);
	if (err)
		return err;
	err = vf_queues_get(vf, quota);
	if (err)
		goto bye;
	err = svff_qdma_data_create(vf->qd, vf->base, vf->count);
	if (err) {
		dev_err(&vf->pdev->dev, "cannot create the data device (%pe)\n",
			ERR_PTR(err));
		goto bye;
	}
	vf->online = true;
	return 0;

bye:
	vf_send(vf, SVFF_MBOX_OP_VF_BYE);
	return err;
}

/* Open files of the data device stay, and answer -ENODEV. */
static void go_offline(struct svff_vf *vf)
{
	lockdep_assert_held(&vf->session_lock);
	if (!vf->online)
		return;
	vf_mbox_close(vf);
	svff_qdma_data_destroy(vf->qd, true);
	vf->online = false;
}

/* Not in the configuration alone: whether a queue can be set up anew is asked of the PCI core. */
static void restore_config(struct svff_vf *vf)
{
	pci_load_saved_state(vf->pdev, vf->config);
	pci_restore_state(vf->pdev);
	pci_set_master(vf->pdev);
}

static void vf_wake_work(struct work_struct *work)
{
	struct svff_vf *vf = container_of(to_delayed_work(work), struct svff_vf, wake_work);

	guard(mutex)(&vf->session_lock);
	if (!vf->in_reset)
		return;
	if (pci_device_is_present(vf->pdev))
		restore_config(vf);
	/* The mailbox could not be turned on if the reset had begun. */
	if (!vf->ready)
		vf->ready = !svff_qdma_mbox_enable(vf->qd);
	queue_delayed_work(system_unbound_wq, &vf->wake_work,
			   msecs_to_jiffies(VF_WAKE_MS));
}

/*
 * A mailbox that is enabled without vectors is polled. All is done before the
 * leave is taken, because the reset may come as soon as the PF hears of it; so
 * its answer is not waited for either.
 */
static void handle_reset_prepare(struct svff_vf *vf)
{
	vf->in_reset = true;
	go_offline(vf);
	make_unready(vf);
	if (!enable_mbox(vf))
		vf_send(vf, SVFF_MBOX_OP_PF_RESET_VF_BYE);
	queue_delayed_work(system_unbound_wq, &vf->wake_work,
			   msecs_to_jiffies(VF_WAKE_MS));
}

static bool session_lives(struct svff_vf *vf)
{
	union svff_mbox_msg msg = { .hdr = { .op = SVFF_MBOX_OP_QACTIVE_CNT } };

	return vf->online && (vf_request(vf, &msg) || msg.hdr.status != -SVFF_MBOX_ERR_NO_DEVICE);
}

/* A VF that slept through the warning is online, but its session, queues and vectors are gone. */
static void handle_reset_done(struct svff_vf *vf)
{
	vf->in_reset = false;
	if (session_lives(vf))
		return;
	go_offline(vf);
	make_unready(vf);
	restore_config(vf);
	if (!make_ready(vf))
		go_online(vf);
}

static void handle_pf_bye(struct svff_vf *vf)
{
	if (!vf->online)
		return;
	go_offline(vf);
	vf_send(vf, SVFF_MBOX_OP_VF_BYE);
	dev_info(&vf->pdev->dev, "the PF's driver goes away: no more transfers\n");
}

static void vf_notice_work(struct work_struct *work)
{
	struct svff_vf *vf = container_of(work, struct svff_vf, notice_work);
	u8 notice;

	spin_lock(&vf->notice_lock);
	notice = vf->notice;
	vf->notice = 0;
	spin_unlock(&vf->notice_lock);

	guard(mutex)(&vf->session_lock);
	if (notice == SVFF_MBOX_OP_RESET_PREPARE)
		handle_reset_prepare(vf);
	else if (notice == SVFF_MBOX_OP_RESET_DONE)
		handle_reset_done(vf);
	else if (notice == SVFF_MBOX_OP_PF_BYE)
		handle_pf_bye(vf);
}

/* A session that has ended has nothing under way, and is idle at once. */
static void vf_pause_work(struct work_struct *work)
{
	struct svff_vf *vf = container_of(work, struct svff_vf, pause_work);
	union svff_mbox_msg msg;
	int err = 0;

	spin_lock(&vf->notice_lock);
	msg = vf->pause;
	spin_unlock(&vf->notice_lock);

	guard(mutex)(&vf->session_lock);
	if (msg.hdr.op == SVFF_MBOX_OP_RESUME)
		svff_qdma_data_resume(vf->qd);
	else if (vf->online)
		err = svff_qdma_data_pause(vf->qd, min_t(u32, VF_IDLE_MS_MAX,
							 le32_to_cpu(msg.pause.idle_ms)));
	answer_notice(vf, &msg, err ? SVFF_MBOX_ERR_BUSY_TIMEOUT : SVFF_MBOX_OK);
}

static void heed_notices(struct svff_vf *vf, bool yes)
{
	spin_lock(&vf->notice_lock);
	vf->leaving = !yes;
	vf->notice = 0;
	spin_unlock(&vf->notice_lock);
	if (yes)
		return;
	cancel_work_sync(&vf->notice_work);
	cancel_work_sync(&vf->pause_work);
	cancel_delayed_work_sync(&vf->wake_work);
}

static int vf_start(struct svff_vf *vf)
{
	int err;

	vf_mbox_cut(vf, false);
	guard(mutex)(&vf->session_lock);
	vf->in_reset = false;
	err = make_ready(vf);
	if (err)
		return err;
	err = go_online(vf);
	if (err)
		make_unready(vf);
	return err;
}

static void vf_stop(struct svff_vf *vf)
{
	heed_notices(vf, false);
	guard(mutex)(&vf->session_lock);
	if (vf->online) {
		/* What a paused VF asks for the PF keeps until it goes on; this ends the pause. */
		if (svff_qdma_data_paused(vf->qd))
			vf_send(vf, SVFF_MBOX_OP_VF_BYE);
		go_offline(vf);
		vf_send(vf, SVFF_MBOX_OP_VF_BYE);
	}
	make_unready(vf);
}

static int vf_pci_enable(struct pci_dev *pdev)
{
	int err = pcim_enable_device(pdev);

	if (err)
		return dev_err_probe(&pdev->dev, err, "cannot enable the device\n");
	err = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (err)
		return dev_err_probe(&pdev->dev, err, "no usable DMA mask\n");
	pci_set_master(pdev);
	return 0;
}

static struct svff_vf *vf_alloc(struct pci_dev *pdev)
{
	struct svff_vf *vf = devm_kzalloc(&pdev->dev, sizeof(*vf), GFP_KERNEL);

	if (!vf)
		return NULL;
	vf->pdev = pdev;
	vf->irq_mode = match_string(irq_modes, ARRAY_SIZE(irq_modes), irq_mode);
	mutex_init(&vf->session_lock);
	spin_lock_init(&vf->notice_lock);
	INIT_WORK(&vf->notice_work, vf_notice_work);
	INIT_WORK(&vf->pause_work, vf_pause_work);
	INIT_DELAYED_WORK(&vf->wake_work, vf_wake_work);
	vf_mbox_init(vf);
	return vf;
}

static void vf_free(struct svff_vf *vf)
{
	heed_notices(vf, false);
	svff_qdma_destroy(vf->qd);
	kfree(vf->config);
}

/*
 * A PF that does not answer makes the probe fail for good, not wait for another
 * driver: a VF exists only while its PF has a driver, so nothing is to come.
 */
static int vf_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct svff_vf *vf = vf_alloc(pdev);
	int err;

	if (!vf)
		return -ENOMEM;
	err = vf_pci_enable(pdev);
	if (err)
		return err;
	vf->qd = svff_qdma_create(pdev, true, &vf_qdma_ops, vf);
	if (PTR_ERR_OR_ZERO(vf->qd) == -EAGAIN)
		return vf_wait_for(pdev);
	if (IS_ERR(vf->qd))
		return PTR_ERR(vf->qd);
	pci_set_drvdata(pdev, vf);
	pci_save_state(pdev);
	vf->config = pci_store_saved_state(pdev);
	err = vf->config ? vf_start(vf) : -ENOMEM;
	if (err)
		vf_free(vf);
	return err;
}

/* Stop new work, take queues down, say goodbye, mask, free. */
static void vf_remove(struct pci_dev *pdev)
{
	struct svff_vf *vf = pci_get_drvdata(pdev);

	vf_stop(vf);
	vf_free(vf);
	pci_clear_master(pdev);
}

/*
 * A VF that the host has paused would be waited for, and the machine with it. A reset has the host forget what it has
 * kept of it, so that nothing goes on in the next kernel; one that goes on just now is stopped by it.
 */
static void vf_shutdown(struct pci_dev *pdev)
{
	struct svff_vf *vf = pci_get_drvdata(pdev);

	if (svff_qdma_away(vf->qd))
		pcie_reset_flr(pdev, PCI_RESET_DO_RESET);
	else
		vf_stop(vf);
	pci_clear_master(pdev);
}

static void vf_reset_prepare(struct pci_dev *pdev)
{
	vf_stop(pci_get_drvdata(pdev));
}

/* What the PCI core has restored is what it found, which another reset may have spoilt. */
static void vf_reset_done(struct pci_dev *pdev)
{
	struct svff_vf *vf = pci_get_drvdata(pdev);

	restore_config(vf);
	heed_notices(vf, true);
	vf_start(vf);
}

static pci_ers_result_t vf_error_detected(struct pci_dev *pdev,
					  pci_channel_state_t state)
{
	struct svff_vf *vf = pci_get_drvdata(pdev);

	if (state == pci_channel_io_normal)
		return PCI_ERS_RESULT_CAN_RECOVER;
	/* The PF is down already, and does not answer. */
	vf_mbox_cut(vf, true);
	vf_stop(vf);
	return state == pci_channel_io_frozen ? PCI_ERS_RESULT_NEED_RESET :
						PCI_ERS_RESULT_DISCONNECT;
}

/* The link never went down. If what was lost was a read the VF was taken for gone. */
static pci_ers_result_t vf_mmio_enabled(struct pci_dev *pdev)
{
	struct svff_vf *vf = pci_get_drvdata(pdev);

	return svff_qdma_alive_again(vf->qd) ? PCI_ERS_RESULT_RECOVERED : PCI_ERS_RESULT_NEED_RESET;
}

/* Another function may have asked for it after an error that left this one at work. */
static pci_ers_result_t vf_slot_reset(struct pci_dev *pdev)
{
	struct svff_vf *vf = pci_get_drvdata(pdev);

	if (!vf->leaving) {
		/* The PF was down before, and has forgotten what it was asked. */
		vf_mbox_cut(vf, true);
		vf_mbox_cut(vf, false);
		vf_stop(vf);
	}
	restore_config(vf);
	return PCI_ERS_RESULT_RECOVERED;
}

/* The PF's turn may be later: it sends RESET_DONE to those that said HELLO. */
static void vf_resume(struct pci_dev *pdev)
{
	struct svff_vf *vf = pci_get_drvdata(pdev);

	if (!vf->leaving)
		return;
	heed_notices(vf, true);
	vf_start(vf);
}

static const struct pci_error_handlers vf_err_handlers = {
	.error_detected	= vf_error_detected,
	.mmio_enabled	= vf_mmio_enabled,
	.slot_reset	= vf_slot_reset,
	.resume		= vf_resume,
	.reset_prepare	= vf_reset_prepare,
	.reset_done	= vf_reset_done,
};

#define SVFF_VF_ID(id)	{ PCI_VDEVICE(XILINX, id) }
#include <svff/vf_ids.h>

MODULE_DEVICE_TABLE(pci, vf_ids);

static struct pci_driver vf_driver = {
	.name		= "svff_vf",
	.id_table	= vf_ids,
	.probe		= vf_probe,
	.remove		= vf_remove,
	.shutdown	= vf_shutdown,
	.err_handler	= &vf_err_handlers,
};

static int __init vf_init(void)
{
	if (match_string(irq_modes, ARRAY_SIZE(irq_modes), irq_mode) < 0) {
		pr_err("svff_vf: irq_mode=%s is not one of poll, direct, aggr\n",
		       irq_mode);
		return -EINVAL;
	}
	if (vf_queues_wanted > VF_QUEUES_MAX) {
		pr_err("svff_vf: queues=%u is more than the %u that a VF can have\n",
		       vf_queues_wanted, VF_QUEUES_MAX);
		return -ERANGE;
	}
	return pci_register_driver(&vf_driver);
}
module_init(vf_init);

static void __exit vf_exit(void)
{
	pci_unregister_driver(&vf_driver);
	vf_wait_end();
}
module_exit(vf_exit);

MODULE_DESCRIPTION("SVFF: VF driver of QDMA cards");
MODULE_AUTHOR("The SVFF developers");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(SVFF_NS(SVFF_QDMA));
