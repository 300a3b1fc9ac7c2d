// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Kernel modules, by libkmod.
 */
#include "priv.h"

#include <errno.h>
#include <libkmod.h>
#include <string.h>

static struct kmod_ctx *module_context(struct svff_ctx *ctx)
{
	const char *dir = ctx->dir[SVFF_DIR_MODULES];
	struct kmod_ctx *kmod = kmod_new(dir[0] ? dir : NULL, NULL);

	if (kmod)
		kmod_set_log_priority(kmod, 0);	/* failures are told by errno */
	return kmod;
}

static bool module_in_sysfs(struct svff_ctx *ctx, const char *name)
{
	char under[SVFF_DRIVER_LEN], *c;

	svff_copy(under, sizeof(under), name);
	for (c = under; *c; c++)
		if (*c == '-')
			*c = '_';
	return sysfs_exists(ctx, "module/%s", under);
}

/**
 * module_state() - is a module there, and is it loaded?
 * @ctx: the context
 * @name: name or alias
 * @state: result
 *
 * Return: 0, or a negative errno.
 */
int module_state(struct svff_ctx *ctx, const char *name, enum module_state *state)
{
	struct kmod_list *list = NULL;
	struct kmod_ctx *kmod;
	int ret;

	if (module_in_sysfs(ctx, name)) {
		*state = MODULE_LOADED;
		return 0;
	}
	kmod = module_context(ctx);
	if (!kmod)
		return -ENOMEM;
	ret = kmod_module_new_from_lookup(kmod, name, &list);
	*state = MODULE_MISSING;
	if (!ret && list) {
		struct kmod_module *module = kmod_module_get_module(list);

		/* A loaded one was seen in sysfs; kmod's own look at /sys would leave a recorded tree. */
		*state = kmod_module_get_path(module) ? MODULE_AVAILABLE : MODULE_BUILTIN;
		kmod_module_unref(module);
	}
	kmod_module_unref_list(list);
	kmod_unref(kmod);
	return ret == -ENOENT ? 0 : ret;
}

/**
 * module_blacklisted() - does the administrator want a module only for who names it?
 * @ctx: the context
 * @name: name
 *
 * Return: true if it is blacklisted in modprobe.d(5).
 */
bool module_blacklisted(struct svff_ctx *ctx, const char *name)
{
	struct kmod_list *list = NULL, *allowed = NULL;
	struct kmod_ctx *kmod = module_context(ctx);
	bool blacklisted;

	blacklisted = kmod && !kmod_module_new_from_lookup(kmod, name, &list) && list &&
		      !kmod_module_apply_filter(kmod, KMOD_FILTER_BLACKLIST, list, &allowed) && !allowed;
	kmod_module_unref_list(allowed);
	kmod_module_unref_list(list);
	kmod_unref(kmod);
	return blacklisted;
}

/**
 * module_load() - load a module and what it needs; fine if it is loaded already
 * @ctx: the context
 * @name: name or alias
 *
 * Return: 0, -ENOENT if there is none, or another negative errno.
 */
int module_load(struct svff_ctx *ctx, const char *name)
{
	struct kmod_list *list = NULL, *item;
	struct kmod_ctx *kmod;
	int ret;

	if (module_in_sysfs(ctx, name))
		return 0;
	if (!svff_is_live(ctx))
		return -ENOENT;
	kmod = module_context(ctx);
	if (!kmod)
		return -ENOMEM;
	ret = kmod_module_new_from_lookup(kmod, name, &list);
	if (!ret && !list)
		ret = -ENOENT;
	kmod_list_foreach(item, list) {
		struct kmod_module *module = kmod_module_get_module(item);

		if (!ret)
			ret = kmod_module_probe_insert_module(module, KMOD_PROBE_APPLY_BLACKLIST_ALIAS_ONLY, NULL,
							      NULL, NULL, NULL);
		kmod_module_unref(module);
	}
	kmod_module_unref_list(list);
	kmod_unref(kmod);
	return ret > 0 ? -EPERM : ret;	/* positive: blacklisted */
}
