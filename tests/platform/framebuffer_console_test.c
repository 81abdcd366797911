// SPDX-License-Identifier: MIT
/*
 * The framebuffer console on a buffer in memory: what stands in the cells, and that pixels
 * agree and nothing outside the picture is written.
 */
#include <platform/x86_64/framebuffer_console.h>
#include <tests/test.h>

#include <kernel/boot_info.h>
#include <string.h>

#define WIDTH  (10 * CELL_WIDTH + 3)
#define HEIGHT (4 * CELL_HEIGHT + 5)
#define STRIDE (WIDTH + 7)
#define GUARD  0x5aa55aa5u

static uint32_t pixels[STRIDE * HEIGHT + 64];
static struct framebuffer_console console;
static const struct boot_framebuffer description = {.base = {0x1000},
						    .width = WIDTH,
						    .height = HEIGHT,
						    .stride = STRIDE,
						    .red_shift = 16,
						    .green_shift = 8,
						    .blue_shift = 0};

static void start(void)
{
	for (size_t i = 0; i < sizeof(pixels) / sizeof(pixels[0]); i++)
		pixels[i] = GUARD;
	REQUIRE(framebuffer_console_init(&console, &description, pixels));
}

static void put(const char *text)
{
	framebuffer_console_write(&console, text, strlen(text));
}

static void check_row(unsigned row, const char *expected)
{
	char text[11];

	memcpy(text, console.cells[row], 10);
	text[10] = '\0';
	CHECK_STR(text, expected);
}

static unsigned lit_pixels(unsigned row, unsigned column)
{
	unsigned lit = 0;

	for (unsigned y = 0; y < CELL_HEIGHT; y++)
		for (unsigned x = 0; x < CELL_WIDTH; x++)
			lit += pixels[(row * CELL_HEIGHT + y) * STRIDE + column * CELL_WIDTH +
				      x] == console.ink;
	return lit;
}

TEST(framebuffer_console, shows_text_and_wraps)
{
	start();
	CHECK_EQ(console.columns, 10);
	CHECK_EQ(console.rows, 4);
	put("hello\nwide text that wraps");
	check_row(0, "hello     ");
	check_row(1, "wide text ");
	check_row(2, "that wraps");
	CHECK(lit_pixels(0, 0) > 10);
	CHECK_EQ(lit_pixels(0, 6), 0);
	put("!");
	check_row(3, "!         ");
}

TEST(framebuffer_console, scrolls)
{
	start();
	put("1\n2\n3\n4\n5");
	check_row(0, "2         ");
	check_row(3, "5         ");
	put("\n\n\n\n");
	check_row(0, "          ");
	CHECK_EQ(lit_pixels(0, 0), 0);
}

TEST(framebuffer_console, draws_a_cursor_and_takes_it_away)
{
	start();
	put("a");
	CHECK_EQ(lit_pixels(0, 1), 2 * CELL_WIDTH);
	put("\n");
	CHECK_EQ(lit_pixels(0, 1), 0);
	CHECK_EQ(lit_pixels(1, 0), 2 * CELL_WIDTH);
}

TEST(framebuffer_console, understands_the_line_editor)
{
	start();
	put("abcdef\r\x1b[3CX\x1b[K");
	check_row(0, "abcX      ");
	put("\x1b[2DY");
	check_row(0, "abYX      ");
	put("\b\bZ");
	check_row(0, "aZYX      ");
	put("\x1b[H\x1b[J");
	check_row(0, "          ");
	put("\tx");
	check_row(0, "        x ");
}

TEST(framebuffer_console, odd_escapes_are_bounded)
{
	start();
	put("ab\x1b[99999999999C1\x1b[99999999D2\x1b[?25l\x1bz\x1b[m3\x07\x80");
	CHECK_EQ(console.row, 0);
	check_row(0, "23\x80      1");
	for (unsigned i = 0; i < 20000; i++) {
		char c = (char)test_random();
		framebuffer_console_write(&console, &c, 1);
	}
	CHECK(console.row < 4 && console.column <= 10);
}

TEST(framebuffer_console, writes_nothing_outside_the_picture)
{
	bool intact = true;

	start();
	for (unsigned i = 0; i < 200; i++)
		put("WWWWWWWWWWWW\n");
	for (size_t y = 0; y < HEIGHT; y++)
		for (size_t x = WIDTH; x < STRIDE; x++)
			intact = intact && pixels[y * STRIDE + x] == GUARD;
	for (size_t i = STRIDE * HEIGHT; i < sizeof(pixels) / sizeof(pixels[0]); i++)
		intact = intact && pixels[i] == GUARD;
	CHECK(intact);
}

TEST(framebuffer_console, refuses_a_description_without_sense)
{
	struct boot_framebuffer bad = description;

	bad.stride = WIDTH - 1;
	CHECK(!framebuffer_console_init(&console, &bad, pixels));
	bad = description;
	bad.height = 3;
	CHECK(!framebuffer_console_init(&console, &bad, pixels));
	bad = description;
	bad.red_shift = 32;
	CHECK(!framebuffer_console_init(&console, &bad, pixels));
	CHECK(!framebuffer_console_init(&console, &description, NULL));
}

TEST(framebuffer_console, every_printable_character_has_its_own_glyph)
{
	for (unsigned a = 1; a < FONT_GLYPHS; a++)
		for (unsigned b = 0; b < a; b++)
			if (memcmp(framebuffer_font[a], framebuffer_font[b], FONT_ROWS) == 0)
				CHECK_EQ(a, b);
	CHECK_EQ(framebuffer_font[0][3], 0);
}
