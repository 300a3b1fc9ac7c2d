/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: What svff_pf does for a VFIO driver of its VFs
 *
 * A VF exists only while its PF's driver is bound: svff_pf removes its VFs before it
 * goes, and that waits for their drivers. So a driver that is bound to a VF may
 * call these for as long as it is, without a reference.
 *
 * Order: svff_pf_vf_find() at probe; svff_pf_vf_claim() when a user opens the VF, which
 * was reset before, or is fresh (svff_pf_vf_take_fresh());
 * svff_pf_vf_stop(), then svff_pf_vf_save(), or svff_pf_vf_load(), then
 * svff_pf_vf_run(), as often as the user likes; svff_pf_vf_forget() after each reset
 * of the function; svff_pf_vf_release() when the user has gone.
 */
#ifndef SVFF_PF_API_H
#define SVFF_PF_API_H

#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/types.h>

struct pci_dev;

/**
 * struct svff_pf_vf - a VF of a card that svff_pf drives
 * @pf: card; opaque
 * @n: VF number
 * @turn: when it may be stopped or resumed again, after that has failed; svff_pf's
 */
struct svff_pf_vf {
	struct svff_pf *pf;
	unsigned int n;
	ktime_t turn;
};

int svff_pf_vf_find(struct pci_dev *vfdev, struct svff_pf_vf *vf);
bool svff_pf_vf_take_fresh(const struct svff_pf_vf *vf);
int svff_pf_vf_claim(const struct svff_pf_vf *vf);
bool svff_pf_vf_release(const struct svff_pf_vf *vf);
void svff_pf_vf_forget(const struct svff_pf_vf *vf);
int svff_pf_vf_stop(struct svff_pf_vf *vf);
int svff_pf_vf_run(struct svff_pf_vf *vf);
void *svff_pf_vf_save(const struct svff_pf_vf *vf, size_t *len);
int svff_pf_vf_load(const struct svff_pf_vf *vf, const void *bytes, size_t len);
size_t svff_pf_vf_size(const struct svff_pf_vf *vf);
size_t svff_pf_vf_size_max(void);

#endif /* SVFF_PF_API_H */
