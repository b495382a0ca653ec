/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "drivers/iommu/core/allocator.h"
#include "lib/frames.h"
#include "tests/model/machine.h"

#include <stdlib.h>
#include <string.h>

/*
 * Properties:
 *  1. No two ranges that are taken or given overlap, even rounded to the next power of two.
 *  2. A range is aligned to its rounded size and lies between minimum and maximum, both inclusive.
 *  3. Page 0, the interrupt window, excluded pages and pages outside the window are never taken.
 *  4. With nothing on the stacks a request gets the lowest place in the smallest free block that
 *     has room between minimum and maximum.
 *  5. NO_SPACE only when no aligned free block lies between minimum and maximum.
 *  6. A given range is not taken again before its generation is released, and is free from then on.
 *  7. With everything given back and trimmed, the free blocks and the memory are as at the start.
 *  8. Giving and releasing need no memory; a failed call changes nothing and writes no output.
 */
#define AT(page)  ((uint64_t)(page) << ALLOCATOR_PAGE_SHIFT)
#define UPTO(end) (AT(end) - 1)
#define ANYWHERE  UINT64_C(0), UINT64_MAX
#define UNTOUCHED UINT64_C(0xA5A5)

static struct allocator allocator;
static uint64_t seed, random_seed;

static uint64_t draw(uint64_t limit)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % limit;
}

static int start(void **state)
{
    (void)state;
    model_reset();
    seed = random_seed | 1;
    return 0;
}

static void open_window(unsigned width)
{
    assert_int_equal(allocator_init(&allocator, width), ALLOCATOR_OK);
}

static void close_window(void)
{
    allocator_destroy(&allocator);
    assert_int_equal(model_frames_owned(OWNER_IOMMU), 0);
}

static uint64_t take(uint64_t pages, uint64_t min, uint64_t max)
{
    uint64_t address = UNTOUCHED;

    assert_int_equal(allocator_take(&allocator, pages, min, max, &address), ALLOCATOR_OK);
    return address;
}

static void refuse(uint64_t pages, uint64_t min, uint64_t max, enum allocator_status status)
{
    uint64_t address = UNTOUCHED;

    assert_int_equal(allocator_take(&allocator, pages, min, max, &address), status);
    assert_int_equal(address, UNTOUCHED);
}

static void give(uint64_t address, uint64_t pages, uint64_t generation)
{
    assert_int_equal(allocator_give(&allocator, address, pages, generation), ALLOCATOR_OK);
}

static uint64_t rounded(uint64_t pages)
{
    uint64_t size = 1;

    while (size < pages)
        size *= 2;
    return size;
}

/* ---- examples ---- */

static void widths_have_bounds(void **state)
{
    (void)state;
    for (unsigned width = 0; width < 80; width++) {
        if (width < 13 || width > 63) {
            assert_int_equal(allocator_init(&allocator, width), ALLOCATOR_BAD_RANGE);
            continue;
        }
        open_window(width);
        uint64_t top = UINT64_C(1) << (width - 12);
        /* The upper half is the largest block there is, except where the interrupt window is. */
        uint64_t half = width == 32 ? 1 : top / 2;
        uint64_t address = take(half, ANYWHERE);
        if (width != 32)
            assert_int_equal(address, AT(half));
        refuse(top, ANYWHERE, ALLOCATOR_NO_SPACE);
        refuse(UINT64_MAX, ANYWHERE, ALLOCATOR_NO_SPACE);
        refuse((UINT64_C(1) << 63) + 2, ANYWHERE, ALLOCATOR_NO_SPACE);
        refuse(1, AT(top), UINT64_MAX, ALLOCATOR_NO_SPACE);
        give(address, half, 0);
        close_window();
    }
}

static void low_addresses_come_first(void **state)
{
    (void)state;
    open_window(48);
    for (uint64_t page = 1; page < 256; page++)
        assert_int_equal(take(1, ANYWHERE), AT(page));
    assert_int_equal(take(0x100000, ANYWHERE), AT(0x100000));
    close_window();
}

