/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libsvff: the life of a virtual function, from user space.
 *
 * Words: a *card* is a PCI physical function (PF) of an FPGA card. It has *VFs*, numbered from 1.
 * A *guest* is a virtual machine, named by a URI ("qmp:/run/guest.sock"). A *plan* is a list of
 * steps that is carried out as a transaction. A *report* is what the doctor found.
 *
 * Rules: handles are opaque; functions return 0 or a negative errno; the library never prints and
 * never exits. After an error svff_error() has one line for people: what failed, why, and the way
 * out. Notices go to the log callback. A context and all that was made from it belong to one thread;
 * only svff_cancel() may be called from elsewhere, also from a signal handler. Strings that a
 * function returns belong to the handle and live as long as it does.
 */
#ifndef LIBSVFF_H
#define LIBSVFF_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct svff_ctx;
struct svff_card;
struct svff_vf;
struct svff_plan;
struct svff_step;
struct svff_report;

/* ---- context ---- */

enum svff_log_level {
	SVFF_LOG_WARNING,	/* something is wrong, work goes on */
	SVFF_LOG_NOTICE,	/* worth knowing, nothing is wrong */
	SVFF_LOG_INFO,		/* progress of something that takes long */
	SVFF_LOG_DEBUG,		/* each access */
};

typedef void (*svff_log_fn)(void *data, enum svff_log_level level, const char *text);

int svff_new(struct svff_ctx **ctx);
void svff_free(struct svff_ctx *ctx);
void svff_set_log(struct svff_ctx *ctx, svff_log_fn fn, void *data);
const char *svff_error(const struct svff_ctx *ctx);
void svff_cancel(struct svff_ctx *ctx);

/* ---- cards ---- */

int svff_card_count(struct svff_ctx *ctx, size_t *count);
int svff_card_open_nth(struct svff_ctx *ctx, size_t index, struct svff_card **card);
int svff_card_open(struct svff_ctx *ctx, const char *address, struct svff_card **card);
int svff_card_probe(struct svff_card *card);
void svff_card_free(struct svff_card *card);

int svff_card_find_guests(struct svff_card *card);
const char *svff_card_address(const struct svff_card *card);
const char *svff_card_driver(const struct svff_card *card);
const char *svff_card_ip_type(const struct svff_card *card);
const char *svff_card_ip_version(const struct svff_card *card);
bool svff_card_is_bound(const struct svff_card *card);
bool svff_card_has_sriov(const struct svff_card *card);
unsigned int svff_card_vendor(const struct svff_card *card);
unsigned int svff_card_device(const struct svff_card *card);
unsigned int svff_card_spares(const struct svff_card *card);
unsigned int svff_card_vfs(const struct svff_card *card);
unsigned int svff_card_vfs_total(const struct svff_card *card);
bool svff_card_unfinished(const struct svff_card *card);
unsigned int svff_card_queues_total(const struct svff_card *card);
unsigned int svff_card_queues_free(const struct svff_card *card);
unsigned int svff_card_vf_queues_default(const struct svff_card *card);
int svff_card_errors(struct svff_card *card,
		     void (*seen)(void *arg, const char *error, unsigned int times), void *arg);

/* ---- virtual functions ---- */

enum svff_guest_state {
	SVFF_GUEST_NONE,	/* no guest is known to have this VF */
	SVFF_GUEST_NOTED,	/* a guest was given it, and was not asked since */
	SVFF_GUEST_ATTACHED,	/* the guest was asked and has it */
	SVFF_GUEST_GONE,	/* the guest, or the device in it, is no more */
	SVFF_GUEST_SILENT,	/* the guest's monitor does not answer */
	SVFF_GUEST_PAUSED,	/* the guest was asked and has a paused device for it */
};

int svff_vf_resolve(struct svff_ctx *ctx, const char *card, const char *text,
		    struct svff_card **out, unsigned int *vf);
int svff_vf_open(struct svff_card *card, unsigned int number, struct svff_vf **vf);
int svff_vf_ask_guest(struct svff_vf *vf);
void svff_vf_free(struct svff_vf *vf);

unsigned int svff_vf_number(const struct svff_vf *vf);
const char *svff_vf_address(const struct svff_vf *vf);
const char *svff_vf_state(const struct svff_vf *vf);
bool svff_vf_is_muted(const struct svff_vf *vf);
const char *svff_vf_driver(const struct svff_vf *vf);
int svff_vf_queues(const struct svff_vf *vf);
int svff_vf_queue_base(const struct svff_vf *vf);
int svff_vf_queues_active(const struct svff_vf *vf);
int svff_vf_errors(const struct svff_vf *vf);
int svff_vf_iommu_group(const struct svff_vf *vf);
const char *svff_vf_guest(const struct svff_vf *vf);
const char *svff_vf_guest_device(const struct svff_vf *vf);
enum svff_guest_state svff_vf_guest_state(const struct svff_vf *vf);
bool svff_vf_unplug_asked(const struct svff_vf *vf);
const char *svff_guest_state_name(enum svff_guest_state state);

