/* SPDX-License-Identifier: GPL-2.0-only */
/* test_scan_targets.c - target texts to an index space, ports to sets, short options to long. */
#include "unit.h"

#include "scan/argv.h"
#include "scan/ports.h"
#include "scan/targets.h"

static const struct target_resolve resolve = { .family = 0 };

static void expect(struct targets *targets, __u64 index, const char *text)
{
	char got[ADDR_TEXT_BYTES];
	union ps_addr addr;
	__u64 found = ~0ULL;

	targets_at(targets, index, &addr);
	assert_string_equal(addr_format(&addr, got), text);
	assert_true(targets_find(targets, &addr, &found));
	assert_int_equal(found, index);
}

static void test_forms(void **state)
{
	struct targets targets = { 0 };

	(void)state;
	assert_int_equal(targets_add(&targets, "198.51.100.7", &resolve), 0);
	assert_int_equal(targets_add(&targets, "203.0.113.9/30", &resolve), 0);
	assert_int_equal(targets_add(&targets, "192.0.2.250-192.0.2.255", &resolve), 0);
	assert_int_equal(targets_add(&targets, "192.0.2.1-2,9", &resolve), 0);
	assert_int_equal(targets_add(&targets, "2001:db8::4/126", &resolve), 0);
	assert_int_equal(targets_finish(&targets), 0);
	assert_int_equal(targets.count, 1 + 4 + 6 + 3 + 4);
	expect(&targets, 0, "192.0.2.1");
	expect(&targets, 2, "192.0.2.9");
	expect(&targets, 3, "192.0.2.250");
	expect(&targets, 9, "198.51.100.7");
	expect(&targets, 10, "203.0.113.8");
	expect(&targets, 13, "203.0.113.11");
	expect(&targets, 14, "2001:db8::4");
	expect(&targets, 17, "2001:db8::7");
	targets_free(&targets);
}

static void test_overlap_counts_once(void **state)
{
	struct targets targets = { 0 };
	union ps_addr addr;
	__u64 index;

	(void)state;
	assert_int_equal(targets_add(&targets, "198.51.100.0/24", &resolve), 0);
	assert_int_equal(targets_add(&targets, "198.51.100.128/25", &resolve), 0);
	assert_int_equal(targets_add(&targets, "198.51.100.5", &resolve), 0);
	assert_int_equal(targets_add(&targets, "198.51.101.0", &resolve), 0);
	assert_int_equal(targets_exclude(&targets, "198.51.100.10-19", &resolve), 0);
	assert_int_equal(targets_exclude(&targets, "198.51.100.15-25", &resolve), 0);
	assert_int_equal(targets_exclude(&targets, "198.51.100.0", &resolve), 0);
	assert_int_equal(targets_finish(&targets), 0);
	assert_int_equal(targets.count, 257 - 16 - 1);
	expect(&targets, 0, "198.51.100.1");
	expect(&targets, 8, "198.51.100.9");
	expect(&targets, 9, "198.51.100.26");
	expect(&targets, 239, "198.51.101.0");
	assert_true(addr_parse("198.51.100.12", &addr));
	assert_false(targets_find(&targets, &addr, &index));
	targets_free(&targets);
}

static void test_bounds(void **state)
{
	struct targets targets = { 0 };
	union ps_addr addr;

	(void)state;
	assert_int_equal(targets_add(&targets, "0.0.0.0/0", &resolve), 0);
	assert_int_equal(targets_finish(&targets), 0);
	assert_int_equal(targets.count, 1ULL << 32);
	expect(&targets, (1ULL << 32) - 1, "255.255.255.255");
	assert_true(addr_parse("10.0.0.0", &addr));
	assert_int_equal(targets_lower_bound(&targets, &addr), 10u << 24);
	targets_free(&targets);

	assert_int_equal(targets_add(&targets, "2001:db8::/64", &resolve), 0);
	assert_int_equal(targets_finish(&targets), -EINVAL);
	targets_free(&targets);

	assert_int_equal(targets_add(&targets, "198.51.100.1", &resolve), 0);
	assert_int_equal(targets_exclude(&targets, "198.51.100.0/24", &resolve), 0);
	assert_int_equal(targets_finish(&targets), -EINVAL);
	targets_free(&targets);
}

