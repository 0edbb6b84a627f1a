# SPDX-License-Identifier: GPL-2.0-only
# The only build file. Everything it makes goes to build/. `make help` lists the targets.

CC ?= gcc
CLANG ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool /usr/local/sbin/bpftool) bpftool)
PKG_CONFIG ?= pkg-config
PREFIX ?= /usr/local
DESTDIR ?=
CFLAGS ?= -O2 -g
LDFLAGS ?=
WERROR ?= 1
V ?= 0

B := build
VERSION := $(shell sed -n 's/^\#define PSCAN_VERSION "\(.*\)"/\1/p' user/version.h)
LIBS := libbpf libxdp libelf libpcap zlib json-c libmnl libsodium libcap-ng libseccomp

ifeq ($(V),0)
Q := @
say = @printf '  %-8s %s\n' '$(1)' '$(2)';
else
Q :=
say =
endif

.DELETE_ON_ERROR:
.SECONDARY:
.DEFAULT_GOAL := all

# ---- flags the build cannot do without -----------------------------------

warnings := -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes -Wshadow -Wundef \
	-Wpointer-arith -Wno-pointer-arith -Wformat=2 -Wvla $(if $(filter 1,$(WERROR)),-Werror)
pkg_cflags = $(shell $(PKG_CONFIG) --cflags $(LIBS))
pkg_libs = $(shell $(PKG_CONFIG) --libs $(LIBS)) -lm -pthread
user_cflags = -std=gnu11 -D_GNU_SOURCE -Iinclude -Iuser -I$(B) $(warnings) -pthread $(pkg_cflags)
hardening := -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
# The program is compiled as one: a packet of a capture passes a dozen of its files. Tests link the
# same objects without: that takes seconds each.
lto := $(if $(findstring Free Software,$(shell $(CC) --version)),-flto=auto -ffat-lto-objects)
no_lto := $(if $(lto),-fno-lto)
bpf_cflags := -std=gnu11 -target bpf -mcpu=v3 -O2 -g -Iinclude -Ivmlinux -Ibpf -Wall -Wextra \
	-Wno-unused-parameter $(if $(filter 1,$(WERROR)),-Werror)
# A make of ours that was not told how many jobs to run takes every CPU.
jobs = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc))
sanitizers := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

# ---- what is built --------------------------------------------------------