/* ---- plans: what changes a card is a transaction ---- */

enum svff_step_result {
	SVFF_STEP_PENDING,	/* not reached */
	SVFF_STEP_DONE,
	SVFF_STEP_SKIPPED,	/* nothing to do any more, svff_step_error() says why */
	SVFF_STEP_FAILED,
	SVFF_STEP_UNDONE,	/* done, and taken back */
	SVFF_STEP_UNDO_FAILED,	/* done, and could not be taken back */
};

typedef void (*svff_progress_fn)(void *data, const struct svff_plan *plan,
				 const struct svff_step *step, bool undo);

int svff_plan_new(struct svff_card *card, struct svff_plan **plan);
void svff_plan_free(struct svff_plan *plan);
void svff_plan_set_progress(struct svff_plan *plan, svff_progress_fn fn, void *data);
void svff_plan_set_timeout(struct svff_plan *plan, unsigned int seconds);
void svff_plan_set_force(struct svff_plan *plan, bool force);
void svff_plan_set_dry_run(struct svff_plan *plan, bool dry_run);
void svff_plan_set_bus(struct svff_plan *plan, const char *bus);

enum svff_direction { SVFF_AUTO, SVFF_BACK, SVFF_FORWARD };

void svff_plan_set_by_detach(struct svff_plan *plan, bool by_detach);
void svff_plan_set_discard_state(struct svff_plan *plan, bool discard);
void svff_plan_set_spare(struct svff_plan *plan, unsigned int spare);
void svff_plan_set_queues(struct svff_plan *plan, unsigned int queues);

int svff_plan_init(struct svff_plan *plan, unsigned int vfs, unsigned int queues, bool bind);
int svff_plan_attach(struct svff_plan *plan, unsigned int vf, const char *guest);
int svff_plan_detach(struct svff_plan *plan, unsigned int vf, const char *guest);
int svff_plan_reconf(struct svff_plan *plan, unsigned int vfs, size_t count,
		     const unsigned int *vf, const char *const *guest);
int svff_plan_pause(struct svff_plan *plan, size_t count, const unsigned int *vf, const char *guest);
int svff_plan_unpause(struct svff_plan *plan, size_t count, const unsigned int *vf);
int svff_plan_recover(struct svff_plan *plan, enum svff_direction direction);
bool svff_plan_is_needed(const struct svff_plan *plan);
int svff_recover_forget(struct svff_card *card);
int svff_plan_run(struct svff_plan *plan);

const char *svff_plan_way(const struct svff_plan *plan);
unsigned long long svff_plan_time_us(const struct svff_plan *plan);
size_t svff_plan_count(const struct svff_plan *plan);
const struct svff_step *svff_plan_step(const struct svff_plan *plan, size_t index);
size_t svff_step_index(const struct svff_step *step);
const char *svff_step_name(const struct svff_step *step);
const char *svff_step_guest(const struct svff_step *step);
const char *svff_step_error(const struct svff_step *step);
unsigned int svff_step_vf(const struct svff_step *step);
unsigned long long svff_step_begin_us(const struct svff_plan *plan, const struct svff_step *step);
unsigned long long svff_step_time_us(const struct svff_step *step);
enum svff_step_result svff_step_result(const struct svff_step *step);
const char *svff_step_result_name(enum svff_step_result result);

/* ---- doctor ---- */

enum svff_verdict {
	SVFF_OK,
	SVFF_WARN,		/* works, but not for everybody or not well */
	SVFF_BAD,		/* must be mended first */
	SVFF_UNKNOWN,		/* could not be looked at, counts as not ready */
};

int svff_doctor(struct svff_ctx *ctx, const char *card, size_t count, const char *const *guest,
		struct svff_report **report);
void svff_report_free(struct svff_report *report);
bool svff_report_ready(const struct svff_report *report);
size_t svff_report_count(const struct svff_report *report);
enum svff_verdict svff_report_verdict(const struct svff_report *report, size_t index);
const char *svff_report_check(const struct svff_report *report, size_t index);
const char *svff_report_text(const struct svff_report *report, size_t index);
const char *svff_report_remedy(const struct svff_report *report, size_t index);
const char *svff_verdict_name(enum svff_verdict verdict);

#ifdef __cplusplus
}
#endif

#endif /* LIBSVFF_H */
