// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Members of JSON objects that somebody else wrote: of any type, or not there.
 */
#include "priv.h"

#include <errno.h>
#include <json-c/json.h>

/**
 * svff_json_text() - text member of an object
 * @object: the object
 * @key: name of the member
 *
 * Return: the text, empty if there is none; it belongs to @object.
 */
const char *svff_json_text(struct json_object *object, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return "";
	return json_object_get_string(value);
}

/**
 * svff_json_uint() - number member of an object
 * @object: the object
 * @key: name of the member
 * @max: largest that is allowed
 * @value: result
 *
 * Return: 0, or -EBADMSG.
 */
int svff_json_uint(struct json_object *object, const char *key, unsigned int max,
		   unsigned int *value)
{
	struct json_object *member;
	int64_t number;

	if (!json_object_object_get_ex(object, key, &member) ||
	    !json_object_is_type(member, json_type_int))
		return -EBADMSG;
	number = json_object_get_int64(member);
	if (number < 0 || number > max)
		return -EBADMSG;
	*value = number;
	return 0;
}

/**
 * svff_json_args() - object with one or two text members
 * @key1: name of the first
 * @value1: its text
 * @key2: name of the second, or NULL
 * @value2: its text
 *
 * Return: the object.
 */
struct json_object *svff_json_args(const char *key1, const char *value1, const char *key2, const char *value2)
{
	struct json_object *args = json_object_new_object();

	json_object_object_add(args, key1, json_object_new_string(value1));
	if (key2)
		json_object_object_add(args, key2, json_object_new_string(value2));
	return args;
}
