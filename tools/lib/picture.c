// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Pictures of a card: what all its VFs are, or are to be. A plan that changes the number of VFs leads from
 * one picture to another, and a journal keeps both, so that a plan that was killed can be led to either.
 */
#include "priv.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#define PF_DIR	"bus/pci/devices/%s/"
#define VF_DIR	PF_DIR "svff/vf%u/"

static const char *const use_names[] = {
	[VF_FREE]        = "free",
	[VF_ATTACHED]    = "attached",
	[VF_PAUSED]      = "paused",
	[VF_HOST_PAUSED] = "host-paused",
};

/**
 * picture_vf() - a VF in a picture
 * @picture: the picture
 * @vf: its number, from 1 to @picture's room
 *
 * Return: what the picture says of it.
 */
struct vf_picture *picture_vf(const struct picture *picture, unsigned int vf)
{
	return &picture->vf[vf - 1];
}

/**
 * picture_clear() - free what a picture holds
 * @picture: the picture
 */
void picture_clear(struct picture *picture)
{
	unsigned int i;

	for (i = 0; i < picture->room; i++)
		free(picture->vf[i].guest);
	free(picture->vf);
	memset(picture, 0, sizeof(*picture));
}

/**
 * picture_copy() - make a copy of a picture
 * @to: the copy; what it was is dropped
 * @from: the picture
 *
 * Return: 0, or -ENOMEM.
 */
int picture_copy(struct picture *to, const struct picture *from)
{
	unsigned int i;

	picture_clear(to);
	to->vf = calloc(from->room + 1, sizeof(*to->vf));
	if (!to->vf)
		return -ENOMEM;
	to->vfs = from->vfs;
	to->autoprobe = from->autoprobe;
	for (i = 0; i < from->room; i++) {
		to->vf[i] = from->vf[i];
		to->room++;
		if (!from->vf[i].guest)
			continue;
		to->vf[i].guest = strdup(from->vf[i].guest);
		if (!to->vf[i].guest)
			return -ENOMEM;
	}
	return 0;
}

/**
 * picture_set_guest() - say which guest has a VF
 * @picture: the picture
 * @vf: number of the VF
 * @guest: URI of the guest, NULL if none has it
 * @id: the guest's name for the device
 * @bus: port it is behind, may be empty
 * @use: what the guest has of it
 *
 * Return: 0, or -ENOMEM.
 */
int picture_set_guest(struct picture *picture, unsigned int vf, const char *guest, const char *id, const char *bus,
		      enum vf_use use)
{
	struct vf_picture *pic = picture_vf(picture, vf);
	char *name = guest ? strdup(guest) : NULL;

	if (guest && !name)
		return -ENOMEM;
	free(pic->guest);
	pic->guest = name;
	pic->use = guest ? use : VF_FREE;
	svff_copy(pic->id, sizeof(pic->id), guest ? id : "");
	svff_copy(pic->bus, sizeof(pic->bus), guest ? bus : "");
	return 0;
}

static int take_vf(struct svff_card *card, struct picture *picture, unsigned int vf)
{
	struct vf_picture *pic = picture_vf(picture, vf);
	char bdf[SVFF_BDF_LEN], state[SVFF_WORD_LEN] = "";
	struct svff_ctx *ctx = card->ctx;
	int ret, queues;

	ret = sysfs_read_int(ctx, &queues, VF_DIR "queues", card->address, vf);
	if (ret)
		return svff_fail(ctx, ret, "VF %u of card %s: cannot read its queues: %s", vf, card->address,
				 strerror(-ret));
	pic->queues = queues;
	if (vf > picture->vfs)
		return 0;
	ret = vf_need(card, vf, bdf);
	if (!ret)
		ret = vfio_binding(ctx, bdf, &pic->bound);
	if (ret)
		return ret;
	sysfs_read(ctx, state, sizeof(state), VF_DIR "state", card->address, vf);
	if (!strcmp(state, "paused") && pic->bound.driver[0] && !vfio_is_driver(pic->bound.driver))
		pic->use = VF_HOST_PAUSED;
	return 0;
}

/*
 * A guest that is silent is not asked again: a plan that leaves its VF as it is can do without, another one
 * fails when it comes to it. A recovery goes by what VFIO says.
 */
static int take_silent(struct svff_plan *plan, struct picture *picture, const struct svff_owner *owner)
{
	char bdf[SVFF_BDF_LEN];
	bool paused = plan->recovers && (owner->vf > picture->vfs || (!vf_address(plan->card, owner->vf, bdf) &&
								      !vfio_in_use(plan->ctx, bdf)));

	picture_vf(picture, owner->vf)->silent = true;
	return picture_set_guest(picture, owner->vf, owner->guest, owner->id, owner->bus,
				 paused ? VF_PAUSED : VF_ATTACHED);
}

static int take_owner(struct svff_plan *plan, struct picture *picture, const struct svff_owner *owner)
{
	struct svff_guest *guest;
	int paused, ret;

	if (owner->vf > picture->room)
		return 0;
	if (owner->silent)
		return take_silent(plan, picture, owner);
	ret = plan_guest(plan, owner->guest, &guest);
	if (ret)
		return ret;
	paused = guest_is_paused(guest, owner->id);
	if (paused < 0)
		return paused;
	return picture_set_guest(picture, owner->vf, owner->guest, owner->id, owner->bus,
				 paused ? VF_PAUSED : VF_ATTACHED);
}