user_src := $(wildcard user/*.c user/scan/*.c user/slow/*.c)
user_obj := $(user_src:%.c=$(B)/%.o)
lib_src := $(filter-out user/main.c,$(user_src))
san_obj := $(lib_src:%.c=$(B)/san/%.o)
unit_bin := $(patsubst tests/unit/%.c,$(B)/tests/unit/%,$(wildcard tests/unit/test_*.c))
prog_bin := $(patsubst tests/prog/%.c,$(B)/tests/prog/%,$(wildcard tests/prog/test_*.c))
fuzz_bin := $(patsubst tests/fuzz/%.c,$(B)/tests/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
harness_bin := $(patsubst tests/harness/%.c,$(B)/tests/harness/%,$(wildcard tests/harness/*.c))
bench_bin := $(patsubst tools/bench/%.c,$(B)/tools/bench/%,\
	$(filter-out %.bpf.c,$(wildcard tools/bench/*.c)))

.PHONY: all
all: $(B)/pscan-xdp ## build the program

# BPF object -> skeleton -> user objects -> program
$(B)/%.bpf.o: bpf/%.bpf.c $(B)/flags.bpf
	$(call say,BPF,$@) mkdir -p $(@D)
	$(Q)$(CLANG) $(bpf_cflags) -MMD -MP -c $< -o $@.tmp -MF $(@:.o=.d) -MT $@
	$(Q)$(BPFTOOL) gen object $@ $@.tmp && rm -f $@.tmp

$(B)/tools/bench/%.bpf.o: tools/bench/%.bpf.c $(B)/flags.bpf
	$(call say,BPF,$@) mkdir -p $(@D)
	$(Q)$(CLANG) $(bpf_cflags) -MMD -MP -c $< -o $@ -MF $(@:.o=.d) -MT $@

$(B)/%.skel.h: $(B)/%.bpf.o
	$(call say,SKEL,$@) $(BPFTOOL) gen skeleton $< name $(notdir $*)_bpf > $@

$(B)/user/xdp.o $(B)/san/user/xdp.o: $(B)/pscan.skel.h $(B)/pscan_slot.skel.h

$(B)/%.o: %.c $(B)/flags.user
	$(call say,CC,$@) mkdir -p $(@D)
	$(Q)$(CC) $(user_cflags) $(hardening) $(CPPFLAGS) $(CFLAGS) $(lto) -MMD -MP -c $< -o $@

$(B)/pscan-xdp: $(user_obj)
	$(call say,LINK,$@) $(CC) -pie $(CFLAGS) $(lto) $(LDFLAGS) $^ -o $@ $(pkg_libs)

# The same sources under the address and undefined-behaviour sanitizers, for every native test.
$(B)/san/%.o: %.c $(B)/flags.user
	$(call say,CC-SAN,$@) mkdir -p $(@D)
	$(Q)$(CC) $(user_cflags) $(sanitizers) -MMD -MP -c $< -o $@

$(B)/libpscan-san.a: $(san_obj)
	$(call say,AR,$@) rm -f $@; ar rcs $@ $^

$(B)/san/pscan-xdp: $(B)/san/user/main.o $(B)/libpscan-san.a
	$(call say,LINK,$@) $(CC) $(sanitizers) $^ -o $@ $(pkg_libs)

$(B)/tests/unit/%: tests/unit/%.c $(B)/libpscan-san.a
	$(call say,TEST,$@) mkdir -p $(@D)
	$(Q)$(CC) $(user_cflags) $(sanitizers) -Itests/harness -MMD -MP $< $(B)/libpscan-san.a \
		-o $@ -lcmocka $(pkg_libs)

# Without the sanitizers, for memcheck.
$(B)/valgrind/%: tests/unit/%.c $(filter-out $(B)/user/main.o,$(user_obj))
	$(call say,TEST,$@) mkdir -p $(@D)
	$(Q)$(CC) $(user_cflags) -O1 -g $(no_lto) -Itests/harness -MMD -MP $< \
		$(filter-out $(B)/user/main.o,$(user_obj)) -o $@ -lcmocka $(pkg_libs)

$(B)/tests/prog/%: tests/prog/%.c $(filter-out $(B)/user/main.o,$(user_obj))
	$(call say,TEST,$@) mkdir -p $(@D)
	$(Q)$(CC) $(user_cflags) $(CFLAGS) $(no_lto) -Itests/harness -MMD -MP $< \
		$(filter-out $(B)/user/main.o,$(user_obj)) -o $@ -lcmocka $(pkg_libs)

$(B)/tests/harness/%: tests/harness/%.c $(B)/flags.user
	$(call say,TEST,$@) mkdir -p $(@D)
	$(Q)$(CC) $(user_cflags) $(CFLAGS) -Itests/harness -MMD -MP $< -o $@ $(pkg_libs)

$(B)/tools/bench/blast: $(B)/tools/bench/blast.skel.h
$(B)/tools/bench/growth $(B)/tools/bench/prog: $(B)/tools/bench/walk.skel.h

$(B)/tools/bench/%: tools/bench/%.c $(filter-out $(B)/user/main.o,$(user_obj))
	$(call say,BENCH,$@) mkdir -p $(@D)
	$(Q)$(CC) $(user_cflags) -I$(@D) $(CFLAGS) $(no_lto) -Itests/harness -MMD -MP $< \
		$(filter-out $(B)/user/main.o,$(user_obj)) -o $@ $(pkg_libs)

# Ends a guest that has no libraries.
$(B)/tools/kernels/kmexit: tools/kernels/kmexit.c $(B)/flags.user
	$(call say,TEST,$@) mkdir -p $(@D)
	$(Q)$(CC) -static -Os $(warnings) $< -o $@

# The same sources once more, instrumented for libFuzzer.
fuzz_cflags = $(user_cflags) -Wno-format-nonliteral -Wno-missing-field-initializers -O1 -g -fsanitize=address,undefined \
	-fno-sanitize-recover=all
$(B)/fuzz/user/xdp.o: $(B)/pscan.skel.h $(B)/pscan_slot.skel.h
$(B)/fuzz/%.o: %.c $(B)/flags.user
	$(call say,CC-FUZZ,$@) mkdir -p $(@D)
	$(Q)$(CLANG) $(fuzz_cflags) -fsanitize=fuzzer-no-link -MMD -MP -c $< -o $@

$(B)/libpscan-fuzz.a: $(lib_src:%.c=$(B)/fuzz/%.o)
	$(call say,AR,$@) rm -f $@; ar rcs $@ $^

$(B)/tests/fuzz/%: tests/fuzz/%.c $(B)/libpscan-fuzz.a
	$(call say,FUZZ,$@) mkdir -p $(@D)
	$(Q)$(CLANG) $(fuzz_cflags) -fsanitize=fuzzer -Itests/harness -MMD -MP $< \
		$(B)/libpscan-fuzz.a -o $@ $(pkg_libs)

# A change of flags rebuilds what they touch.
$(B)/flags.%: FORCE
	@mkdir -p $(@D); echo '$(CC) $(CLANG) $(user_cflags) $(CFLAGS) $(lto) $(bpf_cflags) $(LDFLAGS)' > $@.new; \
	cmp -s $@.new $@ && rm $@.new || mv $@.new $@
.PHONY: FORCE # else .SECONDARY would take its absence for no news
FORCE:

-include $(shell find $(B) -name '*.d' 2>/dev/null)

# ---- tests ----------------------------------------------------------------

.PHONY: deps check test test-full coverage test-kernels
deps: ## install what building and testing need (Debian 12, root)
	$(Q)tools/install-deps.sh

check: $(unit_bin) ## unit tests; no root
	prove -e '' $(unit_bin)

test: ## every test; run it as root, it installs what is missing
	$(Q)tools/install-deps.sh
	$(Q)$(MAKE) --no-print-directory $(jobs) test-build
	$(Q)tests/run.sh

# What the tests try a few times by default, tried as often as it takes to trust it.
full := KILLS=200 STOP_SECONDS=60 MUTATIONS=10000000 LOADS=1000 JOINS=1000 FUZZ_SECONDS=60
full_tests := tests/fuzz/smoke.t $(addprefix $(B)/tests/prog/,test_malformed test_edits test_cycle \
	test_cpus test_cpus_counts test_flood test_cookie) tests/lab/faults.bats tests/lab/deaths.bats \
	tests/lab/leak.bats

test-full: ## what has a size, at full size: hours; FULL="KILLS=200 ..." overrides, TESTS=... some
	$(Q)tools/install-deps.sh
	$(Q)$(MAKE) --no-print-directory $(jobs) test-build
	$(Q)env $(full) $(FULL) tests/run.sh $(or $(TESTS),$(full_tests))

coverage: ## what is found and what is left in peace, as tables in build/coverage/
	$(Q)tools/install-deps.sh
	$(Q)$(MAKE) --no-print-directory $(jobs) test-build
	$(Q)mkdir -p $(B)/coverage && rm -f $(B)/coverage/cells
	$(Q)PSCAN_COVERAGE=$(abspath $(B))/coverage/cells tests/run.sh $(coverage_tests)
	$(Q)tools/coverage.sh $(B)/coverage/cells | tee $(B)/coverage/coverage.md

coverage_tests := $(addprefix tests/lab/,detect.bats slow.bats evade.bats forward.bats flood.bats \
	quiet.bats) tests/golden/truth.t

test-kernels: ## real kernels in QEMU, as TAP; downloads them once
	$(Q)$(MAKE) --no-print-directory $(jobs) $(kernels_need)
	$(Q)KERNELS="5.10 6.1 6.12 newest" LIMIT=3600 \
		PARTS="frames native generic dispatcher company suite" tests/kernels/kernels.t

kernels_need := all $(prog_bin) $(B)/tests/harness/knock $(B)/tools/kernels/kmexit

valgrind: all $(unit_bin:$(B)/tests/unit/%=$(B)/valgrind/%) $(harness_bin) ## memcheck: unit tests and commands; no root
	$(Q)tools/valgrind.sh

.PHONY: fuzz-coverage
fuzz-coverage: $(fuzz_bin) ## what the fuzzers reach, after FUZZ_SECONDS each
	$(Q)tests/fuzz/coverage.sh

lint: all ## include directions, manual, scripts, sizes, licences, cppcheck
	$(Q)tools/lint.sh

.PHONY: test-build lint valgrind
test-build: all $(B)/san/pscan-xdp $(unit_bin) $(prog_bin) $(harness_bin) $(fuzz_bin) \
	$(B)/tools/bench/bare.bpf.o $(kernels_need)

# ---- the main job ----------------------------------------------------------

.PHONY: run
run: ## build, then attach to IFACE=..., or show everything in a two-host lab
	$(Q)tools/install-deps.sh
	$(Q)$(MAKE) --no-print-directory $(jobs) all
	$(Q)tools/run.sh $(IFACE)

# ---- speed -----------------------------------------------------------------

.PHONY: bench bench-build
bench-build: all $(bench_bin) $(harness_bin) $(B)/tools/bench/bare.bpf.o
bench: ## everything beside its peers, in one run and one table; QUICK=1: rough, in minutes
	$(Q)tools/install-deps.sh --bench || echo "make bench: going on with the peers that are here"
	$(Q)$(MAKE) --no-print-directory $(jobs) bench-build
	$(Q)tools/bench/all.sh
bench-%: bench-build ## bench-NAME runs tools/bench/NAME.sh
	$(Q)tools/bench/$*.sh

.PHONY: soak
soak: bench-build ## MINUTES=n of load, scans and floods at once; plots in build/soak/
	$(Q)MINUTES=$(or $(MINUTES),3) tools/bench/soak.sh

# ---- install ---------------------------------------------------------------

# Where systemd looks under every prefix that it searches; where none looks, the file lies still.
unit_dir := $(PREFIX)/lib/systemd/system

.PHONY: install uninstall clean help
install: all ## into $(DESTDIR)$(PREFIX)
	install -D -m 755 $(B)/pscan-xdp $(DESTDIR)$(PREFIX)/sbin/pscan-xdp
	install -D -m 644 user/pscan-xdp.8 $(DESTDIR)$(PREFIX)/share/man/man8/pscan-xdp.8
	install -D -m 644 user/pscan-xdp.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/pscan-xdp
	install -d -m 755 $(DESTDIR)$(unit_dir)
	sed 's|@SBINDIR@|$(PREFIX)/sbin|' user/pscan-xdp@.service.in >$(DESTDIR)$(unit_dir)/pscan-xdp@.service
	chmod 644 $(DESTDIR)$(unit_dir)/pscan-xdp@.service

uninstall: ## remove what install put there
	rm -f $(DESTDIR)$(PREFIX)/sbin/pscan-xdp $(DESTDIR)$(PREFIX)/share/man/man8/pscan-xdp.8 \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/pscan-xdp \
		$(DESTDIR)$(unit_dir)/pscan-xdp@.service

clean: ## remove build/
	rm -rf $(B)

help: ## this list
	@awk -F ':.*## ' '/^[a-z%-]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
