/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * page_chart.c - the charts of the HTML page, as SVG in the page itself. Every
 * type has a marker of its own as well as a colour; what a chart shows is in
 * its description, too, and in the tables beside it.
 */
#include "names.h"
#include "page.h"
#include "report.h"

#define WIDTH 720
#define LEFT 56
#define RIGHT 12
#define TOP 22 /* room for the block's label */
#define HEIGHT 268
#define BOTTOM 34
#define PLOT_WIDTH (WIDTH - LEFT - RIGHT)
#define PLOT_HEIGHT (HEIGHT - TOP - BOTTOM)

#define PORT_BINS 64
#define HISTOGRAM_HEIGHT 180

#define LANE 22       /* height of a source's lane in the overview */
#define LANE_LEFT 190 /* room for its address */

static const __u16 port_ticks[] = { 0, 22, 80, 443, 2000, 8080, 65535 };

static double x_of(__u64 at_ns, __u64 start_ns, __u64 span_ns, double left, double width)
{
	double part = span_ns ? (double)(__s64)(at_ns - start_ns) / (double)span_ns : 0.5;

	if (part < 0)
		part = 0;
	return left + (part > 1 ? 1 : part) * width;
}

static double y_of(__u16 port)
{
	return TOP + (1 - page_port_place(port)) * PLOT_HEIGHT;
}

static void time_axis(FILE *out, double left, double width, double base, __u64 span_ns)
{
	char text[PAGE_SPAN_BYTES];

	for (int i = 0; i <= 4; i++) {
		double x = left + width * i / 4;

		fprintf(out,
			"<line class=grid x1=%.1f y1=%d x2=%.1f y2=%.1f /><text x=%.1f y=%.1f "
			"text-anchor=%s>%s</text>\n",
			x, TOP, x, base, x, base + 16,
			i == 4 ? "end"
			: i    ? "middle"
			       : "start",
			i ? page_span(span_ns / 4 * (__u64)i, text) : "0");
	}
}

static void port_axis(FILE *out)
{
	for (size_t i = 0; i < sizeof(port_ticks) / sizeof(port_ticks[0]); i++) {
		double y = y_of(port_ticks[i]);

		fprintf(out,
			"<line class=grid x1=%d y1=%.1f x2=%d y2=%.1f /><text x=%d y=%.1f "
			"text-anchor=end>%u</text>\n",
			LEFT, y, WIDTH - RIGHT, y, LEFT - 6, y + 4, port_ticks[i]);
	}
}

/* From the detection on, as far as the chart goes. */
static void block_mark(FILE *out, const struct model_source *s, __u64 start_ns, __u64 span_ns)
{
	double x;
	bool late;

	if (!s->detected_ns)
		return;
	x = x_of(s->detected_ns, start_ns, span_ns, LEFT, PLOT_WIDTH);
	late = x > WIDTH - 120;
	if (s->action == PS_ACTION_BLOCK)
		fprintf(out, "<rect class=blocked x=%.1f y=%d width=%.1f height=%d />\n", x, TOP,
			WIDTH - RIGHT - x, PLOT_HEIGHT);
	fprintf(out,
		"<line class=block x1=%.1f y1=%d x2=%.1f y2=%d /><text class=strong x=%.1f y=%d "
		"text-anchor=%s>%s</text>\n",
		x, TOP, x, TOP + PLOT_HEIGHT, x, TOP - 7, late ? "end" : "start",
		s->action == PS_ACTION_BLOCK ? "blocked" : "detected");
}

void page_chart_timeline(FILE *out, const struct model_source *s, unsigned int id)
{
	__u64 start_ns = s->probes ? s->probe[0].at_ns : s->first_ns, end_ns = start_ns, span_ns;
	char text[PAGE_SPAN_BYTES];

	if (s->probes)
		end_ns = s->probe[s->probes - 1].at_ns;
	if (s->detected_ns > end_ns)
		end_ns = s->detected_ns;
	span_ns = end_ns - start_ns;
	fprintf(out,
		"<div class=chart tabindex=0><svg viewBox=\"0 0 %d %d\" role=img "
		"aria-labelledby=\"t%u d%u\">\n<title id=t%u>Probed ports over time</title>\n"
		"<desc id=d%u>%u probes within %s; the evidence table names them.</desc>\n",
		WIDTH, HEIGHT, id, id, id, id, s->probes, page_span(span_ns, text));
	port_axis(out);
	time_axis(out, LEFT, PLOT_WIDTH, TOP + PLOT_HEIGHT, span_ns);
	block_mark(out, s, start_ns, span_ns);
	for (unsigned int i = 0; i < s->probes; i++) {
		const struct model_probe *probe = &s->probe[i];

		fprintf(out, "<use href=#m%u class=\"c%u%s\" x=%.1f y=%.1f />\n", probe->class,
			probe->class, probe->dropped ? " gone" : "",
			x_of(probe->at_ns, start_ns, span_ns, LEFT, PLOT_WIDTH), y_of(probe->port));
	}
	fprintf(out, "<text x=4 y=%d>port</text></svg></div>\n", HEIGHT - 4);
	if (s->stride > 1)
		fprintf(out, "<p class=note>One in %u probes is drawn.</p>\n", s->stride);
}

