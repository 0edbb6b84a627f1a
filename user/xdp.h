/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * xdp.h - the life cycle of the XDP program: load, attach, pin, adopt, detach.
 *
 * One host has one set of maps, shared by every interface it is attached to
 * and pinned under XDP_ROOT, so that killing the loader ends nothing and the
 * next one goes on where it stopped. The folder carries the layout's version:
 * other versions are refused, never misread.
 *
 * Functions return 0 or a negative errno, and print the one line that names
 * what failed unless said otherwise.
 */
#ifndef PSCAN_USER_XDP_H
#define PSCAN_USER_XDP_H

#include <net/if.h>
#include <pscan/abi.h>
#include <sys/types.h>

#define XDP_BPFFS "/sys/fs/bpf"
#define XDP_BPFFS_MAGIC 0xcafe4a11 /* linux/magic.h BPF_FS_MAGIC */
#define XDP_ROOT XDP_BPFFS "/pscan-xdp-v5" /* 5: PS_ABI_VERSION */
#define XDP_PROG_PIN XDP_ROOT "/prog"
#define XDP_PROBE_RATE 20000 /* xdp_load_options.probe_rate of `attach` */
#define XDP_PROBE_RATE_MAX 100000000 /* more than a port of 40 Gbit/s brings */
#define XDP_PROG_NAME "pscan"

enum xdp_mode {
	XDP_MODE_AUTO,		/* native where the driver can, else generic */
	XDP_MODE_NATIVE,
	XDP_MODE_GENERIC,
};

enum xdp_map {
	XDP_MAP_CONFIG,
	XDP_MAP_COUNTERS,
	XDP_MAP_MARKS,
	XDP_MAP_BUCKETS,
	XDP_MAP_FLOWS,
	XDP_MAP_TRIES,
	XDP_MAP_BLOCKS,
	XDP_MAP_RECENT,
	XDP_MAP_ALLOW,
	XDP_MAP_DENY,
	XDP_MAP_DST,
	XDP_MAP_LOCALS,
	XDP_MAP_PORTS,
	XDP_MAP_EVENTS,
	XDP_MAP_CONTACTS,
	XDP_MAP_OFFENDERS,
	XDP_MAP_MAX
};

/* What sources did and what is held against them: `stats`, `status`, `why` and lists. */
#define XDP_MAPS_SHARED \
	(1U << XDP_MAP_CONFIG | 1U << XDP_MAP_COUNTERS | 1U << XDP_MAP_BUCKETS | \
	 1U << XDP_MAP_BLOCKS | 1U << XDP_MAP_RECENT | 1U << XDP_MAP_ALLOW | \
	 1U << XDP_MAP_DENY | 1U << XDP_MAP_PORTS)

struct xdp {
	int fd[XDP_MAP_MAX];	/* maps; -1 when not open */
	int root;		/* pin folder, for the loader's lock; -1 when pinned nowhere */
	int lists;		/* folder whose lock edits of the lists take; -1 as above */
	int prog;		/* loaded program; -1 when only the maps are open */
	bool adopted;		/* the maps were there before */
};

struct xdp_load_options {
	struct ps_rule rule;
	unsigned int bucket_bits;	/* 0: PS_BUCKET_BITS */
	unsigned int mark_bits;		/* 0: PS_MARK_BITS */
	bool save_ports;
	unsigned int probe_rate;	/* 0: every probe passes that is not blocked */
	unsigned int blocks_max;	/* 0: PS_BLOCKS_MAX, the least active make room; else
					 * nobody makes room for more; tests only */
	bool test_clock;		/* time from config.test_now_ns; tests only */
	bool unpinned;			/* maps live as long as this process; tests and replay */
};

/* Where pscan-xdp is attached. */
struct xdp_link {
	char ifname[IF_NAMESIZE];	/* as it is called now; "" when it is gone */
	unsigned int ifindex;
	bool elsewhere;			/* it went to another network namespace, and the program along */
	bool native;
	__u32 prog_id;
	__u32 dispatcher;		/* program that runs it among others; 0: attached by itself */
	unsigned int place, programs;	/* ... as which of how many, counted from 1 */
};

/*
 * Loads the program and its maps, new or (when pinned ones exist) adopting
 * them, takes the loader's lock, and swaps the program under every link that
 * is already there, atomically. Mounts bpffs when it is missing.
 * Return: 0; -EBUSY when another loader runs; -EPROTO when the pin folder is
 * not ours or of another layout; else as the kernel says. @out on success only.
 */
int xdp_load(const struct xdp_load_options *options, struct xdp **out);

