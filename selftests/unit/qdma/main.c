// SPDX-License-Identifier: GPL-2.0-only
#include "tests.h"

#include "ctxt.h"

static const struct ktap_case cases[] = {
	{ "ctxt: software context as the guide has it", test_sw_golden, NULL },
	{ "ctxt: fields across two and three words", test_sw_crossing, NULL },
	{ "ctxt: completion context as the guide has it", test_cmpt_golden, NULL },
	{ "ctxt: interrupt context as the guide has it", test_intr_golden, NULL },
	{ "ctxt: prefetch context as the guide has it", test_pfch_golden, NULL },
	{ "ctxt: hardware and credit context as the guide has them", test_hw_golden, NULL },
	{ "ctxt: function map as the guide has it", test_fmap_golden, NULL },
	{ "ctxt: what differs in IP 3.x", test_qdma3_golden, NULL },
	{ "ctxt: EQDMA fields are inside and disjoint", test_layout_sane, &qdma_ctxt_eqdma },
	{ "ctxt: CPM5 fields are inside and disjoint", test_layout_sane, &qdma_ctxt_cpm5 },
	{ "ctxt: IP 3.x fields are inside and disjoint", test_layout_sane, &qdma_ctxt_qdma3 },
	{ "ctxt: EQDMA fields take their maximum, no more", test_field_limits, &qdma_ctxt_eqdma },
	{ "ctxt: CPM5 fields take their maximum, no more", test_field_limits, &qdma_ctxt_cpm5 },
	{ "ctxt: IP 3.x fields take their maximum, no more", test_field_limits, &qdma_ctxt_qdma3 },
	{ "ctxt: EQDMA contexts survive a round trip", test_round_trip, &qdma_ctxt_eqdma },
	{ "ctxt: CPM5 contexts survive a round trip", test_round_trip, &qdma_ctxt_cpm5 },
	{ "ctxt: IP 3.x contexts survive a round trip", test_round_trip, &qdma_ctxt_qdma3 },
	{ "range: the smallest gap that fits is taken", test_range_best_fit, NULL },
	{ "range: a range grows and shrinks where it is", test_range_resize, NULL },
	{ "range: a range at a place of its own", test_range_at, NULL },
	{ "range: limits", test_range_limits, NULL },
	{ "range: random use against a map of owners", test_range_random, NULL },
	{ "desc: a span is cut without gap or overlap", test_span, NULL },
	{ "desc: only a possible consumer index counts", test_ring_done, NULL },
	{ "desc: formats in memory", test_formats, NULL },
	{ "desc: a packet is cut at pages, and only if it must", test_h2c_pieces, NULL },
	{ "desc: buffers of a packet", test_rx_bufs, NULL },
	{ "desc: completions that cannot be", test_rx_valid, NULL },
	{ "caps: PFs of the card", test_pfs, NULL },
	{ "caps: queues of the card", test_queues, NULL },
	{ "batch: a request that is alone does not wait", test_batch_alone, NULL },
	{ "batch: doorbells at each depth", test_batch_depths, NULL },
	{ "batch: depth that shrinks costs little time", test_batch_shrinks, NULL },
	{ "batch: fast hardware does not make it small", test_batch_fast, NULL },
	{ "batch: a plug holds back, not for long", test_batch_plug, NULL },
	{ "batch: time to wait", test_batch_wait, NULL },
	{ "mbox: a pause anywhere costs or spoils no message", test_mbox_pause, NULL },
	{ "mbox: a PF takes what it gets", test_mbox_pf, NULL },
	{ "state: what is left to do is kept", test_state_settle, NULL },
	{ "state: buffers fetched ahead are fetched again", test_state_rewind, NULL },
	{ "state: a queue becomes another function's", test_state_assign, NULL },
	{ "state: what a VF cannot have is refused", test_state_forbidden, NULL },
	{ "state: what every VF's queues have alike", test_state_fixed, NULL },
	{ "state: what is not the VF's own is refused", test_state_references, NULL },
};

int main(int argc, char **argv)
{
	return ktap_main(cases, sizeof(cases) / sizeof(cases[0]), argc > 1 ? argv[1] : NULL);
}