static void test_bad_targets(void **state)
{
	static const char *const bad[] = {
		"",
		"1.2.3",
		"1.2.3.4.5",
		"1.2.3.256",
		"1.2.3.4/33",
		"1.2.3.4/",
		"1.2.3.4/-1",
		"9-1.2.3.4",
		"2001:db8::/129",
		"198.51.100.9-198.51.100.1",
		"1-2",
		"::g",
		"198.51.100.1-2001:db8::1",
		"1.2.3.",
		"0-255.0-255.0-255.1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct targets targets = { 0 };

		if (targets_add(&targets, bad[i], &resolve) >= 0)
			fail_msg("\"%s\" was accepted", bad[i]);
		assert_int_equal(targets.include.n, 0);
		targets_free(&targets);
	}
}

static void test_list_file(void **state)
{
	char path[] = "/tmp/test_scan_targets_XXXXXX";
	int fd = mkstemp(path);
	struct targets targets = { 0 };
	static const char text[] =
		"198.51.100.1 # the first\n\n198.51.100.2,198.51.100.3\n# none\n";

	(void)state;
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	close(fd);
	assert_int_equal(targets_load(&targets, path, false, &resolve), 0);
	assert_int_equal(targets_finish(&targets), 0);
	assert_int_equal(targets.count, 3);
	targets_free(&targets);
	unlink(path);
	assert_int_equal(targets_load(&targets, path, false, &resolve), -ENOENT);
}

static void test_ports(void **state)
{
	static struct ports ports;

	(void)state;
	assert_int_equal(ports_parse(&ports, "22,80-82,T:443,U:53,65530-"), 0);
	assert_int_equal(port_set_count(&ports.tcp), 5);
	assert_int_equal(port_set_count(&ports.udp), 4 + 1 + 6);
	assert_true(port_set_has(&ports.udp, 65535) && !port_set_has(&ports.tcp, 65535));
	memset(&ports, 0, sizeof(ports));
	assert_int_equal(ports_parse(&ports, "-"), 0);
	assert_int_equal(port_set_count(&ports.tcp), 65535);
	assert_false(port_set_has(&ports.tcp, 0));
	memset(&ports, 0, sizeof(ports));
	assert_int_equal(ports_parse(&ports, "0,1,1,0-1"), 0);
	assert_int_equal(port_set_count(&ports.tcp), 2);
}

static void test_bad_ports(void **state)
{
	static const char *const bad[] = {
		"",      "65536", "1-65536", "9-1", "x y",
		"80;81", "-1-2",  "1--2",    "T:",  "99999999999999999999"
	};
	static struct ports ports;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (ports_parse(&ports, bad[i]) != -EINVAL)
			fail_msg("\"%s\" was accepted", bad[i]);
}

static void test_top_ports(void **state)
{
	static struct ports ports;
	unsigned int n;
	char all[16];

	(void)state;
	assert_int_equal(ports_top(&ports, "100"), 0);
	assert_int_equal(port_set_count(&ports.tcp), 100);
	assert_true(port_set_has(&ports.tcp, 80) && port_set_has(&ports.udp, 53));
	/* No port stands in a list twice. */
	top_ports_tcp(&n);
	snprintf(all, sizeof(all), "%u", n);
	assert_int_equal(ports_top(&ports, all), 0);
	assert_int_equal(port_set_count(&ports.tcp), n);
	top_ports_udp(&n);
	assert_int_equal(port_set_count(&ports.udp), n);
	assert_int_equal(ports_top(&ports, "0"), -EINVAL);
	assert_int_equal(ports_top(&ports, "65536"), -EINVAL);
	assert_int_equal(ports_top(&ports, "ten"), -EINVAL);
}

static void test_short_options(void **state)
{
	char *argv[] = { "scan", "-sSU", "-Pn", "-p-", "-oX", "f", "-sQ", "-s", "-T4" };
	static const char *const want[] = { "scan",  "--syn", "--udp", "--no-ping", "-p-",
					    "--xml", "f",     "-sQ",   "-s",        "-T4" };
	int n = 0;
	char **out = argv_translate(9, argv, &n);

	(void)state;
	assert_int_equal(n, 10);
	for (int i = 0; i < n; i++)
		assert_string_equal(out[i], want[i]);
	assert_null(out[n]);
	argv_free(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),         cmocka_unit_test(test_overlap_counts_once),
		cmocka_unit_test(test_bounds),        cmocka_unit_test(test_bad_targets),
		cmocka_unit_test(test_list_file),     cmocka_unit_test(test_ports),
		cmocka_unit_test(test_bad_ports),     cmocka_unit_test(test_top_ports),
		cmocka_unit_test(test_short_options),
	};

	return cmocka_run_group_tests_name("scan_targets", tests, NULL, NULL);
}
