/* SPDX-License-Identifier: GPL-2.0-only */
/* Included by headers whose inline functions the host does not call. */
