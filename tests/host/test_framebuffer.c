/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The screen: what is drawn is what was written, scrolled and wrapped; nothing outside the visible
 * pixels is touched, whatever the geometry claims; a geometry that cannot be is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "drivers/console/font.h"
#include "drivers/console/framebuffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GUARD UINT32_C(0x5A5A5A5A)

/* A glyph that tells its character: the code in the first line, its complement in the last. */
#define GLYPH(c)                                                                                   \
    {                                                                                              \
        (c), [15] = 0xFF - (c)                                                                     \
    }
#define GLYPHS_8(c)                                                                                \
    GLYPH(c), GLYPH((c) + 1), GLYPH((c) + 2), GLYPH((c) + 3), GLYPH((c) + 4), GLYPH((c) + 5),      \
        GLYPH((c) + 6), GLYPH((c) + 7)

const uint8_t console_font[FONT_GLYPHS][FONT_HEIGHT] = {{0},
                                                        GLYPH(0x21),
                                                        GLYPH(0x22),
                                                        GLYPH(0x23),
                                                        GLYPH(0x24),
                                                        GLYPH(0x25),
                                                        GLYPH(0x26),
                                                        GLYPH(0x27),
                                                        GLYPHS_8(0x28),
                                                        GLYPHS_8(0x30),
                                                        GLYPHS_8(0x38),
                                                        GLYPHS_8(0x40),
                                                        GLYPHS_8(0x48),
                                                        GLYPHS_8(0x50),
                                                        GLYPHS_8(0x58),
                                                        GLYPHS_8(0x60),
                                                        GLYPHS_8(0x68),
                                                        GLYPHS_8(0x70),
                                                        GLYPH(0x78),
                                                        GLYPH(0x79),
                                                        GLYPH(0x7A),
                                                        GLYPH(0x7B),
                                                        GLYPH(0x7C),
                                                        GLYPH(0x7D),
                                                        GLYPH(0x7E)};

static uint32_t *pixels;
static size_t pixel_count;
static struct framebuffer fb;

/* Exactly `length` bytes of pixels, so that ASan sees the first one beyond. */
static void screen(uint32_t width, uint32_t height, uint32_t stride, uint64_t length)
{
    free(pixels);
    pixel_count = (size_t)length / 4;
    pixels = malloc(pixel_count * 4);
    assert_non_null(pixels);
    for (size_t i = 0; i < pixel_count; i++)
        pixels[i] = GUARD;
    fb = (struct framebuffer){.base = (uintptr_t)pixels,
                              .length = length,
                              .width = width,
                              .height = height,
                              .stride = stride,
                              .red_shift = 16,
                              .green_shift = 8};
}

static uint8_t glyph_line(unsigned x, unsigned y, unsigned scale)
{
    uint8_t bits = 0;

    for (unsigned i = 0; i < 8; i++) {
        uint32_t pixel = pixels[(size_t)y * fb.stride + x + i * scale];
        assert_true(pixel == 0 || pixel == UINT32_C(0x00C0C0C0));
        for (unsigned k = 0; k < scale * scale; k++)
            assert_int_equal(
                pixels[(size_t)(y + k / scale) * fb.stride + x + i * scale + k % scale], pixel);
        bits = (uint8_t)(bits << 1 | (pixel != 0));
    }
    return bits;
}

static void read_row(unsigned row, unsigned scale, char *text)
{
    for (unsigned column = 0; column < fb.width / (8 * scale); column++) {
        uint8_t first = glyph_line(column * 8 * scale, row * 16 * scale, scale);
        uint8_t last = glyph_line(column * 8 * scale, (row * 16 + 15) * scale, scale);
        assert_true(last == 0xFF - first || (first == 0 && last == 0));
        *text++ = first == 0 ? ' ' : (char)first;
    }
    *text = '\0';
}

static void check_row(unsigned row, unsigned scale, const char *expected)
{
    char text[512];

    read_row(row, scale, text);
    for (size_t i = strlen(text); i > 0 && text[i - 1] == ' '; i--)
        text[i - 1] = '\0';
    assert_string_equal(text, expected);
}

static void put(const char *text)
{
    framebuffer_write(text, strlen(text));
}

static void test_text_wraps_and_controls_show(void **state)
{
    (void)state;
    screen(10 * 8, 4 * 16, 10 * 8, 4 * 16 * 10 * 8 * 4);
    assert_true(framebuffer_open(&fb));
    framebuffer_show();
    put("0123456789");
    put("\nab\tc\x80\n");
    put("abcdefghijkl");
    check_row(0, 1, "0123456789");
    check_row(1, 1, "ab?c?");
    check_row(2, 1, "abcdefghij");
    check_row(3, 1, "kl");
}

/* What a line editor sends: the line again, or a part of it. */
static void test_a_line_can_be_edited(void **state)
{
    (void)state;
    screen(10 * 8, 4 * 16, 10 * 8, 4 * 16 * 10 * 8 * 4);
    assert_true(framebuffer_open(&fb));
    framebuffer_show();
    put("> maps\b\b\b\bX");
    check_row(0, 1, "> Xaps");
    put("\033[K");
    check_row(0, 1, "> X");
    put("\r\b$\033[1;31mred\033[0m\033c!");
    check_row(0, 1, "$red!");
    put("\n0123456789\033[K\b\033[K\n\n");
    check_row(1, 1, "012345678");
    put("last\r\033[Kx");
    check_row(3, 1, "x");
}

