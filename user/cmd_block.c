/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cmd_block.c - `block`: an operator's blocks, and the detector's beside them.
 * An operator's block is hard: everything from the source is dropped.
 */
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
	"Blocks sources by hand, lists all blocks, and lifts them.\v"
	"`del` and `flush` lift the detector's blocks as well; a source that goes on scanning is "
	"blocked again.";

/* ---- add ----------------------------------------------------------------- */

struct overlap {
	const struct prefix *wanted;
	__u64 now_ns;
};

static int guards(const struct prefix *prefix, const struct ps_allow *value, void *data)
{
	const struct overlap *o = data;
	char block[PREFIX_TEXT_BYTES], guard[PREFIX_TEXT_BYTES];

	if (value->until_ns && value->until_ns <= o->now_ns)
		return 0;
	if (!prefix_covers(o->wanted, &prefix->addr) &&
	    !(prefix->bits <= o->wanted->bits && prefix_covers(prefix, &o->wanted->addr)))
		return 0;
	log_error("not blocking %s: it covers %s (%s); --force does it all the same",
		  prefix_format(o->wanted, block), prefix_format(prefix, guard),
		  names_allow(value->kind));
	return -EPERM;
}

static int add(const struct xdp *xdp, const struct list_arguments *a)
{
	__u64 now_ns = xdp_now_ns();
	struct ps_deny value = { .since_ns = now_ns,
				 .until_ns = a->time_ns ? now_ns + a->time_ns : 0 };
	char text[PREFIX_TEXT_BYTES];
	int err = list_lock(xdp);

	if (err)
		return err;
	for (unsigned int i = 0; i < a->n && !err && !a->force; i++)
		err = xdp_each_allow(xdp, guards, &(struct overlap){ &a->prefix[i], now_ns });
	if (err == -EPERM)
		goto out;
	for (unsigned int i = 0; i < a->n && !err; i++) {
		err = xdp_deny_add(xdp, &a->prefix[i], &value);
		if (err)
			log_error("cannot block %s: %s", prefix_format(&a->prefix[i], text),
				  err == -ENOSPC ? "the list is full (65536 prefixes)" :
						   strerror(-err));
	}
out:
	xdp_lists_unlock(xdp);
	return err;
}

/* ---- del and flush -------------------------------------------------------- */

static int del(const struct xdp *xdp, const struct list_arguments *a)
{
	char text[PREFIX_TEXT_BYTES];
	int err = list_lock(xdp);

	if (err)
		return err;
	for (unsigned int i = 0; i < a->n; i++) {
		int by_hand = xdp_deny_del(xdp, &a->prefix[i]), lifted = xdp_blocks_lift(xdp, &a->prefix[i]);

		if (by_hand == 0 || lifted > 0)
			continue;
		err = by_hand;
		log_error("%s is not blocked; `pscan-xdp block list` shows what is",
			  prefix_format(&a->prefix[i], text));
	}
	xdp_lists_unlock(xdp);
	return err;
}

static int first_deny(const struct prefix *prefix, const struct ps_deny *value, void *data)
{
	(void)value;
	*(struct prefix *)data = *prefix;
	return 1;
}

static int flush(const struct xdp *xdp)
{
	struct prefix prefix;
	int err = list_lock(xdp), lifted;

	if (err)
		return err;
	while ((err = xdp_each_deny(xdp, first_deny, &prefix)) == 1) {
		err = xdp_deny_del(xdp, &prefix);
		if (err)
			break;
	}
	xdp_lists_unlock(xdp);
	lifted = xdp_blocks_lift(xdp, NULL);
	if (err || lifted < 0)
		log_error("cannot lift every block: %s", strerror(err ? -err : -lifted));
	return err ? err : lifted < 0 ? lifted : 0;
}

/* ---- list ------------------------------------------------------------------ */

struct lister {
	struct json_object *array;	/* NULL: text */
	__u64 now_ns;
	size_t n;
};

/* @block: NULL for an operator's, which needs no proof. */
static void list_one(struct lister *l, const struct prefix *prefix, const char *why,
		     const struct ps_block *block, __u64 until_ns, __u64 packets)
{
	const char *proof = block ? names_proof(block->proof) : NULL;
	char text[PREFIX_TEXT_BYTES], until[48];
	struct json_object *o;

	if (until_ns && until_ns <= l->now_ns)
		return;
	l->n++;
	prefix_format(prefix, text);
	if (!l->array) {
		printf("%-28s %-12s %-10s %12llu dropped   until %s\n", text, why,
		       !block ? "" : block->proof ? proof : "unproven", (unsigned long long)packets,
		       list_until(until_ns, until));
		return;
	}
	o = json_object_new_object();
	json_text(o, "source", text);
	json_text(o, "reason", why);
	json_text(o, "proof", proof);
	json_number(o, "dropped", packets);
	if (until_ns)
		json_span(o, "remaining_s", until_ns - l->now_ns, 1000000000);
	else
		json_text(o, "remaining_s", NULL);
	json_object_array_add(l->array, o);
}

static int on_deny(const struct prefix *prefix, const struct ps_deny *value, void *data)
{
	list_one(data, prefix, "manual", NULL, value->until_ns, value->packets);
	return 0;
}

static int on_block(const union ps_addr *addr, const struct ps_block *block, void *data)
{
	struct prefix prefix = source_prefix(addr);
	char why[32];

	snprintf(why, sizeof(why), "%s scan", names_class(block->class));
	list_one(data, &prefix, why, block, block->until_ns, block->packets);
	return 0;
}

static int list(const struct xdp *xdp, bool json)
{
	struct lister l = { .now_ns = xdp_now_ns(),
			    .array = json ? json_object_new_array() : NULL };
	int err = xdp_each_deny(xdp, on_deny, &l);

	if (!err)
		err = xdp_each_block(xdp, on_block, &l);
	if (err)
		log_error("cannot read the blocks: %s", strerror(-err));
	else if (json)
		json_print(json_object_get(l.array));
	else if (!l.n)
		puts("nothing is blocked");
	json_object_put(l.array);
	return err;
}

int cmd_block(int argc, char **argv)
{
	static struct list_arguments a = { .has_flush = true };
	struct xdp *xdp;
	int err = 0;

	list_parse(argc, argv, doc, &a);
	if (a.verb == LIST_LIST ? xdp_open_reader(&xdp) : xdp_open(&xdp))
		return EXIT_FAILED;
	switch (a.verb) {
	case LIST_ADD:
		err = add(xdp, &a);
		break;
	case LIST_DEL:
		err = del(xdp, &a);
		break;
	case LIST_LIST:
		err = list(xdp, a.json);
		break;
	case LIST_FLUSH:
		err = flush(xdp);
		break;
	}
	xdp_close(xdp);
	return err ? EXIT_FAILED : EXIT_DONE;
}
