/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cmd_check.c - `check [IFACE...]`: what this kernel, driver and privilege set
 * can do, and what would fall short, before anything is attached.
 */
#include <argp.h>
#include <cap-ng.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cmd.h"
#include "conntrack.h"
#include "guard.h"
#include "json_out.h"
#include "names.h"
#include "nic.h"
#include "xdp.h"
#include "xdp_dispatch.h"
#include "xdp_probe.h"

#define INTERFACES_MAX 32
#define LINKS_MAX 64

enum grade { GOOD, SHORT, FAILED };

struct arguments {
	const char *ifname[INTERFACES_MAX];
	unsigned int interfaces;
	bool json;
};

/* Findings go out as they are made; the worst decides the exit code. */
struct checkup {
	struct json_object *array;	/* NULL: text */
	enum grade worst;
};

static const struct argp_option options[] = {
	{ "json", 'j', NULL, 0, "one JSON array", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;

	if (key == 'j') {
		a->json = true;
		return 0;
	}
	if (key != ARGP_KEY_ARG)
		return ARGP_ERR_UNKNOWN;
	if (a->interfaces == INTERFACES_MAX)
		argp_error(state, "more than %d interfaces", INTERFACES_MAX);
	a->ifname[a->interfaces++] = arg;
	return 0;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[IFACE...]",
	.doc = "Says what this kernel, these interfaces and the privileges at hand can do, and what "
	       "would fall short. Attaches nothing. Exit code 1 when attaching would fail.",
};

static void tell(struct checkup *c, enum grade grade, const char *what, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void tell(struct checkup *c, enum grade grade, const char *what, const char *format, ...)
{
	static const char *const words[] = { [GOOD] = "ok", [SHORT] = "limited",
					     [FAILED] = "failed" };
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (grade > c->worst)
		c->worst = grade;
	if (c->array) {
		struct json_object *o = json_object_new_object();

		json_text(o, "check", what);
		json_text(o, "result", words[grade]);
		json_text(o, "detail", text);
		json_object_array_add(c->array, o);
	} else {
		printf("%-8s %-12s %s\n", words[grade], what, text);
	}
}

static void check_kernel(struct checkup *c)
{
	unsigned int major = 0, minor = 0;
	struct utsname u;

	uname(&u);
	sscanf(u.release, "%u.%u", &major, &minor);
	if (major < 6 || (major == 6 && minor < 1))
		tell(c, FAILED, "kernel", "%s; 6.1 is the oldest that is supported", u.release);
	else
		tell(c, GOOD, "kernel", "%s", u.release);
	if (access("/sys/kernel/btf/vmlinux", R_OK) == 0)
		tell(c, GOOD, "BTF", "/sys/kernel/btf/vmlinux");
	else
		tell(c, FAILED, "BTF", "the kernel was built without CONFIG_DEBUG_INFO_BTF");
}

static void check_features(struct checkup *c)
{
	char used[XDP_PROBE_TEXT_BYTES], missing[XDP_PROBE_TEXT_BYTES];

	xdp_probe(used, missing);
	if (missing[0])
		tell(c, FAILED, "features", "missing: %s", missing);
	if (used[0])
		tell(c, GOOD, "features", "%s", used);
}

/* What --unproven cookie takes. */
static void check_cookies(struct checkup *c)
{
	const char *missing = xdp_probe_cookies();

	tell(c, missing ? SHORT : GOOD, "SYN cookies", "%s",
	     missing ? missing : "--unproven cookie can be used");
}

static void check_privilege(struct checkup *c)
{
	bool bpf, admin, mount;

	capng_get_caps_process();
	mount = capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN);
	bpf = mount || (capng_have_capability(CAPNG_EFFECTIVE, CAP_BPF) &&
			capng_have_capability(CAPNG_EFFECTIVE, CAP_PERFMON));
	admin = capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN);
	if (!bpf || !admin)
		tell(c, FAILED, "privilege", "%s%s%s missing; run as root",
		     bpf ? "" : "CAP_BPF or CAP_PERFMON", !bpf && !admin ? " and " : "",
		     admin ? "" : "CAP_NET_ADMIN");
	else if (!mount)
		tell(c, SHORT, "privilege", "no CAP_SYS_ADMIN: bpffs cannot be mounted if it is not");
	else
		tell(c, GOOD, "privilege", "CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN, CAP_SYS_ADMIN");
}

static void check_bpffs(struct checkup *c)
{
	struct statfs fs;

	if (statfs(XDP_BPFFS, &fs))
		tell(c, FAILED, "bpffs", "%s: %s; mount /sys first", XDP_BPFFS, strerror(errno));
	else if ((unsigned long)fs.f_type == XDP_BPFFS_MAGIC)
		tell(c, GOOD, "bpffs", "mounted on %s", XDP_BPFFS);
	else
		tell(c, GOOD, "bpffs", "not mounted; `attach` mounts it on %s", XDP_BPFFS);
}

static void check_program(struct checkup *c)
{
	int extension = 0, err = xdp_try_load(&extension);

	if (err)
		tell(c, FAILED, "program", "the kernel refuses it: %s%s", strerror(-err),
		     err == -EPERM ? "; run as root" : "");
	else
		tell(c, GOOD, "program", "accepted by the verifier");
	if (!err && extension)
		tell(c, SHORT, "dispatcher", "the kernel refuses the program as an extension (freplace): "
		     "%s; it cannot share an interface with other XDP programs", strerror(-extension));
	else if (!err)
		tell(c, GOOD, "dispatcher", "accepted as an extension, too: it can share an interface with "
		     "other XDP programs");
}