static void page_zero_and_interrupts_are_never_taken(void **state)
{
    (void)state;
    open_window(39);
    refuse(1, 0, UPTO(1), ALLOCATOR_NO_SPACE);
    refuse(2, 0, UPTO(2), ALLOCATOR_NO_SPACE);
    refuse(1, AT(0xFEE00), UPTO(0xFEF00), ALLOCATOR_NO_SPACE);
    assert_int_equal(take(1, AT(0xFEE00), UPTO(0xFEF01)), AT(0xFEF00));
    assert_int_equal(take(1, AT(0xFEDFF), UPTO(0xFEF00)), AT(0xFEDFF));
    refuse(0x800, AT(0xFE800), UPTO(0xFF000), ALLOCATOR_NO_SPACE);
    refuse(0x80000, AT(0x80000), UPTO(0x100000), ALLOCATOR_NO_SPACE);
    assert_int_equal(take(0x40000, AT(0x80000), UPTO(0x100000)), AT(0x80000));
    close_window();
}

static void exclusions_are_whole_pages_and_may_repeat(void **state)
{
    (void)state;
    open_window(40);
    assert_int_equal(allocator_exclude(&allocator, AT(100) + 5, AT(101)), ALLOCATOR_OK);
    assert_int_equal(allocator_exclude(&allocator, AT(90), AT(4000) + 1), ALLOCATOR_OK);
    assert_int_equal(allocator_exclude(&allocator, AT(95), AT(97)), ALLOCATOR_OK);
    assert_int_equal(allocator_exclude(&allocator, AT(1) << 28, UINT64_MAX), ALLOCATOR_OK);
    assert_int_equal(allocator_exclude(&allocator, AT(2), AT(1)), ALLOCATOR_BAD_RANGE);
    refuse(1, AT(90), UPTO(4001), ALLOCATOR_NO_SPACE);
    uint64_t low = take(1, AT(80), UPTO(4001));
    assert_int_equal(take(1, AT(90), UINT64_MAX), AT(4001));
    assert_true(low < AT(90));
    assert_int_equal(allocator_exclude(&allocator, AT(9), AT(9)), ALLOCATOR_IN_USE);
    give(low, 1, 5);
    give(AT(4001), 1, 5);
    assert_int_equal(allocator_exclude(&allocator, AT(9), AT(9)), ALLOCATOR_IN_USE);
    allocator_release(&allocator, 5);
    assert_int_equal(allocator_exclude(&allocator, 0, UINT64_MAX), ALLOCATOR_OK);
    refuse(1, ANYWHERE, ALLOCATOR_NO_SPACE);
    assert_int_equal(allocator.orders, 0);
    close_window();
}

/* A window exactly as wide as one slot fits it; one byte or page less at either end does not. */
static void windows_of_one_slot(void **state)
{
    (void)state;
    for (unsigned width = 33; width <= 63; width += 10) {
        open_window(width);
        for (unsigned order = 0; order + 13 < width; order++) {
            uint64_t size = UINT64_C(1) << order, pages = size - (order > 1);
            uint64_t at = (UINT64_C(1) << (width - 12)) - size * (order < 6 ? 2 : 1);

            refuse(pages, AT(at) + 1, UPTO(at + size), ALLOCATOR_NO_SPACE);
            refuse(pages, AT(at), UPTO(at + pages) - 1, ALLOCATOR_NO_SPACE);
            assert_int_equal(take(pages, AT(at), UPTO(at + pages)), AT(at));
            refuse(pages, AT(at), UPTO(at + pages), ALLOCATOR_NO_SPACE);
            give(AT(at), pages, 0);
            refuse(pages, AT(at) + 1, UPTO(at + size), ALLOCATOR_NO_SPACE);
            refuse(pages, AT(at), UPTO(at + pages) - 1, ALLOCATOR_NO_SPACE);
            assert_int_equal(take(pages, AT(at), UPTO(at + pages)), AT(at));
            give(AT(at), pages, 0);
        }
        close_window();
    }
}

