/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inside of libsvff. Layers, each knows only those above it in this list:
 *
 *	ctx.c		context, error text, log, files
 *	pci.c json.c	addresses, capabilities; members of JSON objects: pure
 *	sysfs.c		what the kernel shows and takes, below one root
 *	module.c vfio.c	kernel modules; a function and its VFIO driver
 *	qmp.c		the monitor protocol: bytes, answers, events
 *	guest.c		guests behind svff_guest_ops; guest-qmp.c and guest-libvirt.c are its kinds
 *	guest-qemu.c guest-pause.c	what all of them do by commands to QEMU
 *	domain-xml.c	hostdevs in libvirt's XML: pure
 *	state.c		who owns which VF
 *	card.c card-guests.c vf.c	cards and VFs
 *	picture.c	what all VFs of a card are, or are to be
 *	journal.c	what a plan that may be killed leaves for the next one
 *	plan.c run.c	transactions, and how they are carried out; steps.c steps-pause.c what a step does
 *	reconf.c pause.c recover.c	which steps a command takes, and one that comes after a killed one
 *	change.c	which steps lead from one picture to another
 *	doctor.c doctor-card.c	is this host ready
 */
#ifndef SVFF_PRIV_H
#define SVFF_PRIV_H

#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "libsvff.h"

struct json_object;

#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define PRINTF(f, a)		__attribute__((format(printf, f, a)))

#define SVFF_BDF_LEN		24	/* "10000:01:00.0" and some room */
#define SVFF_DRIVER_LEN		64
#define SVFF_ID_LEN		64
#define SVFF_WORD_LEN		32
#define SVFF_ERROR_LEN		1024
#define SVFF_VF_MAX		65535	/* what the SR-IOV capability can express */

#define MSEC_PER_SEC		1000
#define USEC_PER_SEC		1000000ULL

/* ---- ctx.c ---- */

enum svff_dir { SVFF_DIR_SYS, SVFF_DIR_PROC, SVFF_DIR_DEV, SVFF_DIR_RUN, SVFF_DIR_MODULES, SVFF_DIRS };

struct svff_ctx {
	char *dir[SVFF_DIRS];
	svff_log_fn log;
	void *log_data;
	char error[SVFF_ERROR_LEN];
	volatile sig_atomic_t cancelled;
	bool shielded;			/* do not stop half-way, see step_shielded() */
};

int svff_fail(struct svff_ctx *ctx, int err, const char *fmt, ...) PRINTF(3, 4);
void svff_log(struct svff_ctx *ctx, enum svff_log_level level, const char *fmt, ...) PRINTF(3, 4);
bool svff_cancelled(const struct svff_ctx *ctx);
int svff_path(struct svff_ctx *ctx, enum svff_dir dir, char path[PATH_MAX], const char *fmt, ...)
	PRINTF(4, 5);
bool svff_is_live(const struct svff_ctx *ctx);
int svff_file_read(const char *path, void *buf, size_t size);
int svff_file_write(const char *path, const char *value);
int svff_file_text(const char *path, size_t max, char **text);
int svff_file_replace(const char *path, const char *draft, const char *text);
int svff_try_open(const char *path);
uint64_t svff_now_us(void);
int64_t svff_now_ms(void);
void svff_nap_ms(unsigned int ms);
int svff_parse_uint(const char *text, unsigned int max, unsigned int *value);
void svff_copy(char *dst, size_t size, const char *src);

/* ---- json.c ---- */

const char *svff_json_text(struct json_object *object, const char *key);
int svff_json_uint(struct json_object *object, const char *key, unsigned int max,
		   unsigned int *value);

struct json_object *svff_json_args(const char *key1, const char *value1, const char *key2, const char *value2);

/* ---- pci.c ---- */

#define PCI_CONFIG_SIZE		4096
#define PCI_CONFIG_PUBLIC	64	/* what others than root may read */

enum pci_port_kind { PCI_PORT_NONE, PCI_PORT_ROOT, PCI_PORT_UPSTREAM, PCI_PORT_DOWNSTREAM };

int pci_bdf_parse(const char *text, char bdf[SVFF_BDF_LEN]);
bool pci_is_qdma_pf(unsigned int vendor, unsigned int device);
unsigned int pci_find_cap(const uint8_t *config, size_t size, uint8_t id);
unsigned int pci_find_ext_cap(const uint8_t *config, size_t size, uint16_t id);
bool pci_has_sriov(const uint8_t *config, size_t size);
bool pci_has_ari(const uint8_t *config, size_t size);
bool pci_ari_forwarding(const uint8_t *config, size_t size);
bool pci_acs_isolates(const uint8_t *config, size_t size);
enum pci_port_kind pci_port_kind(const uint8_t *config, size_t size);

