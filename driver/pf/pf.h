/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The PF driver: what its files share.
 *
 * Lock order: device lock of the PF (held by the PCI core around probe, remove,
 * sriov_configure) -> own_lock -> pause_lock -> lock -> locks inside svff_qdma ->
 * hub's locks.
 * Nothing that waits for a VF's driver is called with @lock held, because that
 * driver may wait for an answer of pf_mbox_recv(), which takes it.
 */
#ifndef SVFF_PF_H
#define SVFF_PF_H

#include <linux/kobject.h>
#include <linux/kref.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/ratelimit_types.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/svff.h>
#include <svff/qdma.h>
#include "image.h"
#include "request.h"

#define PF_VF_QUEUES_DEFAULT	8
#define PF_OWN_QUEUES_DEFAULT	4
#define PF_QUOTA_UNSET		0xffff
#define PF_FUNCTIONS_MAX	256

struct dentry;
struct pf_hub;
struct pf_sysfs;

/**
 * enum pf_busy_policy - what to do with VFs in use when SR-IOV is disabled
 * @PF_BUSY_REFUSE: refuse to disable it
 * @PF_BUSY_RELEASE: let the VFIO driver ask its users to let go
 */
enum pf_busy_policy {
	PF_BUSY_REFUSE,
	PF_BUSY_RELEASE,
};

/**
 * struct pf_stats - counters of a VF
 * @requests: requests taken up, refused ones included
 * @refused: those that were answered with an error
 * @dropped: messages dropped without an answer
 * @errors: hardware errors attributed to it
 * @pauses: times that it was paused and resumed
 * @last_pause_us: how long it stood still the last time
 */
struct pf_stats {
	u64 requests;
	u64 refused;
	u64 dropped;
	u64 errors;
	u64 pauses;
	u64 last_pause_us;
};

/**
 * struct pf_vf - a VF, whether it exists or not; all protected by svff_pf.lock
 * @state: see state.c
 * @session: what it was given
 * @image: what is kept of it while it is paused, also while it is absent
 * @moving: @image is being made, or loaded: the session is left alone
 * @stuck: @moving, and waits for a card that does not take context commands
 * @claimed: a VFIO driver pauses and resumes it, and nobody else
 * @fresh: as it was made: none but its present driver has had it, and it has sent nothing
 * @unreset: a VFIO user has gone, and the reset that is due then was left out
 * @told: its driver was told that the card will be reset
 * @seq: sequence number of the last notice
 * @asked: sequence number of the PAUSE that somebody waits for an answer to, or 0
 * @answer: the answer's status
 * @owed: sequence number of the RESUME that its driver has not answered, or 0
 * @owed_sent: how often it was sent
 * @refreshed: when the hardware was last asked whether it is in use, in jiffies
 * @quota: queues that the administrator set for it, or PF_QUOTA_UNSET
 * @last_quota: queues that it had when it was last removed, 0 if it never was
 * @last_base: the first of them
 * @throttle: how fast it may send
 * @complaints: how often its mistakes are logged
 * @stats: counters
 */
struct pf_vf {
	enum svff_vf_state state;
	struct pf_session session;
	struct pf_image *image;
	bool moving;
	bool stuck;
	bool claimed;
	bool fresh;
	bool unreset;
	bool told;
	u16 seq;
	u16 asked;
	s8 answer;
	u16 owed;
	u8 owed_sent;
	unsigned long refreshed;
	u16 quota;
	u16 last_quota;
	u32 last_base;
	struct pf_throttle throttle;
	struct ratelimit_state complaints;
	struct pf_stats stats;
};