static bool says_one(const char *path)
{
	FILE *f = fopen(path, "re");
	bool one = f && fgetc(f) == '1';

	if (f)
		fclose(f);
	return one;
}

/* A host that forwards nothing does without conntrack: its sockets explain what is its own. */
static enum grade without_conntrack(void)
{
	return says_one("/proc/sys/net/ipv4/ip_forward") ||
			       says_one("/proc/sys/net/ipv6/conf/all/forwarding") ? SHORT : GOOD;
}

#define UNJUDGED "what may be an answer to a host behind this one passes unscored"

/* Is forwarded and translated traffic explained, so that the rest of it can be judged. */
static void check_conntrack(struct checkup *c)
{
	struct conntrack *ct = NULL;
	int v4 = -ENODEV, v6 = -ENODEV;

	if (!xdp_probe_conntrack()) {
		tell(c, without_conntrack(), "conntrack", "absent: no nf_conntrack with BTF and a "
		     "look-up for XDP (since 5.18); " UNJUDGED);
		return;
	}
	if (conntrack_open(&ct) == 0) {
		v4 = conntrack_tracks(ct, false);
		v6 = conntrack_tracks(ct, true);
	}
	conntrack_close(ct);
	if (v4 < 0 || v6 < 0)
		tell(c, without_conntrack(), "conntrack", "present; whether it tracks cannot be "
		     "told: %s", strerror(v4 < 0 ? -v4 : -v6));
	else if (!v4 && !v6)
		tell(c, without_conntrack(), "conntrack", "present but not tracking: no rule (NAT, "
		     "ct state) needs it; " UNJUDGED);
	else
		tell(c, v4 && v6 ? GOOD : without_conntrack(), "conntrack", "used: tracks %s",
		     v4 && v6 ? "IPv4 and IPv6" : v4 ? "IPv4, not IPv6" : "IPv6, not IPv4");
}

static void check_native(struct checkup *c, const struct nic *nic)
{
	const char *driver = nic->driver[0] ? nic->driver : "no named driver";

	if (nic->native == NIC_NATIVE_YES)
		tell(c, GOOD, nic->ifname, "%s: native XDP%s", driver,
		     nic->frags ? ", frames of several buffers too" : "");
	else if (nic->native == NIC_NATIVE_NO)
		tell(c, SHORT, nic->ifname, "%s: no native XDP; generic mode works, at several times "
		     "the cost per packet", driver);
	else
		tell(c, SHORT, nic->ifname, "%s: this kernel does not say whether the driver has "
		     "native XDP (6.3 does); `attach` tries and says what it got", driver);
	if (nic->mtu > 3500 && !nic->frags)
		tell(c, SHORT, nic->ifname, "MTU %d: most drivers need a smaller one for native XDP "
		     "without multi-buffer support", nic->mtu);
}

/* What runs there already, if anything. */
static void check_occupant(struct checkup *c, const struct nic *nic)
{
	struct xdp_link links[LINKS_MAX];
	int n = xdp_links(links, LINKS_MAX);

	for (int i = 0; i < n; i++)
		if (links[i].ifindex == nic->ifindex) {
			tell(c, GOOD, nic->ifname, "pscan-xdp is attached (program %u)",
			     links[i].prog_id);
			return;
		}
	if (nic->prog_id && strcmp(nic->prog_name, XDP_DISPATCH_NAME) == 0)
		tell(c, GOOD, nic->ifname, "a libxdp dispatcher (program %u) runs there, which `attach` "
		     "joins", nic->prog_id);
	else if (nic->prog_id)
		tell(c, FAILED, nic->ifname, "the XDP program '%s' (id %u) is in the way, and is not "
		     "replaced", nic->prog_name, nic->prog_id);
}

static void check_interface(struct checkup *c, const char *ifname)
{
	struct nic nic;

	if (nic_read(ifname, &nic)) {
		tell(c, FAILED, ifname, "there is no such interface");
		return;
	}
	if (!nic.up)
		tell(c, FAILED, ifname, "is down; `ip link set %s up` first", ifname);
	check_native(c, &nic);
	check_occupant(c, &nic);
}

/* Who would never be blocked: the person who attaches over SSH wants to know beforehand. */
static void check_guard(struct checkup *c)
{
	static struct guard guard;
	char text[ADDR_TEXT_BYTES];
	unsigned int own = 0;

	guard_collect(&guard);
	for (unsigned int i = 0; i < guard.n; i++) {
		if (guard.entry[i].kind == PS_ALLOW_OWN)
			own++;
		else
			tell(c, GOOD, "never block", "%s (%s)",
			     addr_format(&guard.entry[i].addr, text),
			     names_allow(guard.entry[i].kind));
	}
	tell(c, GOOD, "never block", "%u own addresses", own);
}

int cmd_check(int argc, char **argv)
{
	struct arguments a = { 0 };
	struct checkup c = { 0 };

	if (argp_parse(&argp, argc, argv, 0, NULL, &a))
		return EXIT_USAGE;
	if (a.json)
		c.array = json_object_new_array();
	check_kernel(&c);
	check_privilege(&c);
	check_bpffs(&c);
	check_features(&c);
	check_cookies(&c);
	check_program(&c);
	check_conntrack(&c);
	for (unsigned int i = 0; i < a.interfaces; i++)
		check_interface(&c, a.ifname[i]);
	check_guard(&c);
	if (a.json)
		json_print(c.array);
	return c.worst == FAILED ? EXIT_FAILED : EXIT_DONE;
}
