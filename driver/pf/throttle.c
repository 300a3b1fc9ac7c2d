// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: How often a VF may ask
 *
 * A bucket of tokens for each VF: a flood costs one comparison a message, and is not answered.
 */
#include "request.h"

#include <linux/string.h>

#define NS_PER_S		1000000000U

/**
 * pf_throttle_reset() - a full bucket
 * @t: throttle
 * @rate: messages per second, 1 to PF_THROTTLE_RATE_MAX
 * @now_ns: the time
 *
 * Context: any.
 */
void pf_throttle_reset(struct pf_throttle *t, u32 rate, u64 now_ns)
{
	memset(t, 0, sizeof(*t));
	t->rate = rate;
	t->last_ns = now_ns;
	t->tokens = PF_THROTTLE_BURST(rate);
}

static void refill(struct pf_throttle *t, u64 elapsed_ns)
{
	u32 token_ns = NS_PER_S / t->rate, burst = PF_THROTTLE_BURST(t->rate);

	t->credit_ns += elapsed_ns;
	if (t->credit_ns > (u64)token_ns * burst)
		t->credit_ns = (u64)token_ns * burst;
	while (t->credit_ns >= token_ns && t->tokens < burst) {
		t->credit_ns -= token_ns;
		t->tokens++;
	}
	if (t->tokens == burst) {
		t->credit_ns = 0;
		t->held = 0;
	}
}

/**
 * pf_throttle_check() - may this message pass?
 * @t: throttle of its sender
 * @now_ns: the time, not before that of the last call
 *
 * Context: any.
 * Return: see &enum pf_pass.
 */
enum pf_pass pf_throttle_check(struct pf_throttle *t, u64 now_ns)
{
	u64 elapsed_ns = now_ns - t->last_ns;
	bool was_muted = t->muted;

	t->last_ns = now_ns;
	refill(t, elapsed_ns);
	if (t->muted && elapsed_ns < PF_THROTTLE_QUIET_NS)
		return PF_HOLD;
	if (was_muted)
		pf_throttle_reset(t, t->rate, now_ns);
	if (!t->tokens) {
		t->muted = ++t->held >= PF_THROTTLE_MUTE(t->rate);
		return t->muted ? PF_HOLD_MUTED : PF_HOLD;
	}
	t->tokens--;
	return was_muted ? PF_PASS_UNMUTED : PF_PASS;
}