/* ---- sysfs.c ---- */

int sysfs_read(struct svff_ctx *ctx, char *buf, size_t size, const char *fmt, ...) PRINTF(4, 5);
int sysfs_read_int(struct svff_ctx *ctx, int *value, const char *fmt, ...) PRINTF(3, 4);
int sysfs_dev(struct svff_ctx *ctx, dev_t *dev, const char *fmt, ...) PRINTF(3, 4);
int sysfs_link(struct svff_ctx *ctx, char *buf, size_t size, const char *fmt, ...) PRINTF(4, 5);
bool sysfs_exists(struct svff_ctx *ctx, const char *fmt, ...) PRINTF(2, 3);
int sysfs_write(struct svff_ctx *ctx, const char *value, const char *fmt, ...) PRINTF(3, 4);
int sysfs_config(struct svff_ctx *ctx, const char *bdf, uint8_t config[PCI_CONFIG_SIZE]);
int sysfs_driver(struct svff_ctx *ctx, const char *bdf, char driver[SVFF_DRIVER_LEN]);
int sysfs_iommu_group(struct svff_ctx *ctx, const char *bdf);
int sysfs_port_above(struct svff_ctx *ctx, const char *bdf, char port[SVFF_BDF_LEN]);
int sysfs_unbind(struct svff_ctx *ctx, const char *bdf);
int sysfs_set_override(struct svff_ctx *ctx, const char *bdf, const char *driver);
int sysfs_get_override(struct svff_ctx *ctx, const char *bdf, char driver[SVFF_DRIVER_LEN]);
int sysfs_bind(struct svff_ctx *ctx, const char *bdf, const char *driver);

/* ---- module.c ---- */

enum module_state { MODULE_LOADED, MODULE_BUILTIN, MODULE_AVAILABLE, MODULE_MISSING };

int module_state(struct svff_ctx *ctx, const char *name, enum module_state *state);
bool module_blacklisted(struct svff_ctx *ctx, const char *name);
int module_load(struct svff_ctx *ctx, const char *name);

/* ---- vfio.c: a VF and its VFIO driver ---- */

struct vf_binding {
	char driver[SVFF_DRIVER_LEN];	/* empty: no driver */
	char override[SVFF_DRIVER_LEN];	/* empty: none */
};

bool vfio_is_driver(const char *driver);
int vfio_binding(struct svff_ctx *ctx, const char *bdf, struct vf_binding *binding);
int vfio_host_idle(struct svff_ctx *ctx, const char *bdf);
const char *vfio_preferred(struct svff_ctx *ctx);
int vfio_bind(struct svff_ctx *ctx, const char *bdf, const char *driver);
int vfio_restore(struct svff_ctx *ctx, const char *bdf, const struct vf_binding *binding);
int vfio_in_use(struct svff_ctx *ctx, const char *bdf);
int vfio_wait_free(struct svff_ctx *ctx, const char *bdf);
int vfio_describe_user(struct svff_ctx *ctx, const char *bdf, char *buf, size_t size);

/* ---- qmp.c ---- */

struct qmp;

int qmp_open(struct svff_ctx *ctx, const char *path, unsigned int timeout_ms, struct qmp **qmp);
void qmp_close(struct qmp *qmp);
int qmp_reopen(struct qmp *qmp, unsigned int timeout_ms);
int qmp_peer_pid(const struct qmp *qmp);
const char *qmp_error_class(const struct qmp *qmp);
const char *qmp_error_text(const struct qmp *qmp);
int qmp_command(struct qmp *qmp, const char *command, struct json_object *args,
		unsigned int timeout_ms, struct json_object **ret);
int qmp_command_fd(struct qmp *qmp, const char *command, struct json_object *args, int fd,
		   unsigned int timeout_ms, struct json_object **ret);
int qmp_ask(struct qmp *qmp, const char *command, struct json_object *args, int fd, unsigned int timeout_ms);
int qmp_answer(struct qmp *qmp, int64_t until_ms, struct json_object **ret);
int qmp_fd(const struct qmp *qmp);
int qmp_wait_event(struct qmp *qmp, const char *const *names, const char *device,
		   int64_t deadline_ms, struct json_object **event);