static void bad_arguments_change_nothing(void **state)
{
    static struct allocator before;

    (void)state;
    open_window(36);
    uint64_t address = take(100, ANYWHERE);
    uint64_t large = take(5000, ANYWHERE);
    give(take(1, ANYWHERE), 1, 0);
    memcpy(&before, &allocator, sizeof(before));
    refuse(0, ANYWHERE, ALLOCATOR_BAD_RANGE);
    refuse(1, AT(5), AT(5) - 1, ALLOCATOR_BAD_RANGE);
    refuse(1, AT(5), AT(5), ALLOCATOR_NO_SPACE);
    refuse(1, 0, 0, ALLOCATOR_NO_SPACE);
    refuse(1, UINT64_MAX, UINT64_MAX, ALLOCATOR_NO_SPACE);
    static const struct {
        uint64_t offset, pages;
        enum allocator_status status;
    } bad[] = {
        {0, 0, ALLOCATOR_BAD_RANGE},           {1, 100, ALLOCATOR_BAD_RANGE},
        {0, UINT64_MAX, ALLOCATOR_BAD_RANGE},  {0, UINT64_MAX / 4096, ALLOCATOR_BAD_RANGE},
        {AT(1) << 24, 1, ALLOCATOR_BAD_RANGE}, {UINT64_C(0) - 4096, 1, ALLOCATOR_NOT_TAKEN},
        {AT(1), 99, ALLOCATOR_NOT_TAKEN},      {AT(1), 100, ALLOCATOR_NOT_TAKEN},
        {AT(64), 36, ALLOCATOR_NOT_TAKEN},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(allocator_give(&allocator, address + bad[i].offset, bad[i].pages, i),
                         bad[i].status);
    for (uint64_t pages = 1; pages < 9000; pages++) {
        if (pages != 100)
            assert_int_equal(allocator_give(&allocator, address, pages, 1), ALLOCATOR_NOT_TAKEN);
        if (pages != 5000)
            assert_int_equal(allocator_give(&allocator, large, pages, 1), ALLOCATOR_NOT_TAKEN);
        assert_int_equal(allocator_is_taken(&allocator, address, pages), pages == 100);
        assert_int_equal(allocator_is_taken(&allocator, large, pages), pages == 5000);
    }
    memcpy(before.lookups, allocator.lookups, sizeof(before.lookups));
    assert_memory_equal(&before, &allocator, sizeof(before));
    give(address, 100, 1);
    assert_int_equal(allocator_give(&allocator, address, 100, 1), ALLOCATOR_NOT_TAKEN);
    give(large, 5000, 0);
    assert_int_equal(allocator_give(&allocator, large, 5000, 0), ALLOCATOR_NOT_TAKEN);
    allocator_release(&allocator, 1);
    assert_int_equal(allocator_give(&allocator, address, 100, 1), ALLOCATOR_NOT_TAKEN);
    close_window();
}

static void given_ranges_wait_for_their_generation(void **state)
{
    (void)state;
    open_window(32);
    uint64_t a = take(4, ANYWHERE), b = take(4, ANYWHERE), c = take(4, ANYWHERE);
    give(a, 4, 7);
    give(b, 4, 9);
    give(c, 4, 8);
    allocator_release(&allocator, 6);
    refuse(4, a, a + UPTO(4), ALLOCATOR_NO_SPACE);
    allocator_release(&allocator, 7);
    assert_int_equal(take(4, a, a + UPTO(4)), a);
    refuse(4, b, b + UPTO(4), ALLOCATOR_NO_SPACE);
    allocator_release(&allocator, 8);
    refuse(4, c, c + UPTO(4), ALLOCATOR_NO_SPACE); /* behind b */
    refuse(4, b, b + UPTO(4), ALLOCATOR_NO_SPACE);
    allocator_release(&allocator, 9);
    assert_int_equal(take(4, ANYWHERE), c); /* the newest */
    assert_int_equal(take(4, ANYWHERE), b);
    give(c, 4, 8); /* complete already */
    assert_int_equal(take(4, ANYWHERE), c);
    close_window();
}

static void fills_up_and_empties(void **state)
{
    static uint64_t taken[4096];
    size_t count = 0;

    (void)state;
    open_window(24);
    uint64_t orders = allocator.orders;
    for (unsigned generation = 0; generation < 3; generation++) {
        while (count < 4095)
            taken[count++] = take(1, ANYWHERE);
        refuse(1, ANYWHERE, ALLOCATOR_NO_SPACE);
        while (count) {
            size_t i = (size_t)draw(count);
            give(taken[i], 1, generation);
            taken[i] = taken[--count];
        }
        if (generation)
            refuse(1, ANYWHERE, ALLOCATOR_NO_SPACE);
        allocator_release(&allocator, generation);
        assert_int_equal(take(2048, ANYWHERE), AT(2048)); /* by draining the stacks */
        give(AT(2048), 2048, 0);
    }
    allocator_trim(&allocator);
    assert_int_equal(allocator.orders, orders);
    close_window();
}

static void may_be_moved(void **state)
{
    static struct allocator other;

    (void)state;
    open_window(48);
    uint64_t a = take(3, ANYWHERE), b = take(9000, ANYWHERE);
    give(a, 3, 4);
    memcpy(&other, &allocator, sizeof(other));
    memset(&allocator, 0xEE, sizeof(allocator));
    assert_int_equal(allocator_give(&other, b, 9000, 4), ALLOCATOR_OK);
    allocator_release(&other, 4);
    memcpy(&allocator, &other, sizeof(allocator));
    assert_int_equal(take(3, ANYWHERE), a);
    close_window();
}

/* ---- memory that runs out ---- */

static void init_without_memory(void **state)
{
    enum allocator_status status = ALLOCATOR_NO_MEMORY;

    (void)state;
    for (unsigned nth = 1; status != ALLOCATOR_OK; nth++) {
        model_fail_allocation(nth);
        status = allocator_init(&allocator, 63);
        model_fail_allocation(0);
        if (status == ALLOCATOR_OK) {
            assert_true(nth > 8);
            break;
        }
        assert_int_equal(status, ALLOCATOR_NO_MEMORY);
        assert_int_equal(model_frames_owned(OWNER_IOMMU), 0);
    }
    close_window();
}

static void exclude_without_memory(void **state)
{
    unsigned failures = 0;

    (void)state;
    open_window(63);
    allocator_trim(&allocator);
    size_t nodes = allocator.node_count;
    uint64_t orders = allocator.orders;
    uint64_t first = AT(0x123456789), last = AT(0x3212345678999);

    for (unsigned nth = 1;; nth++) {
        model_fail_allocation(nth);
        enum allocator_status status = allocator_exclude(&allocator, first, last);
        model_fail_allocation(0);
        if (status == ALLOCATOR_OK)
            break;
        failures++;
        assert_int_equal(status, ALLOCATOR_NO_MEMORY);
        assert_int_equal(allocator.node_count, nodes);
        assert_int_equal(allocator.orders, orders);
        allocator_trim(&allocator);
    }
    assert_true(failures >= 8);
    refuse(1, first, last, ALLOCATOR_NO_SPACE);
    close_window();
}

/* Each take in a far place needs nodes, and every 256th range a longer queue. */
static void take_without_memory(void **state)
{
    unsigned failures = 0;

    (void)state;
    open_window(63);
    for (unsigned i = 1; i < 600; i++) {
        uint64_t page = (uint64_t)i << 20, address = UNTOUCHED;

        for (unsigned nth = 1;; nth++) {
            allocator_trim(&allocator);
            size_t nodes = allocator.node_count, frames = model_frames_owned(OWNER_IOMMU);
            uint64_t orders = allocator.orders;
            model_fail_allocation(nth);
            enum allocator_status status =
                allocator_take(&allocator, 3, AT(page), UPTO(page + 4), &address);
            model_fail_allocation(0);
            if (status == ALLOCATOR_OK)
                break;
            failures++;
            assert_int_equal(status, ALLOCATOR_NO_MEMORY);
            assert_int_equal(address, UNTOUCHED);
            assert_int_equal(allocator.node_count, nodes);
            assert_int_equal(allocator.orders, orders);
            allocator_trim(&allocator);
            assert_in_range(model_frames_owned(OWNER_IOMMU), frames, frames + 8);
        }
        assert_int_equal(address, AT(page));
    }
    assert_true(failures > 600);
    unsigned allocations = model_allocations();
    for (unsigned i = 1; i < 600; i++)
        give(AT((uint64_t)i << 20), 3, i);
    allocator_release(&allocator, 600);
    assert_int_equal(model_allocations(), allocations);
    close_window();
}

/* ---- random sequences against a plain model ---- */

enum page_state { FREE, OUT, TAKEN, GIVEN };

#define MODEL_PAGES (UINT64_C(1) << 13)
#define RANGES_MAX  2048u

struct range {
    uint64_t address, pages, generation;
};

static uint8_t pages_of[MODEL_PAGES];
static struct range taken[RANGES_MAX], given[RANGES_MAX];
static size_t taken_count, given_count;
static uint64_t newest;

static bool all_free(uint64_t page, uint64_t count)
{
    for (uint64_t i = page; i < page + count; i++)
        if (pages_of[i] != FREE)
            return false;
    return true;
}

/* The placement of property 4 by looking at every block; MODEL_PAGES: there is none. */
static uint64_t place(uint64_t size, uint64_t low, uint64_t last, uint64_t pages)
{
    for (uint64_t block = size; block < MODEL_PAGES; block *= 2)
        for (uint64_t base = 0; base < MODEL_PAGES; base += block) {
            uint64_t at = base > low ? base : (low + size - 1) / size * size;

            if (at >= base + block || at + pages - 1 > last || !all_free(base, block))
                continue;
            if (block * 2 == MODEL_PAGES || !all_free(base / (2 * block) * (2 * block), 2 * block))
                return at;
        }
    return MODEL_PAGES;
}

static void mark(const struct range *range, enum page_state from, enum page_state to)
{
    uint64_t page = range->address >> ALLOCATOR_PAGE_SHIFT;

    for (uint64_t i = page; i < page + rounded(range->pages); i++) {
        assert_int_equal(pages_of[i], from);
        pages_of[i] = (uint8_t)to;
    }
}

static void take_one(void)
{
    uint64_t pages = 1 + draw(UINT64_C(1) << draw(10)), size = rounded(pages);
    uint64_t low = draw(3) ? 0 : draw(MODEL_PAGES), high = draw(3) ? MODEL_PAGES - 1 : 0;
    bool precise = !draw(64);
    struct range range = {.address = UNTOUCHED, .pages = pages};

    if (!high)
        high = low + draw(MODEL_PAGES - low);
    if (precise)
        allocator_trim(&allocator);
    enum allocator_status status = allocator_take(&allocator, pages, AT(low) - draw(2) * !!low,
                                                  UPTO(high + 1) + draw(4096), &range.address);
    if (status != ALLOCATOR_OK) {
        assert_int_equal(status, ALLOCATOR_NO_SPACE);
        assert_int_equal(range.address, UNTOUCHED);
        assert_int_equal(place(size, low, high, pages), MODEL_PAGES);
        return;
    }
    uint64_t page = range.address >> ALLOCATOR_PAGE_SHIFT;
    assert_int_equal(range.address % AT(size), 0);
    assert_true(page >= low && page + pages - 1 <= high);
    if (precise)
        assert_int_equal(page, place(size, low, high, pages));
    mark(&range, FREE, TAKEN);
    taken[taken_count++] = range;
}

static void give_one(void)
{
    size_t i = (size_t)draw(taken_count);
    struct range range = taken[i];

    range.generation = draw(4) ? newest : 0;
    give(range.address, range.pages, range.generation);
    taken[i] = taken[--taken_count];
    if (range.generation) {
        mark(&range, TAKEN, GIVEN);
        given[given_count++] = range;
    } else {
        mark(&range, TAKEN, FREE);
    }
}

static void release_some(uint64_t generation)
{
    size_t done = 0;

    allocator_release(&allocator, generation);
    for (; done < given_count && given[done].generation <= generation; done++)
        mark(&given[done], GIVEN, FREE);
    given_count -= done;
    memmove(given, given + done, given_count * sizeof(given[0]));
}

static void give_wrongly(void)
{
    uint64_t page = draw(MODEL_PAGES), pages = 1 + draw(1u << draw(8));

    for (size_t i = 0; i < taken_count; i++)
        if (taken[i].address == AT(page) && taken[i].pages == pages)
            return;
    assert_int_equal(allocator_give(&allocator, AT(page), pages, newest),
                     page + pages > MODEL_PAGES ? ALLOCATOR_BAD_RANGE : ALLOCATOR_NOT_TAKEN);
}

static void exclude_some(void)
{
    memset(pages_of, FREE, sizeof(pages_of));
    pages_of[0] = OUT;
    for (unsigned i = 0; i < 4; i++) {
        uint64_t first = draw(MODEL_PAGES), last = first + draw(300);

        assert_int_equal(allocator_exclude(&allocator, AT(first), AT(last)), ALLOCATOR_OK);
        for (uint64_t page = first; page <= last && page < MODEL_PAGES; page++)
            pages_of[page] = OUT;
    }
}

static void random_round(unsigned operations)
{
    open_window(25);
    exclude_some();
    allocator_trim(&allocator);
    uint64_t orders = allocator.orders;
    size_t nodes = allocator.node_count, frames = model_frames_owned(OWNER_IOMMU);
    size_t queue = allocator.queue_capacity;

    taken_count = given_count = 0;
    newest = 1;
    for (unsigned i = 0; i < operations; i++) {
        uint64_t what = draw(16);

        if (what < 8 && taken_count + given_count < RANGES_MAX)
            take_one();
        else if (what < 14 && taken_count)
            give_one();
        else if (what == 14)
            release_some(newest - draw(newest < 3 ? 1 : 3)), newest++;
        else
            give_wrongly();
    }
    while (taken_count)
        give_one();
    release_some(newest);
    allocator_trim(&allocator);
    assert_int_equal(allocator.orders, orders);
    assert_int_equal(allocator.node_count, nodes);
    if (allocator.queue_capacity == queue)
        assert_int_equal(model_frames_owned(OWNER_IOMMU), frames);
    close_window();
}

static void random_sequences(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 40; i++)
        random_round(25000);
}