void page_chart_overview(FILE *out, const struct model *m)
{
	unsigned int lanes = m->sources < MODEL_CARDS_MAX ? m->sources : MODEL_CARDS_MAX;
	int height = TOP + (int)lanes * LANE + BOTTOM;
	__u64 span_ns = m->end_ns - m->start_ns;
	double width = WIDTH - LANE_LEFT - RIGHT;
	char text[PREFIX_TEXT_BYTES];

	fprintf(out,
		"<div class=chart tabindex=0><svg viewBox=\"0 0 %d %d\" role=img "
		"aria-labelledby=\"to do\">\n<title id=to>When each source probed</title>\n"
		"<desc id=do>One lane per source, from its first probe to its last; the diamond is "
		"the detection, the hatched part the block.</desc>\n",
		WIDTH, height);
	time_axis(out, LANE_LEFT, width, height - BOTTOM, span_ns);
	for (unsigned int i = 0; i < lanes; i++) {
		const struct model_source *s = m->source[i];
		double y = TOP + i * LANE + LANE / 2.0, x1, x2, at;

		x1 = x_of(s->first_ns, m->start_ns, span_ns, LANE_LEFT, width);
		x2 = x_of(s->last_ns, m->start_ns, span_ns, LANE_LEFT, width);
		fprintf(out, "<text x=4 y=%.1f>%s</text>", y + 4, source_format(&s->addr, text));
		if (s->detected_ns && s->action == PS_ACTION_BLOCK) {
			at = x_of(s->detected_ns, m->start_ns, span_ns, LANE_LEFT, width);
			fprintf(out, "<rect class=blocked x=%.1f y=%.1f width=%.1f height=%d />",
				at, y - 8,
				x_of(s->until_ns, m->start_ns, span_ns, LANE_LEFT, width) - at + 1,
				16);
		}
		fprintf(out, "<line class=\"lane c%u\" x1=%.1f y1=%.1f x2=%.1f y2=%.1f />",
			(unsigned int)s->class, x1, y, x2 + 1, y);
		if (s->detected_ns)
			fprintf(out, "<use href=#detected class=block x=%.1f y=%.1f />",
				x_of(s->detected_ns, m->start_ns, span_ns, LANE_LEFT, width), y);
		fputc('\n', out);
	}
	fputs("</svg></div>\n", out);
}

/* How the probes spread over all ports, on the timeline's scale, lying on its side. */
void page_chart_ports(FILE *out, const struct model *m)
{
	__u64 bin[PORT_BINS] = { 0 }, most = 1;
	double base = HISTOGRAM_HEIGHT - BOTTOM, width = (double)PLOT_WIDTH / PORT_BINS;

	for (unsigned int i = 0; i < m->port_count; i++) {
		unsigned int at = (unsigned int)(page_port_place(m->port[i].port) * PORT_BINS);

		at = at < PORT_BINS ? at : PORT_BINS - 1;
		bin[at] += m->port[i].packets;
		most = bin[at] > most ? bin[at] : most;
	}
	fprintf(out,
		"<section class=card><h2>Ports probed</h2><div class=chart tabindex=0><svg "
		"viewBox=\"0 0 %d %d\" role=img aria-labelledby=\"th dh\">\n<title id=th>Probes by "
		"port</title>\n<desc id=dh>%u ports in all, %llu probes in the tallest bar; the "
		"table below has the busiest.</desc>\n<text x=%d y=%d "
		"text-anchor=end>%llu</text>\n",
		WIDTH, HISTOGRAM_HEIGHT, m->port_count, (unsigned long long)most, LEFT - 6, TOP + 4,
		(unsigned long long)most);
	for (unsigned int i = 0; i < PORT_BINS; i++) {
		double height = (double)bin[i] / (double)most * (base - TOP);

		if (bin[i])
			fprintf(out, "<rect class=c1 x=%.1f y=%.1f width=%.1f height=%.1f />\n",
				LEFT + i * width + 1, base - height, width - 2, height);
	}
	for (size_t i = 0; i < sizeof(port_ticks) / sizeof(port_ticks[0]); i++)
		fprintf(out, "<text x=%.1f y=%.1f text-anchor=%s>%u</text>\n",
			LEFT + page_port_place(port_ticks[i]) * PLOT_WIDTH, base + 16,
			port_ticks[i] == 65535 ? "end" : "middle", port_ticks[i]);
	fprintf(out, "<line class=grid x1=%d y1=%.1f x2=%d y2=%.1f /></svg></div></section>\n",
		LEFT, base, WIDTH - RIGHT, base);
}

static void bar_label(FILE *out, const struct model_count *c, bool ports)
{
	const char *service = ports ? names_service(c->port, c->udp) : NULL;
	char text[PREFIX_TEXT_BYTES];

	if (!ports)
		fputs(source_format(&c->addr, text), out);
	else
		fprintf(out, "%u/%s", c->port, c->udp ? "udp" : "tcp");
	if (service) {
		fputc(' ', out);
		page_html_text(out, service);
	}
}

void page_chart_bars(FILE *out, const char *title, const struct model_count *count, unsigned int n,
		     unsigned int most, bool ports)
{
	fprintf(out, "<section class=bars><h2>%s</h2>\n", title);
	if (!n)
		fputs("<p class=note>None.</p>\n", out);
	else
		fputs("<table><thead><tr><th>which<th>probes</tr></thead><tbody>\n", out);
	for (unsigned int i = 0; i < n && i < most; i++) {
		double share = 100.0 * (double)count[i].packets / (double)count[0].packets;

		fputs("<tr><td>", out);
		bar_label(out, &count[i], ports);
		fprintf(out, "<td><span class=bar style=\"width:%.1f%%\"></span>%llu</tr>\n",
			share * 0.7, (unsigned long long)count[i].packets);
	}
	if (n)
		fputs("</tbody></table>\n", out);
	if (n > most)
		fprintf(out, "<p class=note>and %u more</p>\n", n - most);
	fputs("</section>\n", out);
}