/* ---- guest.c ---- */

struct svff_guest;

struct svff_guest_ports {
	unsigned int total, free;
	bool needs_port;		/* false: the root bus itself takes hot-plugged devices */
	char first_free[SVFF_ID_LEN];
};

/**
 * struct svff_guest_ops - one way to reach guests
 * @scheme: what the URI starts with
 * @is_path: what follows in the URI is the path of a socket
 * @id_prefix: what the guest's names of devices begin with that others than it give
 * @open: connect, within @timeout_ms; -ENOTCONN means that there is no such guest any more
 * @reopen: connect anew, when the connection is lost; as @open
 * @close: disconnect
 * @has: 1 if the guest has device @id, 0 if not
 * @find: id of the device that is host function @bdf; -ENOENT if there is none
 * @ports: hot-plug ports of the guest
 * @add: plug host function @bdf as device @id; -ETIMEDOUT and -EPROTO leave it open whether it came, -ECONNRESET
 *	means that the guest has ended
 * @del: unplug device @id and wait until the guest has let go of it; -ECONNRESET means that the guest has ended
 * @memory: size of the guest's memory, in bytes
 * @pid: process of the guest, 0 if not known; NULL if its limits are looked after
 * @can_vfio: 1 if the guest can take VFIO devices
 * @ask: give a command to the guest's QEMU, and with it descriptor @fd if that is not negative; both have to
 *	live until the answer is there, and no other command is given until then; -ECONNRESET if the
 *	connection was lost before
 * @answer: take the answer: -EINPROGRESS if there is none until @until_ms and QEMU may take longer, -EREMOTEIO
 *	if QEMU refuses
 * @answer_fd: descriptor that can be read when the answer, or a part of it, is there
 * @refusal: QEMU's words after -EREMOTEIO
 * @needs_fd: the guest's QEMU cannot open VFIO's nodes itself
 * @chooses_port: whoever runs the guest chooses the port of a device, and @add's bus is for messages only
 */
struct svff_guest_ops {
	const char *scheme, *id_prefix;
	bool is_path;
	int (*open)(struct svff_guest *guest, unsigned int timeout_ms);
	int (*reopen)(struct svff_guest *guest, unsigned int timeout_ms);
	void (*close)(struct svff_guest *guest);
	int (*has)(struct svff_guest *guest, const char *id);
	int (*find)(struct svff_guest *guest, const char *bdf, char id[SVFF_ID_LEN]);
	int (*ports)(struct svff_guest *guest, struct svff_guest_ports *ports);
	int (*add)(struct svff_guest *guest, const char *id, const char *bdf, const char *bus,
		   unsigned int timeout_ms);
	int (*del)(struct svff_guest *guest, const char *id, unsigned int timeout_ms);
	int (*memory)(struct svff_guest *guest, unsigned long long *bytes);
	int (*pid)(struct svff_guest *guest);
	int (*can_vfio)(struct svff_guest *guest);
	int (*ask)(struct svff_guest *guest, const char *command, struct json_object *args, int fd,
		   unsigned int timeout_ms);
	int (*answer)(struct svff_guest *guest, int64_t until_ms, struct json_object **ret);
	int (*answer_fd)(struct svff_guest *guest);
	const char *(*refusal)(struct svff_guest *guest);
	bool needs_fd;
	bool chooses_port;
};

struct svff_guest {
	struct svff_ctx *ctx;
	const struct svff_guest_ops *ops;
	char *uri;			/* normal form, the guest's name everywhere */
	const char *path;		/* the part behind the scheme */
	void *priv;
	int can_pause;			/* answer of guest_can_pause(), -1 before it was asked */
	bool gives_group;		/* VFIO's nodes are opened for it */
	bool busy;			/* a step of a plan waits for its answer */
};

extern const struct svff_guest_ops svff_guest_qmp_ops, svff_guest_libvirt_ops;

int svff_guest_uri(struct svff_ctx *ctx, const char *text, char **uri);
int svff_guest_open(struct svff_ctx *ctx, const char *uri, unsigned int timeout_ms,
		    struct svff_guest **guest);
