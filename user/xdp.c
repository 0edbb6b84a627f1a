/* SPDX-License-Identifier: GPL-2.0-only */
/* xdp.c - see xdp.h. The only user of the skeleton. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "pscan.skel.h"
#include "pscan_slot.skel.h"
#include "xdp.h"
#include "xdp_maps.h"
#include "xdp_probe.h"

/* What is pinned under which name, and what tells a map of ours from any other. */
static const struct map_shape {
	const char *name;
	__u32 type, key_bytes, value_bytes;
} map_shapes[XDP_MAP_MAX] = {
#define INDEX sizeof(__u32)
#define PREFIX BPF_MAP_TYPE_LPM_TRIE, sizeof(struct ps_prefix)
#define ADDR sizeof(union ps_addr)
	[XDP_MAP_CONFIG] = { "config", BPF_MAP_TYPE_ARRAY, INDEX, sizeof(struct ps_config) },
	[XDP_MAP_COUNTERS] = { "counters", BPF_MAP_TYPE_PERCPU_ARRAY, INDEX,
			       sizeof(struct ps_counters) },
	[XDP_MAP_MARKS] = { "marks", BPF_MAP_TYPE_ARRAY, INDEX, sizeof(__u64) },
	[XDP_MAP_BUCKETS] = { "buckets", BPF_MAP_TYPE_ARRAY, INDEX, sizeof(struct ps_bucket) },
	[XDP_MAP_FLOWS] = { "flows", BPF_MAP_TYPE_ARRAY, INDEX, sizeof(__u64) },
	[XDP_MAP_TRIES] = { "tries", BPF_MAP_TYPE_ARRAY, INDEX, sizeof(struct ps_tries) },
	[XDP_MAP_BLOCKS] = { "blocks", BPF_MAP_TYPE_LRU_HASH, ADDR, sizeof(struct ps_block) },
	[XDP_MAP_RECENT] = { "recent", BPF_MAP_TYPE_PERCPU_ARRAY, INDEX,
			     sizeof(struct ps_recent) },
	[XDP_MAP_ALLOW] = { "allow", PREFIX, sizeof(struct ps_allow) },
	[XDP_MAP_DENY] = { "deny", PREFIX, sizeof(struct ps_deny) },
	[XDP_MAP_DST] = { "dst", PREFIX, sizeof(__u8) },
	[XDP_MAP_LOCALS] = { "locals", BPF_MAP_TYPE_HASH, ADDR, sizeof(__u8) },
	[XDP_MAP_PORTS] = { "ports", BPF_MAP_TYPE_LRU_HASH, sizeof(struct ps_port_key),
			    sizeof(__u64) },
	[XDP_MAP_EVENTS] = { "events", BPF_MAP_TYPE_RINGBUF, 0, 0 },
	[XDP_MAP_CONTACTS] = { "contacts", BPF_MAP_TYPE_RINGBUF, 0, 0 },
	[XDP_MAP_OFFENDERS] = { "offenders", BPF_MAP_TYPE_LRU_HASH, ADDR,
				sizeof(struct ps_offender) },
#undef INDEX
#undef PREFIX
#undef ADDR
};

/* libbpf's own words go to -v; the user gets ours. */
static int libbpf_log(enum libbpf_print_level level, const char *format, va_list args)
{
	char line[512];

	if (!log_verbose || level == LIBBPF_DEBUG)
		return 0;
	vsnprintf(line, sizeof(line), format, args);
	line[strcspn(line, "\n")] = '\0';
	log_debug("%s", line);
	return 0;
}

/* ---- the pin folder -------------------------------------------------- */

static int ensure_bpffs(void)
{
	struct statfs fs;

	if (statfs(XDP_BPFFS, &fs) == 0 && (unsigned long)fs.f_type == XDP_BPFFS_MAGIC)
		return 0;
	if (mount("bpf", XDP_BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") == 0) {
		log_debug("mounted bpffs on %s", XDP_BPFFS);
		return 0;
	}
	log_error("cannot mount bpffs on %s: %s; run as root, or mount it first", XDP_BPFFS,
		  strerror(errno));
	return -errno;
}

void xdp_map_pin(enum xdp_map map, char out[128])
{
	snprintf(out, 128, XDP_ROOT "/%s", map_shapes[map].name);
}

static bool config_fits(int fd)
{
	struct ps_config cfg;

	return bpf_map_lookup_elem(fd, &(__u32){ 0 }, &cfg) == 0 && cfg.magic == PS_ABI_MAGIC &&
	       cfg.version == PS_ABI_VERSION;
}

int xdp_check_map(int fd, enum xdp_map map)
{
	const struct map_shape *shape = &map_shapes[map];
	struct bpf_map_info info = {};
	__u32 bytes = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &bytes) == 0 && info.type == shape->type &&
	    info.key_size == shape->key_bytes && info.value_size == shape->value_bytes &&
	    (map != XDP_MAP_CONFIG || config_fits(fd)))
		return 0;
	log_error("%s holds something else than this version's maps (see '%s'); if nothing you need "
		  "is there, `pscan-xdp detach --all` removes it", XDP_ROOT, shape->name);
	return -EPROTO;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void xdp_close(struct xdp *xdp)
{
	if (!xdp)
		return;
	for (int i = 0; i < XDP_MAP_MAX; i++)
		close_fd(&xdp->fd[i]);
	close_fd(&xdp->prog);
	close_fd(&xdp->root);
	close_fd(&xdp->lists);
	free(xdp);
}