/* ---- wide windows: every size, overlap checked against all live ranges ---- */

static void no_overlap(const struct range *range)
{
    uint64_t end = range->address + AT(rounded(range->pages)) - 1;

    for (size_t i = 0; i < taken_count; i++)
        assert_true(end < taken[i].address ||
                    taken[i].address + AT(rounded(taken[i].pages)) - 1 < range->address);
    assert_true(range->address >= AT(1));
    assert_true(end < UINT64_C(0xFEE00000) || range->address > UINT64_C(0xFEEFFFFF));
}

static void wide_round(unsigned width)
{
    open_window(width);
    uint64_t orders = allocator.orders, window = UINT64_C(1) << width;
    size_t nodes = allocator.node_count;

    taken_count = 0;
    for (unsigned i = 0; i < 8000; i++) {
        struct range range = {.pages = 1 + draw(UINT64_C(1) << draw(width - 12))};
        uint64_t min = draw(2) ? 0 : draw(window), max = min + draw(window - min);

        if (taken_count == 200 || (taken_count && !draw(3))) {
            size_t out = (size_t)draw(taken_count);
            give(taken[out].address, taken[out].pages, 0);
            taken[out] = taken[--taken_count];
        } else if (allocator_take(&allocator, range.pages, min, max, &range.address) ==
                   ALLOCATOR_OK) {
            assert_true(range.address >= min);
            assert_true(range.address + AT(range.pages) - 1 <= max);
            assert_int_equal(range.address % AT(rounded(range.pages)), 0);
            no_overlap(&range);
            taken[taken_count++] = range;
        }
    }
    while (taken_count--)
        give(taken[taken_count].address, taken[taken_count].pages, 0);
    allocator_trim(&allocator);
    assert_int_equal(allocator.orders, orders);
    assert_int_equal(allocator.node_count, nodes);
    close_window();
}

