/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UNIT_PF_TESTS_H
#define UNIT_PF_TESTS_H

#include "../../ktap.h"

#define TEST(fn) enum ktap_result fn(const void *arg)

TEST(test_image_round);
TEST(test_image_golden);
TEST(test_image_length);
TEST(test_image_corrupt);
TEST(test_image_values);
TEST(test_image_fits);
TEST(test_image_fuzz);

#endif
