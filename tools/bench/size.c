/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * size.c - what the XDP program asks of the verifier and of the instruction
 * cache: instructions walked, bytes of machine code, of all and of each function, as
 * shipped, with SYN cookies and for a dispatcher; and the same of another object's
 * first program. Prints one object of JSON.
 *
 * usage: size [XDP-FILTER.o]
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "json_out.h"
#include "rule.h"
#include "xdp_maps.h"

#define FUNCTIONS_MAX 64

static void add_functions(struct json_object *o, int prog)
{
	struct bpf_func_info functions[FUNCTIONS_MAX];
	__u32 lens[FUNCTIONS_MAX], bytes;
	struct bpf_prog_info info = { .nr_jited_func_lens = FUNCTIONS_MAX,
				      .jited_func_lens = (__u64)(unsigned long)lens,
				      .nr_func_info = FUNCTIONS_MAX,
				      .func_info_rec_size = sizeof(functions[0]),
				      .func_info = (__u64)(unsigned long)functions };
	struct btf *btf;

	bytes = sizeof(info);
	if (bpf_obj_get_info_by_fd(prog, &info, &bytes) ||
	    info.nr_func_info != info.nr_jited_func_lens || info.nr_func_info > FUNCTIONS_MAX)
		return;
	btf = btf__load_from_kernel_by_id(info.btf_id);
	for (__u32 i = 0; btf && i < info.nr_func_info; i++) {
		const struct btf_type *type = btf__type_by_id(btf, functions[i].type_id);

		json_number(o, btf__name_by_offset(btf, type->name_off), lens[i]);
	}
	btf__free(btf);
}

static struct json_object *size_of(int prog)
{
	struct json_object *o = json_object_new_object(), *functions = json_object_new_object();
	struct bpf_prog_info info = {};
	__u32 bytes = sizeof(info);

	if (bpf_obj_get_info_by_fd(prog, &info, &bytes)) {
		fprintf(stderr, "size: cannot ask the kernel about the program: %s\n", strerror(errno));
		exit(1);
	}
	json_number(o, "verified", info.verified_insns);
	json_number(o, "jited_bytes", info.jited_prog_len);
	add_functions(functions, prog);
	json_object_object_add(o, "functions", functions);
	return o;
}

/* NULL when it cannot be loaded: said, and no failure of ours. */
static struct json_object *size_of_object(const char *path)
{
	struct bpf_object *obj = bpf_object__open_file(path, NULL);
	struct bpf_program *first, *prog;
	struct json_object *o = NULL;
	struct bpf_map *map;

	if (!obj)
		goto out;
	bpf_object__for_each_map(map, obj) /* xdp-filter pins its own */
		bpf_map__set_pin_path(map, NULL);
	first = bpf_object__next_program(obj, NULL);
	bpf_object__for_each_program(prog, obj)
		bpf_program__set_autoload(prog, prog == first);
	if (bpf_object__load(obj) == 0)
		o = size_of(bpf_program__fd(first));
out:
	if (!o)
		fprintf(stderr, "size: cannot load %s: %s\n", path, strerror(errno));
	bpf_object__close(obj);
	return o;
}

int main(int argc, char **argv)
{
	struct xdp_load_options options = { .rule = rule_default(RULE_SOPHOS), .unpinned = true };
	struct json_object *report = json_object_new_object();
	struct bpf_object *slot;
	struct xdp *xdp;

	if (xdp_load(&options, &xdp))
		return 1;
	json_text(report, "bench", "size");
	json_object_object_add(report, "pscan", size_of(xdp->prog));
	slot = xdp_open_object(xdp);
	if (!slot || bpf_object__load(slot))
		return 1;
	json_object_object_add(report, "pscan_slot",
			       size_of(bpf_program__fd(bpf_object__next_program(slot, NULL))));
	bpf_object__close(slot);
	xdp_close(xdp);
	options.rule.unproven = PS_UNPROVEN_COOKIE;
	if (xdp_load(&options, &xdp))
		return 1;
	json_object_object_add(report, "pscan_cookie", size_of(xdp->prog));
	xdp_close(xdp);
	if (argc > 1)
		json_object_object_add(report, "xdp_filter", size_of_object(argv[1]));
	json_print(report);
	return 0;
}
