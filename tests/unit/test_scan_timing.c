/* SPDX-License-Identifier: GPL-2.0-only */
/* test_scan_timing.c - round trips, loss, pace: with scripted time. */
#include "unit.h"

#include "scan/timing.h"

static void test_rtt(void **state)
{
	const struct timing *timing = timing_template(3);
	struct rtt rtt = { 0 };

	(void)state;
	assert_int_equal(rtt_timeout(&rtt, timing), timing->rto_first_ns);
	rtt_add(&rtt, 100 * NS_PER_MS);
	assert_int_equal(rtt.srtt_ns, 100 * NS_PER_MS);
	assert_int_equal(rtt.var_ns, 50 * NS_PER_MS);
	assert_int_equal(rtt_timeout(&rtt, timing), 300 * NS_PER_MS);
	for (int i = 0; i < 100; i++)
		rtt_add(&rtt, 100 * NS_PER_MS);
	assert_int_equal(rtt_timeout(&rtt, timing), timing->rto_min_ns);
}

static void test_rtt_outlier(void **state)
{
	const struct timing *timing = timing_template(3);
	struct rtt rtt = { 0 };

	(void)state;
	for (int i = 0; i < 100; i++)
		rtt_add(&rtt, NS_PER_MS);
	rtt_add(&rtt, NS_PER_S);
	assert_true(rtt_timeout(&rtt, timing) == timing->rto_min_ns);
	/* A path that has really become slow is believed after a few samples. */
	for (int i = 0; i < 20; i++)
		rtt_add(&rtt, NS_PER_S);
	assert_true(rtt_timeout(&rtt, timing) > NS_PER_S);
}

static void test_loss(void **state)
{
	const struct timing *timing = timing_template(3);
	struct loss loss = { 0 };

	(void)state;
	assert_int_equal(loss_tries(&loss, 65535, timing), timing->tries);
	for (int i = 0; i < 81; i++)
		loss_add(&loss, 0);
	assert_int_equal(loss_tries(&loss, 65535, timing), timing->tries);
	for (int i = 0; i < 15; i++)
		loss_add(&loss, 1);
	for (int i = 0; i < 2; i++)
		loss_add(&loss, 2);
	/* 98 answers, 19 misses */
	assert_true(loss_rate(&loss) > 0.16 && loss_rate(&loss) < 0.17);
	/* 65535 * 0.162^n < 0.01 from n = 9 on */
	assert_int_equal(loss_tries(&loss, 65535, timing), 9);
	loss.misses = 10000;
	assert_int_equal(loss_tries(&loss, 65535, timing), timing->tries_max);
}

/* Sends all that is allowed for a while, answering a share of it. */
static unsigned int drive(struct pace *pace, __u64 *now, __u64 duration_ns, double answered)
{
	__u64 end = *now + duration_ns, wait;
	unsigned int sent = 0;
	double owed = 0;

	while (*now < end) {
		unsigned int n = pace_allow(pace, *now, 64, &wait);

		if (!n) {
			*now += wait;
			continue;
		}
		pace_spend(pace, n);
		sent += n;
		owed += n * answered;
		pace_answers(pace, *now, (unsigned int)owed);
		owed -= (unsigned int)owed;
		*now += 1000;
	}
	return sent;
}

static void test_silence_is_swept(void **state)
{
	const struct timing *timing = timing_template(3);
	__u64 now = NS_PER_S;
	struct pace pace;
	unsigned int sent;

	(void)state;
	pace_init(&pace, timing, now);
	sent = drive(&pace, &now, NS_PER_S, 0);
	assert_true(sent > 0.97 * timing->rate_pps && sent < 1.05 * timing->rate_pps);
}

static void test_answers_speed_up(void **state)
{
	const struct timing *timing = timing_template(3);
	__u64 now = NS_PER_S;
	struct pace pace;

	(void)state;
	pace_init(&pace, timing, now);
	assert_true(drive(&pace, &now, NS_PER_S, 1) > 20 * timing->rate_pps);
	/* Loss ends that at once, and lowers the sweep as well. */
	pace_loss(&pace, now);
	assert_true(drive(&pace, &now, NS_PER_S / 4, 1) < timing->rate_pps / 4);
}

static void test_ceiling(void **state)
{
	struct timing timing = *timing_template(3);
	__u64 now = NS_PER_S;
	struct pace pace;
	unsigned int sent;

	(void)state;
	timing.rate_pps = timing.rate_max_pps = 2000;
	pace_init(&pace, &timing, now);
	sent = drive(&pace, &now, NS_PER_S, 1);
	assert_true(sent > 1900 && sent < 2100);
	timing.rate_fixed = true;
	pace_init(&pace, &timing, now);
	pace_loss(&pace, now);
	sent = drive(&pace, &now, NS_PER_S, 1);
	assert_true(sent > 1900 && sent < 2100);
}

static void test_delay(void **state)
{
	struct timing timing = *timing_template(1);
	__u64 now = NS_PER_S;
	struct pace pace;

	(void)state;
	timing.rate_pps = timing.rate_max_pps = 1e9 / (double)timing.delay_ns;
	pace_init(&pace, &timing, now);
	/* 15 s apart: at 0, 15, 30, 45 */
	assert_int_equal(drive(&pace, &now, 59 * NS_PER_S, 1), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rtt),
		cmocka_unit_test(test_rtt_outlier),
		cmocka_unit_test(test_loss),
		cmocka_unit_test(test_silence_is_swept),
		cmocka_unit_test(test_answers_speed_up),
		cmocka_unit_test(test_ceiling),
		cmocka_unit_test(test_delay),
	};

	return cmocka_run_group_tests_name("scan_timing", tests, NULL, NULL);
}