static void wide_windows(void **state)
{
    (void)state;
    for (unsigned width = 33; width <= 63; width += 3)
        wide_round(width);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(widths_have_bounds, start),
        cmocka_unit_test_setup(low_addresses_come_first, start),
        cmocka_unit_test_setup(page_zero_and_interrupts_are_never_taken, start),
        cmocka_unit_test_setup(exclusions_are_whole_pages_and_may_repeat, start),
        cmocka_unit_test_setup(windows_of_one_slot, start),
        cmocka_unit_test_setup(bad_arguments_change_nothing, start),
        cmocka_unit_test_setup(given_ranges_wait_for_their_generation, start),
        cmocka_unit_test_setup(fills_up_and_empties, start),
        cmocka_unit_test_setup(may_be_moved, start),
        cmocka_unit_test_setup(init_without_memory, start),
        cmocka_unit_test_setup(exclude_without_memory, start),
        cmocka_unit_test_setup(take_without_memory, start),
        cmocka_unit_test_setup(random_sequences, start),
        cmocka_unit_test_setup(wide_windows, start),
    };

    const char *fixed = getenv("BULKHEAD_SEED");

    random_seed = fixed ? strtoull(fixed, NULL, 0) : UINT64_C(20261121);
    print_message("BULKHEAD_SEED=%llu\n", (unsigned long long)random_seed);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