void svff_guest_close(struct svff_guest *guest);
bool guest_is_ending(int err, int64_t since_ms);
int guest_reopen(struct svff_guest *guest);
int guest_ask(struct svff_guest *guest, const char *command, struct json_object *args, int fd, unsigned int timeout_ms);
int guest_monitor(struct svff_guest *guest, const char *command, struct json_object *args, int fd,
		  unsigned int timeout_ms, struct json_object **ret);
int guest_see_after_all(struct svff_guest *guest, const char *id,
			int (*look)(struct svff_guest *guest, const char *id), int wanted);
int guest_need_ports(struct svff_guest *guest, unsigned int need, unsigned int freed, struct svff_guest_ports *ports);
void svff_guest_device_id(const char *uri, const char *card, unsigned int vf, char id[SVFF_ID_LEN]);

/* ---- guest-qemu.c ---- */

int guest_qemu_has(struct svff_guest *guest, const char *id);
int guest_qemu_find(struct svff_guest *guest, const char *bdf, char id[SVFF_ID_LEN]);
int guest_qemu_ports(struct svff_guest *guest, struct svff_guest_ports *ports);
int guest_qemu_memory(struct svff_guest *guest, unsigned long long *bytes);
int guest_qemu_can_vfio(struct svff_guest *guest);

/* ---- guest-libvirt.c, domain-xml.c ---- */

struct libvirt_domains;

struct libvirt_domains *libvirt_domains_get(struct svff_ctx *ctx);
char *libvirt_domains_find(const struct libvirt_domains *domains, const char *bdf);
void libvirt_domains_put(struct libvirt_domains *domains);
bool domain_xml_has(const char *xml, const char *bdf);
int domain_xml_hostdev(char *xml, size_t size, const char *bdf, const char *alias);

/* ---- guest-pause.c ---- */

/**
 * struct guest_unpause - which host function is to be put under which paused device of a guest, and how
 * @id: the guest's name of the device
 * @bdf: the function, bound to a VFIO driver
 * @group: its IOMMU group
 * @discard_state: without what the pause has kept, as after a reset
 * @timeout_ms: how long QEMU may take
 */
struct guest_unpause {
	const char *id, *bdf;
	int group;
	bool discard_state;
	unsigned int timeout_ms;
};

int guest_can_pause(struct svff_guest *guest);
int guest_is_paused(struct svff_guest *guest, const char *id);
int guest_drop_group(struct svff_guest *guest, int group);
int guest_begin_pause(struct svff_guest *guest, const char *id, unsigned int timeout_ms);
int guest_end_pause(struct svff_guest *guest, const char *id, int64_t until_ms);
int guest_begin_unpause(struct svff_guest *guest, const struct guest_unpause *unpause);
int guest_end_unpause(struct svff_guest *guest, const struct guest_unpause *unpause, int64_t until_ms);

/* ---- state.c ---- */

struct svff_owner {
	unsigned int vf;
	char *guest;
	char id[SVFF_ID_LEN];		/* the guest's name for the device */
	char bus[SVFF_ID_LEN];		/* port it is behind, empty if not known */
	bool silent;			/* in memory: the guest does not say whether it has it */
	bool unplug_asked;		/* and not done: QEMU cannot take that back, so the guest may do it at any time */
};

struct svff_state {
	size_t count;
	struct svff_owner *owner;
};

int state_load(struct svff_ctx *ctx, const char *card, struct svff_state *state);
int state_save(struct svff_ctx *ctx, const char *card, const struct svff_state *state);
void state_clear(struct svff_state *state);
struct svff_owner *state_find(const struct svff_state *state, unsigned int vf);
int state_set(struct svff_state *state, unsigned int vf, const char *guest, const char *id,
	      const char *bus);
void state_drop(struct svff_state *state, unsigned int vf);
int state_lock(struct svff_ctx *ctx, const char *card, int *fd);
bool state_is_locked(struct svff_ctx *ctx, const char *card);
void state_unlock(int *fd);

/* ---- card.c, vf.c ---- */

struct svff_card {
	struct svff_ctx *ctx;
	char address[SVFF_BDF_LEN];
	char driver[SVFF_DRIVER_LEN];
	char ip_type[SVFF_WORD_LEN], ip_version[SVFF_WORD_LEN];
	int vendor, device;
	int vfs, vfs_total;
	int queues_total, queues_free, vf_queues_default;
	bool sriov;
	struct svff_state state;	/* as last loaded, verified only under the lock */
};