/* Opens the pinned maps. -ENOENT (said) when pscan-xdp is attached nowhere. */
int xdp_open(struct xdp **out);

/* Opens for reading those of them that xdp_share() shows to a group; the others are -1. */
int xdp_open_reader(struct xdp **out);

/* Nothing open yet; NULL: no memory. For who fills it. */
struct xdp *xdp_new(void);

/* Is the map behind @fd, pinned as @map, ours and of this layout? -EPROTO (said) if not. */
int xdp_check_map(int fd, enum xdp_map map);

/* Closes what is open here; pins stay. Accepts NULL. */
void xdp_close(struct xdp *xdp);

/*
 * Could xdp_attach() do its work there: the interface exists, is up, and runs
 * nobody else's program but a dispatcher that has room. Changes nothing, so
 * ask before xdp_load().
 */
int xdp_attachable(const char *ifname);

/*
 * Attaches the loaded (or pinned) program to an interface and pins the link,
 * or joins the dispatcher that runs there. Never replaces anybody's program.
 * @dispatcher  make a dispatcher where nothing runs, which others can join
 * @link        out: where and how
 */
int xdp_attach(const struct xdp *xdp, const char *ifname, enum xdp_mode mode, bool dispatcher,
	       struct xdp_link *link);

/*
 * Puts the loaded program under every interface that is attached, with no
 * packet between the old and the new one that neither sees. Among a
 * dispatcher's programs both run for the moment that it takes.
 */
int xdp_swap(const struct xdp *xdp);

/* Detaches one interface. -ENOENT (said) when it was not attached. */
int xdp_detach(unsigned int ifindex, const char *ifname);

/* Every interface, then the maps. Nothing there is no error. */
int xdp_detach_all(void);

/* Removes the maps' pins when no link is left. Return: links left. */
int xdp_release_if_unused(void);

/*
 * The links that are pinned.
 * @links  out: array of @max
 * Return: how many there are, or a negative errno; silent.
 */
int xdp_links(struct xdp_link *links, int max);

/*
 * Is the pin folder still the one that this loader locked? Not after `detach`
 * took everything away, nor when another loader made a new one since.
 */
bool xdp_holds_pins(const struct xdp *xdp);

/* It is not, but nobody removed it: bpffs was unmounted, or something mounted over it. */
bool xdp_pins_hidden(const struct xdp *xdp);

/* The pid of the loader that holds the lock, 0 when none does. Silent. */
__u32 xdp_loader(void);

/*
 * After xdp_load() said -EBUSY: waits until the other loader's program can be joined.
 * 0; -ESRCH (silent) when it went away instead, so that loading may be tried again;
 * -ETIMEDOUT (said).
 */
int xdp_await_loader(void);

/* The pinned program, for attaching one more interface beside a running loader. */
int xdp_open_prog(struct xdp *xdp);

/*
 * Lets a group read XDP_MAPS_SHARED, and pass through the folders on the way there;
 * 0: nobody but the owner again. The last xdp_release_if_unused() takes bpffs back.
 */
int xdp_share(gid_t gid);

/* Closes bpffs to the group that xdp_share() opened it for. Before XDP_ROOT goes; silent. */
void xdp_unshare_bpffs(void);

/* Where a map is pinned. */
void xdp_map_pin(enum xdp_map map, char out[128]);

/* Where the link of an interface is pinned. By number: names may hold '.', which
 * bpffs refuses, and may change. */
void xdp_link_pin(unsigned int ifindex, char out[128]);

/* The XDP program that an interface runs: its id, 0 for none, and its name ("" unknown). Silent. */
__u32 xdp_attached_program(unsigned int ifindex, char name[32]);

/*
 * Loads the program into the kernel and lets go of it again: the verifier's
 * word before anything is attached. 0 or a negative errno; silent.
 * @extension  out: the same for the program as an extension of another, which
 *             is how a dispatcher runs it
 */
int xdp_try_load(int *extension);

/*
 * The program once more as a dispatcher takes it (bpf/pscan_slot.bpf.c), not loaded,
 * over the same maps; bpf_object__close() it. NULL: errno.
 */
struct bpf_object *xdp_open_object(const struct xdp *xdp);

/* A loaded program's run through BPF_PROG_TEST_RUN. @ns, when not NULL, gets the mean duration. */
int xdp_test_run(const struct xdp *xdp, const void *frame, __u32 bytes, __u32 ifindex,
		 __u32 repeat, __u32 *verdict, __u32 *ns);

/* The clock of config, records and events: CLOCK_MONOTONIC, in ns. */
__u64 xdp_now_ns(void);

#endif