static void test_nothing_is_drawn_until_it_is_shown(void **state)
{
    (void)state;
    screen(10 * 8, 4 * 16, 10 * 8, 4 * 16 * 10 * 8 * 4);
    assert_true(framebuffer_open(&fb));
    put("0\n1\n2\n3\n4\n");
    for (size_t i = 0; i < pixel_count; i++)
        assert_int_equal(pixels[i], GUARD);
    framebuffer_show();
    put("5");
    framebuffer_show();
    check_row(0, 1, "2");
    check_row(3, 1, "5");
}

static void test_scrolling_shows_the_newest_lines(void **state)
{
    char line[16];

    (void)state;
    screen(10 * 8, 8 * 16, 12 * 8, 8 * 16 * 12 * 8 * 4);
    assert_true(framebuffer_open(&fb));
    framebuffer_show();
    for (unsigned i = 0; i < 100; i++) {
        snprintf(line, sizeof(line), "line %u\n", i);
        put(line);
    }
    for (unsigned row = 0; row < 8; row++) {
        char text[16];
        read_row(row, 1, text);
        if (strncmp(text, "line 99", 7) == 0) {
            assert_in_range(row, 4, 7);
            check_row(row - 1, 1, "line 98");
            check_row(row - 4, 1, "line 95");
            return;
        }
    }
    fail_msg("the last line is not on the screen");
}

static void test_a_held_page_keeps_its_first_lines(void **state)
{
    (void)state;
    screen(10 * 8, 3 * 16, 10 * 8, 3 * 16 * 10 * 8 * 4);
    assert_true(framebuffer_open(&fb));
    framebuffer_show();
    put("log\nlog\nlog\nlog");
    framebuffer_hold();
    put("first\nsecond, that wraps\nthird\n");
    check_row(0, 1, "first");
    check_row(1, 1, "second, th");
    check_row(2, 1, "at wraps");
    framebuffer_hold();
    put("fourth");
    check_row(0, 1, "first");
    check_row(2, 1, "at wraps");
    framebuffer_scroll();
    put("\nfifth\nsixth");
    check_row(1, 1, "fifth");
    check_row(2, 1, "sixth");
}

static void test_wide_screens_get_large_glyphs(void **state)
{
    (void)state;
    screen(2560, 64, 2560, 64 * 2560 * 4);
    assert_true(framebuffer_open(&fb));
    framebuffer_show();
    put("wide\nscreen");
    check_row(0, 2, "wide");
    check_row(1, 2, "screen");
}

static void test_padding_and_the_rest_stay_untouched(void **state)
{
    (void)state;
    screen(85, 40, 100, 40 * 100 * 4 + 400);
    assert_true(framebuffer_open(&fb));
    framebuffer_show();
    for (unsigned i = 0; i < 20; i++)
        put("0123456789abc\n");
    for (size_t i = 0; i < pixel_count; i++) {
        if (i % 100 >= 85 || i / 100 >= 40)
            assert_int_equal(pixels[i], GUARD);
    }
}

static void test_length_bounds_the_screen(void **state)
{
    (void)state;
    for (uint64_t length = 0; length < 40 * 100 * 4; length += 52) {
        screen(85, 40, 100, length);
        if (length < 16 * 100 * 4)
            assert_false(framebuffer_open(&fb));
        else
            assert_true(framebuffer_open(&fb));
        framebuffer_show();
        for (unsigned i = 0; i < 5; i++)
            put("0123456789abc\n");
    }
}

static void test_bad_geometry_is_refused(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 9; i++) {
        screen(80, 32, 80, 80 * 32 * 4);
        switch (i) {
        case 0:
            fb.base = 0;
            break;
        case 1:
            fb.base += 2;
            break;
        case 2:
            fb.stride = 0;
            break;
        case 3:
            fb.stride = 79;
            break;
        case 4:
            fb.width = 7;
            break;
        case 5:
            fb.height = 15;
            break;
        case 6:
            fb.red_shift = 25;
            break;
        case 7:
            fb.length = 0;
            break;
        default:
            fb.stride = UINT32_MAX;
            break;
        }
        assert_false(framebuffer_open(&fb));
        put("nothing");
        assert_int_equal(pixels[0], GUARD);
    }
}

static void test_huge_screens_are_clipped(void **state)
{
    (void)state;
    screen(8000, 4000, 8000, UINT64_C(8000) * 4000 * 4);
    assert_true(framebuffer_open(&fb));
    framebuffer_show();
    for (unsigned i = 0; i < 300; i++)
        put("0123456789abc\n");
}

static int stop(void **state)
{
    (void)state;
    free(pixels);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_wraps_and_controls_show),
        cmocka_unit_test(test_a_line_can_be_edited),
        cmocka_unit_test(test_nothing_is_drawn_until_it_is_shown),
        cmocka_unit_test(test_scrolling_shows_the_newest_lines),
        cmocka_unit_test(test_a_held_page_keeps_its_first_lines),
        cmocka_unit_test(test_wide_screens_get_large_glyphs),
        cmocka_unit_test(test_padding_and_the_rest_stay_untouched),
        cmocka_unit_test(test_length_bounds_the_screen),
        cmocka_unit_test(test_bad_geometry_is_refused),
        cmocka_unit_test(test_huge_screens_are_clipped),
    };

    return cmocka_run_group_tests_name("framebuffer", tests, NULL, stop);
}