/**
 * picture_take() - take a picture of a card
 * @plan: its plan, begun; stays connected to the guests
 * @picture: result; what it was is dropped
 *
 * Return: 0, or a negative errno.
 */
int picture_take(struct svff_plan *plan, struct picture *picture)
{
	struct svff_card *card = plan->card;
	unsigned int vf;
	int ret = 0;
	size_t i;

	picture_clear(picture);
	picture->room = card->vfs_total;
	picture->vfs = card->vfs;
	picture->vf = calloc(picture->room + 1, sizeof(*picture->vf));
	if (!picture->vf)
		return svff_fail(card->ctx, -ENOMEM, "card %s: out of memory", card->address);
	if (sysfs_read_int(card->ctx, &picture->autoprobe, PF_DIR "sriov_drivers_autoprobe", card->address))
		picture->autoprobe = -1;
	for (vf = 1; !ret && vf <= picture->room; vf++)
		ret = take_vf(card, picture, vf);
	for (i = 0; !ret && i < card->state.count; i++)
		ret = take_owner(plan, picture, &card->state.owner[i]);
	return ret;
}

/**
 * plan_take_pictures() - take a picture of a plan's card, and a copy to paint into what is wanted
 * @plan: the plan, begun
 *
 * Return: 0, or a negative errno.
 */
int plan_take_pictures(struct svff_plan *plan)
{
	int ret = picture_take(plan, &plan->now);

	if (!ret && picture_copy(&plan->to, &plan->now))
		ret = svff_fail(plan->ctx, -ENOMEM, "card %s: out of memory", plan->card->address);
	return ret;
}

static void add_text(struct json_object *object, const char *key, const char *text)
{
	if (text && *text)
		json_object_object_add(object, key, json_object_new_string(text));
}

static struct json_object *encode_vf(const struct vf_picture *pic, unsigned int vf)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "vf", json_object_new_int(vf));
	json_object_object_add(object, "queues", json_object_new_int(pic->queues));
	add_text(object, "driver", pic->bound.driver);
	add_text(object, "override", pic->bound.override);
	if (pic->use != VF_FREE)
		add_text(object, "use", use_names[pic->use]);
	add_text(object, "guest", pic->guest);
	add_text(object, "device", pic->id);
	add_text(object, "bus", pic->bus);
	return object;
}

/**
 * picture_encode() - a picture as JSON
 * @picture: the picture
 *
 * Return: an object; picture_decode() reads it.
 */
struct json_object *picture_encode(const struct picture *picture)
{
	struct json_object *root = json_object_new_object(), *list = json_object_new_array();
	unsigned int vf;

	json_object_object_add(root, "vfs", json_object_new_int(picture->vfs));
	json_object_object_add(root, "room", json_object_new_int(picture->room));
	json_object_object_add(root, "autoprobe", json_object_new_int(picture->autoprobe));
	for (vf = 1; vf <= picture->room; vf++)
		json_object_array_add(list, encode_vf(picture_vf(picture, vf), vf));
	json_object_object_add(root, "vf", list);
	return root;
}

static int decode_vf(struct picture *picture, struct json_object *object)
{
	struct vf_picture *pic;
	const char *use = svff_json_text(object, "use");
	unsigned int vf, i;

	if (svff_json_uint(object, "vf", picture->room, &vf) || !vf)
		return -EBADMSG;
	pic = picture_vf(picture, vf);
	if (svff_json_uint(object, "queues", INT_MAX, &pic->queues))
		return -EBADMSG;
	svff_copy(pic->bound.driver, sizeof(pic->bound.driver), svff_json_text(object, "driver"));
	svff_copy(pic->bound.override, sizeof(pic->bound.override), svff_json_text(object, "override"));
	for (i = 0; i < ARRAY_SIZE(use_names); i++)
		if (!strcmp(use, use_names[i]))
			pic->use = i;
	if (!*svff_json_text(object, "guest"))
		return pic->use == VF_ATTACHED || pic->use == VF_PAUSED ? -EBADMSG : 0;
	return picture_set_guest(picture, vf, svff_json_text(object, "guest"), svff_json_text(object, "device"),
				 svff_json_text(object, "bus"), pic->use);
}

/**
 * picture_decode() - a picture from JSON
 * @root: from picture_encode(), by way of a file that may hold anything
 * @picture: result; what it was is dropped
 *
 * Return: 0, -EBADMSG if it is no picture, or -ENOMEM.
 */
int picture_decode(struct json_object *root, struct picture *picture)
{
	struct json_object *list;
	unsigned int probe;
	size_t i;
	int ret = 0;

	picture_clear(picture);
	if (svff_json_uint(root, "vfs", SVFF_VF_MAX, &picture->vfs) ||
	    svff_json_uint(root, "room", SVFF_VF_MAX, &picture->room) ||
	    !json_object_object_get_ex(root, "vf", &list) || !json_object_is_type(list, json_type_array) ||
	    picture->vfs > picture->room) {
		picture->room = 0;
		return -EBADMSG;
	}
	picture->autoprobe = svff_json_uint(root, "autoprobe", 1, &probe) ? -1 : (int)probe;
	picture->vf = calloc(picture->room + 1, sizeof(*picture->vf));
	if (!picture->vf) {
		picture->room = 0;
		return -ENOMEM;
	}
	for (i = 0; !ret && i < json_object_array_length(list); i++)
		ret = decode_vf(picture, json_object_array_get_idx(list, i));
	return ret;
}