/**
 * struct svff_pf - a card
 * @pdev: its PF
 * @qd: its QDMA manager
 * @config: PCI configuration as it should be after an error
 * @card: what is told to VFs
 * @total_vfs: TotalVFs of the SR-IOV capability
 * @first_func: function id of VF 1
 * @hub: control device and events
 * @sysfs: kobjects below the PF
 * @debugfs: folder of this card
 *
 * @up: card is set up (device lock); under @pause_lock, and under @lock, it stays so
 * @restart: VFs' drivers are to be told that a reset is over (device lock)
 * @lost: an error took the card down, and nobody has brought it back (device lock)
 * @rescues: how often that will still be tried without being asked (device lock)
 * @rescue_work: tries
 *
 * @own_lock: protects @own_* and the PF's own data device
 * @own_on: the PF may have queues now
 * @own_queues: queues that the PF has for itself
 * @own_base: the first of them
 *
 * @stuck_work: has VFs go on that are stuck
 *
 * @pause_lock: one VF at a time is paused, resumed, or taken from the card
 *
 * @lock: protects the rest
 * @num_vfs: VFs that exist or are being made
 * @num_sessions: VFs that have said HELLO; read without the lock by @no_sessions
 * @no_sessions: woken when there is none left
 * @answers: woken when an answer came, or cannot come any more
 * @vf_queues_default: quota of VFs that have no own setting
 * @vf_message_rate: mailbox messages per second that a VF may send
 * @busy_policy: see &enum pf_busy_policy
 * @verdict: of the message that is being served
 * @owed_work: tells VFs again to go on that have not answered
 * @errors: how often each error of the hardware was seen, by number
 * @complaints: how often errors that are no VF's are logged
 * @vfs: VF n is at n - 1
 */
struct svff_pf {
	struct pci_dev *pdev;
	struct svff_qdma *qd;
	struct pci_saved_state *config;
	struct pf_card card;
	u16 total_vfs;
	u16 first_func;
	struct pf_hub *hub;
	struct pf_sysfs *sysfs;
	struct dentry *debugfs;
	bool up;
	bool restart;
	bool lost;
	int rescues;
	struct delayed_work rescue_work;

	struct mutex own_lock; /* see above */
	bool own_on;
	u32 own_queues;
	u32 own_base;

	struct delayed_work stuck_work;

	struct mutex pause_lock; /* see above */

	struct mutex lock; /* see above */
	u16 num_vfs;
	unsigned int num_sessions;
	wait_queue_head_t no_sessions;
	wait_queue_head_t answers;
	u32 vf_queues_default;
	u32 vf_message_rate;
	enum pf_busy_policy busy_policy;
	struct pf_verdict verdict;
	struct delayed_work owed_work;
	u64 *errors;
	struct ratelimit_state complaints;
	struct pf_vf *vfs;
};

/* VF @n, 1-based; the caller has checked that it is in 1..total_vfs. */
static inline struct pf_vf *pf_vf(struct svff_pf *pf, unsigned int n)
{
	lockdep_assert_held(&pf->lock);
	return &pf->vfs[n - 1];
}

static inline unsigned int pf_vf_number(const struct svff_pf *pf,
					const struct pf_vf *vf)
{
	return vf - pf->vfs + 1;
}

/* main.c */
extern struct pci_driver pf_driver;
int pf_up(struct svff_pf *pf);
void pf_down(struct svff_pf *pf);

/* reset.c */
void pf_reset_init(struct svff_pf *pf);
void pf_reset_exit(struct svff_pf *pf);
void pf_forget_vfs(struct svff_pf *pf);
extern const struct pci_error_handlers pf_err_handlers;

/* sriov.c */
int pf_sriov_configure(struct pci_dev *pdev, int num_vfs);
void pf_sriov_remove(struct svff_pf *pf);
struct pci_dev *pf_vf_device(struct svff_pf *pf, unsigned int n);

/* provision.c */
int pf_provision_init(struct svff_pf *pf);
int pf_provision_vfs(struct svff_pf *pf, unsigned int num);
void pf_unprovision_vfs(struct svff_pf *pf);
u32 pf_quota_locked(struct svff_pf *pf, unsigned int n);
int pf_quota_set(struct svff_pf *pf, unsigned int n, u32 queues);
int pf_quota_default_set(struct svff_pf *pf, u32 queues);
int pf_message_rate_set(struct svff_pf *pf, u32 rate);
int pf_own_queues_set(struct svff_pf *pf, u32 queues);
int pf_own_queues_start(struct svff_pf *pf);
void pf_own_queues_stop(struct svff_pf *pf);

/* state.c */
const char *pf_state_name(enum svff_vf_state state);
struct pf_vf *pf_vf_find_locked(struct svff_pf *pf, unsigned int n);
void pf_state_enter_locked(struct svff_pf *pf, struct pf_vf *vf,
			   enum svff_vf_state state);
bool pf_state_in_use_locked(struct svff_pf *pf, struct pf_vf *vf);
void pf_state_refresh_locked(struct svff_pf *pf, struct pf_vf *vf);
int pf_vf_reset(struct svff_pf *pf, unsigned int n);

