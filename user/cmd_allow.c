/* SPDX-License-Identifier: GPL-2.0-only */
/* cmd_allow.c - `allow`: sources that are neither scored nor blocked. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "cmd_list.h"
#include "json_out.h"
#include "log.h"
#include "names.h"
#include "xdp_maps.h"

static const char doc[] =
	"Keeps the list of sources that are neither scored nor blocked. `list` also shows the "
	"addresses that were found at run time: those are scored, and never blocked.\v"
	"`add` lifts the detector's blocks of the sources it covers; a block made by hand stays.";

static int allow(const struct xdp *xdp, const struct prefix *prefix, const struct ps_allow *value)
{
	char text[PREFIX_TEXT_BYTES];
	int err = xdp_allow_add(xdp, prefix, value), lifted;

	if (err) {
		log_error("cannot allow %s: %s", prefix_format(prefix, text),
			  err == -ENOSPC ? "the list is full (65536 prefixes)" : strerror(-err));
		return err;
	}
	lifted = xdp_blocks_lift(xdp, prefix);
	if (lifted < 0)
		log_error("cannot lift the blocks of %s: %s", prefix_format(prefix, text),
			  strerror(-lifted));
	else if (lifted)
		log_note("%d block%s of %s lifted", lifted, lifted == 1 ? "" : "s",
			 prefix_format(prefix, text));
	return lifted < 0 ? lifted : 0;
}

static int add(const struct xdp *xdp, const struct list_arguments *a)
{
	struct ps_allow value = { .until_ns = a->time_ns ? xdp_now_ns() + a->time_ns : 0,
				  .kind = PS_ALLOW_USER };
	int err = list_lock(xdp);

	if (err)
		return err;
	for (unsigned int i = 0; i < a->n && !err; i++)
		err = allow(xdp, &a->prefix[i], &value);
	xdp_lists_unlock(xdp);
	return err;
}

static int del(const struct xdp *xdp, const struct list_arguments *a)
{
	char text[PREFIX_TEXT_BYTES];
	int err = list_lock(xdp);

	if (err)
		return err;
	for (unsigned int i = 0; i < a->n; i++) {
		if (xdp_allow_del(xdp, &a->prefix[i]) == 0)
			continue;
		err = -ENOENT;
		log_error("%s is not on the allow list; `pscan-xdp allow list` shows it",
			  prefix_format(&a->prefix[i], text));
	}
	if (xdp_allow_refresh(xdp))
		log_debug("the allow list could not be read: its deleted entries cost look-ups on");
	xdp_lists_unlock(xdp);
	return err;
}

struct lister {
	struct json_object *array;	/* NULL: text */
	__u64 now_ns;
};

static int on_allow(const struct prefix *prefix, const struct ps_allow *value, void *data)
{
	char text[PREFIX_TEXT_BYTES], until[48];
	struct lister *l = data;
	struct json_object *o;

	if (value->until_ns && value->until_ns <= l->now_ns)
		return 0;
	prefix_format(prefix, text);
	if (!l->array) {
		printf("%-28s %-10s %s\n", text, names_allow(value->kind),
		       list_until(value->until_ns, until));
		return 0;
	}
	o = json_object_new_object();
	json_text(o, "source", text);
	json_text(o, "kind", names_allow(value->kind));
	if (value->until_ns)
		json_span(o, "remaining_s", value->until_ns - l->now_ns, 1000000000);
	else
		json_text(o, "remaining_s", NULL);
	json_object_array_add(l->array, o);
	return 0;
}

static int list(const struct xdp *xdp, bool json)
{
	struct lister l = { .array = json ? json_object_new_array() : NULL,
			    .now_ns = xdp_now_ns() };
	int err = xdp_each_allow(xdp, on_allow, &l);

	if (err)
		log_error("cannot read the allow list: %s", strerror(-err));
	else if (json)
		json_print(json_object_get(l.array));
	json_object_put(l.array);
	return err;
}

int cmd_allow(int argc, char **argv)
{
	static struct list_arguments a;
	struct xdp *xdp;
	int err = 0;

	list_parse(argc, argv, doc, &a);
	if (a.verb == LIST_LIST ? xdp_open_reader(&xdp) : xdp_open(&xdp))
		return EXIT_FAILED;
	if (a.verb == LIST_ADD)
		err = add(xdp, &a);
	else if (a.verb == LIST_DEL)
		err = del(xdp, &a);
	else
		err = list(xdp, a.json);
	xdp_close(xdp);
	return err ? EXIT_FAILED : EXIT_DONE;
}
