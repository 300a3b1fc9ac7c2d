/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UNIT_QDMA_TESTS_H
#define UNIT_QDMA_TESTS_H

#include "../../ktap.h"

#define TEST(fn) enum ktap_result fn(const void *arg)

TEST(test_sw_golden);
TEST(test_sw_crossing);
TEST(test_cmpt_golden);
TEST(test_intr_golden);
TEST(test_pfch_golden);
TEST(test_hw_golden);
TEST(test_fmap_golden);
TEST(test_qdma3_golden);
TEST(test_layout_sane);
TEST(test_field_limits);
TEST(test_round_trip);

TEST(test_range_best_fit);
TEST(test_range_resize);
TEST(test_range_at);
TEST(test_range_limits);
TEST(test_range_random);

TEST(test_span);
TEST(test_ring_done);
TEST(test_formats);
TEST(test_h2c_pieces);
TEST(test_rx_bufs);
TEST(test_rx_valid);

TEST(test_pfs);
TEST(test_queues);

TEST(test_batch_alone);
TEST(test_batch_depths);
TEST(test_batch_shrinks);
TEST(test_batch_fast);
TEST(test_batch_plug);
TEST(test_batch_wait);

TEST(test_mbox_pause);
TEST(test_mbox_pf);

TEST(test_state_settle);
TEST(test_state_rewind);
TEST(test_state_assign);
TEST(test_state_forbidden);
TEST(test_state_fixed);
TEST(test_state_references);

#endif