/* service.c */
void pf_mbox_recv(struct svff_qdma *qd, u16 src, const union svff_mbox_msg *msg);
void pf_session_set_locked(struct svff_pf *pf, struct pf_vf *vf,
			   const struct pf_session *next);
int pf_release_locked(struct svff_pf *pf, struct pf_vf *vf);
void pf_throttle_anew_locked(struct svff_pf *pf, struct pf_vf *vf);
void pf_learn_vectors_locked(struct svff_pf *pf, struct pf_vf *vf);
void pf_serve_held_locked(struct svff_pf *pf, struct pf_vf *vf, const union svff_mbox_msg *msg);

/* notice.c */
void pf_notice_init(struct svff_pf *pf);
void pf_notice_exit(struct svff_pf *pf);
void pf_forget_notices_locked(struct svff_pf *pf, struct pf_vf *vf);
void pf_take_answer_locked(struct svff_pf *pf, struct pf_vf *vf, const union svff_mbox_msg *msg);
void pf_notify_vf_locked(struct svff_pf *pf, struct pf_vf *vf, enum svff_mbox_op op);
void pf_notify_vfs(struct svff_pf *pf, enum svff_mbox_op op);
void pf_notify_quota_locked(struct svff_pf *pf, struct pf_vf *vf);
int pf_ask_pause(struct svff_pf *pf, unsigned int n);
int pf_tell_resume(struct svff_pf *pf, unsigned int n);
void pf_tell_resume_locked(struct svff_pf *pf, struct pf_vf *vf);

/* contexts.c */
struct pf_image *pf_image_alloc(unsigned int queues);
void pf_image_list_queues(struct pf_image *img);
void pf_image_rewind(struct svff_pf *pf, struct pf_image *img);
int pf_image_quiesce(struct svff_pf *pf, struct pf_image *img);
int pf_image_load(struct svff_pf *pf, struct pf_image *img, const struct pf_session *s);
int pf_image_start(struct svff_pf *pf, const struct pf_image *img, const struct pf_session *s);
int pf_image_unload(struct svff_pf *pf, const struct pf_session *s);

/* move.c */
void pf_move_init(struct svff_pf *pf);
void pf_forget_stuck(struct svff_pf *pf);
int pf_vf_stop(struct svff_pf *pf, unsigned int n, bool asked);
int pf_vf_run(struct svff_pf *pf, unsigned int n);
bool pf_hold_locked(struct svff_pf *pf, struct pf_vf *vf, const union svff_mbox_msg *msg);
void pf_image_drop_locked(struct svff_pf *pf, struct pf_vf *vf);

/* pause.c */
int pf_vf_pause(struct svff_pf *pf, unsigned int n, bool unasked);
int pf_vf_resume(struct svff_pf *pf, unsigned int n);
int pf_vfs_pause(struct svff_pf *pf, const unsigned long *vfs, bool unasked, unsigned int *failed);
int pf_vfs_resume(struct svff_pf *pf, const unsigned long *vfs, unsigned int *failed);
void *pf_vf_save(struct svff_pf *pf, unsigned int n, size_t *len);
int pf_vf_load(struct svff_pf *pf, unsigned int n, const void *bytes, size_t len);
int pf_vf_load_unclaimed(struct svff_pf *pf, unsigned int n, const void *bytes, size_t len);
void pf_images_free(struct svff_pf *pf);

/* vfio.c, which also has what include/svff/pf.h declares */
int pf_vfio_init(void);
void pf_vfio_exit(void);

/* sysfs.c */
int pf_sysfs_create(struct svff_pf *pf);
void pf_sysfs_destroy(struct svff_pf *pf);

/* debugfs.c */
void pf_debugfs_init(void);
void pf_debugfs_exit(void);
void pf_debugfs_create(struct svff_pf *pf);
void pf_debugfs_destroy(struct svff_pf *pf);

/* chrdev.c */
int pf_hub_create(struct svff_pf *pf);
void pf_hub_destroy(struct svff_pf *pf);
int pf_chrdev_register(struct svff_pf *pf);
void pf_chrdev_unregister(struct svff_pf *pf);
void pf_event(struct svff_pf *pf, enum svff_event_type type, u32 vf, u32 a, u32 b);

#endif /* SVFF_PF_H */
