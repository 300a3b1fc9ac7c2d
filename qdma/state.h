/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Contexts of a queue that was stopped, in order to go on later, perhaps as
 * another queue of another function. Pure functions of values; the unit tests
 * compile them too. What is kept and what is not: see the DOC in rest.c.
 */
#ifndef QDMA_STATE_H
#define QDMA_STATE_H

#include <linux/types.h>
#include <svff/qdma.h>

#include "ctxt.h"

void qdma_state_settle(const struct qdma_ctxt_set *set, const struct svff_qdma_csr *csr,
		       const struct svff_qdma_hwq *q, bool enabled,
		       struct svff_qdma_hwq_state *state);
bool qdma_state_enabled(const struct qdma_ctxt_set *set, const struct svff_qdma_hwq_state *state);
int qdma_state_check(const struct qdma_ctxt_set *set, const struct svff_qdma_csr *csr,
		     const struct svff_qdma_hwq *q, const struct svff_qdma_hwq_state *state,
		     const struct svff_qdma_grant *grant);
int qdma_state_check_ring(const struct qdma_ctxt_set *set, const u32 *words,
			  const struct svff_qdma_grant *grant);
void qdma_state_assign(const struct qdma_ctxt_set *set, const struct svff_qdma_hwq *q,
		       struct svff_qdma_hwq_state *state);
void qdma_state_assign_ring(const struct qdma_ctxt_set *set, u16 func, u32 *words);

#endif /* QDMA_STATE_H */