struct xdp *xdp_new(void)
{
	struct xdp *xdp = calloc(1, sizeof(*xdp));

	if (!xdp)
		return NULL;
	for (int i = 0; i < XDP_MAP_MAX; i++)
		xdp->fd[i] = -1;
	xdp->prog = -1;
	xdp->root = -1;
	xdp->lists = -1;
	libbpf_set_print(libbpf_log);
	return xdp;
}

/* ---- load and adopt --------------------------------------------------- */

static int open_root(struct xdp *xdp)
{
	int err;

	if (mkdir(XDP_ROOT, 0700) && errno != EEXIST) {
		err = -errno;
		log_error("cannot create %s: %s%s", XDP_ROOT, strerror(-err),
			  err == -EACCES || err == -EPERM ? "; run as root" : "");
		return err;
	}
	xdp->root = open(XDP_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (xdp->root < 0) {
		err = -errno;
		log_error("cannot open the pin folder %s: %s%s", XDP_ROOT, strerror(-err),
			  err == -ENOTDIR ? "; remove what is there if nobody needs it" :
			  err == -EACCES || err == -EPERM ? "; run as root" : "");
		return err;
	}
	return flock(xdp->root, LOCK_EX | LOCK_NB) ? -EBUSY : 0;
}

/* Only one loader reads the events and sweeps the blocks. The lock dies with its process. */
static int lock_root(struct xdp *xdp)
{
	int err = open_root(xdp);

	/* A loader that ended meanwhile took the folder along: what is locked then is nobody's. */
	while (!err && !xdp_holds_pins(xdp)) {
		close_fd(&xdp->root);
		err = open_root(xdp);
	}
	return err;
}

static void fresh_config(const struct xdp_load_options *o, struct ps_config *cfg)
{
	memset(cfg, 0, sizeof(*cfg));
	cfg->magic = PS_ABI_MAGIC;
	cfg->version = PS_ABI_VERSION;
	randombytes_buf(&cfg->seed, sizeof(cfg->seed));
	randombytes_buf(cfg->flow_key, sizeof(cfg->flow_key));
	cfg->flow_key[0] |= 1;
	cfg->flow_key[1] |= 1;
	cfg->started_ns = xdp_now_ns();
	cfg->mark_bits = (__u8)(o->mark_bits ? o->mark_bits : PS_MARK_BITS);
	cfg->bucket_bits = (__u8)(o->bucket_bits ? o->bucket_bits : PS_BUCKET_BITS);
	cfg->flow_bits = PS_FLOW_BITS;
}

/* Writes the rule that was asked for; the rest of what exists is not the loader's alone. */
static int configure(struct xdp *xdp, const struct xdp_load_options *o, struct ps_config *fresh)
{
	struct ps_config *cfg;

	if (!xdp->adopted) {
		fresh->rule = o->rule;
		fresh->save_ports = o->save_ports;
		fresh->probe_rate = o->probe_rate;
		return xdp_config_set(xdp, fresh);
	}
	cfg = xdp_config_map(xdp);
	if (!cfg)
		return -errno;
	cfg->rule = o->rule;
	cfg->save_ports = o->save_ports;
	cfg->probe_rate = o->probe_rate;
	cfg->loader_pid = 0; /* announce() */
	xdp_config_unmap(cfg);
	return 0;
}

/* Sizes and pins of the maps, before load. */
static int prepare_maps(struct pscan_bpf *skel, const struct ps_config *cfg,
			const struct xdp_load_options *o)
{
	char path[128];
	int err = 0;

	bpf_map__set_max_entries(skel->maps.marks, 1U << cfg->mark_bits);
	bpf_map__set_max_entries(skel->maps.buckets, 1U << cfg->bucket_bits);
	if (o->blocks_max) {
		bpf_map__set_type(skel->maps.blocks, BPF_MAP_TYPE_HASH);
		bpf_map__set_max_entries(skel->maps.blocks, o->blocks_max);
	}
	for (int i = 0; !o->unpinned && !err && i < XDP_MAP_MAX; i++) {
		xdp_map_pin((enum xdp_map)i, path);
		err = bpf_map__set_pin_path(
			bpf_object__find_map_by_name(skel->obj, map_shapes[i].name), path);
	}
	return err;
}

static int dup_fds(struct xdp *xdp, struct pscan_bpf *skel)
{
	for (int i = 0; i < XDP_MAP_MAX; i++) {
		xdp->fd[i] = dup(bpf_object__find_map_fd_by_name(skel->obj, map_shapes[i].name));
		if (xdp->fd[i] < 0)
			return -errno;
	}
	xdp->prog = dup(bpf_program__fd(skel->progs.pscan));
	return xdp->prog < 0 ? -errno : 0;
}

static int explain_load(int err)
{
	char used[XDP_PROBE_TEXT_BYTES], missing[XDP_PROBE_TEXT_BYTES];

	if (err == -EPERM || err == -EACCES)
		log_error("cannot load the XDP program: no permission; run as root");
	else if (access("/sys/kernel/btf/vmlinux", R_OK))
		log_error("cannot load the XDP program: this kernel has no BTF "
			  "(/sys/kernel/btf/vmlinux); kernels from 6.1 with CONFIG_DEBUG_INFO_BTF do");
	else if (!xdp_probe(used, missing))
		log_error("cannot load the XDP program: this kernel lacks %s; kernels from 6.1 on "
			  "have all it needs", missing);
	else
		log_error("cannot load the XDP program: %s; `pscan-xdp check` says what this kernel "
			  "lacks, -v shows the kernel's words", strerror(-err));
	return err;
}

/* What the program does without where this kernel lacks it. */
static void fit(struct bpf_program *prog, bool *have_conntrack, __u64 ticks[2])
{
	*have_conntrack = xdp_probe_conntrack();
	xdp_probe_ticks(ticks);
	bpf_program__set_flags(prog, BPF_F_XDP_HAS_FRAGS);
}

static int load_skeleton(struct xdp *xdp, const struct xdp_load_options *o)
{
	struct pscan_bpf *skel = NULL;
	struct ps_config cfg;
	int err;

	fresh_config(o, &cfg);
	if (xdp->adopted) {
		err = xdp_config_get(xdp, &cfg);
		close_fd(&xdp->fd[XDP_MAP_CONFIG]);
		if (!err && o->bucket_bits && o->bucket_bits != cfg.bucket_bits) {
			log_error("the tables in use hold %u sources, which cannot change while they "
				  "are pinned; `pscan-xdp detach --all` forgets them",
				  PS_WAYS << cfg.bucket_bits);
			err = -EPROTO;
		}
		if (err)
			goto out;
	}
	skel = pscan_bpf__open();
	if (!skel) {
		err = explain_load(-errno);
		goto out;
	}
	skel->rodata->test_clock = o->test_clock;
	skel->rodata->with_cookies = o->rule.unproven == PS_UNPROVEN_COOKIE;
	fit(skel->progs.pscan, &skel->rodata->have_conntrack, skel->rodata->ticks);
	err = prepare_maps(skel, &cfg, o);
	if (!err)
		err = pscan_bpf__load(skel);
	if (err) {
		explain_load(err);
		goto out;
	}
	err = dup_fds(xdp, skel);
	if (!err)
		err = configure(xdp, o, &cfg);
	if (err)
		log_error("cannot set up the XDP program's maps: %s", strerror(-err));
out:
	pscan_bpf__destroy(skel);
	return err;
}

static int pin_prog(const struct xdp *xdp)
{
	int err;

	unlink(XDP_PROG_PIN);
	if (bpf_obj_pin(xdp->prog, XDP_PROG_PIN) == 0)
		return 0;
	err = -errno;
	log_error("cannot pin the program at %s: %s", XDP_PROG_PIN, strerror(-err));
	return err;
}

/* Everything is in its place: who waits in xdp_await_loader() may join. */
static int announce(const struct xdp *xdp)
{
	struct ps_config *cfg = xdp_config_map(xdp);
	int err;

	if (!cfg) {
		err = -errno;
		log_error("cannot set up the XDP program's maps: %s", strerror(-err));
		return err;
	}
	__atomic_store_n(&cfg->loader_pid, (__u32)getpid(), __ATOMIC_RELEASE);
	xdp_config_unmap(cfg);
	return 0;
}

/* Made by a loader that was killed before it wrote the rule: no record, no link, never in use. */
static bool half_made(int config_fd)
{
	static const struct ps_config zero;
	struct bpf_map_info info = {};
	__u32 bytes = sizeof(info);
	struct xdp_link link;
	struct ps_config cfg;

	return bpf_obj_get_info_by_fd(config_fd, &info, &bytes) == 0 &&
	       info.type == BPF_MAP_TYPE_ARRAY && info.value_size == sizeof(cfg) &&
	       bpf_map_lookup_elem(config_fd, &(__u32){ 0 }, &cfg) == 0 &&
	       memcmp(&cfg, &zero, sizeof(cfg)) == 0 && xdp_links(&link, 1) == 0;
}

static void unpin_maps(void)
{
	char path[128];

	for (int i = 0; i < XDP_MAP_MAX; i++) {
		xdp_map_pin((enum xdp_map)i, path);
		unlink(path);
	}
}

/* Looks whether maps are pinned already and may be taken over. Holds the loader's lock. */
static int find_pinned(struct xdp *xdp)
{
	char path[128];
	int err = 0;

	for (int i = 0; i < XDP_MAP_MAX && !err; i++) {
		int fd;

		xdp_map_pin((enum xdp_map)i, path);
		fd = bpf_obj_get(path);
		if (fd < 0 && errno == ENOENT)
			continue; /* is made anew */
		if (i == XDP_MAP_CONFIG && half_made(fd)) {
			close(fd);
			unpin_maps();
			return 0;
		}
		err = xdp_check_map(fd, (enum xdp_map)i);
		if (!err && i == XDP_MAP_CONFIG) {
			xdp->fd[i] = fd;
			xdp->adopted = true;
		} else if (fd >= 0) {
			close(fd);
		}
	}
	return err;
}

int xdp_load(const struct xdp_load_options *options, struct xdp **out)
{
	struct xdp *xdp = xdp_new();
	int err = 0;

	if (!xdp)
		return -ENOMEM;
	if (!options->unpinned) {
		err = ensure_bpffs();
		if (!err)
			err = lock_root(xdp);
		if (!err)
			err = find_pinned(xdp);
		if (!err)
			err = xdp_lists_open(xdp);
	}
	if (!err)
		err = load_skeleton(xdp, options);
	if (!err && !options->unpinned)
		err = xdp_swap(xdp);
	if (!err && !options->unpinned)
		err = pin_prog(xdp);
	if (!err)
		err = announce(xdp);
	if (err) {
		bool ours = !options->unpinned && !xdp->adopted && err != -EBUSY && err != -EPROTO;

		/* The lock goes last: nobody may begin on what is being removed. */
		if (ours)
			xdp_release_if_unused();
		xdp_close(xdp);
		return err;
	}
	*out = xdp;
	return 0;
}

struct bpf_object *xdp_open_object(const struct xdp *xdp)
{
	struct pscan_slot_bpf__rodata rodata;
	struct bpf_object *obj;
	struct bpf_map *map;
	const void *elf;
	size_t bytes;
	int err = 0;

	elf = pscan_slot_bpf__elf_bytes(&bytes);
	obj = bpf_object__open_mem(elf, bytes, NULL);
	if (!obj)
		return NULL;
	for (int i = 0; i < XDP_MAP_MAX && !err; i++)
		err = bpf_map__reuse_fd(bpf_object__find_map_by_name(obj, map_shapes[i].name),
					xdp->fd[i]);
	map = bpf_object__find_map_by_name(obj, ".rodata");
	rodata = *(const struct pscan_slot_bpf__rodata *)bpf_map__initial_value(map, &bytes);
	fit(bpf_object__find_program_by_name(obj, XDP_PROG_NAME), &rodata.have_conntrack,
	    rodata.ticks);
	bpf_map__set_initial_value(map, &rodata, bytes);
	if (!err)
		return obj;
	bpf_object__close(obj);
	errno = -err;
	return NULL;
}

int xdp_try_load(int *extension)
{
	struct xdp *xdp = xdp_new();
	struct pscan_bpf *skel = NULL;
	int err = -ENOMEM;

	if (!xdp)
		goto out;
	skel = pscan_bpf__open();
	if (!skel) {
		err = -errno;
		goto out;
	}
	fit(skel->progs.pscan, &skel->rodata->have_conntrack, skel->rodata->ticks);
	err = pscan_bpf__load(skel);
	if (!err)
		err = dup_fds(xdp, skel);
	if (!err)
		*extension = xdp_try_extension(xdp);
out:
	pscan_bpf__destroy(skel);
	xdp_close(xdp);
	return err;
}