struct svff_vf {
	struct svff_card *card;
	unsigned int number;
	char address[SVFF_BDF_LEN];	/* empty: VF is absent */
	char state[SVFF_WORD_LEN];
	char driver[SVFF_DRIVER_LEN];
	int queues, queue_base, queues_active, errors;
	bool muted;
	bool unplug_asked;
	int iommu_group;
	char *guest;
	char id[SVFF_ID_LEN];
	enum svff_guest_state guest_state;
};

int card_refresh(struct svff_card *card);
int card_need_bound(struct svff_card *card);
int card_verify_owners(struct svff_card *card, bool save);
int card_drop_gone_owners(struct svff_card *card, bool save);
int card_owner_state(struct svff_card *card, struct svff_owner *owner, enum svff_guest_state *state, char *why,
		     size_t size);
int card_save_owners(struct svff_card *card);
int vf_address(struct svff_card *card, unsigned int vf, char bdf[SVFF_BDF_LEN]);
int vf_need(struct svff_card *card, unsigned int vf, char bdf[SVFF_BDF_LEN]);

/* ---- picture.c ---- */

enum vf_use {
	VF_FREE,
	VF_ATTACHED,		/* a guest has it */
	VF_PAUSED,		/* a guest has a paused device for it; the VF itself may not exist */
	VF_HOST_PAUSED,		/* a driver of this host has it, and svff_pf has stopped its queues */
};

struct vf_picture {
	struct vf_binding bound;
	unsigned int queues;
	enum vf_use use;
	char *guest, id[SVFF_ID_LEN], bus[SVFF_ID_LEN];	/* as in struct svff_owner */
	bool silent;			/* the guest was asked, and @use is what it looks like from here */
};

/**
 * struct picture - what the VFs of a card are, or are to be
 * @vfs: how many exist; VF 1 is vf[0]
 * @room: how many are in @vf: all that the card can have, for guests and quotas outlive VFs
 * @autoprobe: do new VFs get a driver by themselves; -1 if not known
 * @vf: the VFs
 */
struct picture {
	unsigned int vfs, room;
	int autoprobe;
	struct vf_picture *vf;
};

struct vf_picture *picture_vf(const struct picture *picture, unsigned int vf);
void picture_clear(struct picture *picture);
int picture_copy(struct picture *to, const struct picture *from);
int picture_set_guest(struct picture *picture, unsigned int vf, const char *guest, const char *id, const char *bus,
		      enum vf_use use);
int picture_take(struct svff_plan *plan, struct picture *picture);
int plan_take_pictures(struct svff_plan *plan);
struct json_object *picture_encode(const struct picture *picture);
int picture_decode(struct json_object *root, struct picture *picture);

/* ---- journal.c ---- */

struct journal {
	char command[SVFF_WORD_LEN];
	char step[SVFF_ERROR_LEN / 4];	/* the last that began, empty if none did */
	bool undo;			/* that was to be taken back */
	unsigned int pid;
	struct picture old, new;
};

int journal_begin(struct svff_plan *plan);
int journal_step(struct svff_plan *plan, const struct svff_step *step, bool undo);
void journal_end(struct svff_plan *plan);
int journal_forget(struct svff_ctx *ctx, const char *card);
bool journal_exists(struct svff_ctx *ctx, const char *card);
int journal_load(struct svff_ctx *ctx, const char *card, struct journal *journal);
void journal_clear(struct journal *journal);

/* ---- plan.c, run.c ---- */

#define PLAN_GUEST_TIMEOUT_MS	5000	/* for a monitor to greet and answer a question */

struct svff_step;

/**
 * struct step_ops - what a kind of step does
 * @apply: do it; a failure leaves things as they were before this step
 * @undo: take it back; called only after all of it succeeded
 * @end: after @apply has answered STEP_BEGUN, asked again and again: the step's result, or STEP_BEGUN while the
 *	guest has not answered; does not wait
 */
struct step_ops {
	int (*apply)(struct svff_plan *plan, struct svff_step *step);
	int (*undo)(struct svff_plan *plan, struct svff_step *step);
	int (*end)(struct svff_plan *plan, struct svff_step *step);
};

