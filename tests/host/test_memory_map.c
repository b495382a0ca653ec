/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include "boot/memory_map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PAGE UINT64_C(4096)

static struct boot_info info;

static int setup(void **state)
{
    (void)state;
    memset(&info, 0, sizeof(info));
    return 0;
}

static bool set(uint64_t first, uint64_t pages, enum boot_memory_kind kind)
{
    return boot_memory_set(&info, first * PAGE, pages * PAGE, kind);
}

static void assert_entry(unsigned index, uint64_t first, uint64_t pages, enum boot_memory_kind kind)
{
    assert_true(index < info.memory_count);
    assert_int_equal(info.memory[index].base, first * PAGE);
    assert_int_equal(info.memory[index].length, pages * PAGE);
    assert_int_equal(info.memory[index].kind, kind);
}

static void neighbours_of_one_kind_are_merged(void **state)
{
    (void)state;
    assert_true(set(20, 10, BOOT_MEMORY_USABLE));
    assert_true(set(0, 10, BOOT_MEMORY_USABLE));
    assert_true(set(10, 10, BOOT_MEMORY_USABLE));
    assert_true(set(30, 1, BOOT_MEMORY_MMIO));
    assert_int_equal(info.memory_count, 2);
    assert_entry(0, 0, 30, BOOT_MEMORY_USABLE);
    assert_entry(1, 30, 1, BOOT_MEMORY_MMIO);
}

static void the_later_kind_decides(void **state)
{
    (void)state;
    assert_true(set(0, 30, BOOT_MEMORY_USABLE));
    assert_true(set(10, 10, BOOT_MEMORY_IMAGE));
    assert_int_equal(info.memory_count, 3);
    assert_entry(0, 0, 10, BOOT_MEMORY_USABLE);
    assert_entry(1, 10, 10, BOOT_MEMORY_IMAGE);
    assert_entry(2, 20, 10, BOOT_MEMORY_USABLE);

    assert_true(set(5, 20, BOOT_MEMORY_FIRMWARE));
    assert_int_equal(info.memory_count, 3);
    assert_entry(0, 0, 5, BOOT_MEMORY_USABLE);
    assert_entry(1, 5, 20, BOOT_MEMORY_FIRMWARE);
    assert_entry(2, 25, 5, BOOT_MEMORY_USABLE);
}

static void malformed_ranges_are_refused(void **state)
{
    (void)state;
    assert_false(set(1, 0, BOOT_MEMORY_USABLE));
    assert_false(boot_memory_set(&info, 1, PAGE, BOOT_MEMORY_USABLE));
    assert_false(boot_memory_set(&info, 0, PAGE - 1, BOOT_MEMORY_USABLE));
    assert_false(boot_memory_set(&info, UINT64_MAX - PAGE + 1, 2 * PAGE, BOOT_MEMORY_USABLE));
    assert_int_equal(info.memory_count, 0);
}

static void a_full_map_gives_up_its_smallest_usable_entry(void **state)
{
    (void)state;
    for (unsigned i = 0; i < BOOT_MEMORY_MAX; i++) {
        enum boot_memory_kind kind = i == 9 ? BOOT_MEMORY_FIRMWARE : BOOT_MEMORY_USABLE;

        assert_true(set(10 * i, i == 9 ? 1 : i == 7 ? 2 : 3, kind));
    }
    assert_int_equal(info.memory_count, BOOT_MEMORY_MAX);

    assert_false(set(5, 1, BOOT_MEMORY_USABLE));
    assert_int_equal(info.memory_count, BOOT_MEMORY_MAX);
    assert_entry(7, 70, 2, BOOT_MEMORY_USABLE);

    assert_false(set(5, 1, BOOT_MEMORY_IMAGE));
    assert_int_equal(info.memory_count, BOOT_MEMORY_MAX);
    assert_entry(1, 5, 1, BOOT_MEMORY_IMAGE);
    assert_entry(8, 80, 3, BOOT_MEMORY_USABLE);
    assert_entry(9, 90, 1, BOOT_MEMORY_FIRMWARE);
}

/* Against a map that keeps the kind of each page. */
static void random_ranges_agree_with_a_page_array(void **state)
{
    enum { PAGES = 64, NONE = 0xFF };
    uint8_t pages[PAGES];
    unsigned random = 1;

    (void)state;
    memset(pages, NONE, sizeof(pages));
    for (unsigned round = 0; round < 2000; round++) {
        random = random * 1103515245U + 12345U;
        unsigned first = random >> 16 & 31, count = 1 + (random >> 21 & 31);
        enum boot_memory_kind kind = random >> 28 & 3;

        assert_true(set(first, count, kind));
        memset(pages + first, (int)kind, count);
        for (unsigned i = 0, page = 0; i < info.memory_count; i++) {
            const struct boot_memory *entry = &info.memory[i];

            for (; page < entry->base / PAGE; page++)
                assert_int_equal(pages[page], NONE);
            for (; page < (entry->base + entry->length) / PAGE; page++)
                assert_int_equal(pages[page], entry->kind);
            if (i > 0)
                assert_true(entry[-1].base + entry[-1].length < entry->base ||
                            entry[-1].kind != entry->kind);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(neighbours_of_one_kind_are_merged, setup),
        cmocka_unit_test_setup(the_later_kind_decides, setup),
        cmocka_unit_test_setup(malformed_ranges_are_refused, setup),
        cmocka_unit_test_setup(a_full_map_gives_up_its_smallest_usable_entry, setup),
        cmocka_unit_test_setup(random_ranges_agree_with_a_page_array, setup),
    };

    return cmocka_run_group_tests_name("memory_map", tests, NULL, NULL);
}