struct svff_step {
	const struct step_ops *ops;
	size_t index;
	unsigned int vf;		/* 0: not about one VF */
	unsigned int first, count;	/* VFs that it is about: first to count */
	unsigned int value, old;	/* VFs to enable, and VFs found */
	struct svff_guest *guest;	/* belongs to the plan, or NULL */
	char id[SVFF_ID_LEN], bus[SVFF_ID_LEN];
	char bdf[SVFF_BDF_LEN];		/* of the VF, while its guest is asked for something */
	struct vf_binding *found;	/* what VF i + 1 was bound to, to be put back */
	unsigned int *quota;		/* what VF i + 1 had, to be put back */
	bool not_paused;		/* VFs that the plan pauses have steps of their own */
	bool guest_may_go;		/* a guest that has ended meanwhile is no failure */
	bool vfio;			/* new VFs are for VFIO, no driver of this host is to have them first */
	bool together;			/* need not wait for those before it, but for its own guest */
	bool begun;			/* and not ended: the guest has been asked */
	bool unknown;			/* it failed, and the guest may have done it */
	bool unplug_asked;		/* it failed, and the guest may do it yet, see struct svff_owner */
	char *name, *error;
	uint64_t begin_us, time_us;
	enum svff_step_result result;
};

/* Answers of apply and end, beside 0 and errors */
#define STEP_SKIP	1		/* there was nothing to do; the error text says why */
#define STEP_BEGUN	2		/* the guest has been asked */

struct svff_plan {
	struct svff_ctx *ctx;
	struct svff_card *card;
	struct svff_step **step;
	size_t count;
	struct svff_guest **guest;
	size_t guests;
	struct picture now, to;		/* what the card is, and what it is to be */
	bool *by_pause;			/* VF i + 1 is paused while there are no VFs, and unpaused at once */
	const char *way;		/* how guests' VFs are changed, for people */
	const char *command;		/* for the journal; NULL: this plan needs none */
	int journal_fd;
	unsigned int timeout_ms;
	uint64_t begin_us, time_us;	/* of the run */
	char bus[SVFF_ID_LEN];
	int lock_fd;
	unsigned int spare, queues;	/* VFs to hide, and queues of VFs that come; 0: default */
	const char *vfio;		/* see plan_vfio() */
	unsigned int refused_vf;	/* VF whose guest does not take what was kept of it; 0: none */
	bool force, dry_run, by_detach, spare_given, discard_state;
	bool recovers;			/* nothing is taken back, what fails does not stop the rest */
	const char *left_out;		/* a guest whose VFs cannot be recovered while it is silent */
	svff_progress_fn progress;
	void *progress_data;
};

int plan_begin(struct svff_plan *plan);
const char *plan_vfio(struct svff_plan *plan);
struct svff_step *plan_add(struct svff_plan *plan, const struct step_ops *ops, unsigned int vf,
			   const char *fmt, ...) PRINTF(4, 5);
int plan_guest(struct svff_plan *plan, const char *uri, struct svff_guest **guest);
int step_shielded(struct svff_plan *plan, struct svff_step *step,
		  int (*fn)(struct svff_plan *plan, struct svff_step *step));

/* ---- steps.c, steps-pause.c ---- */

extern const struct step_ops step_quotas, step_count, step_bind, step_bind_all, step_release_all,
	step_attach, step_detach, step_pause, step_unpause, step_host_pause, step_host_unpause;

int step_note_owner(struct svff_plan *plan, const struct svff_step *step);
void step_note_free(struct svff_plan *plan, const struct svff_step *step);

/* ---- change.c ---- */

int plan_change(struct svff_plan *plan);
int plan_check_ports(struct svff_plan *plan);
int add_all(struct svff_plan *plan, const struct step_ops *ops, unsigned int first, unsigned int count,
	    const char *before, const char *after);
int add_count(struct svff_plan *plan, unsigned int from, unsigned int to, bool vfio);
int add_guest_step(struct svff_plan *plan, const struct step_ops *ops, unsigned int vf,
		   struct svff_guest *guest, const char *id, const char *bus);
int add_bind(struct svff_plan *plan, unsigned int vf);

/* ---- doctor.c, doctor-card.c ---- */

#define REMEDY	"\x1f"	/* in the text of a finding: what follows is the remedy */

void svff_found(struct svff_report *report, const char *check, enum svff_verdict verdict,
	   const char *fmt, ...) PRINTF(4, 5);
char *doctor_read(struct svff_ctx *ctx, enum svff_dir dir, const char *name);
unsigned int doctor_count(struct svff_ctx *ctx, const char *where);
const char *doctor_iommu_remedy(struct svff_ctx *ctx);
void doctor_check_card(struct svff_report *report, struct svff_card *card);

#endif /* SVFF_PRIV_H */
